"""Put a text into one of several classes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from wattstar.types import Controls, Kind, Output, Phase, Quality, Sample, ZeroShot

title = "text classification"
tag = "text-classification"
inputs: Mapping[str, Kind] = {"text": Kind.TEXT, "labels": Kind.LABELS}
output = Kind.LABEL
controls = Controls(prompt_tokens=256, input_tokens=256)
phases: tuple[Phase, ...] = (Phase("forward", begins="batch"),)
requires: tuple[str, ...] = ()


def score(samples: Sequence[Sample], outputs: Sequence[Output]) -> Quality | None:
    """Accuracy: the share of rows with a target whose label, case aside, is the target; and macro F1 over the targets.

    None where no answer is among the targets' labels: the model was trained for other classes.
    """
    pairs = [
        (str(sample.target).lower(), str(answer.value).lower())
        for sample, answer in zip(samples, outputs, strict=True)
        if sample.target is not None
    ]
    if not {value for _, value in pairs} & {target for target, _ in pairs}:
        return None
    right = sum(target == value for target, value in pairs) / len(pairs)
    return Quality("accuracy", right, higher_is_better=True, n=len(pairs), further={"macro F1": _macro_f1(pairs)})


def _macro_f1(pairs: Sequence[tuple[str, str]]) -> float:
    """The mean of each target class's 2·TP / (2·TP + FP + FN)."""
    found = []
    for label in sorted({target for target, _ in pairs}):
        hits = sum(target == value == label for target, value in pairs)
        misses = sum((target == label) != (value == label) for target, value in pairs)
        found.append(2 * hits / (2 * hits + misses))
    return sum(found) / len(found)


def _ask(given: Mapping[str, Any]) -> str:
    names = ", ".join(given["labels"])
    return f"Text: {given['text']}\n\nWhich one of these describes the text: {names}? Answer with one of them only."


def _read(words: str, given: Mapping[str, Any]) -> str:
    """The label that is named first; what was written, where none is."""
    places = {
        match.start(): str(label)
        for label in given["labels"]
        if (match := re.search(rf"(?<!\w){re.escape(str(label))}(?!\w)", words, re.IGNORECASE))
    }
    return places[min(places)] if places else words.strip()


zero_shot: ZeroShot | None = ZeroShot(_ask, _read, new_tokens=8)
