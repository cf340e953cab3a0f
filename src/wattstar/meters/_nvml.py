"""What the two NVIDIA meters share: the driver's library, the visible devices, and errors that say what to do."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import takewhile
from pathlib import Path
from typing import Any

import psutil

from wattstar.errors import MeterUnavailable
from wattstar.types import ALL_DEVICES, Affinity, Level, Observation, Scope

requires: tuple[str, ...] = ("nvidia-ml-py",)
WHOLE = ("use a whole GPU: nvidia-smi -mig 0 (as root), or choose another device",)
MODULE = "counts the whole module of a Grace superchip, its CPU included; nvml-power reads the GPU alone"


class NotHere(MeterUnavailable):
    """Nothing of NVIDIA's is on this machine; any other error means that a GPU is there and cannot be read."""


@contextmanager
def driver() -> Iterator[Any]:
    """The module ``pynvml``, initialised; its errors become ``MeterUnavailable``."""
    try:
        import pynvml as nvml
    except ImportError:
        kind = MeterUnavailable if _has_driver() else NotHere
        raise kind("NVML is not installed.", ["pip install nvidia-ml-py"]) from None
    try:
        nvml.nvmlInit()
    except (nvml.NVMLError_LibraryNotFound, nvml.NVMLError_DriverNotLoaded) as error:
        cure = "install the NVIDIA driver, or give the container access to it"
        raise NotHere(f"No NVIDIA driver answers: {error}.", [cure]) from error
    except nvml.NVMLError as error:  # as after an update: Driver/library version mismatch
        cure = "see what nvidia-smi says; after an update of the driver, reboot"
        raise MeterUnavailable(f"The NVIDIA driver does not start: {error}.", [cure]) from error
    try:
        yield nvml
    except nvml.NVMLError as error:
        raise MeterUnavailable(f"The NVIDIA driver refused: {error}.", ["nvidia-smi"]) from error
    finally:
        nvml.nvmlShutdown()


def visible(nvml: Any) -> dict[int, Any]:
    """CUDA's device index → handle, as CUDA_VISIBLE_DEVICES numbers them: by index, UUID or the beginning of one.

    What follows a name that is none is not visible (CUDA Programming Guide, "CUDA Environment Variables"). Raises
    ``MeterUnavailable`` for a GPU named twice, and for a slice of one (MIG): its energy is that of the whole.
    """
    wanted = os.environ.get("CUDA_VISIBLE_DEVICES")
    if wanted is None:
        handles = {i: nvml.nvmlDeviceGetHandleByIndex(i) for i in range(nvml.nvmlDeviceGetCount())}
    else:
        names = [name.strip() for name in wanted.split(",") if name.strip()]
        if any(name.startswith("MIG-") for name in names):
            message = "CUDA_VISIBLE_DEVICES names a MIG slice, and there is no energy counter for a slice."
            raise MeterUnavailable(message, WHOLE)
        if any(name.isdecimal() for name in names):
            _check_order(nvml)
        found = takewhile(lambda handle: handle is not None, (_handle(nvml, name) for name in names))
        handles = dict(enumerate(found))
        if len({nvml.nvmlDeviceGetUUID(handle) for handle in handles.values()}) < len(handles):
            raise MeterUnavailable(f"CUDA_VISIBLE_DEVICES={wanted} names a GPU twice.", ["name each GPU once"])
    for index, handle in handles.items():
        if _mig(nvml, handle):
            message = f"gpu:{index} is cut into MIG slices, and there is no energy counter for a slice."
            raise MeterUnavailable(message, WHOLE)
    return handles


def devices(nvml: Any, scope: Scope) -> dict[str, Any]:
    """Domain → handle of the GPUs the work uses, and of no other."""
    handles = visible(nvml)
    if scope.device == ALL_DEVICES:
        return {f"gpu:{index}": handle for index, handle in handles.items()}
    index = int(scope.device.partition(":")[2] or 0)
    if index not in handles:
        raise MeterUnavailable(
            f"The job runs on {scope.device}, which the NVIDIA driver does not show.", ["nvidia-smi"]
        )
    return {f"gpu:{index}": handles[index]}


def limits(nvml: Any, handles: Mapping[str, Any]) -> dict[str, float]:
    """Domain → watts that the device may draw, where it says so."""
    known = {domain: limit(nvml, handle) for domain, handle in handles.items()}
    return {domain: watts for domain, watts in known.items() if watts is not None}


def limit(nvml: Any, handle: Any) -> float | None:
    """Watts that the device may draw; None where it does not say, or says 0."""
    try:
        return float(nvml.nvmlDeviceGetEnforcedPowerLimit(handle)) / 1e3 or None
    except (nvml.NVMLError_NotSupported, nvml.NVMLError_NoPermission):
        return None


def state(nvml: Any, domain: str, handle: Any, pid: int) -> list[Observation]:
    """What the GPU says of itself beside energy; what it does not say is left out, for whatever reason.

    If the GPU is gone, reading its energy fails too and tells.

    ``slowdown``: 1 while the clocks are held down by heat, a hardware slowdown or the power brake, not by the power
    limit, which is a normal state under load. ``foreign_processes``: compute processes outside the trees of ``pid``
    and of this process; left out where they cannot be told apart.
    """
    now = time.monotonic_ns()
    slowed = (
        nvml.nvmlClocksEventReasonHwSlowdown
        | nvml.nvmlClocksEventReasonSwThermalSlowdown
        | nvml.nvmlClocksEventReasonHwThermalSlowdown
        | nvml.nvmlClocksEventReasonHwPowerBrakeSlowdown
    )
    questions: dict[str, Callable[[], float | None]] = {
        "sm_clock_mhz": lambda: nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_SM),
        "memory_clock_mhz": lambda: nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_MEM),
        "temperature_celsius": lambda: nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU),
        "power_limit_watts": lambda: nvml.nvmlDeviceGetEnforcedPowerLimit(handle) / 1e3,
        "utilisation": lambda: nvml.nvmlDeviceGetUtilizationRates(handle).gpu / 100,
        "memory_used_bytes": lambda: nvml.nvmlDeviceGetMemoryInfo(handle).used,
        "slowdown": lambda: bool(nvml.nvmlDeviceGetCurrentClocksEventReasons(handle) & slowed),
        "ecc_uncorrected_errors": lambda: nvml.nvmlDeviceGetTotalEccErrors(
            handle, nvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED, nvml.NVML_VOLATILE_ECC
        ),
        "foreign_processes": lambda: _others(nvml.nvmlDeviceGetComputeRunningProcesses(handle), pid),
    }
    found = []
    for name, ask in questions.items():
        with suppress(nvml.NVMLError):
            if (value := ask()) is not None:
                found.append(Observation(now, domain, name, float(value)))
    return found


def _others(processes: Sequence[Any], pid: int) -> int | None:
    """How many are outside the trees of ``pid`` and of this process; None where a number is of no process here.

    Other workers of this process are those of its sitting, and rest while this one is counted.

    Inside a container many drivers give the host's numbers (github.com/NVIDIA/nvidia-docker/issues/1483).
    """
    every = {process.pid for process in processes}
    if not all(psutil.pid_exists(number) for number in every):
        return None
    own = {pid, os.getpid()}
    for root in tuple(own):
        with suppress(psutil.NoSuchProcess):
            own |= {child.pid for child in psutil.Process(root).children(recursive=True)}
    return len(every - own)


def affinity_of(what: str, read: Callable[[Any, Any], object]) -> Affinity:
    """Real where ``read(nvml, handle)`` works on every visible GPU; else absent or closed, with the reason."""
    try:
        with driver() as nvml:
            handles = visible(nvml)
            domains = tuple(f"gpu:{index}" for index in handles)
            for domain, handle in zip(domains, handles.values(), strict=True):
                try:
                    read(nvml, handle)
                except nvml.NVMLError_NotSupported:
                    cure = "a GPU of Volta or later, not virtual"
                    return Affinity(Level.CLOSED, domains, f"{domain} has no {what}", cure)
    except MeterUnavailable as error:
        level = Level.ABSENT if isinstance(error, NotHere) else Level.CLOSED
        return Affinity(level, (), error.message.rstrip("."), "; ".join(error.cures))
    if not handles:
        return Affinity(Level.ABSENT, (), "the NVIDIA driver sees no GPU", "check nvidia-smi and CUDA_VISIBLE_DEVICES")
    return Affinity(Level.REAL, domains, f"{what} of {len(handles)} NVIDIA GPU(s)")


def is_module(nvml: Any, handle: Any) -> bool:
    """Whether the GPU is part of a Grace superchip, whose energy counter shows the module: it has a link to its CPU.

    As zeus tells it (zeus/device/gpu/nvidia.py, isC2cEnabled).
    """
    try:
        return bool(nvml.nvmlDeviceGetC2cModeInfoV(handle).isC2cEnabled)
    except (nvml.NVMLError_NotSupported, nvml.NVMLError_FunctionNotFound):
        return False


def _handle(nvml: Any, name: str) -> Any | None:
    """Of the GPU that CUDA means by a name; None where there is no such GPU, or several begin so."""
    every = range(nvml.nvmlDeviceGetCount())
    if name.isdecimal():
        return nvml.nvmlDeviceGetHandleByIndex(int(name)) if int(name) in every else None
    if not name.startswith("GPU-"):
        return None
    handles = [nvml.nvmlDeviceGetHandleByIndex(i) for i in every]
    found = [handle for handle in handles if nvml.nvmlDeviceGetUUID(handle).startswith(name)]
    return found[0] if len(found) == 1 else None


def _check_order(nvml: Any) -> None:
    """Unlike GPUs are numbered by speed in CUDA and by slot in NVML, unless CUDA is told to do the same."""
    kinds = {nvml.nvmlDeviceGetName(nvml.nvmlDeviceGetHandleByIndex(i)) for i in range(nvml.nvmlDeviceGetCount())}
    if len(kinds) > 1 and os.environ.get("CUDA_DEVICE_ORDER") != "PCI_BUS_ID":
        message = "CUDA_VISIBLE_DEVICES numbers unlike GPUs, and CUDA counts them otherwise than the driver."
        raise MeterUnavailable(message, ["export CUDA_DEVICE_ORDER=PCI_BUS_ID", "name GPUs by UUID"])


def _has_driver() -> bool:
    """Whether there are traces of an NVIDIA driver, though it cannot be asked."""
    return Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi") is not None


def _mig(nvml: Any, handle: Any) -> bool:
    try:
        current, _ = nvml.nvmlDeviceGetMigMode(handle)
    except (nvml.NVMLError_NotSupported, nvml.NVMLError_FunctionNotFound):
        return False
    return bool(current)
