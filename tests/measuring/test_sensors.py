"""What ``doctor`` says of sensors: how often they change, in which steps, and whether two of one domain agree."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests import support
from tests.simulators import nvml, powercap, trace
from tests.simulators.powercap import Zone
from wattstar.measuring.sensors import described
from wattstar.types import Method, Timeline

SECOND = 1_000_000_000


def line(meter: str, method: Method, joules: list[float]) -> Timeline:
    return Timeline("gpu:0", meter, method, [round(i * SECOND / 10) for i in range(len(joules))], joules)


def test_update_period_step_power_noise_and_ratio_of_known_timelines() -> None:
    counter = line("counter", Method.COUNTER, [0, 10, 20, 40])
    sampled = line("power", Method.SAMPLED, [0, 11, 22, 44])
    [one, other] = described([counter, sampled])
    assert (one.update_seconds, one.step_joules, one.ratio) == (pytest.approx(0.1), 10, None)
    assert one.watts == pytest.approx(40 / 0.3)
    assert one.noise_watts == pytest.approx(47.14, abs=0.01)
    assert other.ratio == pytest.approx(1.1)


def test_a_timeline_that_hardly_changed_says_nothing() -> None:
    assert described([line("counter", Method.COUNTER, [0, 10])]) == []


def test_the_doctor_finds_the_simulated_sensors(tmp_path: Path) -> None:
    gpu = nvml.Gpu(trace.constant(92.0), step_period=0.1)
    zones = [Zone("package-0", trace.constant(61.0)), Zone("psys", trace.constant(160.0))]
    environment = {
        **nvml.install(tmp_path / "gpu", nvml.Driver((gpu,))),
        **powercap.install(tmp_path / "cpu", zones),
        "CUDA_VISIBLE_DEVICES": "0",
    }
    done = support.wattstar_command("doctor", "--format", "json", env=environment)
    assert done.returncode == 0, done.stderr
    found = {(row["domain"], row["meter"]): row for row in json.loads(done.stdout)["sensors"]}
    assert set(found) == {("gpu:0", "nvml"), ("gpu:0", "nvml-power"), ("cpu:0", "rapl")}, "psys is no second package"
    assert found["gpu:0", "nvml"]["update_seconds"] == pytest.approx(0.1, rel=0.1)
    assert found["gpu:0", "nvml"]["watts"] == pytest.approx(92, rel=0.05)
    assert found["gpu:0", "nvml-power"]["ratio"] == pytest.approx(1, abs=0.05)
    assert found["cpu:0", "rapl"]["watts"] == pytest.approx(61, rel=0.02)


def test_two_counters_that_read_nothing_are_not_compared() -> None:
    """As those of the memory of some desktop processors."""
    moments, nothing = [k * 10**9 for k in range(4)], [0.0] * 4
    lines = [Timeline("dram:0", meter, Method.COUNTER, moments, nothing) for meter in ("rapl", "perf-event")]
    assert [(sensor.watts, sensor.ratio) for sensor in described(lines)] == [(0.0, None)] * 2
