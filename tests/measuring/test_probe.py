"""What a probe finds of simulated sensors whose steps, lag and duty are known, and what a bad load gets."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from tests import support
from tests.simulators import load, nvml, trace
from tests.simulators.trace import Following
from wattstar.errors import UnfitEnvironment
from wattstar.measuring.loads import Load
from wattstar.measuring.probe import Seen, duty_of, profile
from wattstar.meters import _profiles
from wattstar.records.codec import encode
from wattstar.types import Gpu, Interval, Method, SensorProfile, Timeline, Window

IDLE, BUSY = 90.0, 650.0
QUICK = """
import sys
from wattstar.measuring import machine
from wattstar.measuring.loads import Load
from wattstar.measuring.probe import Score, probe
from wattstar.meters import _profiles
[gpu] = machine.describe({}).gpus
score = Score(idle=2.5, busy=2.5, settle=1.0, edges=9, plateau=(1.15, 1.25), beats=1)
print(_profiles.save(probe(gpu, Load(sys.argv[1:]), score)).read_text())
"""


def place(folder: Path, **quirks: Any) -> tuple[Mapping[str, str], list[str]]:
    """The environment of a simulated GPU, and the load program that drives it."""
    power = Following(folder / "power.trace", IDLE)
    driver = nvml.Driver((nvml.Gpu(power, **quirks),))
    home = {"WATTSTAR_DATA_HOME": str(folder / "home"), "CUDA_VISIBLE_DEVICES": "0"}
    words = [sys.executable, load.__file__, str(power.path), str(IDLE), str(BUSY)]
    return {**nvml.install(folder / "driver", driver), **home}, words


SENSORS: Mapping[str, Mapping[str, Any]] = {
    "plain": {"step_phase": 0.037},
    "late": {"lag": 0.04},
    "part-time": {"sensor_duty": 0.25, "counter_sees_sensor": True, "step_phase": 0.02},
}


@pytest.fixture(scope="module")
def profiles(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """All at once: a probe sleeps most of its time."""
    running = {}
    for name, quirks in SENSORS.items():
        environment, words = place(tmp_path_factory.mktemp(name), **quirks)
        command = [sys.executable, "-P", "-c", QUICK, *words]
        running[name] = subprocess.Popen(
            command, env=support.environment(environment), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
    found = {}
    for name, process in running.items():
        out, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
        found[name] = json.loads(out)
    return found


def test_steps_quantum_power_and_ratio(profiles: Mapping[str, Any]) -> None:
    found = profiles["plain"]
    assert found["step_seconds"]["mid"] == pytest.approx(0.1, rel=0.02)
    assert found["quantum_joules"] == pytest.approx(0.001)
    assert found["idle_watts"] == pytest.approx(IDLE, rel=0.02)
    assert found["busy_watts"] == pytest.approx(BUSY, rel=0.02)
    assert found["counter_to_integral"] == pytest.approx(1, abs=0.02)
    assert found["averaging_seconds"] == pytest.approx(0.1, abs=0.05), "the sensor's mean over its own period"


@pytest.mark.parametrize(("name", "lag"), [("plain", 0.0), ("late", 0.04)])
def test_the_lag_of_the_counter_is_found(profiles: Mapping[str, Any], name: str, lag: float) -> None:
    found = profiles[name]["lag_seconds"]
    assert found["mid"] == pytest.approx(lag, abs=0.006)
    assert found["low"] - 0.003 <= lag <= found["high"] + 0.003


def test_a_sensor_that_looks_part_of_the_time_is_found_out(profiles: Mapping[str, Any]) -> None:
    assert profiles["plain"]["duty"]["mid"] > 0.93
    assert profiles["late"]["duty"]["mid"] > 0.93
    assert profiles["part-time"]["duty"]["mid"] == pytest.approx(0.25, abs=0.12)


@pytest.mark.parametrize("duty", [0.1, 0.25, 0.5, 0.75, 0.9, 1.0])
def test_the_duty_follows_from_the_variance_of_the_trapezoid(duty: float) -> None:
    """The mean over a window of a square wave, over all phases."""
    count = 2000
    readings = [sum((at + i / count * duty) % 1 < 0.5 for i in range(count)) / count for at in _phases(200)]
    mean = sum(readings) / len(readings)
    variance = sum((reading - mean) ** 2 for reading in readings) / len(readings)
    assert duty_of(variance) == pytest.approx(duty, abs=0.02)


def _phases(count: int) -> list[float]:
    return [k / count for k in range(count)]


def bad_load(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment, _ = place(folder)
    return support.wattstar_command("probe", "--load", " ".join(words), env=environment, timeout=60)


def test_a_load_that_is_not_there(tmp_path: Path) -> None:
    done = bad_load(tmp_path, "no-such-load")
    assert done.returncode == 3
    assert "cannot be started" in done.stderr


def test_a_load_that_ends(tmp_path: Path) -> None:
    done = bad_load(tmp_path, "sh -c 'echo no GPU memory is left >&2'")
    assert done.returncode == 3
    assert "no GPU memory is left" in done.stderr
    assert "--load" in done.stderr


def test_a_load_that_says_something_else(tmp_path: Path) -> None:
    done = bad_load(tmp_path, "echo hello")
    assert done.returncode == 3
    assert "'hello'" in done.stderr


def test_a_load_with_another_clock_keeps_nobody_waiting() -> None:
    """A wave that is timed by the load's moments would otherwise sleep until the year 4000."""
    text = "import sys, time\nprint('off', 0, flush=True)\nfor line in sys.stdin: print(line.strip(), {}, flush=True)"
    for clock in ("time.time_ns()", "time.monotonic()//1", "0"):
        words = [sys.executable, "-c", text.format(f"int({clock})")]
        with pytest.raises(UnfitEnvironment, match="not now by CLOCK_MONOTONIC"), Load(words) as other:
            other.wave(0.1, 1.0)


def test_a_load_may_talk_as_much_as_it_likes() -> None:
    """On standard error; nobody reads it, and it must not fill."""
    text = "import sys, time\nsys.stderr.write('x' * 10**6)\nprint('off', 0, flush=True)"
    with Load([sys.executable, "-c", text]):
        pass


def test_without_a_gpu_the_cure_is_said() -> None:
    done = support.wattstar_command("probe")
    assert done.returncode == 2
    assert "wattstar doctor" in done.stderr


def test_a_load_that_does_not_raise_the_power_is_none(tmp_path: Path) -> None:
    environment, words = place(tmp_path)
    words[-1] = str(IDLE * 1.05)
    command = [sys.executable, "-P", "-c", QUICK, *words]
    done = subprocess.run(
        command, env=support.environment(environment), capture_output=True, text=True, timeout=60, check=False
    )
    assert "hardly raised the power" in done.stderr


def watched(lags: Sequence[float], step: float = 0.1, busy: float = BUSY, switched: float = BUSY) -> Seen:
    """A counter whose steps are so late, one after the other, as it would be watched by a probe."""
    edges = [18.0 + 1.51 * turn for turn in range(14)]
    changes = [(6.0, busy), (15.5, IDLE), *((edge, IDLE if turn % 2 else switched) for turn, edge in enumerate(edges))]
    load = trace.held([(0.0, IDLE), *changes], origin=0)
    moments = [round((0.013 + step * k) * 1e9) for k in range(round(41 / step))]
    late = [moment - round(lags[k % len(lags)] * 1e9) for k, moment in enumerate(moments)]
    joules = [round(load.joules(-(10**9), moment), 3) for moment in late]
    counter = Timeline("gpu:0", "nvml", Method.COUNTER, moments, joules)
    even = [round(k * 4e7) for k in range(1025)]
    power = Timeline("gpu:0", "nvml-power", Method.SAMPLED, even, [load.joules(0, moment) for moment in even],
                     gaps=[10**8] * len(even))  # fmt: skip
    moments_of = tuple(round(edge * 1e9) for edge in edges)
    return Seen(counter, power, Window(10**9, 5 * 10**9), Window(75 * 10**8, 15 * 10**9), moments_of, ())


GPU = Gpu(0, "GPU-1", "x", None, 700.0, "550")


def test_the_lag_s_interval_holds_every_lag_and_not_only_their_mean() -> None:
    draw = random.Random(1)
    lags = [draw.uniform(0.0, 0.06) for _ in range(410)]
    found = profile(GPU, watched(lags)).lag_seconds
    assert found.low is not None
    assert found.high is not None
    assert sum(found.low <= lag <= found.high for lag in lags) >= 0.9 * len(lags)
    even = profile(GPU, watched([0.03])).lag_seconds
    assert (even.low, even.high) == (pytest.approx(0.03, abs=1e-4), pytest.approx(0.03, abs=1e-4))


@pytest.mark.parametrize(
    ("quirks", "says"),
    [
        ({"step": 2.0}, "too seldom"),
        ({"switched": IDLE}, "stayed at 90 → 90 W"),
        ({"lags": [0.4]}, "could not be told"),
    ],
)
def test_a_sensor_that_cannot_be_probed_gets_no_profile(quirks: Mapping[str, Any], says: str) -> None:
    with pytest.raises(UnfitEnvironment, match=says):
        profile(GPU, watched(**{"lags": [0.02], **quirks}))


def a_profile(**quirks: Any) -> SensorProfile:
    lag = Interval(0.01, 0.02, 0.03)
    plain = SensorProfile("GPU-1", "x", "550", "nvml", "", lag, 0.001, lag, None, 0.1, 1.0, 90.0, 650.0)
    return replace(plain, **quirks)


@pytest.mark.parametrize(
    "lag",
    [
        Interval(None, 0.02, None),
        Interval(0.01, float("nan"), 0.03),
        Interval(0.01, 0.02, float("inf")),
        Interval(0.03, 0.02, 0.01),
        Interval(0.01, 0.02, 30.0),
    ],
)
def test_a_profile_whose_lag_is_none_is_as_good_as_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lag: Interval
) -> None:
    monkeypatch.setenv(_profiles.HOME, str(tmp_path))
    _profiles.save(a_profile())
    assert _profiles.load("GPU-1", "nvml", "550") == a_profile()
    text = json.dumps({**encode(a_profile()), "lag_seconds": asdict(lag)})
    _profiles.path("GPU-1", "nvml").write_text(text)
    assert _profiles.load("GPU-1", "nvml", "550") is None


def test_a_foreign_or_damaged_profile_is_as_good_as_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(_profiles.HOME, str(tmp_path))
    file = _profiles.save(a_profile())
    _profiles.path("GPU-2", "nvml").write_bytes(file.read_bytes())
    assert _profiles.load("GPU-2", "nvml", "550") is None, "copied from another device"
    for data in (b"", b"\xff\xfe", b"[]", file.read_bytes()[:200]):
        file.write_bytes(data)
        assert _profiles.load("GPU-1", "nvml", "550") is None
    file.unlink()
    file.mkdir()
    assert _profiles.load("GPU-1", "nvml", "550") is None


def test_where_no_profile_can_be_kept_no_minute_is_spent(tmp_path: Path) -> None:
    environment, words = place(tmp_path)
    (tmp_path / "home").write_text("a file")
    done = support.wattstar_command("probe", "--load", " ".join(words), env=environment)
    assert done.returncode == 3, done.stderr
    assert "WATTSTAR_DATA_HOME" in done.stderr
    assert "at rest" not in done.stderr


def test_a_profile_is_used_by_later_measurements_and_not_under_another_driver(tmp_path: Path) -> None:
    environment, _ = place(tmp_path, lag=0.03)
    text = """
from wattstar.meters import _profiles, nvml
from wattstar.types import Interval, Scope, SensorProfile
[gpu] = nvml.gpus()
interval = Interval(0.029, 0.03, 0.031)
for driver in (gpu.driver, "1.2.3"):
    _profiles.save(SensorProfile(gpu.uuid, gpu.name, driver, "nvml", "2026-01-01T00:00:00+00:00", interval, 0.001,
                                 interval, Interval(1, 1, 1), 0.1, 1.0, 90.0, 650.0))
    with nvml.reader(Scope(1, "cuda:0", "")) as reader:
        print(reader.lags["gpu:0"].mid, len(reader.profiles), reader.caveats.get("gpu:0", "")[:10])
"""
    done = support.python(text, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["0.03 1 ", "0.0 0 not probed"]
