"""Whether P(star) keeps its word: of stars said with a chance of p, a share p is that of the true energy."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any

import numpy
from benchmarks.ratings.worlds import CONDITIONS, MARKETS, Market, entries, interval

from wattstar.rating.populations import population
from wattstar.rating.stars import chances, stars
from wattstar.types import Interval, Population

RATIOS = (0.02, 0.05, 0.1, 0.2, 0.33, 0.5, 0.67)
"""Standard error of a record's ln(energy), over the market's deviation."""
OF_EDITION = 0.05
"""The same of the figures that the edition is made of."""
SPREAD = 4.0
"""95 % of the energies lie within so many times: little, so that the largest error is a small share of an energy."""
SIZES = (20, 50, 150)
"""Families of an edition."""
EDGES = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99)
RATED = 100
"""Models that are measured once and rated, by each edition."""
T_3 = 3.182446
"""Student's t, 3 degrees of freedom: the 95 % interval of four passes."""
PASSES = 4


@dataclass(frozen=True)
class World:
    """A market, its edition's families, and how a record knows its own uncertainty."""

    market: str
    families: int
    ratio: float
    known: bool = True
    """False: from the scatter of four passes, as records have it."""
    promised: bool = True
    """Whether a chance said is to be kept here."""


OFFERED = (
    *(World("log-normal", families, ratio) for families in SIZES for ratio in RATIOS),
    *(World("log-normal", 50, ratio, known=False, promised=False) for ratio in RATIOS[:5]),
    *(World("log-normal", 8, ratio, promised=False) for ratio in RATIOS),
    *(World(name, 50, ratio, promised=False) for name in MARKETS if name != "log-normal" for ratio in RATIOS),
)


@dataclass(frozen=True)
class Bin:
    """Stars that were said with about the same chance."""

    low: float
    high: float
    count: int
    said: float | None
    """Mean chance; None where none were said."""
    true: float | None
    """Share of them that the true energy earns."""


@dataclass(frozen=True)
class Cell:
    """What came of one world."""

    world: World
    bins: tuple[Bin, ...]
    firm: float
    """Share of models whose likeliest star has a chance of 0.8 or more."""


def calibrated(seed: Sequence[int], world: World, editions: int) -> Cell:
    """Freeze so many editions, rate models of the same market by each, and ask whose likeliest star was true."""
    generator = numpy.random.default_rng(seed)
    market = Market(MARKETS[world.market].draw, SPREAD)
    said: list[tuple[float, bool]] = []
    for _ in range(editions):
        edition = _edition(generator, market, world.families)
        if edition.cuts is None:  # eight models may by chance be too much alike
            continue
        for energy in market.energies(generator, RATED):
            found = chances(_measured(generator, energy, world, market.deviation), edition)
            assert found is not None, "every interval here is known"
            best = max(range(5), key=found.__getitem__)
            said.append((found[best], stars(energy, edition.cuts) == 5 - best))
    return Cell(world, reliability(said), fmean(chance >= 0.8 for chance, _ in said))


def reliability(said: Iterable[tuple[float, bool]]) -> tuple[Bin, ...]:
    """Chances said and whether they came true, by chance."""
    sorted_out: list[list[tuple[float, bool]]] = [[] for _ in range(len(EDGES) + 1)]
    for chance, true in said:
        sorted_out[bisect_right(EDGES, chance)].append((chance, true))
    bounds = (0.0, *EDGES, 1.0)
    return tuple(
        Bin(
            bounds[number],
            bounds[number + 1],
            len(members),
            fmean(chance for chance, _ in members) if members else None,
            fmean(true for _, true in members) if members else None,
        )
        for number, members in enumerate(sorted_out)
    )


def pooled(cells: Sequence[Cell]) -> tuple[Bin, ...]:
    """The reliability of several worlds together, each star counting once."""
    return tuple(_together([cell.bins[number] for cell in cells]) for number in range(len(EDGES) + 1))


def _together(bins: Sequence[Bin]) -> Bin:
    count = sum(each.count for each in bins)
    said = sum(each.count * each.said for each in bins if each.said is not None)
    true = sum(each.count * each.true for each in bins if each.true is not None)
    return Bin(bins[0].low, bins[0].high, count, said / count if count else None, true / count if count else None)


def _edition(generator: Any, market: Market, families: int) -> Population:
    """Made of figures that were measured too."""
    true = market.energies(generator, families)
    error = OF_EDITION * market.deviation
    measured = [energy * (1 + error * z) for energy, z in zip(true, generator.standard_normal(families), strict=True)]
    return population(CONDITIONS, entries(measured, error))


def _measured(generator: Any, energy: float, world: World, deviation: float) -> Interval:
    error = world.ratio * deviation
    if world.known:
        return interval(energy * math.exp(error * generator.standard_normal()), error)
    passes = energy * (1 + error * PASSES**0.5 * generator.standard_normal(PASSES))
    half = T_3 * stdev(passes) / PASSES**0.5
    mean = fmean(passes)
    return Interval(mean - half, mean, mean + half)
