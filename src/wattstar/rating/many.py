"""Stars of a million energies at once: columns in, columns out."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from wattstar.errors import UsageError
from wattstar.rating.stars import ANY, chances, span, stars
from wattstar.types import Interval, Population


@dataclass(frozen=True)
class Columns:
    """A row for each energy."""

    stars: array[int]
    least: array[int]
    """Least and most stars that are shown, as in ``Rating.span``."""
    most: array[int]
    chance: array[float]
    """Of the likeliest star; not a number where the interval is not known."""


def rate_many(
    population: Population, mid: Sequence[float], low: Sequence[float | None], high: Sequence[float | None]
) -> Columns:
    """Stars of energies in Wh per 1,000 queries with their 95 % intervals, None where these are not known.

    A few microseconds a row (``benchmarks/ratings``). ``UsageError`` where the population has no cuts, and for a row
    whose energy is zero, negative or not finite.
    """
    if population.cuts is None:
        raise UsageError(f"This population gives no stars: {population.reason}.", ["wattstar edition show"])
    made = Columns(array("b"), array("b"), array("b"), array("d"))
    for row, energy in enumerate(zip(low, mid, high, strict=True)):
        interval = Interval(*energy)
        if not 0 < interval.mid < math.inf:
            raise UsageError(f"Row {row}: {interval.mid} Wh is no energy that can be rated.", ["leave it out"])
        sure = chances(interval, population)
        least, most = span(sure) if sure else ANY
        made.stars.append(stars(interval.mid, population.cuts))
        made.least.append(least)
        made.most.append(most)
        made.chance.append(max(sure) if sure else math.nan)
    return made
