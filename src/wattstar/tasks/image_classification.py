"""Name what an image shows, as one of the ImageNet-1k classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wattstar.types import Controls, Kind, Output, Phase, Quality, Sample

title = "image classification"
tag = "image-classification"
inputs: Mapping[str, Kind] = {"image": Kind.IMAGE}
output = Kind.LABEL
controls = Controls()
phases: tuple[Phase, ...] = (Phase("forward", begins="batch"),)
requires: tuple[str, ...] = ("pillow",)


def score(samples: Sequence[Sample], outputs: Sequence[Output]) -> Quality | None:
    """Top-1: the share of rows with an ImageNet label whose class index is right; a target may list several indices."""
    pairs = [(sample.target, answer.value) for sample, answer in zip(samples, outputs, strict=True)]
    right = [
        value in (target if isinstance(target, list | tuple) else [target])
        for target, value in pairs
        if target is not None
    ]
    if not right:
        return None
    return Quality("top-1", sum(right) / len(right), higher_is_better=True, n=len(right))
