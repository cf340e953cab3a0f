"""From passes to the figure that is rated: gross energy per 1,000 queries, with its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from statistics import fmean

from wattstar.measuring.queries import Unit, spread
from wattstar.measuring.stopping import pilot_of, repeatability, scatter, target_met
from wattstar.measuring.subset import Place, population_mean
from wattstar.measuring.timeline import best
from wattstar.records.units import JOULES_PER_WATT_HOUR
from wattstar.testsets import Subset
from wattstar.types import Boundary, Figure, Interval, Method, Pass, Procedure, Reading

KINDS: Mapping[Boundary, frozenset[str]] = {
    Boundary.GPU: frozenset({"gpu"}),
    Boundary.CPU_DRAM: frozenset({"cpu", "dram"}),
    Boundary.GPU_CPU_DRAM: frozenset({"gpu", "cpu", "dram"}),
    Boundary.SYSTEM: frozenset({"system"}),
}
"""Kinds of domains (``cpu`` of ``cpu:0``) that a boundary is made of."""

RATED = (Boundary.GPU, Boundary.CPU_DRAM, Boundary.SYSTEM)
"""In this order."""


@dataclass(frozen=True)
class Queries:
    """What is known of the samples beside energy."""

    units: Sequence[Unit] = ()
    """What was served together, and how long it took: those tell what other queries would differ by."""
    subset: Subset | None = None
    """Which samples stand for all, where a part of them does."""


def figures(passes: Sequence[Pass], procedure: Procedure, queries: Queries | None = None) -> tuple[Figure, ...]:
    """One figure per boundary whose domains every pass has."""
    known = queries or Queries()
    shares = spread(known.units) if procedure.subset is None else None
    made = (_figure(boundary, passes, procedure, known.subset) for boundary in Boundary)
    return tuple(_with_new_queries(figure, shares) for figure in made if figure is not None)


def rated(made: Sequence[Figure]) -> Boundary | None:
    """The boundary that is rated: the first of ``RATED`` that was measured, else the first that was estimated."""
    by_boundary = {figure.boundary: figure for figure in made}
    present = [by_boundary[boundary] for boundary in RATED if boundary in by_boundary]
    measured = [figure for figure in present if figure.method is not Method.MODELLED]
    return next((figure.boundary for figure in [*measured, *present]), None)


def per_query(counted: Pass, boundary: Boundary) -> float:
    """Joules of one query in a pass that has the boundary's domains."""
    return sum(reading.joules for reading in _parts(boundary, counted) or ()) / counted.queries


def per_query_of_blocks(passes: Sequence[Pass], boundary: Boundary) -> list[list[float]]:
    """Joules of one query in each block of each pass, by the meters that speak for the passes.

    Empty where a block has no reading of one of them, or passes have different blocks.
    """
    found = [_of_blocks(counted, boundary) for counted in passes]
    whole = [values for values in found if values]
    return whole if len(whole) == len(passes) and len({len(values) for values in whole}) == 1 else []


def _of_blocks(counted: Pass, boundary: Boundary) -> list[float]:
    wanted = {(reading.domain, reading.meter) for reading in _parts(boundary, counted) or ()}
    values = []
    for block in counted.blocks:
        parts = [reading for reading in block.energy if (reading.domain, reading.meter) in wanted]
        if len(parts) < len(wanted):
            return []
        values.append(sum(reading.joules for reading in parts) / block.queries)
    return values


def _interval(passes: Sequence[Pass], boundary: Boundary, procedure: Procedure, subset: Subset | None) -> Interval:
    """Joules of a query, as the procedure tells them: from all samples, or from those that stand for all."""
    values = [per_query(counted, boundary) for counted in passes]
    blocks = per_query_of_blocks(passes, boundary)
    whole = repeatability(values, blocks, pilot_of(procedure, len(values)))
    if procedure.subset is None:
        return whole
    places = _places(passes[0], blocks, subset) if subset else None
    if places is None or subset is None:
        return Interval(None, whole.mid, None)
    noise = None if whole.high is None else scatter(values, blocks, pilot_of(procedure, len(values)))
    return population_mean(places, subset.population, noise)


def _places(counted: Pass, blocks: Sequence[Sequence[float]], subset: Subset) -> list[Place] | None:
    """The blocks with the works of their samples; None where the blocks do not hold the samples of the subset."""
    counts = [block.queries // counted.repeats for block in counted.blocks]
    if not blocks or sum(counts) != len(subset.works):
        return None
    edges = [0, *accumulate(counts)]
    joules = zip(*blocks, strict=True)
    return [
        Place(subset.works[begin:end], of_block) for (begin, end), of_block in zip(pairwise(edges), joules, strict=True)
    ]


def _with_new_queries(figure: Figure, shares: tuple[float, float] | None) -> Figure:
    if shares is None:
        return figure
    mid = figure.wh_per_1000.mid
    return replace(figure, new_queries=Interval(mid * shares[0], mid, mid * shares[1]))


def _figure(boundary: Boundary, passes: Sequence[Pass], procedure: Procedure, subset: Subset | None) -> Figure | None:
    parts = [_parts(boundary, counted) for counted in passes]
    if not parts or any(part is None for part in parts):
        return None
    found = [part for part in parts if part is not None]
    covered = {tuple(sorted(f"{r.domain} by {r.meter}" for r in part)) for part in found}
    if len(covered) > 1:
        return None
    per_1000 = [1000.0 / counted.queries / JOULES_PER_WATT_HOUR for counted in passes]
    bounds = [sum(r.bound for r in part) * scale for part, scale in zip(found, per_1000, strict=True)]
    interval = _scaled(_interval(passes, boundary, procedure, subset), 1000.0 / JOULES_PER_WATT_HOUR)
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
        target_met=target_met(interval, procedure.target_error),
    )


def _scaled(interval: Interval, factor: float) -> Interval:
    low, high = (None if edge is None else edge * factor for edge in (interval.low, interval.high))
    return Interval(low, interval.mid * factor, high)


def _parts(boundary: Boundary, counted: Pass) -> tuple[Reading, ...] | None:
    """The best reading of each of the boundary's domains; None where one is missing or read nothing."""
    wanted = KINDS[boundary]
    parts = tuple(
        reading for reading in best(counted.energy) if reading.domain.partition(":")[0] in wanted and reading.joules > 0
    )
    present = {reading.domain.partition(":")[0] for reading in parts}
    return parts if present == wanted else None
