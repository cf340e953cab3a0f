"""How long it takes to rate a million energies in columns, and whole records beside them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy
from benchmarks.ratings.worlds import MARKETS, interval
from tests.support import written

from wattstar.rating.building import build, groups
from wattstar.rating.many import rate_many
from wattstar.rating.placing import placed
from wattstar.rating.populations import Member
from wattstar.types import Edition

FAMILIES = 150
ERROR = 0.02
"""Standard error of an energy, as a share of it."""
RECORDS = 100
"""One of so many rows is also rated as a record."""


@dataclass(frozen=True)
class Timed:
    """One way of rating."""

    what: str
    rows: int
    seconds: float
    """Of processor time."""


def rated(seed: int, rows: int) -> list[Timed]:
    """So many energies by a frozen population, in columns; and a hundredth of them as records with their standing."""
    generator = numpy.random.default_rng(seed)
    edition = build(Edition("2026-01", "simulated", None, (), ()), groups(_records(generator, FAMILIES)))
    [population] = edition.populations
    measured = [interval(energy, ERROR) for energy in MARKETS["log-normal"].energies(generator, rows)]
    mid, low, high = ([getattr(each, name) for each in measured] for name in ("mid", "low", "high"))
    records = _records(generator, rows // RECORDS)
    return [
        _timed("columns: stars, span, chance", rows, lambda: rate_many(population, mid, low, high)),
        _timed("records: these, rank, standing", len(records), lambda: placed(records, edition)),
    ]


def _records(generator: Any, count: int) -> list[Member]:
    """Of a model each, alike but for it and its energy."""
    _, record = written(1.0, "maker/model")
    made = []
    for number, energy in enumerate(MARKETS["log-normal"].energies(generator, count)):
        model = replace(record.job.model, id=f"maker{number}/model", family=f"maker{number}")
        figure = replace(record.figures[0], wh_per_1000=interval(energy, ERROR))
        named = f"{number:064x}"
        made.append((named, replace(record, job=replace(record.job, model=model), job_id=named, figures=(figure,))))
    return made


def _timed(what: str, rows: int, rate: Callable[[], object]) -> Timed:
    began = time.process_time()
    rate()
    return Timed(what, rows, time.process_time() - began)
