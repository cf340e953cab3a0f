"""Name what an image shows, as one of the classes of the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wattstar.types import Controls, Kind, Output, Phase, Quality, Sample, ZeroShot

title = "image classification"
tag = "image-classification"
inputs: Mapping[str, Kind] = {"image": Kind.IMAGE}
output = Kind.LABEL
controls = Controls()
phases: tuple[Phase, ...] = (Phase("forward", begins="batch"),)
zero_shot: ZeroShot | None = None
requires: tuple[str, ...] = ("pillow",)


def score(samples: Sequence[Sample], outputs: Sequence[Output]) -> Quality | None:
    """Top-1, and top-5 where every answer is a list of at least five.

    An answer is a class, or a list of classes, likeliest first; a class is an index of ImageNet-1k or a name, case
    aside. A target may list several classes that are right.
    """
    pairs = [(_many(s.target), _many(o.value)) for s, o in zip(samples, outputs, strict=True) if s.target is not None]
    if not pairs:
        return None
    first = sum(answers[0] in target for target, answers in pairs) / len(pairs)
    listed = all(len(answers) >= 5 for _, answers in pairs)
    five = sum(bool(set(answers[:5]) & set(target)) for target, answers in pairs) / len(pairs)
    return Quality("top-1", first, higher_is_better=True, n=len(pairs), further={"top-5": five} if listed else {})


def _many(value: Any) -> list[Any]:
    values = value if isinstance(value, list | tuple) else [value]
    return [one.lower() if isinstance(one, str) else one for one in values]
