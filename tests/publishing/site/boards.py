"""Boards for the tests of the leaderboard: an edition, and records that nobody ran."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from tests.support import fake_job, measure, written
from wattstar.publishing.site import gather
from wattstar.publishing.site.board import Board
from wattstar.rating.populations import population
from wattstar.records.store import Store
from wattstar.types import (
    Boundary,
    Conditions,
    Edition,
    Entry,
    Figure,
    Interval,
    Loaded,
    Method,
    Pass,
    Quality,
    Record,
    Weights,
    Window,
)

PUBLISHED = Conditions(
    task="text-classification",
    size_class=None,
    hardware="NVIDIA H100-80GB",
    boundary=Boundary.GPU,
    method="codecarbon",
    work="1,000 texts, batch 1",
    procedure="of somebody else",
)


def edition(names: Sequence[str] = (), task: str = "text-classification") -> Edition:
    """Twelve published energies, of a family each, from 0.1 Wh in steps of a half more; or these names'."""
    known = names or [f"publisher-{number}/model-{number}" for number in range(12)]
    entries = [
        Entry(name, name.partition("/")[0], Interval(None, 0.1 * 1.5**number, None), "a table", "2025-12")
        for number, name in enumerate(known)
    ]
    conditions = Conditions(**{**vars(PUBLISHED), "task": task})
    return Edition(
        "2025-12", "somebody else's figures", "somebody else", (population(conditions, entries),), ("First.",)
    )


def store(folder: Path, records: Sequence[tuple[str, Record]]) -> Store:
    """With these records in it."""
    made = Store(folder)
    for _, record in records:
        made.add(record)
    return made


def own(count: int = 3, **changes: Any) -> list[tuple[str, Record]]:
    """Records of as many models, from 0.2 Wh, each twice the one before."""
    return [written(0.2 * 2**number, f"own-{number}/model", spread=0.02, **changes) for number in range(count)]


def board(folder: Path, count: int = 3) -> Board:
    """An edition, and a store."""
    return gather([store(folder, own(count))], [edition()])


ENGINES = ("transformers", "onnx", "openvino")


def various(count: int = 24, seed: int | None = None) -> list[tuple[str, Record]]:
    """Records of one group that differ in all that a reader can filter and sort by; of every sixth the quality is not
    known. Of a seed, no two numbers are alike, as in measurements, and ten models are of a family."""
    draw = Random(seed)
    families = 9 if seed is None else max(1, count // 10)
    made = []
    for number in range(count):
        energy = 0.2 * 1.3 ** (number * 7 % count) if seed is None else draw.lognormvariate(0, 1.5)
        quality = 0.5 + number / 100 if seed is None else draw.random()
        seconds = 0.01 * (number + 1) if seed is None else draw.lognormvariate(-4, 1)
        family = f"maker-{number % families}"
        job = fake_job(id=f"{family}/model-{number}", family=family)
        model = replace(job.model, weights=Weights.PRETRAINED, dtype=("float32", "bfloat16")[number % 2])
        changes: dict[str, Any] = {
            "job": replace(job, backend=ENGINES[number % 3], model=model),
            "loaded": Loaded(10 ** (6 + number % 4) * (number + 1), None, {}),
            "quality": None if number % 6 == 5 else Quality("accuracy", quality, True, 100),
            "started": f"2026-01-{number % 28 + 1:02}T00:00:00.000+00:00",
            "passes": (Pass(0, Window(0, round(seconds * 1e12)), 1, 1000, (), {}, None),),
        }
        made.append(written(energy, model.id, spread=0.02, **changes))
    return made


def estimated(count: int = 3) -> list[tuple[str, Record]]:
    """Records whose energy was modelled, which are a group of their own."""
    made = []
    for number in range(count):
        energy = 0.5 * 2**number
        figure = Figure(Boundary.CPU_DRAM, Method.MODELLED, Interval(energy, energy, energy), 0.0,
                        Interval(energy / 2, energy, energy * 2), 4)  # fmt: skip
        name = f"guessed-{number}/model"
        made.append(written(energy, name, figures=(figure,), rated=Boundary.CPU_DRAM))
    return made


def everything(folder: Path) -> Board:
    """All kinds of groups: published, by an edition and without stars, measured, estimated; a record with its
    tables; and tasks of which nothing is known."""
    made = store(folder, [*various(), *estimated()])
    measure(fake_job("text-generation", id="fake/model"), folder)
    return gather([made], [edition()])
