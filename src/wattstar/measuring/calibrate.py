"""What a CPU second costs on this machine: its processor is kept busy at several levels, beside its own counter."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime

import psutil

from wattstar import registry
from wattstar.errors import MeterUnavailable
from wattstar.measuring.choosing import affinities, cures
from wattstar.measuring.loads import Load, own
from wattstar.measuring.sampler import Sampler
from wattstar.measuring.timeline import Domain
from wattstar.meters._calibration import Calibration, Point, fit
from wattstar.meters._processor import processor_name
from wattstar.types import ALL_DEVICES, Level, Method, Scope, Window

LEVELS = (0.0, 0.25, 0.5, 0.75, 1.0)
SECONDS, SETTLE_SECONDS = 6.0, 1.0
"""Of a level, and before it."""


def calibrate(seconds: float = SECONDS, watch: Callable[[str], None] = lambda stage: None) -> Calibration:
    """Keep every core busy for 0, 25, 50, 75 and 100 % of the time, and lay a line through what the counter says.

    Raises ``MeterUnavailable`` where no counter of the CPU can be read, or power does not follow the load: nothing else
    should run meanwhile.
    """
    every = affinities()
    meters = {name: registry.meter(name) for name, found in every.items() if found.level is Level.REAL}
    counters = {
        name: meter
        for name, meter in meters.items()
        if meter.method is Method.COUNTER and any(domain.startswith("cpu:") for domain in every[name].domains)
    }
    if not counters:
        raise MeterUnavailable("There is no counter of the CPU to calibrate the estimate by.", cures(every))
    name, meter = next(iter(counters.items()))
    with Sampler({name: meter}, Scope(os.getpid(), ALL_DEVICES, "")) as sampler:
        sampler.ready(5.0)
        points = []
        for level in LEVELS:
            watch(f"{level:.0%} of every core")
            points.append(_point(level, seconds, sampler))
    return fit(processor_name(), points, datetime.now(UTC))


def _point(level: float, seconds: float, sampler: Sampler) -> Point:
    with ExitStack() as stack:
        loads = [stack.enter_context(Load(own(f"cpu={level}"))) for _ in range(os.cpu_count() or 1)] if level else []
        for load in loads:
            load.switch("on")
        time.sleep(SETTLE_SECONDS)
        before, begin = _cpu_seconds(loads), time.monotonic_ns()
        time.sleep(seconds)
        used, end = _cpu_seconds(loads) - before, time.monotonic_ns()
        return Point(used / (end - begin) * 1e9, _watts(sampler, Window(begin, end)))


def _cpu_seconds(loads: Sequence[Load]) -> float:
    return sum(sum(psutil.Process(load.pid).cpu_times()[:2]) for load in loads)


def _watts(sampler: Sampler, window: Window) -> float:
    """Of all packages together."""
    sampler.cover(window.end)
    packages = [line for line in sampler.timelines(window.begin) if line.domain.startswith("cpu:")]
    readings = [Domain(line).reading([window]) for line in packages]
    known = [reading.joules for reading in readings if reading is not None]
    if len(known) < len(packages) or not known:
        raise MeterUnavailable("The counter of the CPU fell silent while it was calibrated.", ["wattstar doctor"])
    return sum(known) / (window.end - window.begin) * 1e9
