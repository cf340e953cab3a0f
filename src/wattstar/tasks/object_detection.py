"""Say what is in an image, and where."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping, Sequence
from typing import Any

from wattstar.types import Controls, Kind, Output, Phase, Quality, Sample, ZeroShot

title = "object detection"
tag = "object-detection"
inputs: Mapping[str, Kind] = {"image": Kind.IMAGE}
output = Kind.BOXES
controls = Controls(shortest_edge=800, threshold=0.05)
phases: tuple[Phase, ...] = (Phase("forward", begins="batch"),)
zero_shot: ZeroShot | None = None
requires: tuple[str, ...] = ("pillow", "pycocotools")

Found = Sequence[Mapping[str, Any]]


def score(samples: Sequence[Sample], outputs: Sequence[Output]) -> Quality | None:
    """COCO's mAP over IoU 0.50 to 0.95, and mAP at 0.50, by pycocotools; classes are compared by name, case aside.

    A target lists every object of the image as ``{"label", "box"}``. Only classes that occur in the targets count.
    None where no box of any target's class was named: the model knows other classes, or nothing.
    """
    pairs = [(s.target, o.value) for s, o in zip(samples, outputs, strict=True) if s.target is not None]
    names = sorted({_name(thing) for target, _ in pairs for thing in target})
    if not names or not any(_name(thing) in names for _, found in pairs for thing in found):
        return None
    stats = _coco([target for target, _ in pairs], [found for _, found in pairs], names)
    return Quality(
        "mAP", float(stats[0]), higher_is_better=True, n=len(pairs), further={"mAP at 0.50": float(stats[1])}
    )


def _coco(targets: Sequence[Found], answers: Sequence[Found], names: Sequence[str]) -> Any:
    """The twelve figures of COCO's evaluation; it prints, which is swallowed."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    classes = {name: index for index, name in enumerate(names, start=1)}
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = {
            "info": {},
            "images": [{"id": image} for image in range(len(targets))],
            "categories": [{"id": index, "name": name} for name, index in classes.items()],
            "annotations": [
                {**_row(image, thing, classes), "id": number, "iscrowd": 0}
                for number, (image, thing) in enumerate(_flat(targets, classes), start=1)
            ],
        }
        truth.createIndex()
        found = [{**_row(image, thing, classes), "score": thing["score"]} for image, thing in _flat(answers, classes)]
        evaluation = COCOeval(truth, truth.loadRes(found), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation.stats


def _flat(images: Sequence[Found], classes: Mapping[str, int]) -> list[tuple[int, Mapping[str, Any]]]:
    return [(index, thing) for index, found in enumerate(images) for thing in found if _name(thing) in classes]


def _row(image: int, thing: Mapping[str, Any], classes: Mapping[str, int]) -> dict[str, Any]:
    """COCO writes a box as left, top, width, height."""
    left, top, right, bottom = map(float, thing["box"])
    box = [left, top, right - left, bottom - top]
    return {"image_id": image, "category_id": classes[_name(thing)], "bbox": box, "area": box[2] * box[3]}


def _name(thing: Mapping[str, Any]) -> str:
    return str(thing["label"]).lower()
