"""Hugging Face Transformers on PyTorch: text, sentence and image models on a GPU or the processor."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from types import MappingProxyType

from wattstar.registry import require
from wattstar.types import Approach, Controls, Kind, ModelSpec, Session, Task

requires: tuple[str, ...] = ("torch", "transformers")

SERVED = MappingProxyType(
    {
        "text-generation": "text_generation",
        "summarization": "summarization",
        "question-answering": "question_answering",
        "text-classification": "text_classification",
        "sentence-similarity": "sentence_similarity",
        "image-classification": "image_classification",
        "object-detection": "object_detection",
        "automatic-speech-recognition": "automatic_speech_recognition",
        "image-to-text": "image_to_text",
    }
)
"""Pipeline tag → module of ``_transformers`` that serves it with models that were made for it."""

ZERO_SHOT = "zero_shot"
"""The module that serves a task by asking a model that writes text."""

VISION_CHAT = "vision_chat"
"""The one that asks about images."""

DTYPES = ("float32", "float16", "bfloat16")


def refuses(model: ModelSpec, task: Task) -> str | None:
    """Say why the model cannot be served for the task, or None."""
    if task.tag not in SERVED:
        return f"serves {', '.join(SERVED)}, not {task.tag}"
    if model.format != "transformers":
        return f"reads files of format transformers, not {model.format}"
    if model.dtype not in DTYPES:
        return f"computes in {', '.join(DTYPES)}, not {model.dtype}"
    if model.approach is Approach.ZERO_SHOT and task.zero_shot is None:
        return f"knows no way to ask a model that was not made for {task.tag}"
    return None


@contextmanager
def session(model: ModelSpec, task: Task, controls: Controls) -> Iterator[Session]:
    """Load the model on its device; leaving the context frees it."""
    require("The transformers backend", requires)
    import torch

    server = importlib.import_module(f"wattstar.backends._transformers.{_module(model, task)}")
    with torch.inference_mode():
        served = server.serve(model, task, controls)
        try:
            yield served
        finally:
            del served
            if torch.cuda.is_available():
                torch.cuda.empty_cache()


def _module(model: ModelSpec, task: Task) -> str:
    if model.approach is not Approach.ZERO_SHOT:
        return SERVED[task.tag]
    return VISION_CHAT if Kind.IMAGE in task.inputs.values() else ZERO_SHOT
