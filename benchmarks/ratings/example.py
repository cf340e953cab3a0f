"""One star, step by step, by a population of the first edition."""

from __future__ import annotations

import math
from dataclasses import dataclass

from wattstar.rating.editions import load, names
from wattstar.rating.moments import standard_error
from wattstar.rating.stars import chances, span, stars
from wattstar.types import Interval

ENERGY, HALF = 12.6, 0.6
"""Wh per 1,000 queries, and the half width of its 95 % interval: not a measurement, near a cut."""


@dataclass(frozen=True)
class Example:
    """The steps; energies are Wh per 1,000 queries."""

    population: str
    families: int
    mean: float
    """Geometric."""
    factor: float
    """exp of the deviation of ln."""
    cuts: tuple[float, ...]
    energy: float
    half: float
    z: float
    """Deviations from the average."""
    stars: int
    error: float
    """Standard error of ln(energy)."""
    ratio: float
    place: float
    """Middle of where the truth lies: of the posterior."""
    width: float
    """exp of its deviation."""
    chances: tuple[float, ...]
    span: tuple[int, int]


def example() -> Example:
    """Of text generation, class A."""
    [found] = [
        each
        for each in load(names()[0]).populations
        if (each.conditions.task, each.conditions.size_class) == ("text-generation", "A")
    ]
    measured = Interval(ENERGY - HALF, ENERGY, ENERGY + HALF)
    mean, deviation, cuts = found.mean, found.deviation, found.cuts
    error, likely = standard_error(measured), chances(measured, found)
    assert mean is not None, "it has stars"
    assert deviation is not None, "it has stars"
    assert cuts, "it has stars"
    assert error, "its interval is known"
    assert likely, "it has both"
    ratio = error / deviation
    place = (math.log(ENERGY) + ratio**2 * mean) / (1 + ratio**2)
    return Example(
        population=f"{found.conditions.task} {found.conditions.size_class}, {found.conditions.hardware}",
        families=found.families,
        mean=math.exp(mean),
        factor=math.exp(deviation),
        cuts=cuts,
        energy=ENERGY,
        half=HALF,
        z=(math.log(ENERGY) - mean) / deviation,
        stars=stars(ENERGY, cuts),
        error=error,
        ratio=ratio,
        place=math.exp(place),
        width=math.exp(error / math.sqrt(1 + ratio**2)),
        chances=likely,
        span=span(likely),
    )
