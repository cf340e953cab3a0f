"""How long it takes to rate very many energies."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy
from benchmarks.ratings.worlds import CONDITIONS, MARKETS, entries, interval

from wattstar.rating.populations import population
from wattstar.rating.stars import chances, stars
from wattstar.types import Interval, Population

FAMILIES = 150
ERROR = 0.02


@dataclass(frozen=True)
class Timed:
    """One way of rating."""

    what: str
    records: int
    seconds: float


def rated(seed: int, count: int) -> list[Timed]:
    """Stars and chances of so many energies by a frozen population, with processor time."""
    generator = numpy.random.default_rng(seed)
    market = MARKETS["log-normal"]
    frozen = population(CONDITIONS, entries(market.energies(generator, FAMILIES)))
    measured = [interval(energy, ERROR) for energy in market.energies(generator, count)]
    return [
        _timed("stars, one by one", measured, lambda some: _stars(some, frozen)),
        _timed("chances, one by one", measured, lambda some: [chances(each, frozen) for each in some]),
    ]


def _stars(measured: Sequence[Interval], frozen: Population) -> list[int]:
    assert frozen.cuts is not None, "150 families are enough"
    return [stars(each.mid, frozen.cuts) for each in measured]


def _timed(what: str, measured: Sequence[Interval], rate: Callable[[Sequence[Interval]], Sequence[object]]) -> Timed:
    began = time.process_time()
    made = rate(measured)
    seconds = time.process_time() - began
    assert len(made) == len(measured)
    return Timed(what, len(measured), seconds)
