"""Which stars move when models join: where the population is made anew, and where an edition is frozen."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy
from benchmarks.ratings.worlds import CONDITIONS, MARKETS, Market, entries

from wattstar.rating.building import Group, build, fresh_share
from wattstar.rating.populations import population
from wattstar.rating.schemes import STANDARD
from wattstar.rating.stars import stars
from wattstar.types import Edition, Entry, Population

SIZES = (8, 12, 20, 50, 150)
"""Families of a population, a model each."""
FAR = 100.0
"""An outlier's energy over the population's median."""
INSIDE = 20.0
"""A dummy's energy over the population's median: three deviations up, inside the outer fences."""

Joined = Callable[[Any, Market, Sequence[Entry]], tuple[Entry, ...]]
"""(generator, market, population) → who joins it."""


def outlier(generator: Any, market: Market, present: Sequence[Entry]) -> tuple[Entry, ...]:
    """One model that takes 100 times the median."""
    return entries([FAR * _median(present)], family="outlier")


def dummies(generator: Any, market: Market, present: Sequence[Entry]) -> tuple[Entry, ...]:
    """Eight greedy models of one publisher, who wants to look thrifty beside them."""
    return entries(_greedy(generator, present), family="dummies")


def disguised(generator: Any, market: Market, present: Sequence[Entry]) -> tuple[Entry, ...]:
    """The same eight under eight publishers' names."""
    energies = _greedy(generator, present)
    return tuple(entries([energy], family=f"disguise{number}")[0] for number, energy in enumerate(energies))


def newcomers(generator: Any, market: Market, present: Sequence[Entry]) -> tuple[Entry, ...]:
    """Ten more of the same market."""
    energies = market.energies(generator, 10)
    return tuple(entries([energy], family=f"newcomer{number}")[0] for number, energy in enumerate(energies))


JOINED: Mapping[str, Joined] = {
    "one outlier of 100×": outlier,
    "eight dummies of one family": dummies,
    "eight dummies of eight families": disguised,
    "ten honest newcomers": newcomers,
}


def _median(present: Sequence[Entry]) -> float:
    return median(entry.wh_per_1000.mid for entry in present)


def _greedy(generator: Any, present: Sequence[Entry]) -> list[float]:
    return [INSIDE * _median(present) * math.exp(0.05 * x) for x in generator.standard_normal(8)]


@dataclass(frozen=True)
class Cell:
    """Shares of the stars of those who were there before, over many populations."""

    scheme: str
    families: int
    what: str
    anew: float
    """Moved where the population is made anew with those who joined."""
    frozen: float
    """Moved where the edition stays as it is."""
    next: float | None
    """Moved in the edition of the year after, whose cuts are held near; None: editions have another scheme."""


@dataclass(frozen=True)
class Fresh:
    """Shares of a population's stars, over many populations."""

    scheme: str
    market: str
    families: int
    changed: float
    """That another population as large from the same market would change."""
    said: float | None
    """What an edition prints of itself; None of other schemes, of which it prints nothing."""


def joining(seed: Sequence[int], scheme: str, size: int, runs: int) -> list[Cell]:
    """By who joins: how many stars of a log-normal market's population of this size move."""
    generator = numpy.random.default_rng(seed)
    market = MARKETS["log-normal"]
    anew, frozen, later, total = Counter[str](), Counter[str](), Counter[str](), 0
    for _ in range(runs):
        present = entries(market.energies(generator, size))
        edition = _edition("2026-01", present) if scheme == STANDARD else None
        made = edition.populations[0] if edition else population(CONDITIONS, present, scheme)
        before = given(present, made)
        total += len(present)
        for what, join in JOINED.items():
            everyone = present + join(generator, market, present)
            anew[what] += differing(before, given(present, population(CONDITIONS, everyone, scheme)))
            frozen[what] += differing(before, given(everyone, made)[: len(present)])
            if edition:
                later[what] += differing(before, given(present, _edition("2027-01", everyone, edition).populations[0]))
    return [
        Cell(
            scheme,
            size,
            what,
            anew[what] / total,
            frozen[what] / total,
            later[what] / total if scheme == STANDARD else None,
        )
        for what in JOINED
    ]


def _edition(name: str, energies: Sequence[Entry], before: Edition | None = None) -> Edition:
    naming = Edition(name, "simulated", None, populations=(), changes=())
    return build(naming, [Group(CONDITIONS, tuple(energies))], before)


def fresh(seed: Sequence[int], scheme: str, market: str, size: int, runs: int) -> Fresh:
    """How many stars of a population another one of the same market and size would change."""
    generator = numpy.random.default_rng(seed)
    changed, total = 0, 0
    for _ in range(runs):
        present, others = (entries(MARKETS[market].energies(generator, size)) for _ in range(2))
        made, other = (population(CONDITIONS, each, scheme) for each in (present, others))
        changed += differing(given(present, made), given(present, other))
        total += len(present)
    return Fresh(scheme, market, size, changed / total, fresh_share(size) if scheme == STANDARD else None)


def given(of: Sequence[Entry], by: Population) -> list[int | None]:
    """Everyone's stars; None where the population gives none."""
    return [stars(entry.wh_per_1000.mid, by.cuts) if by.cuts else None for entry in of]


def differing(before: Sequence[int | None], after: Sequence[int | None]) -> int:
    """How many are not the same."""
    return sum(one != other for one, other in zip(before, after, strict=True))
