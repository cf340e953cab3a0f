"""Adds up the power of NVIDIA GPUs: a cross-check of the energy counter, and what is left where there is none."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from wattstar.errors import MeterUnavailable
from wattstar.meters import _nvml
from wattstar.types import Affinity, Method, Reader, Scope

requires: tuple[str, ...] = _nvml.requires
method = Method.SAMPLED
plausible_factor: float | None = None
gain: float | None = 0.05
argument: str | None = None
confirmed = False

POLL_SECONDS = 0.08
SENSOR_SECONDS = 0.1
"""The sensor is refreshed every 20 to 100 ms; on A100 and H100 every 100 ms (Yang, Adamek, Armour, SC24)."""
AVERAGED_SECONDS = 1.0
"""``nvmlDeviceGetPowerUsage`` on Ampere (but GA100) and later averages over so long (NVML API Reference Manual)."""
JITTER = 0.25
"""Reads are moved at random by so much of the period: a load that is periodic with the sensor would alias."""
CAVEAT = "power is seen some ten times a second: a faster load could be misread"
WHOLE_GPU = 0
"""NVML's scope of a power field: 0 GPU, 1 module (on Grace Hopper with its CPU), 2 memory."""


def affinity() -> Affinity:
    """Real where the driver tells the power of every visible GPU."""
    return _nvml.affinity_of("power sensor", _watts)


@contextmanager
def reader(scope: Scope) -> Iterator[Reader]:
    """Integrate instantaneous power, trapezoid by trapezoid."""
    with _nvml.driver() as nvml:
        handles = _nvml.devices(nvml, scope)
        sums = {domain: _Sum(time.monotonic_ns(), _watts(nvml, handle)) for domain, handle in handles.items()}

        def read() -> Mapping[str, tuple[int, float]]:
            try:
                return {
                    domain: sums[domain].add(time.monotonic_ns(), _watts(nvml, handle))
                    for domain, handle in handles.items()
                }
            except nvml.NVMLError as error:
                raise MeterUnavailable(f"The power sensor failed: {error}.", ["nvidia-smi"]) from error

        refresh = max((_refresh(nvml, handle) for handle in handles.values()), default=SENSOR_SECONDS)
        caveats = dict.fromkeys(handles, CAVEAT)
        yield Reader(
            read, POLL_SECONDS, refresh=refresh, jitter=JITTER, limits=_nvml.limits(nvml, handles), caveats=caveats
        )


@dataclass
class _Sum:
    """Joules since the first reading."""

    moment: int
    watts: float
    joules: float = 0.0

    def add(self, moment: int, watts: float) -> tuple[int, float]:
        self.joules += (moment - self.moment) / 1e9 * (watts + self.watts) / 2
        self.moment, self.watts = moment, watts
        return moment, self.joules


def _instant(nvml: Any, handle: Any) -> float | None:
    """Watts of the present, where the driver knows them (field 186)."""
    [value] = nvml.nvmlDeviceGetFieldValues(handle, [(nvml.NVML_FI_DEV_POWER_INSTANT, WHOLE_GPU)])
    return float(value.value.uiVal) / 1e3 if value.nvmlReturn == nvml.NVML_SUCCESS else None


def _watts(nvml: Any, handle: Any) -> float:
    """Instantaneous power, else ``power.draw``."""
    instant = _instant(nvml, handle)
    return float(nvml.nvmlDeviceGetPowerUsage(handle)) / 1e3 if instant is None else instant


def _refresh(nvml: Any, handle: Any) -> float:
    """Seconds that one reading of the power stands for."""
    averaged = _instant(nvml, handle) is None and nvml.nvmlDeviceGetArchitecture(handle) >= nvml.NVML_DEVICE_ARCH_AMPERE
    return AVERAGED_SECONDS if averaged else SENSOR_SECONDS
