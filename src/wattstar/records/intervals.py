"""Student's intervals, and the quantiles they are made of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, stdev

from wattstar.types import Interval

STUDENT_T_975 = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
    2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip
"""Two-sided 95 % quantiles of Student's t for 1 … 30 degrees of freedom; for more, the last: a little too wide."""

STUDENT_T_995 = (
    63.657, 9.925, 5.841, 4.604, 4.032, 3.707, 3.499, 3.355, 3.250, 3.169, 3.106, 3.055, 3.012, 2.977, 2.947,
    2.921, 2.898, 2.878, 2.861, 2.845, 2.831, 2.819, 2.807, 2.797, 2.787, 2.779, 2.771, 2.763, 2.756, 2.750,
)  # fmt: skip
"""Two-sided 99 % quantiles, alike."""

MOST_FREEDOM = 1000
"""With so much, Student's t is the normal distribution within 0.1 % of its quantiles."""


def student(freedom: float, quantiles: Sequence[float] = STUDENT_T_975) -> float:
    """The quantile for so many degrees of freedom, at least 1; between two whole numbers, on the line through both."""
    if freedom < 1:
        raise ValueError(f"{freedom:g} degrees of freedom tell nothing")
    below = min(math.floor(freedom), len(quantiles))
    above = min(below + 1, len(quantiles))
    share = min(freedom - below, 1.0)
    return quantiles[below - 1] * (1 - share) + quantiles[above - 1] * share


def two_sided(statistic: float, freedom: float) -> float:
    """How likely Student's t is to be so far from 0 or farther; freedom is rounded down, which is on the safe side.

    Abramowitz & Stegun, Handbook of Mathematical Functions (1964), 26.7.3 and 26.7.4.
    """
    if freedom < 1:
        raise ValueError(f"{freedom:g} degrees of freedom tell nothing")
    whole = min(math.floor(freedom), MOST_FREEDOM)
    angle = math.atan(abs(statistic) / math.sqrt(whole))
    term = math.cos(angle) if whole % 2 else 1.0
    terms = [term] * (whole > 1)
    for number in range(2 + whole % 2, whole - 1, 2):
        term *= (number - 1) / number * math.cos(angle) ** 2
        terms.append(term)
    inside = math.sin(angle) * sum(terms)
    if whole % 2:
        inside = 2 / math.pi * (angle + inside)
    return max(0.0, 1 - inside)


def mean_interval(values: Sequence[float]) -> Interval:
    """Mean with its two-sided 95 % Student interval; from one value the interval is unknown."""
    mid = fmean(values)
    if len(values) < 2:
        return Interval(None, mid, None)
    half = student(len(values) - 1) * stdev(values) / math.sqrt(len(values))
    return Interval(mid - half, mid, mid + half)
