"""Reads the energy counter of NVIDIA GPUs (Volta and later), through the driver's NVML."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from wattstar.errors import MeterUnavailable
from wattstar.meters import _nvml
from wattstar.types import Affinity, Gpu, Method, Reader, Scope

requires: tuple[str, ...] = _nvml.requires
method = Method.COUNTER
plausible_factor: float | None = None
gain: float | None = 0.05
argument: str | None = None
confirmed = False

POLL_SECONDS = 0.004
"""The counter steps every 20 to 100 ms; a step is stamped within half of this."""
JITTER = 0.1


def affinity() -> Affinity:
    """Real where the driver answers and every visible GPU has a counter."""
    return _nvml.affinity_of("energy counter", lambda nvml, handle: nvml.nvmlDeviceGetTotalEnergyConsumption(handle))


@contextmanager
def reader(scope: Scope) -> Iterator[Reader]:
    """Read the counters of the GPUs the work uses."""
    with _nvml.driver() as nvml:
        handles = _nvml.devices(nvml, scope)
        last = dict.fromkeys(handles, 0)

        def read() -> Mapping[str, tuple[int, float]]:
            found = {}
            for domain, handle in handles.items():
                began = time.monotonic_ns()
                millijoules = _total(nvml, handle, domain, last[domain])
                last[domain] = millijoules
                found[domain] = ((began + time.monotonic_ns()) // 2, millijoules / 1e3)
            return found

        yield Reader(
            read,
            POLL_SECONDS,
            stepped=True,
            jitter=JITTER,
            limits=_nvml.limits(nvml, handles),
            state=lambda: [
                seen for name, handle in handles.items() for seen in _nvml.state(nvml, name, handle, scope.pid)
            ],
        )


def gpus() -> tuple[Gpu, ...]:
    """The visible GPUs; empty where there is no driver."""
    try:
        with _nvml.driver() as nvml:
            return tuple(_describe(nvml, index, handle) for index, handle in _nvml.visible(nvml).items())
    except MeterUnavailable:
        return ()


def _total(nvml: Any, handle: Any, domain: str, last: int) -> int:
    """Millijoules; ``MeterUnavailable`` when the counter fails, or goes backwards and so began anew."""
    try:
        millijoules = int(nvml.nvmlDeviceGetTotalEnergyConsumption(handle))
    except nvml.NVMLError as error:
        raise MeterUnavailable(f"The energy counter of {domain} failed: {error}.", ["nvidia-smi"]) from error
    if millijoules < last:
        message = (
            f"The energy counter of {domain} went back from {last} to {millijoules} mJ: the driver was loaded anew."
        )
        raise MeterUnavailable(message, ["measure again; nothing of this attempt can be trusted"])
    return millijoules


def _describe(nvml: Any, index: int, handle: Any) -> Gpu:
    return Gpu(
        index=index,
        uuid=nvml.nvmlDeviceGetUUID(handle),
        name=nvml.nvmlDeviceGetName(handle),
        memory_bytes=int(nvml.nvmlDeviceGetMemoryInfo(handle).total),
        power_limit_watts=_nvml.limit(nvml, handle),
        driver=nvml.nvmlSystemGetDriverVersion(),
    )
