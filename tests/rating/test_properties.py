"""What holds for stars whatever the energies are: drawn by hypothesis, not chosen by us."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from statistics import NormalDist

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as some

from tests.support import written
from wattstar.rating.building import build, groups
from wattstar.rating.placing import placed
from wattstar.rating.populations import population
from wattstar.rating.schemes import names
from wattstar.rating.stars import chances, span, stars
from wattstar.types import Boundary, Conditions, Edition, Entry, Grade, Interval, Population

CONDITIONS = Conditions("a task", None, "a card", Boundary.GPU, "counter", "the work", "the procedure")
ENERGY = some.floats(1e-3, 1e5)
CUTS = some.lists(ENERGY, min_size=4, max_size=4, unique=True).map(sorted)
SCHEMES = some.sampled_from(names())
ROUNDING = 1e-9
UNTIMED = settings(deadline=None)
"""A busy machine is no defect."""


def entry(number: int, energy: float, family: int | None = None) -> Entry:
    maker = f"maker{number if family is None else family}"
    return Entry(f"{maker}/model{number}", maker, Interval(energy, energy, energy), f"record{number}", "2026")


@some.composite
def fields(draw: some.DrawFn) -> list[Entry]:
    """Eight to thirty models, some of one family."""
    energies = draw(some.lists(ENERGY, min_size=8, max_size=30, unique=True))
    families = draw(some.lists(some.integers(0, 40), min_size=len(energies), max_size=len(energies)))
    return [entry(number, *of) for number, of in enumerate(zip(energies, families, strict=True))]


def frozen(cuts: Sequence[float], mean: float | None = None, deviation: float | None = None) -> Population:
    """A population of which only the cuts, the average and the deviation are asked."""
    return Population(CONDITIONS, (), 20, (), None, mean, deviation, tuple(cuts), Grade.STANDARD, None)


def measured(energy: float, error: float) -> Interval:
    """A 95 % interval of which the standard error is this share of the energy."""
    half = NormalDist().inv_cdf(0.975) * error * energy
    return Interval(energy - half, energy, energy + half)


def on_an_edge(energies: Sequence[float], cuts: Sequence[float]) -> bool:
    """Whether rounding decides a star."""
    return any(math.isclose(energy, cut, rel_tol=ROUNDING) for energy in energies for cut in cuts)


@UNTIMED
@given(CUTS, ENERGY, ENERGY)
def test_less_energy_never_earns_fewer_stars(cuts: list[float], one: float, other: float) -> None:
    assert stars(min(one, other), cuts) >= stars(max(one, other), cuts)


@UNTIMED
@given(CUTS, some.integers(0, 3))
def test_an_energy_on_a_cut_has_the_better_star_and_the_next_number_the_worse(cuts: list[float], number: int) -> None:
    assert stars(cuts[number], cuts) == 5 - number
    beyond = math.nextafter(cuts[number], math.inf)
    assert stars(beyond, cuts) == 4 - number or beyond in cuts


@UNTIMED
@given(fields(), SCHEMES)
def test_there_are_four_cuts_that_rise_or_a_reason_for_none(entries: list[Entry], scheme: str) -> None:
    made = population(CONDITIONS, entries, scheme)
    if made.cuts is None:
        assert made.reason is not None
        return
    assert len(made.cuts) == 4
    assert list(made.cuts) == sorted(made.cuts)
    assert made.cuts[0] > 0
    assert made.cuts[3] < math.inf


@UNTIMED
@given(fields(), SCHEMES, some.floats(1e-3, 1e3))
def test_the_unit_of_energy_is_nothing_to_the_stars(entries: list[Entry], scheme: str, factor: float) -> None:
    scaled = [
        replace(each, wh_per_1000=Interval(*[each.wh_per_1000.mid * factor] * 3))  # exactly known, as before
        for each in entries
    ]
    before, after = population(CONDITIONS, entries, scheme), population(CONDITIONS, scaled, scheme)
    assert (before.cuts is None) == (after.cuts is None) or math.isclose(_spread(entries), 2, rel_tol=ROUNDING)
    if before.cuts is None or after.cuts is None:
        return
    energies = [each.wh_per_1000.mid for each in entries]
    assume(not on_an_edge(energies, before.cuts) or scheme == "quantile")
    assert [stars(energy, before.cuts) for energy in energies] == [
        stars(each.wh_per_1000.mid, after.cuts) for each in scaled
    ]


def _spread(entries: Sequence[Entry]) -> float:
    energies = [each.wh_per_1000.mid for each in entries]
    return max(energies) / min(energies)


@UNTIMED
@given(fields(), SCHEMES, some.randoms())
def test_the_order_of_the_records_is_nothing_to_the_population(
    entries: list[Entry], scheme: str, random: some.Random
) -> None:
    shuffled = random.sample(entries, len(entries))
    assert population(CONDITIONS, shuffled, scheme) == population(CONDITIONS, entries, scheme)


@settings(max_examples=20, deadline=None)
@given(some.lists(ENERGY, min_size=8, max_size=12, unique=True), some.lists(ENERGY, max_size=10), SCHEMES)
def test_within_an_edition_a_newcomer_moves_nobodys_star(
    energies: list[float], newcomers: list[float], scheme: str
) -> None:
    present = [written(energy, f"maker{i}/model", spread=0.02) for i, energy in enumerate(energies)]
    others = [written(energy, f"newcomer{i}/model", spread=0.02) for i, energy in enumerate(newcomers)]
    edition = build(Edition("2026-01", "ours", None, populations=(), changes=()), groups(present))
    [before], [after] = (placed(records, edition, scheme) for records in (present, [*others, *present]))
    known = {rating.record: rating for rating in after.ratings}
    assert len(before.ratings) == len(present)
    assert all(known[rating.record] == rating for rating in before.ratings)


@UNTIMED
@given(fields(), some.sampled_from(["deviation", "quantile"]), some.integers(1, 20))
def test_copies_of_a_model_by_its_own_family_have_no_vote(entries: list[Entry], scheme: str, copies: int) -> None:
    """Where a family has one model; of a larger one they shift its own weights, never its sum."""
    alone = entry(1000, 3.0)
    again = [replace(alone, model=f"{alone.model}-{number}") for number in range(copies)]
    once = population(CONDITIONS, [*entries, alone], scheme)
    often = population(CONDITIONS, [*entries, alone, *again], scheme)
    assert often.families == once.families
    assert (often.cuts is None) == (once.cuts is None)
    if once.cuts is not None:
        assert often.cuts == pytest.approx(once.cuts, rel=ROUNDING)


@UNTIMED
@given(CUTS, ENERGY, some.floats(1e-4, 1.0), some.floats(-5, 10), some.floats(0.1, 3))
def test_chances_are_chances(cuts: list[float], energy: float, error: float, mean: float, deviation: float) -> None:
    found = chances(measured(energy, error), frozen(cuts, mean, deviation))
    assert found is not None
    assert math.fsum(found) == pytest.approx(1)
    assert all(0 <= chance <= 1 for chance in found)
    least, most = span(found)
    assert 1 <= least <= most <= 5
    assert most - least <= 1
    assert (least == most) == (max(found) >= 0.8)


@UNTIMED
@given(CUTS, ENERGY, some.floats(-5, 10), some.floats(0.1, 3))
def test_chances_end_in_the_star_as_the_measurement_gets_sure(
    cuts: list[float], energy: float, mean: float, deviation: float
) -> None:
    assume(not any(math.isclose(energy, cut, rel_tol=1e-3) for cut in cuts))
    for error in (1e-5, 0.0):
        found = chances(measured(energy, error), frozen(cuts, mean, deviation))
        assert found is not None
        assert found[5 - stars(energy, cuts)] == pytest.approx(1, abs=1e-6)


@UNTIMED
@given(CUTS, ENERGY, ENERGY, some.floats(1e-3, 0.5), some.floats(-5, 10), some.floats(0.1, 3))
def test_less_energy_never_lessens_the_chance_of_many_stars(
    cuts: list[float], one: float, other: float, error: float, mean: float, deviation: float
) -> None:
    by = frozen(cuts, mean, deviation)
    thrifty, greedy = (chances(measured(energy, error), by) for energy in sorted((one, other)))
    assert thrifty is not None
    assert greedy is not None
    for least in range(1, 5):
        assert math.fsum(thrifty[:least]) >= math.fsum(greedy[:least]) - ROUNDING


@settings(max_examples=50, deadline=None)
@given(some.floats(-2, 2), some.floats(0.02, 0.67), some.floats(-3, 3), some.floats(0.2, 2))
def test_the_shrinkage_is_what_bayes_rule_gives_by_numerical_integration(
    place: float, ratio: float, mean: float, deviation: float
) -> None:
    """Truth from N(mean, deviation²), measured with ratio × deviation: prior times likelihood, over a fine grid."""
    cuts = [math.exp(mean + z * deviation) for z in (-0.8416, -0.2533, 0.2533, 0.8416)]
    energy, error = math.exp(mean + place * deviation), ratio * deviation
    found = chances(measured(energy, error), frozen(cuts, mean, deviation))
    assert found is not None
    market, reading = NormalDist(mean, deviation), NormalDist(math.log(energy), error)
    assert found == pytest.approx(_integrated(market, reading, [math.log(cut) for cut in cuts]), abs=1e-6)


def _integrated(market: NormalDist, reading: NormalDist, edges: Sequence[float]) -> list[float]:
    """Simpson's rule between the edges, out to nine standard errors of the reading."""
    reach = 9 * reading.stdev
    ends = [reading.mean - reach, *(min(max(x, reading.mean - reach), reading.mean + reach) for x in edges)]
    pairs = zip(ends, [*ends[1:], reading.mean + reach], strict=True)
    parts = [_simpson(market, reading, low, high) for low, high in pairs]
    return [part / math.fsum(parts) for part in parts]


def _simpson(market: NormalDist, reading: NormalDist, low: float, high: float, steps: int = 400) -> float:
    width = (high - low) / steps
    weights = [1, *(4 if i % 2 else 2 for i in range(1, steps)), 1]
    points = [low + i * width for i in range(steps + 1)]
    return math.fsum(w * market.pdf(x) * reading.pdf(x) for w, x in zip(weights, points, strict=True)) * width / 3
