"""Counting begins when time and power have stopped drifting, or it is said that they had not."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from tests.support import fake_job, measure, of_the_work
from wattstar.measuring.steady import Round, judged, line, pass_seconds
from wattstar.types import Boundary, Method, Procedure, Reading, Severity


def rounds(*pairs: tuple[float, float], domain: str = "gpu:0", bound: float = 0.0) -> list[Round]:
    """Of (seconds, watts)."""
    return [
        Round(seconds, (Reading(domain, "fake", Method.COUNTER, seconds * watts, bound),)) for seconds, watts in pairs
    ]


def test_the_drift_is_that_of_the_line_from_first_to_last() -> None:
    """1, 2, 3, 4: slope 1, mean 2.5, from first to last 3: 120 %, without error."""
    assert line([1, 2, 3, 4]) == (pytest.approx(1.2), pytest.approx(0.0, abs=1e-12))


@pytest.mark.parametrize(
    ("pairs", "steady"),
    [
        ([(1.0, 300.0)] * 3, False),  # too few
        ([(1.0, 300.0)] * 4, True),
        ([(1.03, 300.0), (1.02, 300.0), (1.01, 300.0), (1.0, 300.0)], False),  # 3 % quicker, evenly
        ([(1.006, 300.0), (1.004, 300.0), (1.002, 300.0), (1.0, 300.0)], True),  # 0.6 %
        ([(1.0, 280.0), (1.0, 287.0), (1.0, 294.0), (1.0, 301.0)], False),  # as quick, at a power that rises
        ([(1.0, 300.0), (1.3, 300.0), (0.9, 300.0), (1.2, 300.0)], True),  # noise is no drift
        ([(9.0, 99.0), (5.0, 99.0), *[(1.0, 300.0)] * 4], True),  # what lies longer ago does not count
    ],
)
def test_steady_is_what_does_not_drift(pairs: list[tuple[float, float]], steady: bool) -> None:
    assert judged(rounds(*pairs), 10.0).steady is steady


def test_a_meter_that_says_nothing_sensible_leaves_time_to_decide() -> None:
    """The gates refuse the record afterwards."""
    for watts in (0.0, math.nan, math.inf):
        assert judged(rounds(*[(1.0, watts)] * 4), 10.0).steady


def test_where_a_gpu_is_read_its_power_alone_decides() -> None:
    """The processor beside it idles now and then."""
    wild = rounds((1.0, 5.0), (1.0, 6.0), (1.0, 7.0), (1.0, 8.0), domain="cpu:0")
    both = [Round(1.0, (*gpu.energy, *cpu.energy)) for gpu, cpu in zip(rounds(*[(1.0, 300.0)] * 4), wild, strict=True)]
    assert judged(both, 10.0).steady
    assert not judged(wild, 10.0).steady


def test_a_pass_is_so_long_that_its_edges_make_a_quarter_of_the_asked_error() -> None:
    """10 J at 300 W are 1/30 s; a quarter of 1 % allows 1/400 of the pass: 13.33 s."""
    [last] = rounds((2.0, 300.0), bound=10.0)
    asked = Procedure("mini-2", "", 1, pass_seconds=10.0)
    assert pass_seconds(last, asked) == pytest.approx(400 / 30)
    assert pass_seconds(last, Procedure("mini-2", "", 1, target_error=0.02)) == 10.0
    [wild] = rounds((2.0, 300.0), bound=1000.0)
    assert pass_seconds(wild, asked) == 60.0, "six times as long at the most"
    quick = Procedure("mini-2", "", 1, pass_seconds=1.0, subset=1)
    assert pass_seconds(last, quick) == pytest.approx(400 / 30 / 4), "where they may make all of the asked error"
    assert pass_seconds(wild, quick) == 12.0, "a quick pass is short, and a counter's steps are not"
    assert pass_seconds(wild, Procedure("mini-2", "", 1, most_passes=4)) == 10.0, "nobody asked for an error"


def test_a_cold_device_is_warmed_up_before_the_first_pass(tmp_path: Path) -> None:
    record = measure(fake_job(cold="2,100", procedure={"pass_seconds": 5.0}), tmp_path)
    assert record.warm_up is not None
    assert record.warm_up.steady
    assert record.warm_up.rounds > 4
    energies = {round(counted.energy[0].joules / counted.queries, 3) for counted in record.passes}
    warm = 0.02 * 300  # a classifier has one phase
    assert len(energies) == 1
    assert energies.pop() == pytest.approx(warm, rel=0.02)
    assert {finding.gate for finding in of_the_work(record)} <= {"net"}, "of an idle as short as in this test"


def test_a_warm_up_that_is_cut_off_says_so(tmp_path: Path) -> None:
    record = measure(fake_job(cold="3,400", procedure={"pass_seconds": 5.0, "warm_up_seconds": 8.0}), tmp_path)
    assert record.warm_up is not None
    assert not record.warm_up.steady
    assert 8.0 <= record.warm_up.seconds < 12.0
    [finding] = [finding for finding in record.findings if finding.gate == "warm-up"]
    assert finding.severity is Severity.NOTE
    assert "--warm-up-seconds" in finding.message


def test_every_pass_is_told_in_four_parts_that_are_all_of_it(tmp_path: Path) -> None:
    """Ten batches, repeated: a part in one place holds the same samples in every pass."""
    record = measure(fake_job(procedure={"samples": 10, "pass_seconds": 1.0}, watts="300", seconds="0.02"), tmp_path)
    for counted in record.passes:
        assert [block.queries for block in counted.blocks] == [12, 13, 13, 12]
        assert counted.blocks[0].window.begin == counted.window.begin
        assert counted.blocks[-1].window.end == counted.window.end
        gpu = [reading.joules for block in counted.blocks for reading in block.energy if reading.domain == "gpu:0"]
        assert gpu == [pytest.approx(6.0 * block.queries) for block in counted.blocks]
    assert record.rated is Boundary.GPU
