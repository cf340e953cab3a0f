"""The simulated NVIDIA driver against the closed form of its traces, read by the real nvidia-ml-py."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from tests.simulators import compiler, nvml
from tests.simulators import trace as traces
from tests.simulators.nvml import Driver, Gpu
from tests.simulators.nvml_process import LATER, POLL, inside
from tests.simulators.trace import Following, Trace

pytestmark = pytest.mark.skipif(compiler.compiler() is None, reason=compiler.NO_COMPILER)
pytest.importorskip("pynvml", reason="nvidia-ml-py is not installed")

SECOND = 1_000_000_000
BUSY = traces.square(90, 650, 0.073, duty=0.4)
Row = tuple[int, int, int]
"""Moments before and after a read, and what was read."""


def polled(folder: Path, gpus: Sequence[Gpu], read: str = "energy", seconds: float = 0.3) -> list[list[Row]]:
    found: list[list[Row]] = inside(folder, Driver(tuple(gpus)), f"{POLL}\nprint(json.dumps(poll({read}, {seconds})))")
    return found


def moments(row: Row, period: float) -> list[int]:
    """At least one in each period that the read may have fallen into, however long it took."""
    return [*range(row[0], row[1], round(period * 1e9)), row[1]]


def shown(gpu: Gpu, moment: int) -> float:
    """Millijoules on the counter at a moment: the integral until the last step before it, less the lag."""
    assert isinstance(gpu.trace, Trace)
    assert not gpu.step_jitter
    step, first = round(gpu.step_period * 1e9), gpu.loaded + round(gpu.step_phase * 1e9)
    until = first + (moment - first) // step * step - round(gpu.lag * 1e9)
    return gpu.trace.joules(gpu.loaded, until) * 1e3


def steps(rows: Sequence[Row]) -> list[Row]:
    """The reads that saw a new value."""
    return [row for before, row in pairwise(rows) if row[2] != before[2]]


def test_the_counter_shows_the_exact_integral_in_steps(tmp_path: Path) -> None:
    now = time.monotonic_ns()
    gpus = [
        Gpu(BUSY, step_period=0.01),
        Gpu(traces.ramp(100, 600, 0.31), step_period=0.1, step_phase=0.037),
        Gpu(traces.sine(100, 500, 0.2), step_period=0.02, lag=0.06),
        Gpu(traces.burst(80, 700, 0.5, pulses=3, width=0.05, gap=0.02), step_period=0.05, lag=0.013),
        Gpu(traces.constant(400.0), step_period=0.033),
        Gpu(traces.idle_busy_idle(90, 650, now + SECOND // 4, now + SECOND // 2), step_period=0.02),
        Gpu(traces.recorded([(0.0, 50.0), (0.2, 650.0), (0.4, 90.0)]), step_period=0.02, quantum_millijoules=50),
    ]
    for gpu, rows in zip(gpus, polled(tmp_path, gpus, seconds=0.5), strict=True):
        assert len(steps(rows)) >= 3
        for row in rows:
            rests = [shown(gpu, moment) - row[2] for moment in moments(row, gpu.step_period)]
            assert any(-1e-3 <= rest < gpu.quantum_millijoules + 1e-3 for rest in rests), (gpu.trace, row)


def test_steps_come_at_the_stated_period_and_jitter(tmp_path: Path) -> None:
    steady = Gpu(traces.constant(500.0), step_period=0.02)
    jittery = replace(steady, step_jitter=0.008)
    for gpu, rows in zip((steady, jittery), polled(tmp_path, [steady, jittery], seconds=0.5), strict=True):
        times = [row[2] / 500e3 for row in steps(rows)]
        early = [time - round(time / 0.02) * 0.02 for time in times]
        assert len(times) > 10
        assert max(map(abs, early)) <= gpu.step_jitter + 1e-5
        assert max(early) - min(early) >= gpu.step_jitter


def test_quirks_of_the_counter(tmp_path: Path) -> None:
    plain = Gpu(traces.constant(500.0), step_period=0.01)
    gpus = (
        replace(plain, reset_at=LATER),
        replace(plain, stuck_from=LATER),
        replace(plain, jump_at=LATER, jump_joules=1e6),
        replace(plain, jump_at=LATER, jump_joules=-100.0),
        nvml.lost(plain, LATER),
        nvml.no_counter(plain),
    )
    begin, found = inside(tmp_path, Driver(gpus), f"{POLL}\nprint(json.dumps([begin_in(0.15), poll(energy, 0.3)]))")
    before = [[row for row in rows if row[1] < begin] for rows in found]
    after = [[row for row in rows if row[0] > begin + 20_000_000] for rows in found]
    reset, stuck, jump, backwards, gone, without = after
    assert (reset[-1][0] - begin) / 1e9 - 0.011 <= reset[-1][2] / 500e3 <= (reset[-1][1] - begin) / 1e9 + 1e-5
    assert [*{row[2] for row in stuck}] == [pytest.approx(shown(plain, begin), abs=1)]
    assert shown(plain, jump[0][0]) - 1 <= jump[0][2] - 1e9 <= shown(plain, jump[0][1]) + 1
    assert backwards[0][2] < before[3][-1][2]
    assert {row[2] for row in gone} == {-nvml.GPU_IS_LOST}
    assert {row[2] for row in before[5] + without} == {-nvml.NOT_SUPPORTED}
    for rows in before[:5]:
        assert any(abs(shown(plain, moment) - rows[0][2]) <= 1 for moment in moments(rows[0], 0.01))


def test_the_power_sensor_looks_a_part_of_the_time_and_averages(tmp_path: Path) -> None:
    part_time = Gpu(BUSY, sensor_period=0.1, sensor_duty=0.25, sensor_phase=0.01)
    whole = replace(part_time, sensor_duty=1.0)

    def mean(gpu: Gpu, moment: int, windows: int) -> float:
        width, period = round(gpu.sensor_duty * 1e8), SECOND // 10
        first = gpu.loaded + 10_000_000
        ends = [first + ((moment - first) // period - i) * period for i in range(windows)]
        return sum(BUSY.joules(end - width, end) / width * 1e9 for end in ends) / windows * 1e3

    for read, windows in (("instant", 1), ("usage", 10)):
        found = polled(tmp_path / read, [part_time, whole], read, seconds=0.25)
        for gpu, rows in zip((part_time, whole), found, strict=True):
            for row in rows:
                assert any(abs(mean(gpu, moment, windows) - row[2]) <= 1 for moment in moments(row, 0.1))


def test_the_counter_may_see_only_what_the_sensor_saw(tmp_path: Path) -> None:
    ten_hertz = traces.square(90, 650, 0.1, duty=0.5)
    gpu = Gpu(ten_hertz, counter_sees_sensor=True, sensor_duty=0.25, step_period=0.1, loaded=ten_hertz.origin - SECOND)
    ((*_, row),) = polled(tmp_path, [gpu], seconds=0.25)
    updates = (row[0] - gpu.loaded) // (SECOND // 10)
    assert row[2] in (updates * 9000, (updates + 1) * 9000), "it looks while the load rests: 90 W"


def test_a_workload_drives_the_power_live(tmp_path: Path) -> None:
    load = Following(tmp_path / "power", 90.0)
    gpu = Gpu(load, step_period=0.01, loaded=load.origin - SECOND, lag=0.06)  # a row arrives sooner than that
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(polled, tmp_path, [gpu], "energy", 0.4)
        while not running.done():
            load.set(650.0)
            time.sleep(0.03)
            load.set(120.0)
            time.sleep(0.02)
        (rows,) = running.result()
    truth = replace(gpu, trace=load.trace())
    assert len(steps(rows)) > 15
    for row in rows:
        assert any(abs(shown(truth, moment) - row[2]) <= 1.001 for moment in moments(row, 0.01))
