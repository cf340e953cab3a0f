"""How many passes there are to be, and how sure their mean is: worked out by hand, and over simulated runs."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support import fake_job, measure
from wattstar.measuring import figures, gates
from wattstar.measuring.queries import Unit, spread, units
from wattstar.measuring.series import correlation, drift, hangs_together, residuals, scatter_of
from wattstar.measuring.stopping import passes_needed, pilot_of, repeatability, target_met
from wattstar.types import Block, Boundary, Interval, Method, Pass, Procedure, Reading, Window


def procedure(passes: int = 4, most: int = 10, target: float = 0.01) -> Procedure:
    return Procedure("an edition", "", 100, passes=passes, most_passes=most, target_error=target)


def reading(joules: float) -> tuple[Reading, ...]:
    return (Reading("gpu:0", "fake", Method.COUNTER, joules, 0.0),)


def passes(blocks: Sequence[Sequence[float]], *, told: bool = True) -> list[Pass]:
    """Of joules in each block of one query; not told: as a pass without blocks."""
    window = Window(0, 1)
    return [
        Pass(i, window, 1, len(values), reading(sum(values)), {}, None,
             tuple(Block(window, 1, reading(value)) for value in values) if told else ())
        for i, values in enumerate(blocks)
    ]  # fmt: skip


# ── the number of passes ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("pilot", "target", "needed"),
    [
        ([100, 100, 100, 100], 0.01, 4),  # no scatter: the pilot is enough
        ([99.4, 100.6, 99.4, 100.6], 0.01, 5),  # s 0.6928, (3.182 · 0.6928 / 1)² = 4.86
        ([99, 101, 99, 101], 0.02, 4),  # s 1.1547, (3.182 · 1.1547 / 2)² = 3.38
        ([99, 101, 99, 101], 0.01, 10),  # 13.5 would be needed
    ],
)
def test_the_pilot_says_how_many_passes_a_target_needs(pilot: list[float], target: float, needed: int) -> None:
    assert passes_needed(pilot, procedure(target=target)) == needed


def test_a_fixed_number_stays_whatever_the_passes_say() -> None:
    assert passes_needed([50, 150, 100], procedure(passes=3, most=3)) == 3
    assert pilot_of(procedure(passes=6, most=6), 6) == 6, "all of them tell the scatter"
    assert pilot_of(procedure(), 7) == 4
    assert pilot_of(procedure(), 2) == 2, "a run that was stopped"


def test_blocks_that_hang_together_ask_for_more_passes_than_their_means_show() -> None:
    """Each pass is +4 −4 % in halves: the means agree to the last digit, by luck."""
    waves = [[1.04, 1.04, 0.96, 0.96], [0.96, 0.96, 1.04, 1.04], [1.04, 1.04, 0.96, 0.96], [0.96, 0.96, 1.04, 1.04]]
    assert passes_needed([1.0] * 4, procedure()) == 4
    assert passes_needed([1.0] * 4, procedure(), waves) == 10


# ── the interval ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_interval_is_the_pilots_scatter_over_all_passes() -> None:
    """Pilot 98 102 98 102: s₀ 2.3094; nine passes: 3.182 · 2.3094 / 3 = 2.4495, wherever the later passes lie."""
    found = repeatability([98, 102, 98, 102, 100, 100, 100, 100, 100], [], pilot=4)
    assert found.mid == 100
    assert found.high is not None
    assert found.high - found.mid == pytest.approx(3.182 * math.sqrt(16 / 3) / 3)


def test_one_pass_says_nothing_of_repeatability() -> None:
    assert repeatability([7.0], [[6.0, 8.0]], pilot=4) == Interval(None, 7.0, None)


def test_what_samples_differ_by_is_no_error() -> None:
    """Blocks of 1, 2, 3, 4 joules in every pass."""
    assert residuals([[1, 2, 3, 4]] * 4) == [0.0] * 16
    assert repeatability([2.5] * 4, [[1, 2, 3, 4]] * 4, pilot=4) == Interval(2.5, 2.5, 2.5)


def test_the_larger_of_both_errors_counts_with_its_own_degrees_of_freedom() -> None:
    """Blocks ±2 % by turns in the first place and the other way round in the second: the means do not move at all.

    Residuals + − + − − + − + of 0.02: of seven products six are negative, and φ below 0 is taken as 0. A block has
    the variance 8 · 0.0004 / 6, with 6 degrees of freedom (8 less 2 places), a pass half of it; t is 2.447.
    """
    blocks = [[1.02, 0.98], [1.02, 0.98], [0.98, 1.02], [0.98, 1.02]]
    assert correlation(residuals(blocks) or []) == pytest.approx(-5 / 7)
    found = repeatability([1.0] * 4, blocks, pilot=4)
    assert found.high == pytest.approx(1 + 2.447 * math.sqrt(8 * 0.0004 / 6 / 2) / 2)
    assert repeatability([0.9, 1.1, 0.9, 1.1], blocks, pilot=4) == repeatability([0.9, 1.1, 0.9, 1.1], [], pilot=4)


def test_correlation_widens_by_its_bias_and_its_sum() -> None:
    """Residuals + + − − + + − −, each of 0.01: the products of neighbours sum to 1 of 7, φ 1/7.

    Unbiased 1/7 · (1 + 6/8) = 0.25; 6 · (1 − φ²)/(1 + φ²) degrees of freedom.
    """
    blocks = [[1.01, 1.01], [0.99, 0.99], [1.01, 1.01], [0.99, 0.99]]
    assert correlation(residuals(blocks) or []) == pytest.approx(1 / 7)
    phi = 1 / 7 * (1 + 6 / 8)
    lags = sum((1 - k / 8) * phi**k for k in range(1, 8))
    found = scatter_of(blocks)
    assert found is not None
    assert found.deviation == pytest.approx(math.sqrt(8 * 0.0001 / 6 * (1 + 2 * lags) / 2))
    assert found.freedom == pytest.approx(6 * (1 - phi**2) / (1 + phi**2))


@pytest.mark.parametrize(
    "blocks", [[], [[1, 2]], [[1, 2], [1, 2, 3]], [[1], [2]], [[0, 0], [0, 0]]], ids=lambda blocks: str(blocks)
)
def test_where_there_are_no_blocks_to_compare_the_passes_speak_alone(blocks: list[list[float]]) -> None:
    assert repeatability([9, 11], blocks, pilot=4) == repeatability([9, 11], [], pilot=4)


def test_the_target_is_met_or_missed_or_unknown() -> None:
    assert target_met(Interval(99, 100, 101), 0.01) is True
    assert target_met(Interval(98.9, 100, 101.1), 0.01) is False
    assert target_met(Interval(None, 100, None), 0.01) is None


# ── drift ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_drift_is_seen_by_the_blocks_of_four_passes_and_not_by_four_numbers() -> None:
    """1 % more in each pass, and noise of 0.8 % in the blocks, which hides it from a line through four numbers."""
    draw = random.Random(1)
    blocks = [[1 + 0.01 * i + draw.gauss(0, 0.008) for _ in range(4)] for i in range(4)]
    assert gates.trend(passes(blocks, told=False), Boundary.GPU) == []
    [found] = gates.trend(passes(blocks), Boundary.GPU)
    assert found.message.startswith("energy drifted by +")


def test_the_drift_is_that_of_the_line_through_the_passes() -> None:
    found = drift([[1.00, 2.00], [1.01, 2.02], [1.02, 2.04]])
    assert found == (pytest.approx(0.02 / 1.01), pytest.approx(0.0, abs=1e-9))
    assert drift([[1.0, 2.0]] * 2) is None


def test_blocks_that_hang_together_are_told_and_those_that_do_not_are_not() -> None:
    """Sixteen blocks in one long wave; the threshold is 2.326 / √12 = 0.67."""
    wave = [[1 + 0.01 * math.sin((4 * i + j) / 16 * 2 * math.pi) for j in range(4)] for i in range(4)]
    [found] = gates.correlation(passes(wave), Boundary.GPU)
    assert (found.gate, found.severity) == ("correlation", "note")
    turns = [[1.01, 0.99, 1.01, 0.99], [0.99, 1.01, 0.99, 1.01]] * 2
    assert hangs_together(turns) is None
    faint = [[1 + (value - 1) / 100 for value in row] for row in wave]
    assert hangs_together(faint) is None, "a ten-thousandth changes nothing"


# ── figures ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_figure_says_whether_it_is_as_narrow_as_asked() -> None:
    steady = passes([[1.0, 1.0]] * 4)
    wild = passes([[1.0, 1.2], [1.2, 1.2], [0.8, 0.9], [1.0, 1.0]])
    assert [figure.target_met for figure in figures.figures(steady, procedure())] == [True]
    assert [figure.target_met for figure in figures.figures(wild, procedure())] == [False]
    assert [figure.target_met for figure in figures.figures(steady[:1], procedure(1, 1))] == [None]


def test_a_meter_that_reads_passes_but_not_blocks_leaves_the_passes_alone() -> None:
    whole = passes([[1.0, 1.0], [1.1, 0.9], [0.9, 1.1], [1.1, 0.9]])
    assert figures.per_query_of_blocks(whole, Boundary.GPU)[1] == [1.1, 0.9]
    assert figures.per_query_of_blocks([*whole[:3], *passes([[1.0, 1.0]], told=False)], Boundary.GPU) == []


# ── other queries ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_fewer_than_twenty_batches_tell_nothing_of_other_queries() -> None:
    assert spread([Unit(1, 1.0)] * 19) is None
    assert spread([Unit(1, 1.0)] * 20) == (1.0, 1.0)
    assert spread([Unit(1, 0.0)] * 20) is None, "no time passed"


def test_rows_are_taken_together_as_they_were_served() -> None:
    rows = [{"seconds": seconds} for seconds in (1.0, 1.0, 2.0, 2.0, 5.0)]
    assert units(rows, 2) == (Unit(2, 2.0), Unit(2, 4.0), Unit(1, 5.0))


def test_other_queries_would_differ_by_what_these_differ_by() -> None:
    """One second or three, fifty of each: mean 2, deviation 1, of the mean 0.1; 95 % is ± 1.96 · 0.1 / 2 = 9.8 %."""
    found = spread([Unit(1, 1.0), Unit(1, 3.0)] * 50)
    assert found == (pytest.approx(1 - 0.098, abs=0.015), pytest.approx(1 + 0.098, abs=0.015))
    assert found == spread([Unit(1, 1.0), Unit(1, 3.0)] * 50), "always the same"


def test_a_record_says_of_enough_samples_what_others_would_take(tmp_path: Path) -> None:
    few = measure(fake_job(procedure={"samples": 19}), tmp_path).figures[0]
    enough = measure(fake_job(procedure={"samples": 24}), tmp_path).figures[0]
    assert few.new_queries is None
    assert enough.new_queries is not None
    assert enough.new_queries.mid == enough.wh_per_1000.mid
