"""Reads the energy counter of NVIDIA GPUs (Volta and later), through the driver's NVML."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from wattstar.errors import MeterUnavailable
from wattstar.meters import _nvml, _profiles
from wattstar.types import Affinity, Gpu, Interval, Level, Method, Reader, Scope, SensorProfile

requires: tuple[str, ...] = _nvml.requires
method = Method.COUNTER
plausible_factor: float | None = None
gain: float | None = 0.05
"""NVIDIA stated ±5 % of the power draw for Fermi and Kepler, and nothing for later cards (nvidia-smi's manual)."""
argument: str | None = None
confirmed = False

POLL_SECONDS = 0.005
"""The counter steps every 20 to 100 ms; a step is stamped within half of this."""
JITTER = 0.1
MILLIJOULE = 1e-3
UNKNOWN_LAG = Interval(0.0, 0.0, 0.06)
"""Seconds by which the counter may be late. NVIDIA says nothing of it: until ``wattstar probe`` has measured it, up to
60 ms is inside the bound. No measurement is behind that figure; it is the most that the simulators are tried with."""
NOT_PROBED = "not probed: a load in step with its sensor (10 Hz, 20 Hz, …) could be misread; wattstar probe"
PART_TIME = "its sensor looks {share:.0%} of the time: a load in step with it (10 Hz, 20 Hz, …) is misread"
SEES_ALL = 0.9
"""Duty from which on a sensor is taken to see every joule; probe's own error is a few hundredths."""


def affinity() -> Affinity:
    """Real where the driver answers and every visible GPU has a counter of its own."""
    found = _nvml.affinity_of("energy counter", lambda nvml, handle: nvml.nvmlDeviceGetTotalEnergyConsumption(handle))
    if found.level is not Level.REAL or not _modules():
        return found
    return Affinity(Level.CLOSED, found.domains, _nvml.MODULE, "nothing: nvml-power is used by itself")


@contextmanager
def reader(scope: Scope) -> Iterator[Reader]:
    """Read the counters of the GPUs the work uses."""
    with _nvml.driver() as nvml:
        handles = _nvml.devices(nvml, scope)
        for domain, handle in handles.items():
            if _nvml.is_module(nvml, handle):
                raise MeterUnavailable(f"The counter of {domain} {_nvml.MODULE}.", ["--meter nvml-power"])
        last = dict.fromkeys(handles, 0)

        def read() -> Mapping[str, tuple[int, float]]:
            found = {}
            for domain, handle in handles.items():
                began = time.monotonic_ns()
                millijoules = _total(nvml, handle, domain, last[domain])
                last[domain] = millijoules
                found[domain] = ((began + time.monotonic_ns()) // 2, millijoules / 1e3)
            return found

        profiles = {domain: _profile(nvml, handle) for domain, handle in handles.items()}
        yield Reader(
            read,
            POLL_SECONDS,
            stepped=True,
            jitter=JITTER,
            quantum=max([MILLIJOULE, *(profile.quantum_joules for profile in profiles.values() if profile)]),
            limits=_nvml.limits(nvml, handles),
            lags={domain: profile.lag_seconds if profile else UNKNOWN_LAG for domain, profile in profiles.items()},
            caveats={domain: words for domain, profile in profiles.items() if (words := _caveat(profile))},
            profiles=tuple(profile for profile in profiles.values() if profile),
            state=lambda: [
                seen for name, handle in handles.items() for seen in _nvml.state(nvml, name, handle, scope.pid)
            ],
        )


def _modules() -> bool:
    with _nvml.driver() as nvml:
        return any(_nvml.is_module(nvml, handle) for handle in _nvml.visible(nvml).values())


def _profile(nvml: Any, handle: Any) -> SensorProfile | None:
    return _profiles.load(nvml.nvmlDeviceGetUUID(handle), "nvml", nvml.nvmlSystemGetDriverVersion())


def _caveat(profile: SensorProfile | None) -> str | None:
    if profile is None or profile.duty is None:
        return NOT_PROBED
    return None if profile.duty.mid >= SEES_ALL else PART_TIME.format(share=profile.duty.mid)


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
