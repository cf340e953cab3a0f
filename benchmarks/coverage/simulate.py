"""One cell of a table: many simulated runs, judged by the product's own functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any

import numpy
from benchmarks.coverage.worlds import World

from wattstar.measuring import figures, gates
from wattstar.measuring.figures import per_query, per_query_of_blocks
from wattstar.measuring.stopping import passes_needed
from wattstar.testsets.subset import Subset, drawn
from wattstar.types import Block, Boundary, Figure, Method, Pass, Procedure, Reading, Sample, Window

JOULES_PER_WATT_HOUR = 3600.0
QUERIES = 1000
MOST_PASSES, BLOCKS = 10, 4
MOST_WORK = 3.0
"""In medians of all: texts are cut, so that works do not reach to the sky."""

Curve = Callable[[Any], Any]
CURVES: Mapping[str, Curve] = {
    "constant": lambda work: 1 + 0 * work,
    "linear": lambda work: 0.3 + 0.7 * work,
    "quadratic": lambda work: 0.3 + 0.4 * work + 0.3 * work**2,
    "cubic": lambda work: 0.3 + 0.5 * work + 0.2 * work**3,
    "square root": lambda work: 0.2 + 0.8 * work**0.5,
}
"""Joules of a query over its work in means of all."""


@dataclass(frozen=True)
class Quick:
    """A subset of queries that are known to differ."""

    curve: str
    scatter: float
    """Deviation of queries of the same work, as a share."""
    population: int = 1000
    drawn: int = 100
    blocks: int = 20


@dataclass(frozen=True)
class Cell:
    """What came of the runs of one world."""

    covered: float
    passes: float
    """Mean of how many were chosen."""
    met: float
    """Share of runs that met the target."""
    half_width: float
    """Median, as a share of the mean."""
    trend: float
    """Share of runs that the gate marked."""
    correlation: float


def repeated(world: World, spread: float, seed: Sequence[int], count: int) -> Cell:
    """All samples, as many passes as the rule says; those of one block take up to 30 % more than those of another.

    The truth is 1; of a drift, its beginning.
    """
    generator = numpy.random.default_rng(seed)
    places = generator.uniform(0.7, 1.3, (count, 1, BLOCKS))
    places /= places.mean(axis=2, keepdims=True)
    drifting = world.drift / 3 * numpy.arange(MOST_PASSES).reshape(1, MOST_PASSES, 1)
    blocks = places * (1 + spread * world.draw(generator, (count, MOST_PASSES, BLOCKS)) + drifting)
    return _cell([(*_judged(run), 1.0) for run in blocks.tolist()])


def subset(quick: Quick, world: World, spread: float, seed: Sequence[int], count: int) -> Cell:
    """A part of the samples, drawn by decile of work, in four passes; the truth is the mean of all samples."""
    generator = numpy.random.default_rng(seed)
    return _cell([_drawn(quick, world, spread, generator) for _ in range(count)])


def _judged(run: Sequence[Sequence[float]]) -> tuple[Figure, Sequence[Pass]]:
    procedure = Procedure("simulated", "", QUERIES)
    passes = [_pass(index, [(joules, None) for joules in blocks], QUERIES) for index, blocks in enumerate(run)]
    pilot = passes[: procedure.passes]
    values = [per_query(counted, Boundary.GPU) for counted in pilot]
    chosen = passes[: passes_needed(values, procedure, per_query_of_blocks(pilot, Boundary.GPU))]
    [figure] = figures.figures(chosen, procedure)
    return figure, chosen


def _drawn(quick: Quick, world: World, spread: float, generator: Any) -> tuple[Figure, Sequence[Pass], float]:
    works = numpy.minimum(generator.lognormal(0.0, 0.5, quick.population), MOST_WORK)
    works /= works.mean()
    joules = CURVES[quick.curve](works) * (1 + quick.scatter * generator.standard_normal(quick.population))
    samples = [Sample(str(number), "simulated", {}) for number in range(quick.population)]
    by_id = {sample.id: work for sample, work in zip(samples, works.tolist(), strict=True)}
    chosen = drawn(samples, by_id, quick.drawn, int(generator.integers(2**31)))
    numbers = numpy.array([int(sample.id) for sample in chosen]).reshape(quick.blocks, -1)
    noise = world.draw(generator, (1, 4, len(numbers)))[0]
    blocks = joules[numbers].mean(axis=1) * (1 + spread * noise)
    means = works[numbers].mean(axis=1).tolist()
    passes = [
        _pass(index, list(zip(row, means, strict=True)), quick.drawn) for index, row in enumerate(blocks.tolist())
    ]
    procedure = Procedure("simulated", "", quick.population, passes=4, most_passes=4, subset=quick.drawn)
    works_of_subset = tuple(works[numbers].reshape(-1).tolist())
    [figure] = figures.figures(
        passes, procedure, figures.Queries(subset=Subset(chosen, works_of_subset, tuple(works.tolist())))
    )
    return figure, passes, float(joules.mean())


def _pass(index: int, blocks: Sequence[tuple[float, float | None]], queries: int) -> Pass:
    """Of (joules of a query, work) a block."""
    share = queries // len(blocks)
    told = [
        Block(Window(0, 1), share, (Reading("gpu:0", "simulated", Method.COUNTER, joules * share, 0.0),), work)
        for joules, work in blocks
    ]
    total = sum(reading.joules for block in told for reading in block.energy)
    energy = (Reading("gpu:0", "simulated", Method.COUNTER, total, 0.0),)
    return Pass(index, Window(0, 1), 1, queries, energy, {}, None, tuple(told))


def _cell(made: Sequence[tuple[Figure, Sequence[Pass], float]]) -> Cell:
    """Each run: its figure, its passes, and the true joules of a query."""
    intervals = [figure.wh_per_1000 for figure, _, _ in made]
    truths = [truth * 1000 / JOULES_PER_WATT_HOUR for _, _, truth in made]
    edges = [(interval.low, interval.high) for interval in intervals]
    known = [(low, high) for low, high in edges if low is not None and high is not None]
    return Cell(
        covered=fmean(low <= truth <= high for (low, high), truth in zip(known, truths, strict=True)),
        passes=fmean(figure.passes for figure, _, _ in made),
        met=fmean(figure.target_met is True for figure, _, _ in made),
        half_width=median((high - low) / 2 / each.mid for (low, high), each in zip(known, intervals, strict=True)),
        trend=fmean(bool(gates.trend(passes, Boundary.GPU)) for _, passes, _ in made),
        correlation=fmean(bool(gates.correlation(passes, Boundary.GPU)) for _, passes, _ in made),
    )
