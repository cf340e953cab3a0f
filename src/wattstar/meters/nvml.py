"""Reads the energy counter of NVIDIA GPUs (Volta and later), through the driver's NVML."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from wattstar.errors import MeterUnavailable
from wattstar.types import Affinity, Gpu, Level, Method, Reader, Scope

requires: tuple[str, ...] = ("nvidia-ml-py",)
method = Method.COUNTER
plausible_factor: float | None = None

POLL_SECONDS = 0.01
"""The counter steps every 20 to 100 ms; a step is stamped at most one poll late."""


def affinity() -> Affinity:
    """Real where the driver answers and every visible GPU has a counter."""
    try:
        with _driver() as nvml:
            handles = _visible(nvml)
            for handle in handles.values():
                nvml.nvmlDeviceGetTotalEnergyConsumption(handle)
    except MeterUnavailable as error:
        return Affinity(Level.ABSENT, (), error.message.rstrip("."), "; ".join(error.cures) or None)
    if not handles:
        return Affinity(Level.ABSENT, (), "the NVIDIA driver sees no GPU", "check nvidia-smi and CUDA_VISIBLE_DEVICES")
    names = tuple(f"gpu:{index}" for index in handles)
    return Affinity(Level.REAL, names, f"energy counter of {len(names)} NVIDIA GPU(s)")


@contextmanager
def reader(scope: Scope) -> Iterator[Reader]:
    """Read the counter of the GPU the job uses, and of no other."""
    with _driver() as nvml:
        handles = _visible(nvml)
        index = int(scope.device.partition(":")[2] or 0)
        if index not in handles:
            raise MeterUnavailable(f"The job runs on {scope.device}, which the NVIDIA driver does not show.")
        limit = nvml.nvmlDeviceGetEnforcedPowerLimit(handles[index]) / 1e3

        def read() -> Mapping[str, tuple[int, float]]:
            try:
                millijoules = nvml.nvmlDeviceGetTotalEnergyConsumption(handles[index])
            except nvml.NVMLError as error:
                raise MeterUnavailable(f"The energy counter of gpu:{index} failed: {error}.") from error
            return {f"gpu:{index}": (time.monotonic_ns(), millijoules / 1e3)}

        yield Reader(read=read, period=POLL_SECONDS, limits={f"gpu:{index}": limit})


def gpus() -> tuple[Gpu, ...]:
    """The visible GPUs; empty where there is no driver."""
    try:
        with _driver() as nvml:
            return tuple(_describe(nvml, index, handle) for index, handle in _visible(nvml).items())
    except MeterUnavailable:
        return ()


@contextmanager
def _driver() -> Iterator[Any]:
    """The module ``pynvml``, initialised; its errors become ``MeterUnavailable``."""
    try:
        import pynvml as nvml
    except ImportError:
        raise MeterUnavailable("NVML is not installed.", ["pip install nvidia-ml-py"]) from None
    try:
        nvml.nvmlInit()
    except nvml.NVMLError as error:
        cure = "install the NVIDIA driver, or give the container access to it"
        raise MeterUnavailable(f"No NVIDIA driver answers: {error}.", [cure]) from error
    try:
        yield nvml
    except nvml.NVMLError as error:
        raise MeterUnavailable(f"The NVIDIA driver refused: {error}.") from error
    finally:
        nvml.nvmlShutdown()


def _visible(nvml: Any) -> dict[int, Any]:
    """CUDA's device index → handle, as CUDA_VISIBLE_DEVICES numbers them (by index or by UUID)."""
    wanted = os.environ.get("CUDA_VISIBLE_DEVICES")
    if wanted is None:
        return {i: nvml.nvmlDeviceGetHandleByIndex(i) for i in range(nvml.nvmlDeviceGetCount())}
    names = [name.strip() for name in wanted.split(",") if name.strip()]
    if any(name.startswith("MIG-") for name in names):
        raise MeterUnavailable(
            "CUDA_VISIBLE_DEVICES names a MIG slice, and there is no energy counter for a slice.",
            ["use a whole GPU: turn MIG off or choose another device"],
        )
    return {
        i: nvml.nvmlDeviceGetHandleByIndex(int(name)) if name.isdecimal() else nvml.nvmlDeviceGetHandleByUUID(name)
        for i, name in enumerate(names)
    }


def _describe(nvml: Any, index: int, handle: Any) -> Gpu:
    return Gpu(
        index=index,
        uuid=nvml.nvmlDeviceGetUUID(handle),
        name=nvml.nvmlDeviceGetName(handle),
        memory_bytes=int(nvml.nvmlDeviceGetMemoryInfo(handle).total),
        power_limit_watts=nvml.nvmlDeviceGetEnforcedPowerLimit(handle) / 1e3,
        driver=nvml.nvmlSystemGetDriverVersion(),
    )
