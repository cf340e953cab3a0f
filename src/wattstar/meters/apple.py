"""Reads the energy of the CPU, GPU and memory of Apple silicon, as macOS tells it; no sudo.

macOS keeps cumulative energies (IOReport, group "Energy Model"), which zeus-apple-silicon reads in millijoules. Apple
does not say how they are made: they are believed to be worked out inside the chip from its activity, frequency and
voltage, and ``powermetrics(1)`` calls such figures estimated (README of zeus-apple-silicon, "Accuracy").

They are called a counter here, not modelled: the chip's own running totals are read and subtracted, as on processors of
AMD, whose counters are made in the same way; wattstar adds no model of its own. Apple states no tolerance, so ``gain``
is unknown: compare models on one machine, not machines.

``cpu:0`` is ``cpu_total_mj`` and ``gpu:0`` is ``gpu_mj``, of all dies of a chip. The GPU's SRAM and the Neural Engine
have totals of their own that are not read: it is not documented whether the first is part of the GPU's, and no
backend serves on the second.
"""

from __future__ import annotations

import math
import platform
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

from wattstar.errors import MeterUnavailable
from wattstar.types import ALL_DEVICES, Affinity, Level, Method, Reader, Scope

requires: tuple[str, ...] = ("zeus-apple-silicon",)
method = Method.COUNTER
plausible_factor: float | None = None
gain: float | None = None
argument: str | None = None
confirmed = False

FIELDS: Mapping[str, str] = {"cpu:0": "cpu_total_mj", "gpu:0": "gpu_mj", "dram:0": "dram_mj"}
"""Domain → field of ``AppleEnergyMetrics``, None on chips that do not tell it."""
POLL_SECONDS = 0.01
QUANTUM = 0.001
"""Joules: zeus-apple-silicon rounds down to whole millijoules."""
CHECK_SECONDS = 0.3
"""So long the CPU is kept busy while the meter opens, to see how often its total changes: that is not documented."""
OTHERWISE = "choose another meter: wattstar doctor"
AGAIN = "measure again; nothing of this attempt can be trusted"


def affinity() -> Affinity:
    """Real on Apple silicon with the package."""
    try:
        found = _joules(_monitor())
    except MeterUnavailable as error:
        here = sys.platform == "darwin" and platform.machine() == "arm64"
        level, domains = (Level.CLOSED, tuple(FIELDS)) if here else (Level.ABSENT, ())
        return Affinity(level, domains, error.message.rstrip("."), "; ".join(error.cures))
    return Affinity(
        Level.REAL, tuple(found), f"energy as macOS tells it, {len(found)} totals; Apple states no tolerance"
    )


@contextmanager
def reader(scope: Scope) -> Iterator[Reader]:
    """Read the totals; the GPU's only for work on it (``mps``)."""
    monitor = _monitor()
    gpu = scope.device == ALL_DEVICES or not scope.device.startswith("cpu")
    last = {domain: joules for domain, joules in _joules(monitor).items() if gpu or domain != "gpu:0"}

    def read() -> Mapping[str, tuple[int, float]]:
        began = time.monotonic_ns()
        found = _joules(monitor)
        moment = (began + time.monotonic_ns()) // 2
        for domain, before in last.items():
            if found.get(domain, -math.inf) < before:
                message = f"The energy of {domain} went back from {before:.3f} J to {found.get(domain)} J."
                raise MeterUnavailable(message, [AGAIN])
            last[domain] = found[domain]
        return {domain: (moment, joules) for domain, joules in last.items()}

    yield Reader(read, POLL_SECONDS, refresh=_refresh(monitor), quantum=QUANTUM)


def _monitor() -> Any:
    """An ``AppleEnergyMonitor``; ``MeterUnavailable`` where there is none."""
    try:
        import zeus_apple_silicon
    except ImportError:
        if sys.platform != "darwin":
            raise MeterUnavailable("This is not macOS on Apple silicon.", ["measure on a Mac with an M chip"]) from None
        raise MeterUnavailable(
            "zeus-apple-silicon is not installed.", ["pip install 'zeus-apple-silicon>=1.1', on a Mac with an M chip"]
        ) from None
    try:
        return zeus_apple_silicon.AppleEnergyMonitor()
    except RuntimeError as error:
        raise MeterUnavailable(f"macOS tells no energy: {error}.", [OTHERWISE]) from error


def _joules(monitor: Any) -> dict[str, float]:
    """Domain → joules since some moment before the monitor; ``MeterUnavailable`` where nothing is told."""
    try:
        told = monitor.get_cumulative_energy()
    except (RuntimeError, ValueError) as error:  # as C++'s runtime_error and invalid_argument (an unknown unit)
        raise MeterUnavailable(f"macOS tells no energy: {error}.", [OTHERWISE]) from error
    values = {domain: getattr(told, field) for domain, field in FIELDS.items()}
    found = {domain: value / 1e3 for domain, value in values.items() if value is not None}
    if not found:
        cure = "pip install --upgrade zeus-apple-silicon: this chip may be newer than the package"
        raise MeterUnavailable("macOS tells no energy of this chip by the names that are known.", [cure, OTHERWISE])
    return found


def _refresh(monitor: Any) -> float:
    """Seconds between two changes of the CPU's total, at most, while this process keeps a core busy by asking.

    It stands for the other totals too, which cannot be made to change at will. ``MeterUnavailable`` where it stands
    still.
    """
    begin = time.monotonic()
    changes, seen = [], None
    while (now := time.monotonic()) < begin + CHECK_SECONDS:
        found = _joules(monitor)
        told = found.get("cpu:0", found)
        if told != seen:
            changes.append(now)
        seen = told
    if len(changes) < 3:
        message = f"The energy that macOS tells stood still for {CHECK_SECONDS} s while a core was busy."
        raise MeterUnavailable(message, [OTHERWISE])
    return max(late - early for early, late in pairwise(changes[1:]))
