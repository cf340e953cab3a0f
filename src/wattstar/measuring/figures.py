"""From passes to the figure that is rated: gross energy per 1,000 queries, with its interval."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean, stdev

from wattstar.measuring.timeline import best
from wattstar.types import Boundary, Figure, Interval, Method, Pass, Reading

JOULES_PER_WATT_HOUR = 3600.0

KINDS: Mapping[Boundary, frozenset[str]] = {
    Boundary.GPU: frozenset({"gpu"}),
    Boundary.CPU_DRAM: frozenset({"cpu", "dram"}),
    Boundary.GPU_CPU_DRAM: frozenset({"gpu", "cpu", "dram"}),
    Boundary.SYSTEM: frozenset({"system"}),
}
"""Kinds of domains (``cpu`` of ``cpu:0``) that a boundary is made of."""

RATED = (Boundary.GPU, Boundary.CPU_DRAM, Boundary.SYSTEM)
"""In this order."""

STUDENT_T_975 = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
    2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip
"""Two-sided 95 % quantiles of Student's t for 1 … 30 degrees of freedom; for more, the last: a little too wide."""


def figures(passes: Sequence[Pass]) -> tuple[Figure, ...]:
    """One figure per boundary whose domains every pass has."""
    made = (_figure(boundary, passes) for boundary in Boundary)
    return tuple(figure for figure in made if figure is not None)


def rated(made: Sequence[Figure]) -> Boundary | None:
    """The boundary that is rated: the first of ``RATED`` that was measured, else the first that was estimated."""
    by_boundary = {figure.boundary: figure for figure in made}
    present = [by_boundary[boundary] for boundary in RATED if boundary in by_boundary]
    measured = [figure for figure in present if figure.method is not Method.MODELLED]
    return next((figure.boundary for figure in [*measured, *present]), None)


def per_query(counted: Pass, boundary: Boundary) -> float:
    """Joules of one query in a pass that has the boundary's domains."""
    return sum(reading.joules for reading in _parts(boundary, counted) or ()) / counted.queries


def mean_interval(values: Sequence[float]) -> Interval:
    """Mean with its two-sided 95 % Student interval; from one value the interval is unknown."""
    mid = fmean(values)
    if len(values) < 2:
        return Interval(None, mid, None)
    quantile = STUDENT_T_975[min(len(values) - 1, len(STUDENT_T_975)) - 1]
    half = quantile * stdev(values) / math.sqrt(len(values))
    return Interval(mid - half, mid, mid + half)


def _figure(boundary: Boundary, passes: Sequence[Pass]) -> Figure | None:
    parts = [_parts(boundary, counted) for counted in passes]
    if not parts or any(part is None for part in parts):
        return None
    found = [part for part in parts if part is not None]
    covered = {tuple(sorted(f"{r.domain} by {r.meter}" for r in part)) for part in found}
    if len(covered) > 1:
        return None
    per_1000 = [1000.0 / counted.queries / JOULES_PER_WATT_HOUR for counted in passes]
    energies = [sum(r.joules for r in part) * scale for part, scale in zip(found, per_1000, strict=True)]
    bounds = [sum(r.bound for r in part) * scale for part, scale in zip(found, per_1000, strict=True)]
    interval = mean_interval(energies)
    factor = max((r.plausible_factor or 1.0 for part in found for r in part), default=1.0)
    order = list(Method)
    return Figure(
        boundary=boundary,
        method=max((r.method for part in found for r in part), key=order.index),
        wh_per_1000=interval,
        bound_wh_per_1000=fmean(bounds),
        plausible=Interval(interval.mid / factor, interval.mid, interval.mid * factor) if factor > 1 else None,
        passes=len(passes),
        coverage=covered.pop(),
    )


def _parts(boundary: Boundary, counted: Pass) -> tuple[Reading, ...] | None:
    """The best reading of each of the boundary's domains; None where one is missing or read nothing."""
    wanted = KINDS[boundary]
    parts = tuple(
        reading for reading in best(counted.energy) if reading.domain.partition(":")[0] in wanted and reading.joules > 0
    )
    present = {reading.domain.partition(":")[0] for reading in parts}
    return parts if present == wanted else None
