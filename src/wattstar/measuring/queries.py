"""What the mean would be for other queries like these: the samples as a random draw."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LEAST_UNITS = 20
"""No bootstrap over fewer."""
DRAWS = 1000
SEED = 20261126


@dataclass(frozen=True)
class Unit:
    """Samples that were served together, so that no one can tell what each of them took."""

    samples: int
    seconds: float
    """Of all of them, mean over all times they were served."""


def units(rows: Sequence[Mapping[str, Any]], batch_size: int) -> tuple[Unit, ...]:
    """The batches that rows of a record, in order, were served in; ``seconds`` of a row is its share of its batch."""
    groups = [rows[begin : begin + batch_size] for begin in range(0, len(rows), batch_size)]
    return tuple(Unit(len(group), sum(float(row["seconds"]) for row in group)) for group in groups)


def spread(units: Sequence[Unit]) -> tuple[float, float] | None:
    """95 % interval of the mean of a query, as shares of that mean: percentile bootstrap over batches.

    An approximation: energy is shared out by time, as if power were the same all through a pass; what it differs by
    within one is far less than what queries differ by. None with fewer than 20 batches, or where they took no time.
    The seed is fixed: the same units give the same interval (Efron and Tibshirani, An Introduction to the Bootstrap,
    1993, chapter 13).
    """
    if len(units) < LEAST_UNITS:
        return None
    mean = _mean(units)
    if mean <= 0:
        return None
    draw = random.Random(SEED)
    means = sorted(_mean(draw.choices(units, k=len(units))) / mean for _ in range(DRAWS))
    return means[round(0.025 * DRAWS)], means[round(0.975 * DRAWS) - 1]


def _mean(units: Sequence[Unit]) -> float:
    return sum(unit.seconds for unit in units) / sum(unit.samples for unit in units)
