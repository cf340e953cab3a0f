"""Net is gross less what the machine draws at rest, as sure as both together; what cannot be known is None and said."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path

import pytest

from tests.support import fake_job, measure
from wattstar.measuring import net
from wattstar.measuring.figures import figures
from wattstar.measuring.plan import plan
from wattstar.measuring.timeline import Domain
from wattstar.types import (
    Boundary,
    Figure,
    Interval,
    Method,
    Pass,
    Procedure,
    Reading,
    Record,
    Request,
    Severity,
    Stage,
    Timeline,
    Weights,
    Window,
)

WH = 3600 / 1000
"""Joules of a query that is a watt-hour per thousand."""


def reading(watts: float, seconds: float, *, bound: float = 0.0, meter: str = "nvml") -> Reading:
    return Reading("gpu:0", meter, Method.COUNTER, watts * seconds, bound)


def passes(*watts: float, factor: float | None = None) -> list[Pass]:
    """Ten seconds and a hundred queries each."""
    windows = [Window(i * 20_000_000_000, i * 20_000_000_000 + 10_000_000_000) for i in range(len(watts))]
    method = Method.MODELLED if factor else Method.COUNTER
    return [
        Pass(i, window, 1, 100, (Reading("gpu:0", "nvml", method, power * 10, 0.0, factor),), {}, None)
        for i, (window, power) in enumerate(zip(windows, watts, strict=True))
    ]


def rests(
    before: float, after: float, *, seconds: float = 30.0, bound: float = 0.0, meter: str = "nvml"
) -> list[Stage]:
    window = Window(0, round(seconds * 1e9))
    pairs = zip(net.IDLE, (before, after), strict=True)
    return [Stage(name, window, (reading(watts, seconds, bound=bound, meter=meter),)) for name, watts in pairs]


def net_of(counted: Sequence[Pass], stages: Sequence[Stage]) -> tuple[Figure, list[str]]:
    """The figure of the GPU, and what was said."""
    procedure = Procedure("mini-2", "0" * 64, 100, passes=len(counted), most_passes=len(counted))
    made = net.with_net(figures(counted, procedure), counted, stages)
    said = net.findings(made, Boundary.GPU, counted, stages)
    assert all(finding.severity is Severity.NOTE for finding in said), "gross stands"
    return made[0], [finding.message for finding in said]


def figure(record: Record, boundary: Boundary) -> Figure:
    [made] = [made for made in record.figures if made.boundary is boundary]
    return made


def test_a_known_world_has_its_known_net(tmp_path: Path) -> None:
    """300 W for 0.1 s a query above 50 W at rest; the processor's 25 W are the same at rest and at work."""
    job = fake_job(watts="300", seconds="0.1", idle_watts=50, procedure={"samples": 3, "idle_seconds": 30.0})
    record = measure(job, tmp_path)
    gpu = figure(record, Boundary.GPU)
    assert gpu.wh_per_1000.mid == pytest.approx(30 / WH)
    assert gpu.net_wh_per_1000 is not None
    assert gpu.net_wh_per_1000.mid == pytest.approx(25 / WH, rel=1e-9)
    assert gpu.net_wh_per_1000.high == pytest.approx(25 / WH, rel=1e-9), "the simulated world does not scatter"
    whole = figure(record, Boundary.GPU_CPU_DRAM)
    assert whole.wh_per_1000.mid == pytest.approx(32.5 / WH)
    assert whole.net_wh_per_1000 is not None
    assert whole.net_wh_per_1000.mid == pytest.approx(25 / WH, rel=1e-9)
    assert figure(record, Boundary.CPU_DRAM).net_wh_per_1000 is None
    assert "net" not in {finding.gate for finding in record.findings}


def test_a_device_may_settle_before_its_rest_counts() -> None:
    """It draws 80 W for 8 s after work, then 50 W; an estimate beside it says what it likes."""
    times = [second * 1_000_000_000 for second in range(61)]
    joules = list(accumulate((80.0 if second % 30 < 8 else 50.0 for second in range(60)), initial=0.0))
    domains = [
        Domain(Timeline("gpu:0", "nvml", Method.COUNTER, times, joules)),
        Domain(Timeline("gpu:0", "estimate", Method.MODELLED, times, [j * 2 for j in joules], plausible_factor=2.0)),
    ]
    windows = {"load": (0, 1), "idle_before": (0, 30), "warm_up": (30, 30), "idle_after": (30, 60)}
    stages = [Stage(name, Window(times[begin], times[end]), ()) for name, (begin, end) in windows.items()]
    found = net.rests(stages, domains)
    assert [stage.name for stage in found] == ["idle_before", "idle_after"]
    [before], [after] = (stage.energy for stage in found)
    assert (before.joules, after.joules) == pytest.approx((50.0 * 20, 50.0 * 20))


def test_net_is_as_unsure_as_passes_and_rest_together() -> None:
    """Passes of 300 ± 3 W (Student, 4 passes: 3.182·s/√4), rest between 49 and 51 W; a query takes 0.1 s."""
    made, said = net_of(passes(297.0, 303.0, 297.0, 303.0), rests(49.0, 51.0))
    half = math.hypot(3.182 * math.sqrt(12) / 2, 1.0) * 0.1 / WH
    assert made.net_wh_per_1000 is not None
    low, mid, high = made.net_wh_per_1000.low, made.net_wh_per_1000.mid, made.net_wh_per_1000.high
    assert (low, mid, high) == pytest.approx((25 / WH - half, 25 / WH, 25 / WH + half), rel=1e-3)
    assert said == []


def test_the_bounds_of_what_read_the_rest_are_in_it() -> None:
    """3 J and 3 J of 30 s: 0.1 W each, 0.0707 W of their mean."""
    made, _ = net_of(passes(*[300.0] * 4), rests(50.0, 50.0, bound=3.0))
    assert made.net_wh_per_1000 is not None
    assert made.net_wh_per_1000.high == pytest.approx((25 + 0.1 * 0.1 / math.sqrt(2)) / WH)


@pytest.mark.parametrize(("after", "known"), [(52.0, True), (48.0, True), (53.0, False), (46.0, False)])
def test_a_rest_that_drifts_over_5_per_cent_voids_net_and_not_gross(after: float, known: bool) -> None:
    made, said = net_of(passes(*[300.0] * 4), rests(50.0, after))
    assert made.wh_per_1000.mid == pytest.approx(30 / WH)
    assert (made.net_wh_per_1000 is not None) is known
    assert [f"drifted from 50 to {after:g} W" in message for message in said] == [True] * (not known)


def test_a_net_that_may_be_nothing_is_none() -> None:
    made, said = net_of(passes(50.0, 53.0, 51.0, 52.0), rests(50.0, 50.0))
    assert made.net_wh_per_1000 is None
    assert "may be nothing" in said[0]


def test_one_pass_has_a_net_of_unknown_width_and_none_below_rest() -> None:
    made, _ = net_of(passes(300.0), rests(50.0, 50.0))
    assert made.net_wh_per_1000 == Interval(None, pytest.approx(25 / WH), None)
    made, said = net_of(passes(40.0), rests(50.0, 50.0))
    assert made.net_wh_per_1000 is None
    assert "may be nothing" in said[0]


def test_a_short_rest_is_said() -> None:
    made, said = net_of(passes(*[300.0] * 4), rests(50.0, 50.0, seconds=2.0))
    assert made.net_wh_per_1000 is not None
    assert said == ["net is told from 3 s of idle; the standard is 30 s"], "of which a third is left to settle"


@pytest.mark.parametrize(
    ("counted", "stages"),
    [
        (passes(*[300.0] * 4), []),  # nobody asked for rest
        (passes(*[300.0] * 4), rests(50.0, 50.0)[:1]),  # interrupted before the second
        (passes(*[300.0] * 4), rests(50.0, 50.0, meter="nvml-power")),
        (passes(*[300.0] * 4, factor=2.0), rests(50.0, 50.0)),  # an estimate, beside a meter that was silent at work
        (passes(*[300.0] * 4), [Stage(name, Window(0, 30_000_000_000), ()) for name in net.IDLE]),
    ],
)
def test_where_rest_is_not_known_net_is_none_and_nothing_failed(counted: list[Pass], stages: list[Stage]) -> None:
    made, said = net_of(counted, stages)
    assert made.wh_per_1000.mid == pytest.approx(30 / WH)
    assert made.net_wh_per_1000 is None
    assert said == []


def test_nothing_is_said_of_a_job_without_a_figure() -> None:
    assert net.with_net((), [], []) == ()
    assert net.findings((), None, [], rests(50.0, 50.0)) == []


@pytest.mark.parametrize(
    ("meters", "asked", "seconds"),
    [
        (("fake",), None, 30.0),
        (("estimate",), None, 0.0),
        (("estimate", "fake"), None, 30.0),
        (("estimate",), 5.0, 5.0),
    ],
)
def test_nobody_waits_for_a_rest_that_only_an_estimate_would_see(
    meters: tuple[str, ...], asked: float | None, seconds: float
) -> None:
    words = Request(
        "text-classification", ("fake/model",), weights=Weights.RANDOM, meters=meters, samples=2, idle_seconds=asked
    )
    [cell] = plan([words])
    assert cell.job is not None
    assert cell.job.procedure.idle_seconds == seconds
