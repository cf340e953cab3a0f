"""An NVIDIA driver without a GPU: a real ``libnvidia-ml.so.1`` whose sensors show power traces.

``install`` builds it and returns the environment of a subprocess in which nvidia-ml-py, and every tool on top of it,
finds it. ``write`` changes the same driver live. The library is found by name alone, so a subprocess is the way;
``ctypes.CDLL(shared_object())`` before the first ``nvmlInit`` works inside a process too (the loader knows the soname),
but for the rest of that process there is no other driver.

Sources: "NVML API Reference Manual" (what calls mean, milliwatts and millijoules, the 1 s average); Yang, Adamek,
Armour, "Part-time Power Measurements" (SC24): A100 and H100 look at 25 of each 100 ms; Alumet's and codecarbon's
readers: the energy counter steps every 20 to 100 ms.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

from tests.simulators import compiler
from tests.simulators.trace import Following, Trace

NEVER = 2**63 - 1
NOT_SUPPORTED, NO_PERMISSION, DRIVER_NOT_LOADED, TIMEOUT, GPU_IS_LOST = 3, 4, 9, 10, 15
"""Codes of ``nvmlReturn_t``."""
UPTIME = 600_000_000_000
"""Nanoseconds that a simulated driver has been loaded for by default."""
CONFIGURATION = "nvml.conf"
NVIDIA_SMI = """#!/bin/sh
case "$1" in
-h | --help) echo "NVIDIA System Management Interface, of a simulated driver: --help is all it knows" ;;
*) echo "the simulated nvidia-smi knows --help only" >&2; exit 1 ;;
esac
"""
"""A driver brings the command along, and codecarbon looks for it before it asks NVML."""


@dataclass(frozen=True)
class Fault:
    """A call answers with an error from a moment on."""

    function: str
    """Its name, or ``*`` for all; ``nvmlDeviceGetTotalEnergyConsumption`` counts for its field values as well.

    Also ``NVML_FI_DEV_POWER_INSTANT`` or ``…_AVERAGE``: that field value alone answers with the error."""
    code: int
    begin: int = 0
    """Nanoseconds of CLOCK_MONOTONIC."""


@dataclass(frozen=True)
class Gpu:
    """One GPU; an H100 SXM unless said otherwise. Moments are nanoseconds of CLOCK_MONOTONIC, durations seconds."""

    trace: Trace | Following
    module: Trace | Following | None = None
    """Power of the GPU's whole module, CPU included; only Grace machines have that scope."""
    memory: Trace | Following | None = None
    """Power of the GPU's memory; without it that scope reads 0."""

    step_period: float = 0.1
    """Of the energy counter; 0: it moves all the time."""
    step_phase: float = 0.0
    """Of its steps, after ``loaded``."""
    step_jitter: float = 0.0
    """Each step is up to so much earlier or later; less than half a period."""
    lag: float = 0.0
    """A step shows the energy until so long before it."""
    quantum_millijoules: float = 1.0
    counter_sees_sensor: bool = False
    """The counter adds up what the part-time sensor saw, not the truth: whether real ones do is not documented."""
    counter_is_module: bool = False
    """As on Grace Hopper."""
    sensor_period: float = 0.1
    """Of the power sensor's updates; 0: it shows the trace."""
    sensor_phase: float = 0.0
    sensor_duty: float = 1.0
    """The part of its period, at its end, in which the sensor looks: 0.25 on A100 and H100 (SC24)."""
    averages: bool = True
    """``nvmlDeviceGetPowerUsage`` shows the average; False on GA100 and older, which have no averaged field either."""
    average_seconds: float = 1.0

    loaded: int = field(default_factory=lambda: time.monotonic_ns() - UPTIME)
    """When the driver was loaded: the counter counts from there."""
    reset_at: int = NEVER
    """The counter restarts at 0, as after a reload of the driver."""
    stuck_from: int = NEVER
    """The counter stands still."""
    jump_at: int = NEVER
    jump_joules: float = 0.0
    """Added to the counter from ``jump_at``; negative: it goes backwards."""
    faults: tuple[Fault, ...] = ()

    name: str = "NVIDIA H100 80GB HBM3"
    uuid: str = ""
    """Empty: made of the index."""
    serial: str = "1650000000000"
    pci_bus: int = -1
    """-1: made of the index."""
    architecture: int = 9
    capability_major: int = 9
    capability_minor: int = 0
    grace_hopper: bool = False
    limit_watts: float = 700.0
    enforced_watts: float = 700.0
    default_watts: float = 700.0
    least_watts: float = 200.0
    most_watts: float = 700.0
    sm_clock: int = 1980
    """Megahertz."""
    memory_clock: int = 2619
    most_sm_clock: int = 1980
    most_memory_clock: int = 2619
    temperature: int = 45
    """Degrees Celsius."""
    memory_temperature: int = 50
    utilization: int = 0
    """Per cent."""
    memory_utilization: int = 0
    performance_state: int = 0
    memory_bytes: int = 81559 * 2**20
    memory_used: int = 0
    clocks_event_reasons: int = 0
    """Bits of ``nvmlClocksEventReason…``."""
    mig_mode: int = 0
    """-1: the GPU has no MIG."""
    mig_devices: int = 0
    """Slices; they have no energy, power or clocks of their own."""
    ecc_mode: int = 1
    """-1: the GPU has no ECC."""
    ecc_corrected: int = 0
    ecc_uncorrected: int = 0
    persistence_mode: bool = True
    processes: tuple[tuple[int, int], ...] = ()
    """(process id, bytes) of each compute process on the GPU."""

    def __post_init__(self) -> None:
        if self.step_period and not 0 <= self.step_jitter < self.step_period / 2:
            raise ValueError("The jitter must be less than half a step.")


@dataclass(frozen=True)
class Driver:
    """The driver and all its GPUs, in the order of ``nvmlDeviceGetHandleByIndex``."""

    gpus: tuple[Gpu, ...]
    driver_version: str = "550.54.15"
    nvml_version: str = "12.550.54.15"
    cuda_version: int = 12040
    latency: float = 0.0
    """Seconds that each call takes at least, half before the value is read and half after."""
    faults: tuple[Fault, ...] = ()
    """Of every call, ``nvmlInitWithFlags`` included."""


def no_counter(gpu: Gpu) -> Gpu:
    """As older than Volta, or a virtual GPU: power, but no energy counter."""
    fault = Fault("nvmlDeviceGetTotalEnergyConsumption", NOT_SUPPORTED)
    return replace(gpu, faults=(*gpu.faults, fault))


def pascal(gpu: Gpu) -> Gpu:
    """A P100: no energy counter, no average, no MIG ("For Volta or newer fully supported devices")."""
    older = replace(gpu, name="Tesla P100-SXM2-16GB", architecture=4, capability_major=6, averages=False, mig_mode=-1)
    return no_counter(older)


def averaged_power_only(gpu: Gpu) -> Gpu:
    """No energy counter, and of power only the average over a second."""
    fault = Fault("NVML_FI_DEV_POWER_INSTANT", NOT_SUPPORTED)
    return no_counter(replace(gpu, faults=(*gpu.faults, fault)))


def lost(gpu: Gpu, begin: int) -> Gpu:
    """Fallen off the bus at a moment: every call about it says so."""
    return replace(gpu, faults=(*gpu.faults, Fault("*", GPU_IS_LOST, begin)))


def grace_hopper(gpu: Gpu, module: Trace | Following) -> Gpu:
    """A GH200: a module scope with the CPU in it, which the energy counter shows."""
    return replace(gpu, name="NVIDIA GH200 480GB", module=module, grace_hopper=True, counter_is_module=True)


def shared_object() -> Path:
    """``libnvidia-ml.so.1``, built now if it is not yet; ``RuntimeError`` where there is no C compiler."""
    return compiler.shared_object("nvml.c", "libnvidia-ml.so.1")


def install(folder: Path, driver: Driver) -> Mapping[str, str]:
    """Put the driver's configuration into a folder; returns what a subprocess needs in its environment to find it."""
    folder.mkdir(parents=True, exist_ok=True)
    write(folder, driver)
    command = folder / "bin" / "nvidia-smi"
    command.parent.mkdir(exist_ok=True)
    command.write_text(NVIDIA_SMI, encoding="utf-8")
    command.chmod(0o755)
    return {
        "LD_LIBRARY_PATH": _first(shared_object().parent, "LD_LIBRARY_PATH"),
        "PATH": _first(command.parent, "PATH"),
        "WATTSTAR_NVML_SIMULATOR": str((folder / CONFIGURATION).resolve()),
    }


def write(folder: Path, driver: Driver) -> None:
    """Change the driver from now on, also for processes that have it open: it is read again before the next call.

    A changed trace changes the past too: for a load that is not known beforehand, use ``Following``.
    """
    temporary = folder / f"{CONFIGURATION}.new"
    temporary.write_text("".join(f"{line}\n" for line in _driver(folder, driver)), encoding="utf-8")
    temporary.replace(folder / CONFIGURATION)


def _first(folder: Path, variable: str) -> str:
    """A search path: the folder, then what this process has."""
    return os.pathsep.join(filter(None, [str(folder.resolve()), os.environ.get(variable)]))


def _driver(folder: Path, driver: Driver) -> Iterator[str]:
    names = ("driver_version", "nvml_version", "cuda_version", "latency")
    yield from (f"{name} {getattr(driver, name)}" for name in names)
    yield from _faults(driver.faults)
    for index, gpu in enumerate(driver.gpus):
        yield f"gpu {index}"
        uuid = gpu.uuid or f"GPU-57a75717-4e57-4a77-9a57-{index:012x}"
        bus = gpu.pci_bus if gpu.pci_bus >= 0 else 0x18 + index
        yield from _gpu(folder, replace(gpu, uuid=uuid, pci_bus=bus))


def _gpu(folder: Path, gpu: Gpu) -> Iterator[str]:
    yield from _faults(gpu.faults)
    yield from (f"process {pid} {memory}" for pid, memory in gpu.processes)
    for name, value in ((entry.name, getattr(gpu, entry.name)) for entry in fields(gpu)):
        if isinstance(value, Trace | Following):
            yield f"{name} {value.write(folder)}"
        elif isinstance(value, bool):
            yield f"{name} {value:d}"
        elif isinstance(value, int | float | str):
            yield f"{name} {value}"


def _faults(faults: tuple[Fault, ...]) -> Iterator[str]:
    return (f"fault {fault.function} {fault.code} {fault.begin}" for fault in faults)
