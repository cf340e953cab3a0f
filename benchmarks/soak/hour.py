"""The hour: wattstar's sampler on simulated sensors whose energy is known, minute by minute."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.meters import environment, places
from benchmarks.meters.places import Place
from benchmarks.meters.schedule import Lane
from tests.simulators import clock, nvml, powercap
from tests.simulators.clock import Clock
from tests.simulators.trace import Knot, Trace, held

HERE = Path(__file__).resolve().parent
SECOND = 1_000_000_000
IDLE = 5.0
"""Seconds of the quick clock before the first window: the rush of the start is over."""
WATTS: Mapping[str, tuple[float, float]] = {"gpu": (90.0, 650.0), "cpu": (60.0, 250.0), "dram": (5.0, 40.0)}
HOLDS = (0.05, 20.0)
"""Seconds that the load stays as it is; log-uniform."""
ZEN_UNIT = 15258
"""Nanojoules of the package's counter (AMD): it wraps every 65.5 kJ, four times as often as Intel's."""


@dataclass(frozen=True)
class Plan:
    """How long, and how quickly."""

    windows: int = 60
    seconds: float = 60.0
    """Of each window, on the quick clock."""
    factor: int = 24
    lead: float = 5.0
    """Real seconds in which the sampler is started before the clock runs quickly."""
    seed: int = 20261125


@dataclass(frozen=True)
class Hour:
    """What was read, beside what was true."""

    plan: Plan
    begin: int
    loads: Mapping[str, Trace]
    package: powercap.Zone
    found: Mapping[str, Any]

    def truth(self, domain: str, number: int) -> float:
        """Joules of a window, or of all of them (−1)."""
        width = round(self.plan.seconds * SECOND)
        first, last = (0, self.plan.windows) if number < 0 else (number, number + 1)
        return self.loads[domain.partition(":")[0]].joules(self.begin + first * width, self.begin + last * width)

    def wraps(self) -> int:
        """How often the counter of the package passed its range between the first window's begin and the last's end."""
        end = self.begin + round(self.plan.windows * self.plan.seconds * SECOND)
        joules = [
            self.package.start_joules + self.loads["cpu"].joules(self.package.loaded, at) for at in (self.begin, end)
        ]
        first, last = (int(value // (powercap.COUNTS * self.package.unit / 1e9)) for value in joules)
        return last - first


def run(plan: Plan, folder: Path) -> Hour:
    """Let the sampler run through it; ``RuntimeError`` with its last words where it failed."""
    made = Clock(plan.factor, time.monotonic_ns() + round(plan.lead * SECOND))
    begin = made.origin + round(IDLE * SECOND)
    draw = random.Random(plan.seed)
    seconds = IDLE + plan.windows * plan.seconds + 60
    loads = {name: held(_load(draw, *watts, seconds), made.origin) for name, watts in WATTS.items()}
    dram = powercap.Zone("dram", loads["dram"], unit=15300)
    package = powercap.Zone("package-0", loads["cpu"], (dram,), unit=ZEN_UNIT)
    driver = nvml.Driver((nvml.Gpu(loads["gpu"], step_jitter=0.005),))
    folder.mkdir(parents=True, exist_ok=True)
    env = {**nvml.install(folder / "nvml", driver), **powercap.install(folder / "powercap", [package])}
    env |= {"CUDA_VISIBLE_DEVICES": "0"}
    place = Place(Lane("hour", plan.seed, 0.0), made.origin, folder, clock.install(made, env))
    width = round(plan.seconds * SECOND)
    moments = [(begin + number * width, begin + (number + 1) * width) for number in range(plan.windows)]
    (folder / "plan.json").write_text(json.dumps(moments))
    output = folder / "found.json"
    command = [str(environment.own()), str(HERE / "reader.py"), str(folder / "plan.json"), str(output)]
    process = places.start(command, place, output.with_suffix(".log"))
    places.wait(process, plan.lead + seconds / plan.factor + 60)
    return Hour(plan, begin, loads, package, json.loads(output.read_text()))


def _load(draw: random.Random, low: float, high: float, seconds: float) -> Iterator[Knot]:
    """Watts that hold for a while, again and again."""
    at = 0.0
    while at < seconds:
        yield at, draw.uniform(low, high)
        at += HOLDS[0] * (HOLDS[1] / HOLDS[0]) ** draw.random()


@dataclass(frozen=True)
class Line:
    """One domain as one meter saw it; errors are shares of the truth."""

    domain: str
    meter: str
    whole_error: float
    whole_bound: float
    worst_error: float
    drift: float
    """By how much the error of a window grows in an hour: the slope of the least squares."""
    inside: int
    """Windows whose truth lies within the bound."""
    windows: int
    silent: int
    """Windows without a reading."""


def lines(hour: Hour) -> list[Line]:
    """Every meter's domains."""
    names = dict.fromkeys((domain, meter) for domain, meter, *_ in hour.found["rows"])
    return [_line(hour, domain, meter) for domain, meter in names]


def _line(hour: Hour, domain: str, meter: str) -> Line:
    rows = [row[2:] for row in hour.found["rows"] if row[:2] == [domain, meter]]
    read = {number: (joules, bound) for number, joules, bound in rows if joules is not None}
    truth = {number: hour.truth(domain, number) for number in read}
    errors = {number: joules / truth[number] - 1 for number, (joules, _) in read.items()}
    windows = [number for number in read if number >= 0]
    hours = [(number + 0.5) * hour.plan.seconds / 3600 for number in windows]
    return Line(
        domain=domain,
        meter=meter,
        whole_error=errors.get(-1, float("nan")),
        whole_bound=read[-1][1] / truth[-1] if -1 in read else float("nan"),
        worst_error=max((errors[number] for number in windows), key=abs),
        drift=_slope(hours, [errors[number] for number in windows]),
        inside=sum(abs(read[number][0] - truth[number]) <= read[number][1] for number in windows),
        windows=len(windows),
        silent=hour.plan.windows - len(windows),
    )


def _slope(xs: Sequence[float], ys: Sequence[float]) -> float:
    middle, level = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((x - middle) * (y - level) for x, y in zip(xs, ys, strict=True)) / sum((x - middle) ** 2 for x in xs)
