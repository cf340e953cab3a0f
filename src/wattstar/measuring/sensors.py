"""What the sensors of this machine are like: how often they change, in which steps, and what they read at rest."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median, pstdev

from wattstar import registry
from wattstar.errors import MeterUnavailable
from wattstar.measuring.sampler import Sampler
from wattstar.measuring.timeline import powers
from wattstar.types import ALL_DEVICES, Level, Meter, Scope, Timeline

SECONDS = 2.0


@dataclass(frozen=True)
class Sensor:
    """One domain as one meter sees it."""

    domain: str
    meter: str
    method: str
    update_seconds: float
    """Median time between two changes of the total, or between two reads where it always changes."""
    step_joules: float
    """The smallest change seen."""
    watts: float
    noise_watts: float
    """Standard deviation of the power of single updates."""
    ratio: float | None
    """Joules over those of the best meter of the same domain; None for the best itself, and where that read nothing."""
    caveat: str | None = None
    """What no bound of it contains."""


@dataclass(frozen=True)
class Refused:
    """A meter that looked real and could not be read."""

    meter: str
    message: str


def sensors(seconds: float = SECONDS) -> tuple[list[Sensor], list[Refused]]:
    """Watch every real meter for so many seconds; nothing should run meanwhile."""
    meters = {name: registry.meter(name) for name in registry.plug_ins("meters")}
    real = {name: meter for name, meter in meters.items() if meter.affinity().level is Level.REAL}
    try:
        return (_watched(real, seconds) if real else []), []
    except MeterUnavailable:
        pass  # one of them: each on its own
    found: list[Sensor] = []
    refused = []
    for name, meter in real.items():
        try:
            found += _watched({name: meter}, seconds)
        except MeterUnavailable as error:
            refused.append(Refused(name, f"{error.message} {'; '.join(error.cures)}"))
    return found, refused


def _watched(meters: Mapping[str, Meter], seconds: float) -> list[Sensor]:
    with Sampler(meters, Scope(os.getpid(), ALL_DEVICES, "")) as sampler:
        sampler.ready(seconds)
        time.sleep(seconds)
        timelines, caveats = sampler.timelines(), sampler.caveats()
    return [replace(sensor, caveat=caveats.get((sensor.meter, sensor.domain))) for sensor in described(timelines)]


def described(timelines: Sequence[Timeline]) -> list[Sensor]:
    """One sensor a timeline that changed at least twice."""
    lines = [line for line in timelines if len(line.times) > 2]
    counters = {line.domain: line for line in reversed(lines) if line.method == "counter"}
    return [_sensor(line, counters) for line in lines]


def _sensor(line: Timeline, counters: Mapping[str, Timeline]) -> Sensor:
    watts = list(powers(line))
    reference = counters.get(line.domain)
    expected = _mean_power(reference) if reference and reference is not line else 0.0
    return Sensor(
        domain=line.domain,
        meter=line.meter,
        method=str(line.method),
        update_seconds=median(late - early for early, late in pairwise(line.times)) / 1e9,
        step_joules=min(late - early for early, late in pairwise(line.joules)),
        watts=_mean_power(line),
        noise_watts=pstdev(watts),
        ratio=_mean_power(line) / expected if expected else None,
    )


def _mean_power(line: Timeline) -> float:
    return (line.joules[-1] - line.joules[0]) / (line.times[-1] - line.times[0]) * 1e9
