"""A part of the samples stands for all: from its blocks' energies to the mean of the whole population."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, pstdev

from wattstar.measuring.series import Scatter
from wattstar.records.intervals import student
from wattstar.types import Interval

LEAST_BLOCKS = 15
"""So many are needed for a curve of three coefficients and its error."""
LEAST_FREE = 0.001
"""Of a block's residual: where its work lies so far out that the curve goes through it whatever it took, no curve."""

Row = tuple[float, float, float]


@dataclass(frozen=True)
class Place:
    """One block of the subset, consecutive samples of like work, over all passes."""

    works: Sequence[float]
    """``testsets.work`` of each of its samples."""
    joules: Sequence[float]
    """Of a query, in each pass."""

    @property
    def work(self) -> float:
        """Mean of its samples."""
        return fmean(self.works)

    @property
    def samples(self) -> int:
        """How many: its weight."""
        return len(self.works)

    @property
    def mean(self) -> float:
        """Joules of a query over all passes."""
        return fmean(self.joules)


@dataclass(frozen=True)
class _Estimate:
    """A mean that is a weighted sum of the places' means, and what it is off by."""

    mid: float
    weights: Sequence[float]
    inflated: Sequence[float]
    """How many times too large each place's part of the variance is estimated, on average."""
    variance: float | None
    """Of sampling and measuring together, as if the population had no end; None where it cannot be told."""
    freedom: float


def population_mean(places: Sequence[Place], works: Sequence[float], of_passes: Scatter | None) -> Interval:
    """Mean joules of a query of the population, with its 95 % interval.

    ``works``: of every sample of the population; ``of_passes``: what passes scatter by, None where there was only one:
    then the interval is unknown.

    The energy of a query is taken as a quadratic in its work, fitted to the blocks by least squares weighted by
    samples, and read at the population's works. Its error is HC3 (MacKinnon and White, Journal of Econometrics 29,
    1985, 305-325) times the finite-population factor (Cochran, Sampling Techniques, 1977, 2.6). It holds the noise of
    the measurement as far as blocks are independent; by as much as ``of_passes`` knows of more, the variance grows,
    with Satterthwaite's degrees of freedom (Biometrics Bulletin 2, 1946, 110-114).

    With fewer than 15 blocks of different work, or one far out, it is the mean of all blocks, which a draw by decile of
    work makes a stratified one, and the error that of successive differences (Wolter, Introduction to Variance
    Estimation, 2007, 8.2), which is wider because neighbours differ in work too.
    """
    places = sorted(places, key=lambda place: place.work)
    few = len({place.work for place in places}) < LEAST_BLOCKS
    made = (None if few else _quadratic(places, works)) or _stratified(places)
    if of_passes is None or made.variance is None:
        return Interval(None, made.mid, None)
    left_out = max(1 - sum(place.samples for place in places) / len(works), 0.0)
    whole, noise = made.variance * left_out, _noise(places, made) * left_out
    measured = (of_passes.deviation * made.mid) ** 2 / len(places[0].joules)
    variance, doubt = whole, whole**2 / made.freedom
    if measured > noise:
        variance += measured - noise
        doubt += measured**2 / of_passes.freedom
    freedom = max(variance**2 / doubt, min(made.freedom, of_passes.freedom)) if doubt else made.freedom
    half = student(freedom) * math.sqrt(variance)
    return Interval(made.mid - half, made.mid, made.mid + half)


def _stratified(places: Sequence[Place]) -> _Estimate:
    total = sum(place.samples for place in places)
    weights = [place.samples / total for place in places]
    mid = sum(weight * place.mean for weight, place in zip(weights, places, strict=True))
    ones = [1.0] * len(places)
    steps = [(one.mean - other.mean) ** 2 for one, other in pairwise(places)]
    if not steps:
        return _Estimate(mid, weights, ones, None, 1.0)
    # Neighbouring differences share a value: they are worth two thirds of as many independent ones.
    variance = fmean(steps) / 2 * sum(weight**2 for weight in weights)
    return _Estimate(mid, weights, ones, variance, max(2 * len(steps) / 3, 1.0))


def _quadratic(places: Sequence[Place], works: Sequence[float]) -> _Estimate | None:
    """None where the curve hangs on a single block."""
    centre, scale = fmean(works), pstdev(works) or 1.0
    rows = [_row([(work - centre) / scale for work in place.works]) for place in places]
    target = _row([(work - centre) / scale for work in works])
    weighted = list(zip(places, rows, strict=True))
    inverse = _inverse([[sum(p.samples * r[i] * r[j] for p, r in weighted) for j in range(3)] for i in range(3)])
    if inverse is None:
        return None
    one, work, square = (sum(p.samples * p.mean * r[i] for p, r in weighted) for i in range(3))
    sums = (one, work, square)
    weights = [place.samples * _product(target, inverse, row) for place, row in weighted]
    mid = _product(target, inverse, sums)
    free = [1 - place.samples * _product(row, inverse, row) for place, row in weighted]
    if min(free) < LEAST_FREE:
        return None
    off = [place.mean - _product(row, inverse, sums) for place, row in weighted]
    variance = sum((weight * one / share) ** 2 for weight, one, share in zip(weights, off, free, strict=True))
    # A residual has a share of its place's variance, the rest was fitted away; HC3 gives more than it back.
    return _Estimate(mid, weights, [1 / share for share in free], variance, len(places) - 3)


def _noise(places: Sequence[Place], made: _Estimate) -> float:
    """The part of the variance that is measurement: what a place does in a pass beyond the pass's and its own mean."""
    passes = len(places[0].joules)
    shares = [[joules / place.mean - 1 for joules in place.joules] for place in places]
    of_passes = [fmean(column) for column in zip(*shares, strict=True)]
    squares = sum((one - of_pass) ** 2 for row in shares for one, of_pass in zip(row, of_passes, strict=True))
    one_pass = squares / ((passes - 1) * max(len(places) - 1, 1))
    parts = zip(places, made.weights, made.inflated, strict=True)
    return sum((weight * place.mean) ** 2 * times for place, weight, times in parts) * one_pass / passes


def _row(works: Sequence[float]) -> Row:
    """Means of 1, work and its square: what the mean energy of these samples is made of."""
    return (1.0, fmean(works), fmean(work * work for work in works))


def _product(left: Row, middle: Sequence[Sequence[float]], right: Row) -> float:
    return sum(left[i] * middle[i][j] * right[j] for i in range(3) for j in range(3))


def _inverse(matrix: Sequence[Sequence[float]]) -> list[list[float]] | None:
    """Of a symmetric matrix of three rows, by its cofactors; None where there is none."""
    (a, b, c), (_, d, e), (_, _, f) = matrix
    cofactors = [
        [d * f - e * e, c * e - b * f, b * e - c * d],
        [0.0, a * f - c * c, b * c - a * e],
        [0.0, 0.0, a * d - b * b],
    ]
    determinant = a * cofactors[0][0] + b * cofactors[0][1] + c * cofactors[0][2]
    if determinant <= 0:
        return None
    return [[cofactors[min(i, j)][max(i, j)] / determinant for j in range(3)] for i in range(3)]
