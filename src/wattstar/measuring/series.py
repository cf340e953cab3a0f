"""The blocks of all passes in the order of time: how they scatter, hang together and drift.

Blocks of one place hold the same samples in every pass: what those take more or less than others is no error, and is
taken out first. What is left is looked at as an AR(1) series, each value leaning on the one before.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

from wattstar.records.intervals import STUDENT_T_995, student

MOST_CORRELATION = 0.9
"""Beyond it so few blocks cannot tell one correlation from another."""
BIAS = 6.0
"""A correlation φ of n values is estimated too low by so many times φ/n. For a series with one mean it is (1 + 3φ)/n
(Kendall, Biometrika 41, 1954, 403-404). Here neighbours have means of their own, which takes the 1/n away; 6 instead of
3, because a run that shows too little correlation shows too little scatter too (``benchmarks/coverage``)."""
LEAST_FREEDOM = 3.0
"""However correlated blocks are, they are worth as much as a pilot of four."""
LEAST_SCATTER = 0.001
"""Of a block, as a share of its mean, to ask whether it hangs together with the next."""
Z_99 = 2.326
"""One-sided 99 % quantile of the normal distribution."""

Blocks = Sequence[Sequence[float]]
"""A pass an item: joules of a query in each of its blocks, in order."""


@dataclass(frozen=True)
class Scatter:
    """Standard deviation that one pass would have by itself, as a share of the mean, and how well it is known."""

    deviation: float
    freedom: float

    @property
    def reach(self) -> float:
        """Half width of the 95 % interval that one pass would have by itself."""
        return student(self.freedom) * self.deviation


def residuals(blocks: Blocks) -> list[float] | None:
    """Each block's share above the mean of its place; None where there is nothing to compare, or nothing was read."""
    sizes = {len(one) for one in blocks}
    if len(blocks) < 2 or len(sizes) != 1 or sizes.pop() < 2:
        return None
    means = [fmean(place) for place in zip(*blocks, strict=True)]
    if min(means) <= 0:
        return None
    return [value / mean - 1 for one in blocks for value, mean in zip(one, means, strict=True)]


def correlation(left: Sequence[float]) -> float:
    """Of each residual with the next, −1 … 1; 0 where they do not scatter at all."""
    square = fmean(value**2 for value in left)
    product = fmean(one * other for one, other in pairwise(left))
    return max(-1.0, min(product / square, 1.0)) if square else 0.0


def scatter_of(blocks: Blocks) -> Scatter | None:
    """Of a pass, as its blocks tell it: with correlation, it is more than that of as many independent blocks.

    n residuals of B places in N passes have B·(N − 1) degrees of freedom.
    """
    left = residuals(blocks)
    if left is None:
        return None
    places = len(blocks[0])
    variance, freedom = _variance(left, places * (len(blocks) - 1))
    return Scatter(math.sqrt(variance / places), freedom)


def drift(blocks: Blocks) -> tuple[float, float] | None:
    """From first pass to last, along the line through them, and the 99 % half width of that, as shares of the mean.

    The line is that of least squares; what a block is off it tells the error, and correlation widens it. None where
    there are no blocks, or fewer than three passes.
    """
    left = residuals(blocks)
    if left is None or len(blocks) < 3:
        return None
    places, last = len(blocks[0]), len(blocks) - 1
    times = [number - last / 2 for number in range(len(blocks)) for _ in range(places)]
    squares = sum(time**2 for time in times)
    slope = sum(time * value for time, value in zip(times, left, strict=True)) / squares
    off = [value - slope * time for time, value in zip(times, left, strict=True)]
    variance, freedom = _variance(off, places * last - 1)
    return slope * last, student(freedom, STUDENT_T_995) * math.sqrt(variance / squares) * last


def hangs_together(blocks: Blocks) -> float | None:
    """The correlation of a block with the next, where it is more than chance (one-sided, 1 %); else None.

    None too where blocks hardly scatter: then it changes nothing.
    """
    left = residuals(blocks)
    if left is None or fmean(value**2 for value in left) < LEAST_SCATTER**2:
        return None
    phi = correlation(left)
    return phi if phi > Z_99 / math.sqrt(len(left) - len(blocks[0])) else None


def _variance(left: Sequence[float], free: int) -> tuple[float, float]:
    """Of one residual, times what correlation makes of it in a mean of all, 1 + 2 Σ (1 − k/n) φᵏ; degrees of freedom.

    φ of so few values is estimated too low (``BIAS``). It is never below 0, because that blocks balance each other out
    shall make no interval narrower. Values so correlated are worth (1 − φ²)/(1 + φ²) as many independent ones
    (Bartlett, Journal of the Royal Statistical Society 98, 1935, 536-543).
    """
    count, phi = len(left), correlation(left)
    phi = max(0.0, min(phi * (1 + BIAS / count), MOST_CORRELATION))
    inflation = 1 + 2 * sum((1 - k / count) * phi**k for k in range(1, count))
    variance = sum(value**2 for value in left) / free * inflation
    return variance, max(free * (1 - phi**2) / (1 + phi**2), LEAST_FREEDOM)
