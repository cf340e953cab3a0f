"""What a model sees in an image, and where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wattstar.backends._transformers.groups import in_order
from wattstar.backends._transformers.images import gathered, image_processor
from wattstar.backends._transformers.loading import Network, batches, load
from wattstar.errors import ModelUnavailable
from wattstar.types import Batch, Controls, MarkFunction, ModelSpec, Output, Sample, Session, Task

LONGEST_EDGE = 1333
"""Pixels of the longer side, at most; as in COCO practice: facebookresearch/detr, ``datasets/coco.py``."""

MOST = 100
"""Objects named in an image, at most; as many as COCO's evaluation looks at."""


def serve(spec: ModelSpec, task: Task, controls: Controls) -> Session:
    """Load the detector and the way it wants images.

    Images are scaled to ``controls.shortest_edge``. Models whose processor states one height and width (RT-DETR:
    640 × 640) get that instead, as they were trained on nothing else; their pixels are counted like any other's.
    """
    network = load(spec, controls, "AutoModelForObjectDetection")
    processor = _processor(spec, network)
    names = network.module.config.id2label

    def prepare(samples: Sequence[Sample]) -> list[Batch]:
        return [
            Batch(group, gathered(network, [one(sample.input["image"]) for sample in group]))
            for group in batches(samples, controls.batch_size)
        ]

    def one(image: Any) -> Any:
        scaled = image.resize(_size(image, network, processor, controls), processor.resample)
        return processor(scaled, do_resize=False, do_pad=False, return_tensors="pt")["pixel_values"][0]

    def predict(batch: Batch, mark: MarkFunction) -> Any:
        raw = [network.module(pixel_values=tensor) for tensor in batch.data.tensors]
        network.synchronise()
        return raw

    def finish(batch: Batch, raw: Any) -> list[Output]:
        sources = [(sample.input["image"].height, sample.input["image"].width) for sample in batch.samples]
        found = [
            processor.post_process_object_detection(
                outputs, threshold=controls.threshold or 0.0, target_sizes=[sources[place] for place in places]
            )
            for outputs, places in zip(raw, batch.data.places, strict=True)
        ]
        return [
            Output(_listed(objects, names), {"images": 1, "pixels": count})
            for objects, count in zip(in_order(batch.data.places, found), batch.data.pixels, strict=True)
        ]

    return Session(prepare, predict, finish, network.parameters)


def _processor(spec: ModelSpec, network: Network) -> Any:
    """The model's own; for random weights its architecture's default one, which needs no files."""
    from transformers.models.auto.image_processing_auto import IMAGE_PROCESSOR_MAPPING

    if network.folder is None:
        kinds: Any = IMAGE_PROCESSOR_MAPPING[type(network.module.config)]
        processor = kinds["pil"]()
    else:
        processor = image_processor(spec, network)
    if not hasattr(processor, "post_process_object_detection"):
        raise ModelUnavailable(f"{spec.id} has a processor that makes no boxes: {type(processor).__name__}.")
    return processor


def _size(image: Any, network: Network, processor: Any, controls: Controls) -> tuple[int, int]:
    """Width and height to scale an image to; its proportions stay, to a pixel or a patch."""
    from transformers.image_transforms import get_size_with_aspect_ratio

    if processor.size.height and processor.size.width:
        return processor.size.width, processor.size.height
    edge = controls.shortest_edge or processor.size.shortest_edge
    height, width = get_size_with_aspect_ratio((image.height, image.width), edge, LONGEST_EDGE)
    # A network that reads patches (YOLOS) would drop what is left over beside the last whole one.
    patch = getattr(network.module.config, "patch_size", None)
    step = patch if isinstance(patch, int) else 1
    return max(width // step, 1) * step, max(height // step, 1) * step


def _listed(objects: Mapping[str, Any], names: Mapping[int, str]) -> list[dict[str, Any]]:
    """Best first; boxes in pixels of the source image."""
    rows = zip(*(objects[name].tolist() for name in ("scores", "labels", "boxes")), strict=True)
    best = sorted(rows, key=lambda row: -row[0])[:MOST]
    return [{"label": names[label], "score": score, "box": box} for score, label, box in best]
