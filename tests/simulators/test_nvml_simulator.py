"""The simulated NVIDIA driver against the closed form of its traces, read by the real nvidia-ml-py."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests import support
from tests.simulators import compiler, nvml
from tests.simulators import trace as traces
from tests.simulators.nvml import Driver, Fault, Gpu
from tests.simulators.trace import Following, Trace

pytestmark = pytest.mark.skipif(compiler.compiler() is None, reason=compiler.NO_COMPILER)
pytest.importorskip("pynvml", reason="nvidia-ml-py is not installed")

ROOT = Path(__file__).parents[2]
SECOND = 1_000_000_000
BUSY = traces.square(90, 650, 0.073, duty=0.4)
Row = tuple[int, int, int]
"""Moments before and after a read, and what was read; an error is its code, negative."""

LATER = nvml.NEVER - 1
"""Stands for a moment that the process itself chooses once it is under way, by ``begin_in``."""

BEGIN_IN = f"""
import os, time
def begin_in(seconds):
    moment = time.monotonic_ns() + round(seconds * 1e9)
    path = os.environ["WATTSTAR_NVML_SIMULATOR"]
    with open(path) as file: text = file.read()
    with open(path + ".later", "w") as file: file.write(text.replace("{LATER}", str(moment)))
    os.replace(path + ".later", path)
    return moment
"""
POLL = f"""{BEGIN_IN}
import json, sys
import pynvml as n
n.nvmlInit()
gpus = [n.nvmlDeviceGetHandleByIndex(i) for i in range(n.nvmlDeviceGetCount())]
def energy(gpu): return n.nvmlDeviceGetTotalEnergyConsumption(gpu)
def usage(gpu): return n.nvmlDeviceGetPowerUsage(gpu)
def field(gpu, id, scope=0): return n.nvmlDeviceGetFieldValues(gpu, [(id, scope)])[0]
def instant(gpu): return field(gpu, 186).value.uiVal
def rows(gpu, read):
    before = time.monotonic_ns()
    try: value = read(gpu)
    except n.NVMLError as error: value = -error.value
    return before, time.monotonic_ns(), value
def poll(read, seconds):
    found = [[] for _ in gpus]
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for gpu, seen in zip(gpus, found): seen.append(rows(gpu, read))
        time.sleep(0.0005)
    return found
"""


def inside(folder: Path, driver: Driver, text: str, **env: str) -> Any:
    """What a script prints as JSON in a process that finds this driver."""
    result = support.python(text, env={**nvml.install(folder, driver), "CUDA_VISIBLE_DEVICES": "0", **env})
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


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
    assert (reset[-1][0] - begin) / 1e9 - 0.011 <= reset[-1][2] / 500e3 <= (reset[-1][1] - begin) / 1e9
    assert [*{row[2] for row in stuck}] == [pytest.approx(shown(plain, begin), abs=1)]
    assert shown(plain, jump[0][0]) - 1 <= jump[0][2] - 1e9 <= shown(plain, jump[0][1])
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


def test_every_function_answers_the_real_binding(tmp_path: Path) -> None:
    gpu = Gpu(BUSY, processes=((4242, 2**30),), memory_used=2**30, clocks_event_reasons=0x4, limit_watts=500)
    text = f"""{POLL}
g = gpus[0]
print(json.dumps({{
    "name": n.nvmlDeviceGetName(g), "uuid": n.nvmlDeviceGetUUID(g), "bus": n.nvmlDeviceGetPciInfo(g).busId,
    "memory": [n.nvmlDeviceGetMemoryInfo(g).used, n.nvmlDeviceGetMemoryInfo(g, version=n.nvmlMemory_v2).total],
    "limits": [n.nvmlDeviceGetPowerManagementLimit(g), n.nvmlDeviceGetEnforcedPowerLimit(g),
               n.nvmlDeviceGetPowerManagementDefaultLimit(g), *n.nvmlDeviceGetPowerManagementLimitConstraints(g)],
    "field limits": [field(g, id).value.uiVal for id in (187, 188, 189, 190, 192)],
    "clocks": [n.nvmlDeviceGetClockInfo(g, 1), n.nvmlDeviceGetMaxClockInfo(g, 2)],
    "temperature": [n.nvmlDeviceGetTemperature(g, 0), n.nvmlDeviceGetTemperatureV(g, 0), field(g, 82).value.uiVal],
    "utilization": n.nvmlDeviceGetUtilizationRates(g).gpu,
    "reasons": [n.nvmlDeviceGetCurrentClocksThrottleReasons(g), n.nvmlDeviceGetCurrentClocksEventReasons(g)],
    "processes": [[p.pid, p.usedGpuMemory] for p in n.nvmlDeviceGetComputeRunningProcesses(g)],
    "graphics": n.nvmlDeviceGetGraphicsRunningProcesses(g),
    "modes": [n.nvmlDeviceGetMigMode(g), n.nvmlDeviceGetEccMode(g), n.nvmlDeviceGetPersistenceMode(g)],
    "errors": [n.nvmlDeviceGetTotalEccErrors(g, 0, 1), n.nvmlDeviceGetTotalEccErrors(g, 1, 1)],
    "architecture": [n.nvmlDeviceGetArchitecture(g), *n.nvmlDeviceGetCudaComputeCapability(g)],
    "versions": [n.nvmlSystemGetDriverVersion(), n.nvmlSystemGetNVMLVersion(), n.nvmlSystemGetCudaDriverVersion_v2()],
    "energies": [energy(g), field(g, 83).value.ullVal, field(g, 191).value.ullVal],
    "powers": [usage(g), instant(g), field(g, 185).value.uiVal, field(g, 186, 2).value.uiVal],
    "module": field(g, 186, 1).nvmlReturn, "unknown field": field(g, 9999).nvmlReturn,
    "same": [n.nvmlDeviceGetIndex(n.nvmlDeviceGetHandleByUUID(n.nvmlDeviceGetUUID(g))),
             n.nvmlDeviceGetIndex(n.nvmlDeviceGetHandleByPciBusId(n.nvmlDeviceGetPciInfo(g).busId))],
    "error": n.nvmlErrorString(15), "state": n.nvmlDeviceGetPerformanceState(g),
}}))
n.nvmlShutdown()
try: n.nvmlDeviceGetCount()
except n.NVMLError_Uninitialized: pass
else: sys.exit("it answers after its shutdown")
"""
    said = inside(tmp_path, Driver((gpu,)), text)
    assert said["name"] == "NVIDIA H100 80GB HBM3"
    assert said["bus"] == "00000000:18:00.0"
    assert said["memory"] == [2**30, 81559 * 2**20]
    assert said["limits"] == [500_000, 700_000, 700_000, 200_000, 700_000]
    assert said["field limits"] == [200_000, 700_000, 700_000, 700_000, 500_000]
    assert said["reasons"] == [4, 4]
    assert said["processes"] == [[4242, 2**30]]
    assert said["architecture"] == [9, 9, 0]
    assert max(said["energies"]) - min(said["energies"]) <= 65_000
    assert said["powers"][3] == 0
    assert [said["module"], said["unknown field"]] == [nvml.NOT_SUPPORTED] * 2
    assert said["same"] == [0, 0]
    assert said["error"] == "GPU is lost"


def test_mig_grace_hopper_and_pascal(tmp_path: Path) -> None:
    constant = Gpu(traces.constant(300.0), loaded=time.monotonic_ns() - 10 * SECOND)
    gpus = (
        replace(constant, mig_mode=1, mig_devices=2),
        nvml.grace_hopper(constant, traces.constant(450.0)),
        nvml.pascal(constant),
    )
    text = f"""{POLL}
def code(call, *words):
    try: call(*words)
    except n.NVMLError as error: return error.value
mig, hopper, pascal = gpus
part = n.nvmlDeviceGetMigDeviceHandleByIndex(mig, 1)
print(json.dumps({{
    "mig": n.nvmlDeviceGetMigMode(mig), "uuid": n.nvmlDeviceGetUUID(part),
    "slice": [code(energy, part), code(usage, part)],
    "whole": n.nvmlDeviceGetUUID(n.nvmlDeviceGetDeviceHandleFromMigDeviceHandle(part)) == n.nvmlDeviceGetUUID(mig),
    "again": n.nvmlDeviceGetUUID(n.nvmlDeviceGetHandleByUUID(n.nvmlDeviceGetUUID(part))),
    "busy": code(n.nvmlDeviceGetUtilizationRates, mig),
    "module": [field(hopper, 186, scope).value.uiVal for scope in (0, 1)], "energy": energy(hopper),
    "now": time.monotonic_ns(), "c2c": n.nvmlDeviceGetC2cModeInfoV(hopper).isC2cEnabled,
    "old": [code(energy, pascal), field(pascal, 185).nvmlReturn, field(pascal, 83).nvmlReturn, instant(pascal)],
}}))
"""
    said = inside(tmp_path, Driver(gpus), text)
    assert said["mig"] == [1, 1]
    assert said["uuid"].startswith("MIG-")
    assert said["uuid"] == said["again"]
    assert said["whole"]
    assert said["slice"] == [nvml.NOT_SUPPORTED] * 2
    assert said["busy"] == nvml.NOT_SUPPORTED
    assert said["module"] == [300_000, 450_000]
    assert said["energy"] == pytest.approx((said["now"] - constant.loaded) / SECOND * 450e3, abs=0.11 * 450e3)
    assert said["c2c"] == 1
    assert said["old"] == [nvml.NOT_SUPPORTED] * 3 + [300_000]


def test_the_driver_changes_under_an_open_process(tmp_path: Path) -> None:
    gpu = Gpu(traces.constant(300.0))
    changed = Driver((replace(gpu, enforced_watts=350.0, temperature=88),), latency=0.004)
    nvml.install(tmp_path / "later", changed)
    text = f"""{POLL}
import os
before = n.nvmlDeviceGetEnforcedPowerLimit(gpus[0])
os.replace({str(tmp_path / "later" / nvml.CONFIGURATION)!r}, os.environ["WATTSTAR_NVML_SIMULATOR"])
usage(gpus[0])
took = rows(gpus[0], usage)
print(json.dumps([before, n.nvmlDeviceGetEnforcedPowerLimit(gpus[0]), n.nvmlDeviceGetTemperature(gpus[0], 0),
                  (took[1] - took[0]) / 1e9]))
"""
    before, after, temperature, seconds = inside(tmp_path, Driver((gpu,)), text)
    assert (before, after, temperature) == (700_000, 350_000, 88)
    assert seconds >= 0.004


@pytest.mark.parametrize("code", [nvml.DRIVER_NOT_LOADED, nvml.NO_PERMISSION])
def test_a_driver_that_does_not_start(code: int, tmp_path: Path) -> None:
    text = """
import pynvml as n
try: n.nvmlInit()
except n.NVMLError as error: print(error.value)
"""
    faults = (Fault("nvmlInitWithFlags", code),)
    assert inside(tmp_path, Driver((Gpu(BUSY),), faults=faults), text) == code


def test_the_library_can_be_loaded_inside_a_process(tmp_path: Path) -> None:
    env = nvml.install(tmp_path, Driver((Gpu(BUSY),)))
    text = f"""
import ctypes
ctypes.CDLL({str(nvml.library())!r})
import pynvml as n
n.nvmlInit()
print(n.nvmlDeviceGetCount())
"""
    result = support.python(text, env={"WATTSTAR_NVML_SIMULATOR": env["WATTSTAR_NVML_SIMULATOR"]})
    assert result.stdout == "1\n", result.stderr


METER = f"""{BEGIN_IN}
import json
from wattstar.meters import nvml
from wattstar.types import Scope
from wattstar.errors import MeterUnavailable
seen = []
try:
    with nvml.reader(Scope(0, "cuda:0", "")) as reader:
        begin_in(0.1)
        end = time.monotonic() + 0.35
        while time.monotonic() < end:
            seen.append(reader.read()["gpu:0"])
            time.sleep(0.002)
    error = None
except MeterUnavailable as refused:
    error = refused.message
found = nvml.affinity()
print(json.dumps([found.level, found.reason, error, seen]))
"""


def test_wattstar_reads_the_gpu_that_cuda_shows(tmp_path: Path) -> None:
    first, second = Gpu(traces.constant(100.0)), Gpu(traces.constant(500.0), step_period=0.02)
    level, _, error, seen = inside(tmp_path, Driver((first, second)), METER, CUDA_VISIBLE_DEVICES="1")
    (begin, low), (end, high) = seen[0], seen[-1]
    assert (level, error) == (2, None)
    assert high - low == pytest.approx((end - begin) / 1e9 * 500, abs=0.03 * 500)


def test_wattstar_refuses_a_gpu_without_counter(tmp_path: Path) -> None:
    level, reason, error, _ = inside(tmp_path, Driver((nvml.pascal(Gpu(BUSY)),)), METER)
    assert level == -1
    assert "Not Supported" in reason
    assert "Not Supported" in error


def test_wattstar_says_that_a_gpu_is_lost(tmp_path: Path) -> None:
    _, _, error, seen = inside(tmp_path, Driver((nvml.lost(Gpu(BUSY), LATER),)), METER)
    assert "GPU is lost" in error
    assert seen
