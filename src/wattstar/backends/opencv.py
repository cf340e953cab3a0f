"""OpenCV's dnn module: object detection on the processor, with SSD-MobileNet-v2 from a Python package."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from wattstar.errors import ModelUnavailable
from wattstar.models import files
from wattstar.registry import require
from wattstar.types import Batch, Controls, MarkFunction, ModelSpec, Output, Sample, Session, Task

requires: tuple[str, ...] = ("opencv-python-headless", "numpy")

SIDE = 300
"""Pixels: height and width of the network's own input, whatever ``shortest_edge`` asks; ``pixels`` counts them."""

GRAPH, DESCRIPTION = "frozen_inference_graph.pb", "ssd_mobilenet_v2_coco_2018_03_29.pbtxt"


def refuses(model: ModelSpec, task: Task) -> str | None:
    """Say why the model cannot be served for the task, or None."""
    if task.tag != "object-detection":
        return f"serves object-detection, not {task.tag}"
    if model.format != "opencv-dnn":
        return f"reads files of format opencv-dnn, not {model.format}"
    if model.dtype != "float32":
        return f"computes in float32, not {model.dtype}"
    if model.device != "cpu":
        return f"runs on the processor, not on {model.device}"
    return None


@contextmanager
def session(model: ModelSpec, task: Task, controls: Controls) -> Iterator[Session]:
    """Load the network; boxes are in pixels of the source image, best first, those below the threshold left out."""
    require("The opencv backend", requires)
    network = _load(model)
    parameters, labels, least = _parameters(network), _labels(), controls.threshold or 0.0

    def prepare(samples: Sequence[Sample]) -> list[Batch]:
        size = controls.batch_size
        groups = [tuple(samples[begin : begin + size]) for begin in range(0, len(samples), size)]
        return [Batch(group, _pixels(group)) for group in groups]

    def predict(batch: Batch, mark: MarkFunction) -> Any:
        network.setInput(batch.data)
        return network.forward()

    def finish(batch: Batch, raw: Any) -> list[Output]:
        return [
            Output(
                _objects(sample, [row for row in rows if row[1] >= least], labels), {"images": 1, "pixels": SIDE * SIDE}
            )
            for sample, rows in zip(batch.samples, _by_image(raw, len(batch.samples)), strict=True)
        ]

    yield Session(prepare, predict, finish, parameters)


def _load(model: ModelSpec) -> Any:
    import cv2

    folder = files(model)
    try:
        return cv2.dnn.readNetFromTensorflow(str(folder / GRAPH), str(folder / DESCRIPTION))
    except cv2.error as error:
        message = f"{folder / GRAPH} of {model.id} cannot be loaded: {str(error).strip().partition(chr(10))[0]}"
        raise ModelUnavailable(message, ["install the package again"]) from error


def _parameters(network: Any) -> int:
    """Before the first forward: OpenCV then folds layers into each other."""
    layers = [network.getLayer(name) for name in network.getLayerNames()]
    return sum(int(blob.size) for layer in layers for blob in layer.blobs)


def _pixels(samples: Sequence[Sample]) -> Any:
    """Images squeezed to the network's square, red first as its training had them; it scales values itself."""
    import cv2
    import numpy

    images = [numpy.asarray(sample.input["image"]) for sample in samples]
    return cv2.dnn.blobFromImages(images, size=(SIDE, SIDE), swapRB=False, crop=False)


def _by_image(raw: Any, count: int) -> list[list[Sequence[float]]]:
    """Rows of all images (1, 1, rows, 7), each with its image's number, class, score and box → rows by image."""
    rows: list[list[Sequence[float]]] = [[] for _ in range(count)]
    for number, *row in raw.reshape(-1, 7).tolist():
        if 0 <= number < count:
            rows[int(number)].append(row)
    return rows


def _objects(sample: Sample, rows: Sequence[Sequence[float]], labels: Mapping[int, str]) -> list[dict[str, Any]]:
    """Rows of class, score and box in shares of the image → best first; numbers that COCO does not use are left out."""
    width, height = sample.input["image"].size
    return [
        {
            "label": labels[int(kind)],
            "score": score,
            "box": [left * width, top * height, right * width, bottom * height],
        }
        for kind, score, left, top, right, bottom in sorted(rows, key=lambda row: -row[1])
        if int(kind) in labels
    ]


def _labels() -> dict[int, str]:
    """COCO's 80 classes by number, 1 … 90."""
    lines = (Path(__file__).parent / "coco.txt").read_text(encoding="utf-8").splitlines()
    return {int(number): name for number, _, name in (line.partition(" ") for line in lines)}
