"""Calls, errors and kinds of GPU of the simulated NVIDIA driver, by nvidia-ml-py and by wattstar's own meter."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests import support
from tests.simulators import compiler, nvml
from tests.simulators import trace as traces
from tests.simulators.nvml import Driver, Fault, Gpu
from tests.simulators.nvml_process import BEGIN_IN, LATER, POLL, inside

pytestmark = pytest.mark.skipif(compiler.compiler() is None, reason=compiler.NO_COMPILER)
pytest.importorskip("pynvml", reason="nvidia-ml-py is not installed")

SECOND = 1_000_000_000
BUSY = traces.square(90, 650, 0.073, duty=0.4)


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
        nvml.averaged_power_only(constant),
    )
    text = f"""{POLL}
def code(call, *words):
    try: call(*words)
    except n.NVMLError as error: return error.value
mig, hopper, pascal, averaged = gpus
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
    "averaged": [code(energy, averaged), field(averaged, 186).nvmlReturn, field(averaged, 185).nvmlReturn,
                 usage(averaged)],
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
    assert said["averaged"] == [nvml.NOT_SUPPORTED] * 2 + [0, 300_000]


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
ctypes.CDLL({str(nvml.shared_object())!r})
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
    assert reason == "gpu:0 has no energy counter"
    assert "Not Supported" in error


def test_wattstar_says_that_a_gpu_is_lost(tmp_path: Path) -> None:
    _, _, error, seen = inside(tmp_path, Driver((nvml.lost(Gpu(BUSY), LATER),)), METER)
    assert "GPU is lost" in error
    assert seen
