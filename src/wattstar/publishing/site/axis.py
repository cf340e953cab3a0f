"""Logarithmic axes: where a value stands between two powers of ten. ``static/js/axis.js`` does alike."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from wattstar.publishing.site.board import Row

STEPS = ((1,), (1, 2, 5), (1, 1.5, 2, 3, 4, 5, 7))
"""Of a decade, from the coarsest; the first that puts three ticks on an axis is taken."""

APART = 22.0
"""Per cent of a short axis between two words."""


@dataclass(frozen=True)
class Axis:
    """From one value to another, both over 0."""

    low: float
    high: float

    def at(self, value: float) -> float:
        """0 … 100, rounded so that files stay small; beyond the ends is at the end."""
        share = math.log(value / self.low) / math.log(self.high / self.low)
        return round(100 * min(1.0, max(0.0, share)), 2)

    @property
    def ticks(self) -> list[float]:
        """The powers of ten on it; where those are less than three, multiples of them too."""
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        found: list[float] = []
        for steps in STEPS:
            found = [round(step * 10.0**power, 12) for power in range(first, last + 1) for step in steps]
            found = [value for value in found if self._holds(value)]
            if len(found) > 2:
                break
        return found

    @property
    def few_ticks(self) -> list[float]:
        """Those that are far enough apart to be written above a column."""
        found: list[float] = []
        for value in self.ticks:
            if not found or self.at(value) - self.at(found[-1]) >= APART:
                found.append(value)
        return found

    def _holds(self, value: float) -> bool:
        return self.low * (1 - 1e-9) <= value <= self.high * (1 + 1e-9)


def decades(values: Iterable[float]) -> Axis:
    """Whole powers of ten around the values; one decade where there is nothing."""
    found = [value for value in values if value > 0]
    if not found:
        return Axis(0.1, 1.0)
    low, high = math.floor(math.log10(min(found))), math.ceil(math.log10(max(found)))
    return Axis(10.0**low, 10.0 ** max(high, low + 1))


def around(rows: Iterable[Row]) -> Axis:
    """All of the rows, their intervals and ranges, and a little air."""
    found: list[float] = []
    for row in rows:
        for interval in (row.wh_per_1000, row.plausible):
            if interval is not None:
                found += [end for end in (interval.low, interval.mid, interval.high) if end is not None and end > 0]
    if not found:
        return Axis(0.1, 1.0)
    low, high = min(found), max(found)
    air = max(1.06, (high / low) ** 0.03)
    return Axis(low / air, high * air)
