"""RapidOCR on ONNX Runtime: text in images, on the processor, with the PP-OCRv4 models of its own package."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from wattstar.errors import ModelUnavailable
from wattstar.models import files
from wattstar.registry import require
from wattstar.types import Batch, Controls, MarkFunction, ModelSpec, Output, Sample, Session, Task

requires: tuple[str, ...] = ("rapidocr-onnxruntime", "onnxruntime", "opencv-python-headless", "numpy")

NETWORKS = {
    "det_model_path": "ch_PP-OCRv4_det_infer.onnx",
    "cls_model_path": "ch_ppocr_mobile_v2.0_cls_infer.onnx",
    "rec_model_path": "ch_PP-OCRv4_rec_infer.onnx",
}
"""The library's word → the file of the network that finds lines, turns them upright, and reads them."""


def refuses(model: ModelSpec, task: Task) -> str | None:
    """Say why the model cannot be served for the task, or None."""
    if task.tag != "image-to-text":
        return f"serves image-to-text, not {task.tag}"
    if model.format != "rapidocr":
        return f"reads files of format rapidocr, not {model.format}"
    if model.dtype != "float32":
        return f"computes in float32, not {model.dtype}"
    if model.device != "cpu":
        return f"runs on the processor, not on {model.device}"
    return None


@contextmanager
def session(model: ModelSpec, task: Task, controls: Controls) -> Iterator[Session]:
    """Load the three networks. An answer is the lines that were read, from top to bottom, joined by a blank.

    No phase is marked: the networks write whole lines at once, so there is no first token, and ``new_tokens`` does not
    apply. Images of a batch are read one after the other.
    """
    require("The rapidocr backend", requires)
    reader = _load(model)

    def prepare(samples: Sequence[Sample]) -> list[Batch]:
        size = controls.batch_size
        groups = [tuple(samples[begin : begin + size]) for begin in range(0, len(samples), size)]
        return [Batch(group, [_pixels(sample) for sample in group]) for group in groups]

    def predict(batch: Batch, mark: MarkFunction) -> Any:
        return [reader(pixels)[0] or [] for pixels in batch.data]

    def finish(batch: Batch, raw: Any) -> list[Output]:
        return [
            Output(
                " ".join(text for _, text, _ in lines),
                {"images": 1, "pixels": pixels.shape[0] * pixels.shape[1], "lines": len(lines)},
            )
            for pixels, lines in zip(batch.data, raw, strict=True)
        ]

    yield Session(prepare, predict, finish, None)


def _load(model: ModelSpec) -> Any:
    from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidProtobuf, NoSuchFile
    from rapidocr_onnxruntime import RapidOCR

    folder = files(model)
    try:
        return RapidOCR(**{word: str(folder / name) for word, name in NETWORKS.items()})
    except (Fail, InvalidProtobuf, NoSuchFile, OSError) as error:
        first = str(error).strip().partition("\n")[0]
        raise ModelUnavailable(f"{model.id} cannot be loaded: {first}", ["install the package again"]) from error


def _pixels(sample: Sample) -> Any:
    """Blue first, as OpenCV reads images."""
    import numpy

    return numpy.ascontiguousarray(numpy.asarray(sample.input["image"])[:, :, ::-1])
