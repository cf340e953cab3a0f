"""Go on with a text: a fixed number of tokens, greedily."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wattstar.types import WRITING, Controls, Kind, Output, Phase, Quality, Sample, ZeroShot

title = "text generation"
tag = "text-generation"
inputs: Mapping[str, Kind] = {"prompt": Kind.TEXT}
output = Kind.TEXT
controls = Controls(prompt_tokens=256, new_tokens=10, thinking="off")
phases: tuple[Phase, ...] = WRITING
zero_shot: ZeroShot | None = None
requires: tuple[str, ...] = ()


def score(samples: Sequence[Sample], outputs: Sequence[Output]) -> Quality | None:
    """None: ten greedy tokens have no right answer; perplexity would need a pass of its own."""
    return None
