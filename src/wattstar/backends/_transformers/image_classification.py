"""Which of its classes a model sees in an image: the five likeliest."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from wattstar.backends._transformers.groups import in_order
from wattstar.backends._transformers.images import pixels
from wattstar.backends._transformers.loading import Network, batches, load
from wattstar.types import Batch, Controls, MarkFunction, ModelSpec, Output, Sample, Session, Task

LISTED = 5
"""Answers a sample, as top-5 needs them."""

IMAGENET = 1000
"""Classes of ImageNet-1k; models that were made in TensorFlow number them from 1 and call class 0 background."""


def serve(spec: ModelSpec, task: Task, controls: Controls) -> Session:
    """Load the classifier and the way it wants images."""
    network = load(spec, controls, "AutoModelForImageClassification")
    ready = pixels(spec, network, controls.image_size)
    further = _further_arguments(network, controls.image_size)
    first, classes = _classes(network.module.config.id2label)

    def prepare(samples: Sequence[Sample]) -> list[Batch]:
        return [
            Batch(group, ready([sample.input["image"] for sample in group]))
            for group in batches(samples, controls.batch_size)
        ]

    def predict(batch: Batch, mark: MarkFunction) -> Any:
        logits = [network.module(pixel_values=tensor, **further).logits for tensor in batch.data.tensors]
        network.synchronise()
        return logits

    def finish(batch: Batch, raw: Any) -> list[Output]:
        most = min(LISTED, len(classes))
        chosen = in_order(batch.data.places, [logits[:, first:].topk(most, dim=-1).indices.tolist() for logits in raw])
        return [
            Output([classes[index] for index in row], {"images": 1, "pixels": count})
            for row, count in zip(chosen, batch.data.pixels, strict=True)
        ]

    return Session(prepare, predict, finish, network.parameters)


def _classes(labels: Mapping[int, str]) -> tuple[int, list[int | str]]:
    """The first class that is one, and what each from there on is called in an answer.

    A class is called by its name, except those of ImageNet-1k, whose targets are indices, and those without a name.
    """
    first = 1 if len(labels) == IMAGENET + 1 else 0
    names = [labels[index] for index in range(first, len(labels))]
    imagenet = len(names) == IMAGENET and names[0].lower().startswith("tench")
    unnamed = all(name == f"LABEL_{index}" for index, name in enumerate(names, start=first))
    return first, list(range(len(names))) if imagenet or unnamed else list(names)


def _further_arguments(network: Network, size: int | None) -> dict[str, bool]:
    """Networks with a position for each patch must be told where images are not of the size they were trained for."""
    stated = getattr(network.module.config, "image_size", None)
    takes = "interpolate_pos_encoding" in inspect.signature(network.module.forward).parameters
    return {"interpolate_pos_encoding": True} if takes and size is not None and size != stated else {}
