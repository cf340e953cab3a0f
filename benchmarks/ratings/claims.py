"""What was claimed of spreads before there were tables, held against published figures.

``elsewhere.csv``: figures that are in no edition, because they are of other machines or of single runs. All with their
source; the README beside it says what they contain.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

FILE = Path(__file__).with_name("elsewhere.csv")
NODE = "node of 8× A100, 2023"


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
    """How many times the least energy the most is."""

    where: str
    models: int
    least: float
    most: float

    @property
    def factor(self) -> float:
        """most / least."""
        return self.most / self.least


@dataclass(frozen=True)
class ZeroShot:
    """Models that were not made for a task, over those that were, on one machine."""

    task: str
    made: int
    asked: int
    medians: float
    """Ratio of the medians."""
    nearest: float
    """The thriftiest zero-shot model over the hungriest that was made for the task."""
    farthest: float
    """The hungriest zero-shot model over the median of those that were made for the task."""


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


def spread(where: str, figures: Sequence[float]) -> Spread:
    """Of one group of comparable figures."""
    return Spread(where, len(figures), min(figures), max(figures))


def spreads(task: str) -> Iterator[Spread]:
    """The groups of the file that are of one task."""
    of_task = [row for row in rows() if row.task == task]
    early = [row.gpu for row in of_task if row.date == "2024-09"]
    if early:
        models = len({row.model for row in of_task if row.date == "2024-09"})
        found = spread("H100, first board of 2024-09, single runs, GPU", early)
        yield Spread(found.where, models, found.least, found.most)
    node = [row for row in of_task if row.date == "2023"]
    yield spread(f"{NODE}, GPUs (7 of 8 idle)", [row.gpu for row in node])
    yield spread(f"{NODE}, machine (memory guessed)", [row.machine for row in node if row.machine is not None])


def zero_shot() -> Iterator[ZeroShot]:
    """By task, of the node's GPUs."""
    node = [row for row in rows() if row.date == "2023" and row.approach]
    for task in sorted({row.task for row in node if row.approach == "zero-shot"}):
        made = [row.gpu for row in node if row.task == task and row.approach == "fine-tuned"]
        asked = [row.gpu for row in node if row.task == task and row.approach == "zero-shot"]
        yield ZeroShot(
            task,
            len(made),
            len(asked),
            median(asked) / median(made),
            min(asked) / max(made),
            max(asked) / median(made),
        )
