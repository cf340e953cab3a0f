"""Put a text into one of the model's classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wattstar.types import Controls, Kind, Output, Phase, Quality, Sample

title = "text classification"
tag = "text-classification"
inputs: Mapping[str, Kind] = {"text": Kind.TEXT}
output = Kind.LABEL
controls = Controls(input_tokens=256)
phases: tuple[Phase, ...] = (Phase("forward", begins="batch"),)
requires: tuple[str, ...] = ()


def score(samples: Sequence[Sample], outputs: Sequence[Output]) -> Quality | None:
    """Accuracy: the share of rows with a target whose label, case aside, is the target.

    None where no answer is among the targets' labels: the model was trained for other classes.
    """
    pairs = [
        (str(sample.target).lower(), str(answer.value).lower())
        for sample, answer in zip(samples, outputs, strict=True)
        if sample.target is not None
    ]
    if not {value for _, value in pairs} & {target for target, _ in pairs}:
        return None
    right = [target == value for target, value in pairs]
    return Quality("accuracy", sum(right) / len(right), higher_is_better=True, n=len(right))
