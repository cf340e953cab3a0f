"""The three models, and 1,000 samples for each: rows for wattstar, for optimum-benchmark and for the bare loop."""

from __future__ import annotations

import hashlib
import json
import random
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

EDITION = "cost-1"
SEED = 20261126
WORDS = (4, 40)
"""Of a sentence, at least and at most: four of the longest stay below every limit that any of the three applies."""
MINI = ("text-generation", "summarization", "question-answering")
"""Embedded test sets whose English sentences the samples are made of."""


@dataclass(frozen=True)
class Work:
    """One model with one task."""

    name: str
    task: str
    model: str
    config: str
    """Of optimum-benchmark: the file in ``energy_star/``."""
    sentences: tuple[int, int]
    """Of one text, at least and at most."""
    few: int
    """Samples that are served again and again where per-sample times are compared."""
    turn_seconds: float
    """So long each of the two serves before it is the other's turn: all ``few`` at least once."""
    pairs: int
    """So many samples are served by both sides in one process."""
    rate_seconds: float
    """Roughly, of one sample on two cores: for time limits."""
    new_tokens: int | None = None


WORKS = (
    Work(
        "similarity",
        "sentence-similarity",
        "sentence-transformers/all-MiniLM-L6-v2",
        "sentence_similarity",
        sentences=(1, 1),
        few=60,
        turn_seconds=3.0,
        pairs=400,
        rate_seconds=0.02,
    ),
    Work(
        "classification",
        "text-classification",
        "wattstar/minilm-prompt-injection",
        "text_classification",
        sentences=(1, 4),
        few=60,
        turn_seconds=3.0,
        pairs=400,
        rate_seconds=0.02,
    ),
    Work(
        "generation",
        "text-generation",
        "HuggingFaceTB/SmolLM2-135M-Instruct",
        "text_generation",
        sentences=(1, 3),
        few=4,
        turn_seconds=6.0,
        pairs=60,
        rate_seconds=1.0,
        new_tokens=10,
    ),
)


def inputs(work: Work, count: int) -> list[dict[str, str]]:
    """The samples' texts, by the field of the task's input; the same ones every time."""
    pool = sentences()
    draw = random.Random(f"{SEED} {work.name}")

    def text() -> str:
        return " ".join(draw.sample(pool, draw.randint(*work.sentences)))

    fields = {"similarity": ("sentence1", "sentence2"), "classification": ("text",), "generation": ("prompt",)}
    return [{name: text() for name in fields[work.name]} for _ in range(count)]


def sentences() -> list[str]:
    """Every English sentence of usual length in the embedded edition, once, in order."""
    from wattstar import testsets

    folder = Path(testsets.__file__).parent / "mini"
    found: dict[str, None] = {}
    for tag in MINI:
        for line in (folder / f"{tag}.jsonl").read_text(encoding="utf-8").splitlines():
            for value in json.loads(line)["input"].values():
                parts = re.split(r"(?<=[.!?])\s+", value) if isinstance(value, str) else []
                found |= {part: None for part in parts if WORDS[0] <= len(part.split()) <= WORDS[1]}
    return list(found)


def spread(rows: Sequence[Mapping[str, str]], count: int) -> list[Mapping[str, str]]:
    """So many of the rows, evenly over their lengths: their mean work is that of all."""
    ordered = sorted(rows, key=lambda row: sum(map(len, row.values())))
    return [ordered[(2 * index + 1) * len(rows) // (2 * count)] for index in range(count)]


def write_edition(cache: Path, work: Work, rows: Sequence[Mapping[str, str]]) -> None:
    """As ``wattstar testset build`` leaves one below a cache folder; without right answers."""
    folder = cache / "wattstar" / "testsets" / EDITION / work.task
    folder.mkdir(parents=True, exist_ok=True)
    more: dict[str, Any] = {"labels": ["benign", "injection"]} if work.name == "classification" else {}
    made = [
        {
            "id": f"{work.name}-{index:04d}",
            "source": "mini-2, sentences drawn",
            "input": {**row, **more},
            "target": None,
        }
        for index, row in enumerate(rows)
    ]
    content = "".join(json.dumps(row) + "\n" for row in made).encode()
    (folder / "rows.jsonl").write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    (folder / "recipe.lock.toml").write_text(f'[made]\nrows = "{digest}"\ndigest = "{digest}"\n', encoding="utf-8")


def write_table(folder: Path, work: Work, rows: Sequence[Mapping[str, str]]) -> Path:
    """A folder that ``datasets.load_dataset`` reads as a data set with one split, ``train``."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    named = [{"text": row["prompt"]} if work.name == "generation" else dict(row) for row in rows]
    (folder / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in named), encoding="utf-8")
    return folder


def model_folder(work: Work) -> Path:
    """The model's files on this disk; makes them ready where that takes a conversion."""
    from wattstar import models

    return models.prepare(work.model)


def readable_by_transformers_4(source: Path, target: Path) -> Path:
    """A folder with the same weights; transformers 5 names the tokenizer's class and the rope's base otherwise."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for file in source.iterdir():
        if file.is_file() and file.name not in ("config.json", "tokenizer_config.json"):
            (target / file.name).symlink_to(file)
    config = json.loads((source / "config.json").read_text(encoding="utf-8"))
    config["rope_theta"] = config.pop("rope_parameters", {}).get("rope_theta", 10_000.0)
    config["torch_dtype"] = config.pop("dtype", "float32")
    (target / "config.json").write_text(json.dumps(config), encoding="utf-8")
    tokenizer = json.loads((source / "tokenizer_config.json").read_text(encoding="utf-8"))
    if tokenizer.pop("backend", None) == "tokenizers" and tokenizer["tokenizer_class"] == "TokenizersBackend":
        tokenizer["tokenizer_class"] = "PreTrainedTokenizerFast"
        tokenizer["model_input_names"] = ["input_ids", "attention_mask"]
    (target / "tokenizer_config.json").write_text(json.dumps(tokenizer), encoding="utf-8")
    return target
