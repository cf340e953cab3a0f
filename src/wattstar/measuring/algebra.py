"""A little linear algebra, and the statistics of series: for matrices of three rows the core needs no numpy."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from operator import mul

Vector = list[float]
Matrix = list[list[float]]

CLOSER = 9
"""Times that the place of the least value is narrowed down by the golden section."""
MOST_ALIKE = 0.97
"""Correlation of neighbours that a bandwidth is worked out from; it has no end at 1."""


class Singular(Exception):
    """There is no one solution."""


def line(stamps: Vector) -> tuple[Vector, Vector]:
    """Level and drift of the energy of steps, as vectors of length 1 at right angles."""
    level = [late - early for early, late in pairwise(stamps)]
    size = math.sqrt(dot(level, level))
    level = [value / size for value in level]
    middle = (stamps[0] + stamps[-1]) / 2
    drift = [x * ((early + late) / 2 - middle) for x, (early, late) in zip(level, pairwise(stamps), strict=True)]
    part = dot(level, drift)
    drift = [value - part * x for value, x in zip(drift, level, strict=True)]
    size = math.sqrt(dot(drift, drift))
    return level, [value / size for value in drift]


def check(matrix: Matrix, least: float) -> None:
    """Raise ``Singular`` unless every pivot of a symmetrical matrix (Cholesky's, squared) is larger than the least."""
    left = [list(row) for row in matrix]
    for k in range(len(left)):
        if left[k][k] <= least:
            raise Singular
        for row in left[k + 1 :]:
            factor = row[k] / left[k][k]
            row[k:] = [value - factor * above for value, above in zip(row[k:], left[k][k:], strict=True)]


def solve(matrix: Matrix, right: Vector) -> Vector:
    """Gauss, with pivots chosen in the column; ``Singular`` where there is none."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    size = len(rows)
    for k in range(size):
        pivot = max(range(k, size), key=lambda i: abs(rows[i][k]))
        rows[k], rows[pivot] = rows[pivot], rows[k]
        if not rows[k][k]:
            raise Singular
        for i in range(size):
            if i != k:
                factor = rows[i][k] / rows[k][k]
                rows[i] = [value - factor * above for value, above in zip(rows[i], rows[k], strict=True)]
    return [row[size] / row[k] for k, row in enumerate(rows)]


def golden(function: Callable[[float], float], low: float, high: float) -> float:
    """Where a function of one hollow is least."""
    ratio = (math.sqrt(5) - 1) / 2
    left, right = high - ratio * (high - low), low + ratio * (high - low)
    for _ in range(CLOSER):
        if function(left) <= function(right):
            high, right = right, left
            left = high - ratio * (high - low)
        else:
            low, left = left, right
            right = low + ratio * (high - low)
    return left if function(left) <= function(right) else right


def variance_of_sum(scores: Vector) -> float:
    """Of so many scores together, neighbours being alike.

    Newey and West, Econometrica 55 (1987) 703; bandwidth of Andrews, Econometrica 59 (1991) 817, eq. 6.2 and 6.4.
    """
    squares = dot(scores, scores)
    if not squares:
        return 0.0
    alike = min(max(dot(scores[:-1], scores[1:]) / squares, -MOST_ALIKE), MOST_ALIKE)
    width = 1.1447 * math.cbrt(4 * alike**2 / ((1 - alike) ** 2 * (1 + alike) ** 2) * len(scores))
    bandwidth = min(math.ceil(width), len(scores) // 4)
    products = ((1 - j / (bandwidth + 1)) * dot(scores[:-j], scores[j:]) for j in range(1, bandwidth + 1))
    return max(squares + 2 * sum(products), 0.0)


def dot(one: Sequence[float], other: Sequence[float]) -> float:
    """Of as many values as the shorter has."""
    total: float = sum(map(mul, one, other))
    return total
