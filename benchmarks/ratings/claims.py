"""What was claimed of spreads before there were tables, held against published figures.

``elsewhere.csv``: figures that are in no edition, because they are of other machines or of single runs. All with their
source; the README beside it says what they contain.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from statistics import median

from wattstar.rating.editions import load, names
from wattstar.types import Population

FILE = Path(__file__).with_name("elsewhere.csv")
CLAIMED = ("image-classification", "text-generation")
"""Tasks whose spread was claimed, about 5 and about 50 times."""
NODE = "8× A100, 2023"
ENERGY = itemgetter(1)


@dataclass(frozen=True)
class Row:
    """A published figure, Wh per 1,000 queries."""

    date: str
    task: str
    approach: str
    model: str
    gpu: float
    machine: float | None
    """With modelled CPU and memory; None: not published."""


@dataclass(frozen=True)
class Spread:
    """How many times the least energy the most is, in one group of comparable figures."""

    where: str
    models: int
    least: tuple[str, float]
    """The model and its Wh per 1,000 queries."""
    most: tuple[str, float]

    @property
    def factor(self) -> float:
        """most / least."""
        return self.most[1] / self.least[1]


@dataclass(frozen=True)
class ZeroShot:
    """Models that were not made for a task, over those that were, on one machine; Wh per 1,000 queries of its GPUs."""

    task: str
    made: int
    asked: int
    made_median: float
    asked_median: float
    made_most: tuple[str, float]
    asked_least: tuple[str, float]
    asked_most: tuple[str, float]


def rows() -> list[Row]:
    """All of the file; a model's repeated runs are several rows."""
    with FILE.open(newline="", encoding="utf-8") as file:
        return [
            Row(
                line["date"],
                line["task"],
                line["approach"],
                line["model"],
                float(line["gpu_wh_per_1000"]),
                float(line["machine_wh_per_1000"]) if line["machine_wh_per_1000"] else None,
            )
            for line in csv.DictReader(file)
        ]


def spreads(task: str) -> Iterator[Spread]:
    """Of the first edition's populations of the task, of all of them together, and of what was published elsewhere."""
    known = [each for each in load(names()[0]).populations if each.conditions.task == task]
    for each in known:
        size = f", class {each.conditions.size_class}" if each.conditions.size_class else ""
        yield _spread(f"H100, GPU, 2025-02{size}", _of(each))
    if len(known) > 1:
        yield _spread("H100, GPU, 2025-02, all classes", [figure for each in known for figure in _of(each)])
    found = [row for row in rows() if row.task == task]
    early = [(row.model, row.gpu) for row in found if row.date == "2024-09"]
    if early:
        yield _spread("H100, GPU, 2024-09, single runs", early)
    node = [row for row in found if row.date == "2023"]
    yield _spread(f"{NODE}, its GPUs, 7 of them idle", [(row.model, row.gpu) for row in node])
    machine = [(row.model, row.machine) for row in node if row.machine is not None]
    yield _spread(f"{NODE}, GPUs, CPU and a guess for memory", machine)


def _of(population: Population) -> list[tuple[str, float]]:
    return [(entry.model, entry.wh_per_1000.mid) for entry in population.entries]


def _spread(where: str, figures: Sequence[tuple[str, float]]) -> Spread:
    return Spread(where, len({model for model, _ in figures}), min(figures, key=ENERGY), max(figures, key=ENERGY))


def zero_shot() -> Iterator[ZeroShot]:
    """By task, on the node's GPUs."""
    node = [row for row in rows() if row.date == "2023" and row.approach]
    for task in sorted({row.task for row in node if row.approach == "zero-shot"}):
        made, asked = (
            [(row.model, row.gpu) for row in node if row.task == task and row.approach == approach]
            for approach in ("fine-tuned", "zero-shot")
        )
        yield ZeroShot(
            task=task,
            made=len(made),
            asked=len(asked),
            made_median=median(map(ENERGY, made)),
            asked_median=median(map(ENERGY, asked)),
            made_most=max(made, key=ENERGY),
            asked_least=min(asked, key=ENERGY),
            asked_most=max(asked, key=ENERGY),
        )
