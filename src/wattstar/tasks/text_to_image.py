"""Make an image that shows what a text says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wattstar.registry import missing
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

JUDGE = "openai/clip-vit-large-patch14"
"""Of OpenAI's CLIP models, one that is published as safetensors. To have images scored: ``hf download`` it first."""

FILES = ("config.json", "model.safetensors", "preprocessor_config.json", "tokenizer_config.json")
"""Of ``JUDGE``; all of them must be in the cache."""


def score(samples: Sequence[Sample], outputs: Sequence[Output]) -> Quality | None:
    """CLIP score: 100 · max(cosine, 0) of image and prompt, mean over images (Hessel et al. 2021, who scale by 2.5).

    Worked out only where ``JUDGE`` lies in the Hub's cache on this disk: nothing is fetched for it. Else None.
    """
    if not samples or not _judge_is_here():
        return None
    cosines = _cosines([sample.input["prompt"] for sample in samples], [output.value for output in outputs])
    value = sum(100 * max(cosine, 0.0) for cosine in cosines) / len(cosines)
    return Quality("CLIP score", value, higher_is_better=True, n=len(cosines))


def _judge_is_here() -> bool:
    from huggingface_hub import try_to_load_from_cache

    libraries = not missing(("torch", "transformers"))
    return libraries and all(isinstance(try_to_load_from_cache(JUDGE, name), str) for name in FILES)


def _cosines(prompts: Sequence[str], images: Sequence[Any]) -> list[float]:
    """Of each image and its prompt, which is cut to the 77 tokens that CLIP reads; on the processor, one at a time."""
    import torch
    from transformers import CLIPModel, CLIPProcessor
    from transformers.utils import logging

    logging.disable_progress_bar()
    model = CLIPModel.from_pretrained(JUDGE, local_files_only=True, use_safetensors=True).eval()
    processor = CLIPProcessor.from_pretrained(JUDGE, local_files_only=True)
    cosines = []
    with torch.inference_mode():
        for prompt, image in zip(prompts, images, strict=True):
            given = processor(text=[prompt], images=[image], return_tensors="pt", truncation=True)
            found = model(**given)
            cosines.append(float(torch.nn.functional.cosine_similarity(found.image_embeds, found.text_embeds)))
    return cosines
