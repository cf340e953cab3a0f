"""Hugging Face Transformers on PyTorch: text, sentence and image models on a GPU or the processor."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from types import MappingProxyType

from wattstar.registry import require
from wattstar.types import Controls, ModelSpec, Session, Task

requires: tuple[str, ...] = ("torch", "transformers")

SERVED = MappingProxyType(
    {
        "text-generation": "text_generation",
        "text-classification": "text_classification",
        "sentence-similarity": "sentence_similarity",
        "image-classification": "image_classification",
    }
)
"""Pipeline tag → module of ``_transformers`` that serves it."""

DTYPES = ("float32", "float16", "bfloat16")


def refuses(model: ModelSpec, task: Task) -> str | None:
    """Say why the model cannot be served for the task, or None."""
    if task.tag not in SERVED:
        return f"serves {', '.join(SERVED)}, not {task.tag}"
    if model.format != "transformers":
        return f"reads files of format transformers, not {model.format}"
    if model.dtype not in DTYPES:
        return f"computes in {', '.join(DTYPES)}, not {model.dtype}"
    return None


@contextmanager
def session(model: ModelSpec, task: Task, controls: Controls) -> Iterator[Session]:
    """Load the model on its device; leaving the context frees it."""
    require("The transformers backend", requires)
    import torch

    server = importlib.import_module(f"wattstar.backends._transformers.{SERVED[task.tag]}")
    with torch.inference_mode():
        served = server.serve(model, controls)
        try:
            yield served
        finally:
            del served
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
