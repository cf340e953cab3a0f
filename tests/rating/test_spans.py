"""A star is said alone only where it is likely enough."""

from __future__ import annotations

import math
from dataclasses import replace
from statistics import NormalDist

import pytest

from tests.support import written
from wattstar.rating import populations
from wattstar.rating.stars import chances, rate, span
from wattstar.types import Interval, Population


def field(spread: float = 0.01) -> Population:
    """Energies of 1, 2, 4 … 128 Wh: mean 3.5 and deviation √6, in units of ln 2."""
    [(population, _)] = populations([written(2.0**i, f"maker{i}/model", spread=spread) for i in range(8)])
    return population


def test_in_the_middle_of_its_band_a_star_is_firm() -> None:
    found = chances(Interval(11.2, 11.3, 11.4), field())
    assert found is not None
    assert found[2] == pytest.approx(1)
    assert span(found) == (3, 3)


def test_on_a_cut_both_stars_are_as_likely_and_both_are_shown() -> None:
    population = field()
    assert population.cuts is not None
    cut = population.cuts[1]
    found = chances(Interval(cut * 0.99, cut, cut * 1.01), population)
    assert found is not None
    assert found[1:3] == (pytest.approx(0.5, abs=0.01), pytest.approx(0.5, abs=0.01))
    assert span(found) == (3, 4)


def test_the_chances_are_those_of_the_normal_posterior() -> None:
    """Measured as sharply as the market is wide (r = 1), the truth lies half way to the average."""
    population = field()
    assert population.mean is not None
    assert population.deviation is not None
    assert population.cuts is not None
    mid, error = 2.0, population.deviation
    half = NormalDist().inv_cdf(0.975) * error * mid
    found = chances(Interval(mid - half, mid, mid + half), population)
    truth = NormalDist((math.log(mid) + population.mean) / 2, error / math.sqrt(2))
    assert found is not None
    assert found[0] == pytest.approx(truth.cdf(math.log(population.cuts[0])))
    assert sum(found) == pytest.approx(1)


def test_of_an_energy_without_an_interval_no_star_is_firm() -> None:
    population = field()
    assert chances(Interval(None, 1.5, None), population) is None
    name, record = written(1.5, "one/pass")
    [made] = record.figures
    alone = replace(record, figures=(replace(made, wh_per_1000=Interval(None, 1.5, None)),))
    [rating] = rate(population, [(name, alone)])
    assert (rating.stars, rating.chances, rating.span, rating.rank) == (5, None, (1, 5), None)


def test_of_an_estimate_every_star_in_its_plausible_range_is_shown() -> None:
    name, record = written(8.0, "an/estimate", spread=0.01)
    [made] = record.figures
    guessed = replace(record, figures=(replace(made, plausible=Interval(2.0, 8.0, 32.0)),))
    [rating] = rate(field(), [(name, guessed)])
    assert (rating.stars, rating.chances, rating.span) == (3, None, (2, 5))
