"""How many passes are enough, and how sure their mean is: pure functions of the passes' and their blocks' energies.

Stein's two-stage rule (Annals of Mathematical Statistics 16, 1945, 243-258): a pilot tells the scatter s₀, from which
the number of passes follows once, N = ⌈(t·s₀/d)²⌉ for a half width d; the interval is mean ± t·s₀/√N, with t of the
pilot's degrees of freedom. It covers exactly where passes are independent and normal. Where they are correlated s₀ is
too small, and the blocks inside the passes tell so: the standard error is the larger of the two.
``benchmarks/coverage`` shows what both cover together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, stdev

from wattstar.measuring.intervals import student
from wattstar.types import Interval, Procedure

MOST_CORRELATION = 0.9
"""Beyond it so few blocks cannot tell one correlation from another."""
LEAST_FREEDOM = 3.0
"""However correlated blocks are, they are worth as much as a pilot of four."""

Blocks = Sequence[Sequence[float]]
"""A pass an item: joules of a query in each of its blocks, in order. Those of one place hold the same samples."""


@dataclass(frozen=True)
class Scatter:
    """Standard deviation that one pass would have by itself, as a share of the mean, and how well it is known."""

    deviation: float
    freedom: float

    @property
    def reach(self) -> float:
        """Half width of the 95 % interval that one pass would have by itself."""
        return student(self.freedom) * self.deviation


def passes_needed(pilot: Sequence[float], procedure: Procedure, blocks: Blocks = ()) -> int:
    """Fixed once, by the passes of the pilot: so many that the half width is ``target_error``, or as many as may be.

    ``pilot`` and ``blocks``: joules of a query. ``statistics.StatisticsError`` where a pilot of one is to tell.
    """
    if procedure.passes >= procedure.most_passes:
        return procedure.passes
    needed = math.ceil((scatter(pilot, blocks, len(pilot)).reach / procedure.target_error) ** 2)
    return min(max(needed, procedure.passes), procedure.most_passes)


def pilot_of(procedure: Procedure, passes: int) -> int:
    """How many of the first passes tell the scatter: where their number was fixed, all of them."""
    return passes if procedure.passes >= procedure.most_passes else min(procedure.passes, passes)


def repeatability(values: Sequence[float], blocks: Blocks, pilot: int) -> Interval:
    """Mean of the passes with its 95 % interval: this sitting, this machine, these samples.

    ``values`` and ``blocks``: joules of a query in each pass. The first ``pilot`` passes tell the scatter of passes,
    all blocks that of blocks. From one pass the interval is unknown.
    """
    mid = fmean(values)
    if len(values[:pilot]) < 2:
        return Interval(None, mid, None)
    half = mid * scatter(values, blocks, pilot).reach / math.sqrt(len(values))
    return Interval(mid - half, mid, mid + half)


def target_met(interval: Interval, target_error: float) -> bool | None:
    """Whether the half width is at most this share of the mean; None where the interval is unknown."""
    if interval.low is None or interval.high is None:
        return None
    return (interval.high - interval.low) / 2 <= target_error * interval.mid


def scatter(values: Sequence[float], blocks: Blocks, pilot: int) -> Scatter:
    """That of the pilot's passes, or that of the blocks where it is larger, each with its own degrees of freedom."""
    first = values[:pilot]
    of_passes = Scatter(stdev(first) / fmean(values), len(first) - 1)
    of_blocks = _of_blocks(blocks)
    return of_blocks if of_blocks and of_blocks.deviation > of_passes.deviation else of_passes


def residuals(blocks: Blocks) -> list[float] | None:
    """Each block's share above the mean of its place, in the order of time; None where there are none to compare.

    What the samples of a place take more or less than others is the same in every pass, and no error.
    """
    sizes = {len(one) for one in blocks}
    if len(blocks) < 2 or len(sizes) != 1 or sizes.pop() < 2:
        return None
    means = [fmean(place) for place in zip(*blocks, strict=True)]
    if min(means) <= 0:
        return None
    return [value / mean - 1 for one in blocks for value, mean in zip(one, means, strict=True)]


def correlation(left: Sequence[float]) -> float:
    """Of each residual with the next, −1 … 1; 0 where they do not scatter at all."""
    square = sum(value**2 for value in left) / len(left)
    product = sum(one * other for one, other in pairwise(left)) / (len(left) - 1)
    return max(-1.0, min(product / square, 1.0)) if square else 0.0


def inflation(phi: float, count: int) -> float:
    """How many times the variance of a mean is that of as many independent values: AR(1), 1 + 2 Σ (1 − k/n) φᵏ."""
    return 1 + 2 * sum((1 - k / count) * phi**k for k in range(1, count))


def unbiased(phi: float, count: int) -> float:
    """A correlation of so few values is estimated too low, by (1 + 3φ)/n (Kendall, Biometrika 41, 1954, 403-404).

    Never below 0: that blocks balance each other out makes no interval narrower.
    """
    return max(0.0, min(phi + (1 + 3 * phi) / count, MOST_CORRELATION))


def _of_blocks(blocks: Blocks) -> Scatter | None:
    """From all blocks: n residuals of B places in N passes have B·(N − 1) degrees of freedom.

    Correlated ones are worth fewer, by (1 − φ²)/(1 + φ²) (Bartlett 1935, for the variance of an AR(1) series).
    """
    left = residuals(blocks)
    if left is None:
        return None
    places = len(blocks[0])
    free = places * (len(blocks) - 1)
    phi = unbiased(correlation(left), len(left))
    variance = sum(value**2 for value in left) / free * inflation(phi, len(left)) / places
    return Scatter(math.sqrt(variance), max(free * (1 - phi**2) / (1 + phi**2), LEAST_FREEDOM))
