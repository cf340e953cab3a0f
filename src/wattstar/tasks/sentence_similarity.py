"""Say how much two sentences mean the same; each is encoded on its own, but by cross-encoders."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from wattstar.types import Controls, Kind, Output, Phase, Quality, Sample, ZeroShot

title = "semantic similarity"
tag = "sentence-similarity"
inputs: Mapping[str, Kind] = {"sentence1": Kind.TEXT, "sentence2": Kind.TEXT}
output = Kind.NUMBER
controls = Controls(prompt_tokens=128, input_tokens=128)
phases: tuple[Phase, ...] = (Phase("forward", begins="batch"),)
zero_shot: ZeroShot | None = None
requires: tuple[str, ...] = ("scipy",)


def score(samples: Sequence[Sample], outputs: Sequence[Output]) -> Quality | None:
    """Spearman's rank correlation between the similarities and the graded targets; None if an answer is no number."""
    from scipy.stats import spearmanr

    pairs = [(s.target, o.value) for s, o in zip(samples, outputs, strict=True) if s.target is not None]
    targets, values = [target for target, _ in pairs], [value for _, value in pairs]
    if len(set(targets)) < 2 or len(set(values)) < 2 or not all(map(math.isfinite, values)):
        return None
    return Quality("Spearman", float(spearmanr(targets, values).statistic), higher_is_better=True, n=len(pairs))
