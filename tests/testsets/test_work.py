"""What a query's energy grows with, and the part of the samples that is drawn by it."""

from __future__ import annotations

import random
import wave
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from wattstar import registry, testsets
from wattstar.testsets.subset import drawn
from wattstar.types import Sample


def work(task: str, **given: Any) -> float:
    module = registry.task(task)
    return testsets.work(Sample("row", "a source", given), module, module.controls)


def clip(path: Path, seconds: float) -> str:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(b"\0\0" * round(seconds * 16_000))
    return str(path)


def test_of_texts_the_characters_count_as_far_as_they_are_read() -> None:
    assert work("question-answering", question="Who?", context="Nobody.") == 11
    assert work("sentence-similarity", sentence1="word " * 999, sentence2="a") == len("word" + " word" * 127) + 1


def test_of_sound_the_seconds_count_as_far_as_they_are_heard(tmp_path: Path) -> None:
    assert work("automatic-speech-recognition", audio=clip(tmp_path / "short.wav", 2.5)) == 2.5
    assert work("automatic-speech-recognition", audio=clip(tmp_path / "long.wav", 40)) == 30.0


def test_of_images_nothing_counts_where_all_are_brought_to_one_size(tmp_path: Path) -> None:
    Image.new("RGB", (40, 100)).save(path := tmp_path / "tall.png")
    assert work("image-classification", image=str(path)) == 1.0
    assert work("object-detection", image=str(path)) == 2.5, "the shorter side is given"


@pytest.mark.parametrize("broken", [None, "no such file.wav", ""])
def test_what_cannot_be_read_counts_nothing(broken: str | None) -> None:
    assert work("automatic-speech-recognition", audio=broken) == 0.0


def rows(count: int) -> list[Sample]:
    return [Sample(f"row-{i}", "a source", {"text": "x" * (i + 1)}) for i in range(count)]


def test_every_decile_gives_its_share_in_the_order_of_work() -> None:
    samples = rows(200)
    works = {sample.id: float(i) for i, sample in enumerate(samples)}
    chosen = [works[sample.id] for sample in drawn(samples, works, 40, seed=0)]
    assert chosen == sorted(chosen)
    assert [sum(20 * decile <= each < 20 * decile + 20 for each in chosen) for decile in range(10)] == [4] * 10


@pytest.mark.parametrize(("of", "count"), [(24, 23), (7, 3), (10, 10), (101, 1)])
def test_as_many_are_drawn_as_were_asked_and_none_twice(of: int, count: int) -> None:
    samples = rows(of)
    chosen = drawn(samples, {sample.id: 1.0 for sample in samples}, count, seed=3)
    assert len({sample.id for sample in chosen}) == count


def test_the_seed_decides_and_not_the_order_of_the_rows() -> None:
    task = registry.task("summarization")
    samples = rows(60)
    mixed = random.Random(5).sample(samples, 60)
    first = testsets.draw(samples, task, task.controls, 20)
    assert first.samples == testsets.draw(mixed, task, task.controls, 20).samples
    assert first.samples != testsets.draw(samples, task, replace(task.controls, seed=1), 20).samples
    assert first.works == tuple(float(len(sample.input["text"])) for sample in first.samples)
    assert sorted(first.population) == [float(i) for i in range(1, 61)]


def test_more_than_there_are_cannot_be_drawn() -> None:
    task = registry.task("summarization")
    with pytest.raises(ValueError, match="61 of 60"):
        testsets.draw(rows(60), task, task.controls, 61)
