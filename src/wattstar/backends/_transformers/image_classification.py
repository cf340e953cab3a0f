"""Which of its classes a model sees in an image."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from wattstar.backends._transformers.loading import Network, batches, load, readable
from wattstar.types import Batch, Controls, MarkFunction, ModelSpec, Output, Sample, Session, Task

MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)
"""Of ImageNet's red, green and blue, values from 0 to 1: what most published image models were trained with."""

SIZE = 224
"""Pixels; of most published image models."""


def serve(spec: ModelSpec, task: Task, controls: Controls) -> Session:
    """Load the classifier and the way it wants images."""
    network = load(spec, controls, "AutoModelForImageClassification")
    pixels = _pixels(spec, network, controls.image_size)
    further = _further_arguments(network, controls.image_size)

    def prepare(samples: Sequence[Sample]) -> list[Batch]:
        return [
            Batch(group, pixels([sample.input["image"] for sample in group]))
            for group in batches(samples, controls.batch_size)
        ]

    def predict(batch: Batch, mark: MarkFunction) -> Any:
        logits = network.module(pixel_values=batch.data, **further).logits
        network.synchronise()
        return logits

    def finish(batch: Batch, raw: Any) -> list[Output]:
        return [Output(index, {"images": 1}) for index in raw.argmax(dim=-1).tolist()]

    return Session(prepare, predict, finish, network.parameters)


def _pixels(spec: ModelSpec, network: Network, size: int | None) -> Callable[[Sequence[Any]], Any]:
    """Images → one tensor on the device, by the model's own processor, or a default one for random weights."""
    processor = None if network.folder is None else _processor(spec, network)
    stated = getattr(network.module.config, "image_size", None)
    default = stated if isinstance(stated, int) else SIZE

    def pixels(images: Sequence[Any]) -> Any:
        if processor is None:
            values = _normalised(images, size or default)
        elif size is None:
            values = processor(list(images), return_tensors="pt")["pixel_values"]
        else:
            fitted = [_fitted(image, size) for image in images]
            values = processor(fitted, do_resize=False, do_center_crop=False, return_tensors="pt")["pixel_values"]
        return values.to(device=network.device, dtype=network.module.dtype)

    return pixels


def _processor(spec: ModelSpec, network: Network) -> Any:
    from transformers import AutoImageProcessor

    assert network.folder is not None
    with readable(spec, network.folder):
        return AutoImageProcessor.from_pretrained(
            network.folder, backend="pil", trust_remote_code=spec.trust_remote_code, local_files_only=True
        )


def _normalised(images: Sequence[Any], size: int) -> Any:
    import numpy
    import torch

    rows = numpy.stack([numpy.asarray(_fitted(image, size), dtype=numpy.float32) for image in images])
    values = torch.from_numpy(rows).permute(0, 3, 1, 2).contiguous() / 255
    mean, deviation = (torch.tensor(colours).view(3, 1, 1) for colours in (MEAN, DEVIATION))
    return (values - mean) / deviation


def _fitted(image: Any, size: int) -> Any:
    """Scaled until the shorter side has ``size`` pixels, then the middle: nothing is distorted."""
    from PIL import Image, ImageOps

    return ImageOps.fit(image, (size, size), Image.Resampling.BICUBIC)


def _further_arguments(network: Network, size: int | None) -> dict[str, bool]:
    """Networks with a position for each patch must be told where images are not of the size they were trained for."""
    stated = getattr(network.module.config, "image_size", None)
    takes = "interpolate_pos_encoding" in inspect.signature(network.module.forward).parameters
    return {"interpolate_pos_encoding": True} if takes and size is not None and size != stated else {}
