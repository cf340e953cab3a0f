"""The embedded edition keeps what it promises: ten tasks, three sources each, targets of the right shape, licences."""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from wattstar import registry, testsets
from wattstar.measuring.plan import STANDARD_EDITION
from wattstar.testsets.decoding import MEDIA
from wattstar.types import Sample

TASKS = sorted(registry.plug_ins("tasks"))
COPYABLE = {
    "CC0-1.0",
    "PDDL-1.0",
    "LicenseRef-public-domain",
    "CC-BY-2.0",
    "CC-BY-4.0",
    "MIT",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "Apache-2.0",
}
"""What may lie in an Apache-2.0 repository."""
NO_TARGETS = {"text-to-image"}
"""There is no right image."""


def folder() -> Path:
    return testsets.editions()[STANDARD_EDITION]


def rows(task: str) -> tuple[Sample, ...]:
    return testsets.load(registry.task(task), STANDARD_EDITION).samples


@cache
def sources(task: str) -> dict[str, dict[str, Any]]:
    manifest = tomllib.loads((folder() / "manifest.toml").read_text(encoding="utf-8"))
    return {source["name"]: source for source in manifest["sources"] if source["task"] == task}


def test_there_are_ten_tasks() -> None:
    assert len(TASKS) == 10


def test_the_edition_is_small() -> None:
    assert sum(file.stat().st_size for file in folder().rglob("*") if file.is_file()) <= 20_000_000


@pytest.mark.parametrize("task", TASKS)
def test_a_task_has_three_sources_which_the_manifest_describes(task: str) -> None:
    counted = Counter(row.source for row in rows(task))
    assert len(counted) >= 3
    assert {name: source["rows"] for name, source in sources(task).items()} == counted


@pytest.mark.parametrize("task", TASKS)
def test_rows_are_as_many_as_a_mini_edition_needs_and_ids_are_unique(task: str) -> None:
    media = MEDIA[0] in registry.task(task).inputs.values() or MEDIA[1] in registry.task(task).inputs.values()
    assert (24 if media else 60) <= len(rows(task)) <= 120
    assert len({row.id for row in rows(task)}) == len(rows(task))


@pytest.mark.parametrize("task", TASKS)
def test_every_source_may_be_copied_and_has_its_notice(task: str) -> None:
    for source in sources(task).values():
        assert set(source["licence"].split(" AND ")) <= COPYABLE, source["name"]
        assert (folder() / "notices" / source["notice"]).read_text(encoding="utf-8").strip()
        assert source["origin"].strip()


@pytest.mark.parametrize("task", TASKS)
def test_what_is_synthetic_says_so_in_its_source(task: str) -> None:
    for name, source in sources(task).items():
        assert source["kind"] in {"real", "drawing", "synthetic"}
        if source["kind"] == "synthetic":
            assert "synthe" in name, name
        if source["kind"] == "drawing":
            assert "drawing" in name


@pytest.mark.parametrize("task", TASKS)
def test_every_row_decodes_at_the_task_s_own_controls(task: str) -> None:
    module = registry.task(task)
    for row in rows(task):
        found = testsets.decode(row, module, module.controls)
        assert set(found.input) == set(module.inputs)


@pytest.mark.parametrize("task", TASKS)
def test_every_file_of_a_task_s_folder_is_used(task: str) -> None:
    used = {path for other in TASKS for row in _raw(other) for path in row["input"].values() if isinstance(path, str)}
    for file in (folder() / task).glob("*"):
        assert f"{task}/{file.name}" in used


@pytest.mark.parametrize("task", sorted(set(TASKS) - NO_TARGETS))
def test_targets_have_the_shape_that_the_task_scores(task: str) -> None:
    for row in rows(task):
        SHAPES[task](row)


@pytest.mark.parametrize("task", sorted(NO_TARGETS))
def test_where_nothing_is_right_there_is_no_target(task: str) -> None:
    assert {row.target for row in rows(task)} == {None}


def test_some_questions_have_no_answer_and_the_others_are_in_the_text() -> None:
    answers = [row.target for row in rows("question-answering")]
    assert 0.1 < answers.count([]) / len(answers) < 0.5
    with_answer, without = (
        {row.input["question"] for row in rows("question-answering") if bool(row.target) is answered}
        for answered in (True, False)
    )
    assert with_answer & without, "whether there is an answer cannot be told from the question alone"


def _raw(task: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder() / f"{task}.jsonl").read_text(encoding="utf-8").splitlines()]


def _is_text(row: Sample) -> None:
    assert isinstance(row.target, str)
    assert row.target.strip() == row.target != ""


def _is_reference(row: Sample) -> None:
    _is_text(row)
    assert row.target not in row.input["text"], "a summary that can be copied whole is none"


def _are_answers(row: Sample) -> None:
    assert isinstance(row.target, list)
    for answer in row.target:
        assert answer in row.input["context"]


def _is_label(row: Sample) -> None:
    assert row.target in row.input["labels"]


def _is_grade(row: Sample) -> None:
    assert isinstance(row.target, float)
    assert 0 <= row.target <= 5


def _are_classes(row: Sample) -> None:
    classes = row.target if isinstance(row.target, list) else [row.target]
    assert row.target is None or all(0 <= index < 1000 for index in classes)


def _are_boxes(row: Sample) -> None:
    width, height = _size(row)
    for thing in row.target:
        left, top, right, bottom = thing["box"]
        assert thing.keys() == {"label", "box"}
        assert thing["label"] in COCO
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height


def _is_caption_or_writing(row: Sample) -> None:
    if isinstance(row.target, str):
        _is_text(row)
        assert "rendered" in row.source
    else:
        assert 2 <= len(row.target) <= 3
        assert all(caption.strip() for caption in row.target)


def _size(row: Sample) -> tuple[int, int]:
    from PIL import Image

    with Image.open(row.input["image"]) as image:
        size: tuple[int, int] = image.size
    return size


SHAPES = {
    "text-generation": _is_text,
    "summarization": _is_reference,
    "question-answering": _are_answers,
    "text-classification": _is_label,
    "sentence-similarity": _is_grade,
    "image-classification": _are_classes,
    "object-detection": _are_boxes,
    "automatic-speech-recognition": _is_text,
    "image-to-text": _is_caption_or_writing,
}
NAMES = """\
person,bicycle,car,motorcycle,airplane,bus,train,truck,boat,traffic light,fire hydrant,stop sign,
parking meter,bench,bird,cat,dog,horse,sheep,cow,elephant,bear,zebra,giraffe,backpack,umbrella,
handbag,tie,suitcase,frisbee,skis,snowboard,sports ball,kite,baseball bat,baseball glove,skateboard,
surfboard,tennis racket,bottle,wine glass,cup,fork,knife,spoon,bowl,banana,apple,sandwich,orange,
broccoli,carrot,hot dog,pizza,donut,cake,chair,couch,potted plant,bed,dining table,toilet,tv,
laptop,mouse,remote,keyboard,cell phone,microwave,oven,toaster,sink,refrigerator,book,clock,vase,
scissors,teddy bear,hair drier,toothbrush"""
COCO = frozenset(NAMES.replace("\n", "").split(","))


def test_detection_asks_for_many_classes_and_for_none() -> None:
    assert len(COCO) == 80
    labels = Counter(thing["label"] for row in rows("object-detection") for thing in row.target)
    assert len(labels) >= 10
    assert any(not row.target for row in rows("object-detection")), "an image without any object is a fair question"
