"""Builds the first two editions from what AI Energy Score published of its runs on H100 cards.

``python scripts/editions/build.py FOLDER`` writes ``FOLDER/2025-02`` and ``FOLDER/2025-12``; a test compares them with
those that ship. ``published.csv`` holds the figures, each with where it was read; ``models.toml`` what they leave out.

What makes a population: the board puts into one table what one program did with one task. Inside a table some models
did other work than others (one forward pass, ten tokens, a hundred), by their architecture: here they stand apart.
"""

from __future__ import annotations

import csv
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from wattstar.rating.building import Group, build
from wattstar.rating.classes import need, size_class
from wattstar.rating.editions import write
from wattstar.rating.populations import work
from wattstar.registry import task
from wattstar.types import Boundary, Conditions, Edition, Entry, Interval

HERE = Path(__file__).parent
MODELS = tomllib.loads((HERE / "models.toml").read_text(encoding="utf-8"))
FOREIGN = "AI Energy Score"
TASKS = {
    "semantic-similarity": "sentence-similarity",
    "extractive-qa": "question-answering",
    "reasoning": "text-generation",
}
"""Of the publisher, where wattstar names them otherwise."""

PROCEDURES = {
    "2025-02": "AI Energy Score, February 2025: optimum-benchmark, 10 runs of 1,000 queries, mean",
    "2025-12": "AI Energy Score, December 2025: ai_energy_benchmarks, one run of 1,000 queries",
}
METHOD = "counter: gpu by codecarbon"
HARDWARE = "NVIDIA H100-80GB"

LOW = "about 10 % low: the tracker of that time returned 0 for every eighth phase, one of the ten runs (inferred)"
RANDOM = "public configurations load random weights; what each figure used is not recorded"
UNKNOWN_PRECISION = (
    "precision is not recorded (documentation: 32-bit); classes are for 16-bit, since models of 32 billion take as "
    "much as if they fitted one card, which they do in 16-bit only"
)
NOT_PER_FIGURE = "precision (16-bit, or the model's own) and the number of cards are not recorded per figure"
NOT_SWITCHED_ON = ("Qwen/Qwen3-Next-80B", "Qwen/Qwen3-235B")
"""Published as reasoning, yet their prompts did not switch it on: they took as much as without."""
CTC = ("wav2vec2", "hubert", "mms", "sew")
PROMPT = 380
"""Tokens of a prompt: the publisher's documentation counts 369,139 in 1,000."""


@dataclass(frozen=True)
class Kind:
    """Models of one task that did the same work."""

    work: str
    doubts: tuple[str, ...] = ()


T5 = "google-t5/"
OWN_LIMIT = "texts cut at each model's own limit"
KINDS: Mapping[str, Kind] = {
    "automatic-speech-recognition": Kind("batch size 1, new tokens 100 (forced)", (RANDOM,)),
    "automatic-speech-recognition, ctc": Kind("batch size 1, one forward pass", (RANDOM,)),
    # One image at a time, in the model's own size: the very work of wattstar's standard controls.
    "image-classification": Kind(work(task("image-classification").controls), (RANDOM,)),
    "image-to-text": Kind("batch size 1, new tokens 100 (forced)", (RANDOM,)),
    "object-detection": Kind("batch size 1, images in each model's own size", (RANDOM,)),
    "question-answering": Kind(f"batch size 1, one forward pass, {OWN_LIMIT}", (RANDOM,)),
    "question-answering, t5": Kind("batch size 1, new tokens 100", (RANDOM,)),
    "sentence-similarity": Kind("batch size 1, both sentences as one sequence", (RANDOM,)),
    "summarization": Kind("batch size 1, one forward pass", (RANDOM, "nothing is written: one forward pass")),
    "summarization, t5": Kind("batch size 1, new tokens 10", (RANDOM,)),
    "text-classification": Kind(f"batch size 1, one forward pass, {OWN_LIMIT}", (RANDOM,)),
    "text-classification, t5": Kind("batch size 1, new tokens 10", (RANDOM,)),
    "text-to-image": Kind("batch size 1, steps 30, images in each model's own size",
                          ("to the last digit the numbers of runs of September 2024",)),
    "text-generation": Kind(f"batch size 1, new tokens 10, {OWN_LIMIT}", (UNKNOWN_PRECISION,)),
    "text-generation, sampled": Kind(f"batch size 1, new tokens ≤ 10, sampled, {OWN_LIMIT}", (NOT_PER_FIGURE,)),
    "text-generation, on": Kind("batch size 1, thinking on (at any effort), new tokens ≤ 8192, sampled",
                                (NOT_PER_FIGURE, "how many tokens were written is not published")),
    "text-generation, not on": Kind("batch size 1, thinking asked for and not switched on, new tokens ≤ 8192, sampled",
                                    (NOT_PER_FIGURE, "published as reasoning; took as much as without")),
}  # fmt: skip
"""By wattstar's task, and what sets the models apart that did something else."""

Row = Mapping[str, str]


def main(folder: Path) -> None:
    """Both editions; the second keeps what December did not measure again."""
    with (HERE / "published.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    first = _groups(row for row in rows if row["date"] == "2025-02")
    second = _groups(row for row in rows if row["date"] == "2025-12")
    february = build(_named("2025-02"), first)
    december = build(_named("2025-12"), sorted([*first, *second], key=_order), february)
    for edition in (february, december):
        write(edition, folder / edition.name)


def _named(date: str) -> Edition:
    title = f"Figures that AI Energy Score published for NVIDIA H100 cards, as of {date}"
    return Edition(date, title, FOREIGN, populations=(), changes=())


def _groups(rows: Iterable[Row]) -> list[Group]:
    found: dict[Conditions, list[Entry]] = defaultdict(list)
    doubts: dict[Conditions, tuple[str, ...]] = {}
    for row in rows:
        name = TASKS.get(row["task"], row["task"])
        kind = KINDS[name + _apart(name, row)]
        conditions = Conditions(
            task=name,
            size_class=_class(row) if name == "text-generation" else None,
            hardware=HARDWARE,
            boundary=Boundary.GPU,
            method=METHOD,
            work=kind.work,
            procedure=PROCEDURES[row["date"]],
        )
        found[conditions].append(_entry(row))
        doubts[conditions] = (*(LOW,) * (row["date"] == "2025-02"), *kind.doubts)
    return sorted((Group(each, tuple(entries), doubts[each]) for each, entries in found.items()), key=_order)


def _order(group: Group) -> tuple[str, ...]:
    each = group.conditions
    return each.task, each.procedure, each.work, each.size_class or ""


def _apart(name: str, row: Row) -> str:
    """What sets a model's work apart from that of others in one table."""
    model = row["model"]
    if row["date"] == "2025-12":
        not_on = model.startswith(NOT_SWITCHED_ON)
        return ", sampled" if row["reasoning"] == "off" else ", not on" if not_on else ", on"
    if model.startswith(T5):
        return ", t5"
    return ", ctc" if name == "automatic-speech-recognition" and any(word in model for word in CTC) else ""


def _class(row: Row) -> str:
    model = _model(row).partition(" ")[0]
    tokens = PROMPT + (10 if row["reasoning"] in ("", "off") else 8192)
    width = MODELS["bytes"].get(model, 2)
    return size_class(need(round(MODELS["parameters"][model] * 1e9), width, tokens))


def _model(row: Row) -> str:
    """One has an asterisk before its name, which the publisher does not explain."""
    return row["model"].replace("*", "")


def _entry(row: Row) -> Entry:
    model = _model(row)
    doubts = [row["note"]] * bool(row["note"]) + ["published with an asterisk"] * ("*" in row["model"])
    return Entry(
        model=model,
        family=MODELS["families"].get(model, model.partition("/")[0].lower()),
        wh_per_1000=Interval(None, float(row["wh_per_1000_queries"]), None),
        source=row["source"],
        date=row["date"],
        doubts=tuple(doubts),
        published_stars=int(row["stars"]),
        published_class=row["class"] or None,
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
