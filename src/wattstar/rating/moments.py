"""Average and deviation of ln(energy), one vote a family, and whether they are enough to give stars by."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, quantiles

from wattstar.types import Entry, Interval

LEAST_FAMILIES = 8
LEAST_FOR_FENCES = 12
LEAST_SPREAD = 2.0
"""max/min below which models do not differ enough for stars."""
LEAST_SIGNAL = 3.0
"""Deviation over measurement uncertainty below which stars would be noise."""
Z_975 = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True)
class Moments:
    """Of x = ln(Wh per 1,000 queries) of those inside the fences; energies are in Wh per 1,000 queries."""

    families: int
    removed: tuple[str, ...]
    """Models outside the fences."""
    fences: tuple[float, float] | None
    """The least and the greatest energy that counts; None: too few families to tell what is far off."""
    mean: float | None
    deviation: float | None
    """Of that many families (divisor n − 1); None for fewer than two."""
    spread: float
    """The most over the least."""
    uncertainty: float | None
    """Typical standard error of x: root mean square; None where no interval is known."""


def moments(entries: Sequence[Entry]) -> Moments:
    """In which each family has weight 1, shared by its members; at least one entry, all energies positive.

    Mean Σ w x / Σ w and deviation √(Σ w (x − mean)² / (Σ w − 1)), Σ w being the number of families.
    """
    fences = _fences(entries)
    kept = [entry for entry in entries if fences is None or fences[0] <= entry.wh_per_1000.mid <= fences[1]]
    members = Counter(entry.family for entry in kept)
    energies = [entry.wh_per_1000.mid for entry in kept]
    logs = [math.log(energy) for energy in energies]
    weights = [1 / members[entry.family] for entry in kept]
    mean = math.fsum(w * x for w, x in zip(weights, logs, strict=True)) / len(members)
    square = math.fsum(w * (x - mean) ** 2 for w, x in zip(weights, logs, strict=True))
    return Moments(
        families=len(members),
        removed=tuple(sorted(entry.model for entry in set(entries) - set(kept))),
        fences=fences,
        mean=mean if len(members) > 1 else None,
        deviation=math.sqrt(square / (len(members) - 1)) if len(members) > 1 else None,
        spread=max(energies) / min(energies),
        uncertainty=_typical(kept),
    )


def no_stars(made: Moments) -> str | None:
    """Why the energies are too few or too much alike to give stars by, in words."""
    if made.families < LEAST_FAMILIES:
        return f"{made.families} of the {LEAST_FAMILIES} families that stars need"
    if made.spread < LEAST_SPREAD:
        return f"the most is less than {LEAST_SPREAD:g} times the least"
    assert made.deviation is not None, "there are two families or more"
    if made.uncertainty is not None and made.deviation < LEAST_SIGNAL * made.uncertainty:
        return f"models differ by less than {LEAST_SIGNAL:g} times the measurement's uncertainty"
    return None


def standard_error(interval: Interval) -> float | None:
    """Of ln(energy), from the 95 % interval taken as a normal one; None where that is not known."""
    if interval.low is None or interval.high is None:
        return None
    return (interval.high - interval.low) / (2 * Z_975 * interval.mid)


def _fences(entries: Sequence[Entry]) -> tuple[float, float] | None:
    """Tukey's outer fences on x: Q1 − 3·IQR … Q3 + 3·IQR, linear quantiles, applied once.

    Each family counts once, by its mean: hundred copies of one model are not to draw the fences around themselves.
    """
    families: dict[str, list[float]] = defaultdict(list)
    for entry in entries:
        families[entry.family].append(math.log(entry.wh_per_1000.mid))
    if len(families) < LEAST_FOR_FENCES:
        return None
    low, _, high = quantiles(map(fmean, families.values()), n=4, method="inclusive")
    reach = 3 * (high - low)
    return math.exp(low - reach), math.exp(high + reach)


def _typical(entries: Sequence[Entry]) -> float | None:
    errors = [error for entry in entries if (error := standard_error(entry.wh_per_1000)) is not None]
    return math.sqrt(fmean(error**2 for error in errors)) if errors else None
