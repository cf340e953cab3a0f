"""What is said of a record that was measured on a busy machine, or whose passes scatter."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time

import pytest

from tests.support import fake_job, measure
from wattstar.measuring import gates
from wattstar.measuring.surroundings import Neighbours
from wattstar.types import (
    Boundary,
    Figure,
    Interval,
    LongGap,
    Method,
    Observation,
    Pass,
    Reading,
    Sampling,
    Severity,
    Timeline,
    Window,
)


def one(foreign_cpu: float | None) -> Pass:
    return Pass(0, Window(0, 1), 1, 1, (), {}, foreign_cpu)


def shown(interval: Interval) -> Figure:
    return Figure(Boundary.GPU, Method.COUNTER, interval, 0.0, None, 4)


def test_a_quiet_machine_says_nothing_and_a_busy_one_how_busy():
    assert gates.neighbours([one(None), one(0.01)]) == []
    [finding] = gates.neighbours([one(0.01), one(0.48)])
    assert (finding.gate, finding.severity) == ("neighbours", Severity.NOTE)
    assert "48%" in finding.message


@pytest.mark.parametrize(
    ("interval", "said"),
    [(Interval(0.95, 1.0, 1.05), None), (Interval(0.5, 1.0, 1.5), "± 50%"), (Interval(None, 1.0, None), "one pass")],
)
def test_a_wide_interval_is_said(interval: Interval, said: str | None):
    found = gates.scatter([shown(interval)], Boundary.GPU)
    assert (found[0].message if found else None) is None if said is None else said in found[0].message


def test_others_work_is_seen_and_the_workers_own_is_not():
    """One core burnt by a neighbour for 0.6 s; then the same by the process that is called the worker."""
    burn = [sys.executable, "-c", "import time; end = time.monotonic() + 3\nwhile time.monotonic() < end: pass"]
    with subprocess.Popen(burn) as process:
        time.sleep(0.1)
        as_stranger, as_worker = Neighbours(0x7FFFFFF), Neighbours(process.pid)
        time.sleep(0.8)
        stranger, worker = as_stranger.share(), as_worker.share()
        process.kill()
    assert stranger is not None
    assert worker is not None
    assert (stranger - worker) * (os.cpu_count() or 1) > 0.4, "of one core, which the neighbour had or shared"


def test_a_moment_is_too_short_to_tell():
    assert Neighbours(0x7FFFFFF).share() is None


def test_the_simulated_world_takes_no_time_so_nothing_is_said_of_neighbours(tmp_path):
    record = measure(fake_job(), tmp_path)
    assert [counted.foreign_cpu for counted in record.passes] == [None] * len(record.passes)


def test_a_power_limit_that_changes_makes_the_record_invalid():
    seen = [Observation(moment, "gpu:0", "power_limit_watts", watts) for moment, watts in ((1, 700.0), (9, 500.0))]
    [finding] = gates.states(seen, [Window(2, 5)])
    assert (finding.gate, finding.severity) == ("power limit", Severity.INVALID)
    assert gates.states(seen[:1] * 2, [Window(2, 5)]) == []


def test_a_slowdown_outside_the_passes_is_nobodys_business():
    hot = [Observation(1, "gpu:0", "slowdown", 1.0), Observation(3, "gpu:0", "slowdown", 0.0)]
    assert gates.states(hot, [Window(2, 5)]) == []
    assert gates.states(hot, [Window(0, 5)]) != []


def test_a_slowdown_lasts_through_a_window_in_which_nobody_looked():
    assert gates.states([Observation(1, "gpu:0", "slowdown", 1.0)], [Window(2, 5)]) != []


def reading(meter: str, joules: float, bound: float = 0.0, method: Method = Method.COUNTER) -> Reading:
    return Reading("gpu:0", meter, method, joules, bound)


def with_energy(*energy: Reading) -> Pass:
    return Pass(0, Window(0, 10**9), 1, 1, energy, {}, None)


def test_two_meters_may_differ_by_five_per_cent_and_their_bounds():
    agree = (reading("nvml", 100, 3), reading("nvml-power", 109, 2, Method.SAMPLED))
    differ = (reading("nvml", 100, 1), reading("nvml-power", 109, 2, Method.SAMPLED))
    assert gates.cross_check([agree]) == []
    assert [finding.gate for finding in gates.cross_check([differ])] == ["cross-check"]


def test_an_estimate_checks_nothing():
    assert gates.cross_check([(reading("rapl", 100), reading("estimate", 10, 0, Method.MODELLED))]) == []


def limited(meter: str, most: float | None) -> list[Timeline]:
    return [Timeline("gpu:0", meter, Method.COUNTER, [0, 1], [0.0, 1.0], most_watts=most)]


def test_a_device_cannot_draw_more_than_its_limit():
    assert gates.limits([with_energy(reading("nvml", 740))], limited("nvml", 700)) == []
    found = gates.limits([with_energy(reading("nvml", 900))], limited("nvml", 700))
    assert [finding.gate for finding in found] == ["limit"]
    assert gates.limits([with_energy(reading("nvml", 900))], limited("nvml", None)) == []


def test_what_one_meter_takes_for_the_limit_does_not_judge_another():
    """An estimate's limit is that of the job's own share of the machine."""
    assert gates.limits([with_energy(reading("rapl", 900))], limited("estimate", 12)) == []


def passes(*joules: float) -> list[Pass]:
    """One pass each, of one query."""
    return [
        Pass(index, Window(0, 10**9), 1, 1, (reading("nvml", value),), {}, None) for index, value in enumerate(joules)
    ]


@pytest.mark.parametrize(
    ("joules", "said"),
    [
        ((100, 101, 102, 103), "+3.0%"),
        ((103, 102, 101, 100), "-3.0%"),
        ((100, 103, 99, 101), None),
        ((100.0, 100.1, 100.2, 100.3), None),
        ((100, 110, 120), None),
    ],
    ids=["rises", "falls", "scatters", "by less than a hundredth", "too few to tell"],
)
def test_energy_that_drifts_from_pass_to_pass_is_said(joules: tuple[float, ...], said: str | None):
    found = gates.trend(passes(*joules), Boundary.GPU)
    assert (found[0].message if found else None) is None if said is None else said in found[0].message


def test_a_trend_is_seldom_seen_where_there_is_none():
    """A test at 1 % that also asks for a drift of 1 %: at a scatter of 1 % about one record in a hundred."""
    draw = random.Random(1)
    seen = sum(bool(gates.trend(passes(*(draw.gauss(100, 1) for _ in range(4))), Boundary.GPU)) for _ in range(2000))
    assert seen <= 40


def test_a_long_pause_of_the_sampler_is_said_if_it_lies_in_a_window():
    pause = LongGap("nvml", Window(10**9, 3 * 10**9))
    sampling = Sampling(0.01, 0.0, 0.1, {"nvml": 2.0}, (pause,))
    [finding] = gates.gaps(sampling, [Window(0, 2 * 10**9)])
    assert "2.0 s" in finding.message
    assert gates.gaps(sampling, [Window(4 * 10**9, 5 * 10**9)]) == []
    assert gates.gaps(None, [Window(0, 1)]) == []


def test_what_no_bound_contains_is_said_of_the_meter_that_speaks():
    known = {("nvml", "gpu:0"): "not probed", ("nvml-power", "gpu:0"): "slow"}
    assert [finding.message for finding in gates.caveats([reading("nvml", 1)], known)] == ["gpu:0: not probed"]
    assert gates.caveats([reading("rapl", 1)], known) == []
