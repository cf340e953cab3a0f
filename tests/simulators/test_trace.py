"""The truth of the simulated sensors: power over time, its integral, its file."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.simulators import trace as traces
from tests.simulators.trace import Following, Trace

ALL = {
    "constant": traces.constant(300.0),
    "square": traces.square(90, 650, 0.73, duty=0.4, phase=0.3),
    "ramp": traces.ramp(100, 600, 0.5),
    "sine": traces.sine(100, 500, 0.9, phase=0.25),
    "burst": traces.burst(80, 700, 1.0, pulses=3, width=0.05, gap=0.02),
    "idle-busy-idle": traces.idle_busy_idle(90, 650, 1_000_000_000, 1_400_000_000),
    "recorded": traces.recorded([(0.0, 100.0), (0.3, 400.0), (0.9, 50.0)]),
    "held": traces.held([(0.0, 100.0), (0.3, 400.0), (0.9, 50.0)]),
}


@pytest.mark.parametrize("name", ALL)
def test_the_integral_is_the_area_below_the_power(name: str) -> None:
    trace, n, width = ALL[name], 40_000, 50_000
    begin = trace.origin - 300_000_000
    sum_of_strips = sum(trace.watts(begin + i * width + width // 2) for i in range(n)) * width / 1e9
    assert trace.joules(begin, begin + n * width) == pytest.approx(sum_of_strips, rel=2e-4)


def test_known_integrals() -> None:
    second = 1_000_000_000
    square = traces.square(90, 650, 0.5, duty=0.4)
    assert square.joules(square.origin, square.origin + 10 * second) == pytest.approx(10 * (0.4 * 650 + 0.6 * 90))
    assert square.joules(square.origin, square.origin + second // 10) == pytest.approx(65.0)
    ramp = traces.ramp(100, 600, 2.0)
    assert ramp.joules(ramp.origin, ramp.origin + second) == pytest.approx(100 + 500 / 4)
    whole = traces.sine(100, 500, 0.9)
    assert whole.joules(whole.origin, whole.origin + 900_000_000) == pytest.approx(270.0)
    burst = traces.burst(80, 700, 1.0, pulses=3, width=0.05, gap=0.02)
    assert burst.joules(burst.origin - second, burst.origin) == pytest.approx(0.15 * 700 + 0.85 * 80)
    window = traces.idle_busy_idle(90, 650, 5 * second, 6 * second)
    assert window.joules(4 * second, 8 * second) == pytest.approx(3 * 90 + 650)


@pytest.mark.parametrize("name", ALL)
def test_a_trace_is_read_back_the_same(name: str, tmp_path: Path) -> None:
    assert traces.read(ALL[name].write(tmp_path)) == ALL[name]


@pytest.mark.parametrize(
    ("knots", "period"),
    [((), None), (((1.0, 5.0), (0.0, 5.0)), None), (((0.0, -1.0),), None), (((0.0, 5.0), (0.5, 5.0)), 1.0)],
)
def test_an_impossible_trace_is_refused(knots: tuple[tuple[float, float], ...], period: float | None) -> None:
    with pytest.raises(ValueError, match=r"trace|Power"):
        Trace(knots, period)


def test_a_following_trace_holds_each_power_until_the_next(tmp_path: Path) -> None:
    following = Following(tmp_path / "power", 90.0, origin=0)
    first, second = following.set(650.0), following.set(120.0)
    known = following.trace()
    assert (known.watts(first - 1), known.watts(first), known.watts(second)) == (90.0, 650.0, 120.0)
    assert known.joules(0, second + 1_000_000_000) == pytest.approx(
        (first * 90 + (second - first) * 650) / 1e9 + 120, rel=1e-12
    )


def test_a_torn_last_line_is_not_there_yet(tmp_path: Path) -> None:
    following = Following(tmp_path / "power", 90.0, origin=0)
    with following.path.open("a") as file:
        file.write("1.0 65")
    assert following.trace().watts(2_000_000_000) == 90.0
