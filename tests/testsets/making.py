"""Tiny real data sets, with the ids, configurations and columns of those that the recipes name."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.simulators.hub import Repository

ROWS = 345
GROUP = 180
"""Rows of one row group of a Parquet file."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Part:
    """A split of a configuration."""

    config: str
    split: str
    row: Callable[[int], Row]
    features: Mapping[str, Any] | None = None
    """Of columns whose type is not plain from their values."""
    path: str | None = None
    """Of the file; None: as the Hub's own converter names it, declared in the card."""


def words(number: int, least: int = 30, most: int = 300) -> str:
    """A text of so many words, no two alike, of different lengths."""
    draw = random.Random(number)
    return " ".join([f"row{number}", *(f"w{draw.randrange(1000)}" for _ in range(draw.randint(least, most)))])


def picture(number: int, *, format: str = "PNG") -> dict[str, Any]:
    """An image of a few pixels in one colour, no two alike."""
    from PIL import Image

    file = io.BytesIO()
    size = (8 + number % 13, 8 + number % 7)
    Image.new("RGB", size, (number % 256, number // 256, len(format))).save(file, format)
    return {"bytes": file.getvalue(), "path": f"{number}.{format.lower()}"}


def sound(number: int, *, rate: int = 16_000, channels: int = 1, seconds: float | None = None) -> dict[str, Any]:
    """A clip of a little more than a second."""
    import numpy
    import soundfile

    length = 1 + number % 10 / 50 if seconds is None else seconds
    wave = numpy.sin(numpy.arange(round(length * rate)) * (0.02 + number / 10_000)) / 4
    file = io.BytesIO()
    soundfile.write(file, numpy.stack([wave] * channels, axis=1), rate, format="FLAC")
    return {"bytes": file.getvalue(), "path": f"{number}.flac"}


def repository(parts: Sequence[Part], *, rows: int = ROWS, gated: bool = False) -> Repository:
    """A data set with these splits; those with a path of their own stand on ``refs/convert/parquet`` too."""
    files: dict[str, bytes] = {}
    declared: dict[str, list[dict[str, str]]] = {}
    for part in parts:
        path = part.path or f"{part.config}/{part.split}-00000-of-00001.parquet"
        files[path] = parquet(part, rows)
        if part.path is None:
            declared.setdefault(part.config, []).append({"split": part.split, "path": path})
    return Repository(files | {"README.md": _card(declared)}, gated, {"refs/convert/parquet": files})


def parquet(part: Part, rows: int = ROWS) -> bytes:
    """As ``datasets`` writes it, with the types of its columns."""
    import datasets

    made = datasets.Dataset.from_list([part.row(number) for number in range(rows)])
    if part.features:
        made = made.cast(datasets.Features({**made.features, **part.features}))
    file = io.BytesIO()
    made.to_parquet(file, batch_size=GROUP)
    return file.getvalue()


def _card(declared: Mapping[str, list[dict[str, str]]]) -> bytes:
    configs = [{"config_name": name, "data_files": splits} for name, splits in declared.items()]
    return f"---\nconfigs: {json.dumps(configs)}\n---\n# A data set\n".encode() if configs else b"# A data set\n"


def everything() -> dict[str, Repository]:
    """All data sets of the shipped recipes."""
    return {id: repository(parts) for id, parts in (_texts() | _pairs() | _pictures() | _sounds() | _ready()).items()}


def _texts() -> dict[str, list[Part]]:
    from datasets import ClassLabel

    question = _question
    dialogue = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}]
    return {
        "Salesforce/wikitext": [
            Part("wikitext-103-raw-v1", "test", lambda i: {"text": words(i, 40) if i % 60 else ""})
        ],
        "HuggingFaceFW/fineweb": [
            Part("sample-10BT", "train", lambda i: {"text": words(i, 50), "language": "en" if i % 60 else "de"})
        ],
        "HuggingFaceH4/ultrachat_200k": [
            Part("default", "test_sft", lambda i: {"prompt": words(i), "messages": dialogue})
        ],
        "abisee/cnn_dailymail": [
            Part("3.0.0", "test", lambda i: {"article": words(i, 120), "highlights": words(i, 5, 9)})
        ],
        "knkarthick/samsum": [Part("default", "test", lambda i: {"dialogue": words(i), "summary": words(i, 5, 9)})],
        "ccdv/arxiv-summarization": [
            Part("document", "test", lambda i: {"article": words(i, 250, 999), "abstract": words(i, 9, 40)})
        ],
        "rajpurkar/squad_v2": [Part("squad_v2", "validation", question)],
        "google/xtreme": [Part("MLQA.en.en", "test", question), Part("XQuAD.en", "validation", question)],
        "ludwigschmidt/squadshifts": [
            Part("new_wiki", "test", question, path="new_wiki/test/0000.parquet"),
            Part("nyt", "test", lambda i: question(i + ROWS), path="nyt/test/0000.parquet"),
        ],
        "stanfordnlp/imdb": [_classified("plain_text", ClassLabel(names=["neg", "pos"]))],
        "cardiffnlp/tweet_eval": [_classified("sentiment", ClassLabel(names=["negative", "neutral", "positive"]))],
        "Yelp/yelp_review_full": [_classified("yelp_review_full", ClassLabel(names=["1", "2", "3", "4", "5"]))],
        "poloclub/diffusiondb": [
            Part(
                "all",
                "train",
                lambda i: {"prompt": words(i, 3, 40), "prompt_nsfw": 0.01 if i % 60 else 0.9},
                path="metadata.parquet",
            )
        ],
        "m1guelpf/nouns": [
            Part(
                "default",
                "train",
                lambda i: {"image": picture(i), "text": words(i, 3, 30)},
                path="data/train-0.parquet",
            )
        ],
    }


def _question(number: int) -> Row:
    context = words(number)
    found = {"text": [] if number % 2 else [context[:7], context[:7]], "answer_start": [] if number % 2 else [0, 0]}
    return {"id": str(number), "context": context, "question": f"Who is row {number}?", "answers": found}


def _classified(config: str, label: Any) -> Part:
    return Part(config, "test", lambda i: {"text": words(i), "label": i % len(label.names)}, {"label": label})


def _pairs() -> dict[str, list[Part]]:
    def pair(one: str, other: str, more: Callable[[int], Row]) -> Callable[[int], Row]:
        return lambda i: {one: words(i, 5, 30), other: words(i + 1, 5, 30), **more(i)}

    return {
        "sentence-transformers/stsb": [
            Part("default", "test", pair("sentence1", "sentence2", lambda i: {"score": i / ROWS}))
        ],
        "sentence-transformers/sentence-compression": [Part("pair", "train", pair("text", "simplified", lambda i: {}))],
        "PiC/phrase_similarity": [
            Part("PS", "test", pair("sentence1", "sentence2", lambda i: {"label": i % 2}), path="PS/test/0000.parquet")
        ],
    }


def _pictures() -> dict[str, list[Part]]:
    from datasets import ClassLabel, Image, List, Value

    food = ClassLabel(names=["apple_pie", "baklava", "waffles"])
    beans = ClassLabel(names=["angular_leaf_spot", "bean_rust", "healthy"])
    things = {"bbox": List(List(Value("float64"))), "category": List(ClassLabel(names=["person", "bicycle"]))}
    litter = {
        "label": List(ClassLabel(names=["PLASTIC_BAG", "PLASTIC_BOTTLE"])),
        "bbox": List(List(Value("float32"), 4)),
    }
    genome = List({"x": Value("int32"), "y": Value("int32"), "w": Value("int32"), "h": Value("int32"),
                   "names": List(Value("string"))})  # fmt: skip

    def part(
        config: str, split: str, row: Callable[[int], Row], more: Mapping[str, Any], path: str | None = None
    ) -> Part:
        return Part(config, split, lambda i: {"image": picture(i), **row(i)}, {"image": Image(), **more}, path)

    box = {"bbox": [[1, 2, 5, 6.5]], "category": [0]}
    cup = {"x": 1, "y": 2, "w": 3, "h": 4, "names": ["cup"]}
    return {
        "ILSVRC/imagenet-1k": [part("default", "validation", lambda i: {"label": i % 3}, {"label": food})],
        "ethz/food101": [part("default", "validation", lambda i: {"label": i % 3}, {"label": food})],
        "AI-Lab-Makerere/beans": [part("default", "train", lambda i: {"labels": i % 3}, {"labels": beans})],
        "detection-datasets/coco": [part("default", "val", lambda i: {"objects": box}, {"objects": things})],
        "ranjaykrishna/visual_genome": [
            part("o", "train", lambda i: {"objects": [cup]}, {"objects": genome}, "objects_v1.2.0/train/0000.parquet")
        ],
        "kili-technology/plastic_in_river": [
            part("d", "train", lambda i: {"litter": _litter(i)}, {"litter": litter}, "default/train/0000.parquet")
        ],
        "lmms-lab/COCO-Caption": [
            part("c", "val", lambda i: {"answer": [words(i, 5, 20), "A dog."]}, {}, "data/val-00000-of-00001.parquet")
        ],
        "lmms-lab/NoCaps": [
            part("default", "validation", lambda i: {"annotations_captions": ["A cat.", words(i, 3, 9)]}, {})
        ],
        "jmhessel/newyorker_caption_contest": [
            part("explanation", "train", lambda i: {"image_description": words(i, 5, 20)}, {})
        ],
    }


def _litter(number: int) -> Row:
    """In shares of the image: centre, width and height; every third picture shows none."""
    return {"label": [1], "bbox": [[0.5, 0.5, 0.5, 0.25]]} if number % 3 else {"label": [], "bbox": []}


def _sounds() -> dict[str, list[Part]]:
    from datasets import Audio

    def part(config: str, split: str, text: str, clip: Callable[[int], dict[str, Any]]) -> list[Part]:
        row = lambda i: {"audio": clip(i), text: words(i, 2, 5).upper()}  # noqa: E731
        return [Part(config, split, row, {"audio": Audio()})]

    def other(number: int) -> dict[str, Any]:
        """Two channels at 8 kHz; every sixtieth is too short."""
        return sound(number, rate=8_000, channels=2, seconds=None if number % 60 else 0.2)

    return {
        "openslr/librispeech_asr": part("clean", "test", "text", sound),
        "fixie-ai/common_voice_17_0": part("en", "test", "sentence", lambda i: sound(i, rate=24_000)),
        "MLCommons/peoples_speech": part("validation", "validation", "text", other),
    }


def _ready() -> dict[str, list[Part]]:
    """Of AI Energy Score: two of the ten."""
    from datasets import Image

    return {
        "AIEnergyScore/sentence_similarity": [
            Part("default", "train", lambda i: {"sentence1": words(i, 4, 9), "sentence2": words(i + 1, 4, 9)})
        ],
        "AIEnergyScore/image_captioning": [
            Part("default", "train", lambda i: {"image": picture(i)}, {"image": Image()})
        ],
    }
