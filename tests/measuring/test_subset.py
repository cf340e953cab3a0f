"""A part of the samples stands for all: the mean of all, and how far it can be off."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support import fake_job, measure, written
from wattstar import rating
from wattstar.measuring.series import Scatter
from wattstar.measuring.subset import Place, population_mean
from wattstar.rating.populations import conditions
from wattstar.types import Interval

QUIET = Scatter(0.0, 3.0)


def places(works: Sequence[float], energy: Callable[[float], float], each: int = 2) -> list[Place]:
    """Four passes without noise, so many samples in each block."""
    groups = [works[i : i + each] for i in range(0, len(works), each)]
    return [Place(group, [sum(map(energy, group)) / len(group)] * 4) for group in groups]


def test_a_quadratic_is_found_exactly_whatever_the_draw() -> None:
    """The 40 least of 100 works, from 1 on: no mean of theirs is near that of all, the curve is."""
    population = [1 + i / 10 for i in range(100)]
    found = population_mean(places(population[:40], lambda w: 3 + 2 * w + 0.5 * w * w), population, QUIET)
    truth = sum(3 + 2 * w + 0.5 * w * w for w in population) / 100
    assert found.mid == pytest.approx(truth)
    assert found.low == pytest.approx(truth)


def test_the_error_is_that_of_the_draw_and_of_the_passes() -> None:
    """Works alike in population and draw, energy 100 ± 1 by turns: checked with numpy's least squares and HC3."""
    import numpy

    population = [float(i) for i in range(80)]
    works = population[::2]
    made = [Place(works[i : i + 2], [100.0 + (-1) ** (i // 2)] * 4) for i in range(0, 40, 2)]
    found = population_mean(made, population, QUIET)

    rows = numpy.array([[1, numpy.mean(p.works), numpy.mean(numpy.square(p.works))] for p in made])
    energies = numpy.array([p.mean for p in made])
    inverse = numpy.linalg.inv(rows.T @ rows)
    target = numpy.array([1, numpy.mean(population), numpy.mean(numpy.square(population))])
    off = energies - rows @ inverse @ rows.T @ energies
    free = 1 - numpy.einsum("ij,jk,ik->i", rows, inverse, rows)
    variance = numpy.sum((rows @ inverse @ target * off / free) ** 2) * (1 - 40 / 80)
    assert found.mid == pytest.approx(target @ inverse @ rows.T @ energies)
    assert found.high is not None
    assert found.high - found.mid == pytest.approx(2.110 * math.sqrt(variance), rel=1e-6), "17 degrees of freedom"

    noisy = population_mean(made, population, Scatter(0.02, 3.0))
    assert noisy.high is not None
    assert noisy.high - noisy.mid > 3 * 0.02 / 2 * 100, "passes that scatter by 2 % are four"


def test_all_samples_leave_no_error_of_the_draw() -> None:
    population = [float(i) for i in range(40)]
    wild = [Place(population[i : i + 2], [float(5 + i % 7)] * 4) for i in range(0, 40, 2)]
    assert population_mean(wild, population, QUIET).high == population_mean(wild, population, QUIET).low


def test_few_blocks_give_the_stratified_mean_and_the_wider_interval() -> None:
    """Ten blocks of 4 samples, 1 … 10 joules: mean 5.5. Neighbours differ by 1: variance 9 · 1 / (2 · 9) / 10 · 0.6.

    2 · 9 / 3 = 6 degrees of freedom, t 2.447.
    """
    made = [Place([float(i)] * 4, [float(i)] * 4) for i in range(1, 11)]
    found = population_mean(made, [5.5] * 100, QUIET)
    assert found.mid == pytest.approx(5.5)
    assert found.high is not None
    assert found.high - found.mid == pytest.approx(2.447 * math.sqrt(0.5 / 10 * 0.6))


def test_works_that_are_all_alike_need_no_curve() -> None:
    made = [Place([1.0], [9.0 + i % 3] * 4) for i in range(30)]
    found = population_mean(made, [1.0] * 300, QUIET)
    assert found.mid == pytest.approx(10.0)
    assert found.high is not None


@pytest.mark.parametrize("count", [1, 20])
def test_one_pass_or_one_block_tells_no_error(count: int) -> None:
    made = places([float(i) for i in range(2 * count)], lambda work: 1 + work)
    assert population_mean(made, [1.0] * 99, None if count > 1 else QUIET).high is None


def test_where_the_curve_would_hang_on_one_block_there_is_none() -> None:
    """Nineteen blocks of like work and one a thousand times as long: the stratified mean, and it is not sure of it."""
    population = [*(1 + i / 1e3 for i in range(19)), 1e3]
    found = population_mean(places(population, lambda work: 1 + work, each=1), population * 3, QUIET)
    assert found.mid == pytest.approx(1 + sum(population) / 20)
    assert found.low is not None
    assert found.low < 2.0


def test_a_record_of_a_subset_says_so_and_earns_no_official_star(tmp_path: Path) -> None:
    work = {"samples": 100, "subset": 40, "passes": 4, "most_passes": 4}
    record = measure(fake_job(procedure=work), tmp_path)
    [figure, *_] = record.figures
    assert figure.wh_per_1000.mid > 0
    assert figure.new_queries is None
    assert len(record.passes[0].blocks) == 20
    assert all(block.work for block in record.passes[0].blocks)
    assert "a subset of 40 for 100 samples, 4 passes" in conditions(record, figure).procedure
    [(population, members)] = rating.populations([("one", record)])
    [made] = rating.rate(population, members)
    assert "subset" in made.reasons


def test_the_rule_that_stops_is_part_of_what_must_be_equal() -> None:
    _, record = written(1.0, "maker/model")
    figure = record.figures[0]
    ruled = replace(record.job.procedure, passes=4, most_passes=10, target_error=0.02)
    assert (
        "4 to 10 passes for ± 2 %"
        in conditions(replace(record, job=replace(record.job, procedure=ruled)), figure).procedure
    )


def test_an_interval_that_is_unknown_stays_so() -> None:
    assert population_mean(places([1.0, 2.0], lambda work: work), [1.0, 2.0], None) == Interval(None, 1.5, None)
