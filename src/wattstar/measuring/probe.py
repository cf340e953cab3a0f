"""What the sensor of a GPU is like: a load is switched on and off, and its counter and its power sensor are watched.

Steps and quantum are seen at rest. The lag is where the straight lines before and after a change of load meet, beside
the moment of the change. A load that repeats a little slower than the counter steps (2 %) drifts past the sensor's
look: a sensor that sees all reads half of it every time, one that looks for a share d of its period swings between
nothing and all. Counter and added-up power are compared under steady load.
"""

from __future__ import annotations

import math
import os
import random
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from statistics import fmean, median, pstdev, quantiles

from wattstar import registry
from wattstar.errors import MeterUnavailable, UnfitEnvironment
from wattstar.measuring.loads import Load
from wattstar.measuring.sampler import Sampler
from wattstar.measuring.timeline import powers
from wattstar.records.intervals import mean_interval
from wattstar.types import Gpu, Interval, Scope, SensorProfile, Timeline, Window

COUNTER, POWER = "nvml", "nvml-power"
SLOWER = 0.02
"""So much slower than the counter steps is the wave that drifts past the sensor."""
STEPS_OF_A_BEAT = 20
LONGEST_STEP_FOR_WAVE = 0.5
LEAST_RISE = 0.2
"""Of its power at rest by which a load must raise it, or the load is none."""
LEAST_STEPS = 2
CLEAR_SECONDS = 0.25
"""After a change of load: lag and ramp are over."""


@dataclass(frozen=True)
class Score:
    """How long the load is on and off; durations in seconds. The standard one takes about a minute."""

    idle: float = 5.0
    busy: float = 8.0
    settle: float = 1.5
    edges: int = 14
    plateau: tuple[float, float] = (1.4, 1.7)
    """Longer than the one second that some power readings are the average of."""
    beats: int = 3
    """Of the wave that drifts past the sensor."""


@dataclass(frozen=True)
class Seen:
    """The timelines of a probe, and when the load changed."""

    counter: Timeline
    power: Timeline
    idle: Window
    busy: Window
    edges: tuple[int, ...]
    """On, off, on, …"""
    waves: tuple[Window, ...]


STANDARD = Score()


def probe(
    gpu: Gpu, load: Load, score: Score = STANDARD, watch: Callable[[str], None] = lambda stage: None
) -> SensorProfile:
    """Watch the sensor of a GPU for about a minute, while ``load`` is switched; nothing else should run on it.

    Raises ``MeterUnavailable`` where its counter cannot be read, ``UnfitEnvironment`` where the load is none.
    """
    meters = {name: registry.meter(name) for name in (COUNTER, POWER)}
    with load, Sampler(meters, Scope(os.getpid(), f"cuda:{gpu.index}", "")) as sampler:
        sampler.ready(5.0)
        seen = _play(score, load, sampler, watch)
    return profile(gpu, seen)


def profile(gpu: Gpu, seen: Seen) -> SensorProfile:
    """What follows from it."""
    idle, busy = (_mean_watts(seen.counter, window) for window in (seen.idle, seen.busy))
    if busy < (1 + LEAST_RISE) * idle:
        message = f"The load hardly raised the power of gpu:{gpu.index}: {idle:.0f} → {busy:.0f} W."
        raise UnfitEnvironment(message, ["--load COMMAND with a heavier load"])
    steps = [late - early for early, late in pairwise(_inside(seen.counter, seen.idle))]
    if len(steps) < LEAST_STEPS:
        raise MeterUnavailable(f"The counter of gpu:{gpu.index} steps too seldom to be probed.", ["wattstar doctor"])
    return SensorProfile(
        device=gpu.uuid,
        name=gpu.name,
        driver=gpu.driver,
        meter=COUNTER,
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        step_seconds=_spread([step / 1e9 for step in steps]),
        quantum_joules=_quantum(seen.counter),
        lag_seconds=_lag(seen, idle, busy),
        duty=_duty(seen, idle, busy, median(steps) / 1e9),
        averaging_seconds=_averaging(seen, idle, busy),
        counter_to_integral=busy / _mean_watts(seen.power, seen.busy),
        idle_watts=idle,
        busy_watts=busy,
    )


def _play(score: Score, load: Load, sampler: Sampler, watch: Callable[[str], None]) -> Seen:
    draw = random.Random(0)
    watch("at rest")
    idle = _wait(score.idle)
    watch("under load")
    load.switch("on")
    time.sleep(score.settle)
    busy = _wait(score.busy)
    load.switch("off")
    time.sleep(score.settle)
    watch("switching on and off")
    edges = []
    for turn in range(score.edges):
        edges.append(load.switch("off" if turn % 2 else "on"))
        time.sleep(draw.uniform(*score.plateau))
    step = _step_seconds(sampler)
    waves = []
    if step <= LONGEST_STEP_FOR_WAVE:
        watch("in step with the sensor")
        waves = [Window(*load.wave(step * (1 + SLOWER), step / SLOWER)) for _ in range(score.beats)]
    silent = sampler.cover(time.monotonic_ns())
    if silent:
        raise MeterUnavailable(f"{', '.join(silent)} stopped changing while it was probed.", ["wattstar doctor"])
    counter, power = (next(line for line in sampler.timelines() if line.meter == name) for name in (COUNTER, POWER))
    return Seen(counter, power, idle, busy, tuple(edges), tuple(waves))


def _wait(seconds: float) -> Window:
    begin = time.monotonic_ns()
    time.sleep(seconds)
    return Window(begin, time.monotonic_ns())


def _step_seconds(sampler: Sampler) -> float:
    line = next(line for line in sampler.timelines() if line.meter == COUNTER)
    return median(late - early for early, late in pairwise(line.times)) / 1e9


def _inside(line: Timeline, window: Window) -> Sequence[int]:
    return line.times[bisect_left(line.times, window.begin) : bisect_right(line.times, window.end)]


def _mean_watts(line: Timeline, window: Window) -> float:
    """Between the first and the last stamp inside the window."""
    first, last = bisect_left(line.times, window.begin), bisect_right(line.times, window.end) - 1
    if last <= first:
        raise MeterUnavailable(f"{line.domain} did not change while it was probed.", ["wattstar doctor"])
    return (line.joules[last] - line.joules[first]) / (line.times[last] - line.times[first]) * 1e9


def _spread(values: Sequence[float]) -> Interval:
    parts = quantiles(values, n=20, method="inclusive")
    return Interval(parts[0], median(values), parts[-1])


def _quantum(line: Timeline) -> float:
    """Joules: the greatest common divisor of all steps, in microjoules."""
    return math.gcd(*(round((late - early) * 1e6) for early, late in pairwise(line.joules))) / 1e6


def _lag(seen: Seen, idle: float, busy: float) -> Interval:
    """Of all changes of load, and the range in which 95 % of further ones would lie (Student's prediction interval).

    The interval of the mean would not do: a window's edge meets one lag, not their mean.

    Between a stamp s₀ before the change at t and a stamp s₁ well after it the counter grew by
    E = P₀·(t + L − s₀) + P₁·(s₁ − t − L).
    """
    line, found = seen.counter, []
    for turn, (change, following) in enumerate(pairwise(seen.edges)):
        before, after = (busy, idle) if turn % 2 else (idle, busy)
        first = bisect_right(line.times, change) - 1
        last = bisect_right(line.times, following) - 1
        settled = bisect_left(line.times, change + round(CLEAR_SECONDS * 1e9))
        after = _mean_watts(line, Window(line.times[settled], line.times[last])) if last > settled else after
        if turn:
            before = _before(line, seen.edges[turn - 1], line.times[first], before)
        grown = line.joules[settled] - line.joules[first]
        lead, tail = (change - line.times[first]) / 1e9, (line.times[settled] - change) / 1e9
        if abs(after - before) < LEAST_RISE * idle:
            message = f"The load was switched, and the power stayed at {before:.0f} → {after:.0f} W."
            raise UnfitEnvironment(message, ["--load COMMAND with a load that is the same each time"])
        found.append((before * lead + after * tail - grown) / (after - before))
    mean = mean_interval(found)
    half = ((mean.high or 0.0) - mean.mid) * math.sqrt(len(found) + 1)
    if max(abs(mean.mid - half), abs(mean.mid + half)) > CLEAR_SECONDS:
        message = f"The lag of the counter could not be told: {mean.mid:.3f} ± {half:.3f} s."
        raise UnfitEnvironment(message, ["probe again while nothing else uses the GPU", "--load COMMAND"])
    return Interval(mean.mid - half, mean.mid, mean.mid + half)


def _before(line: Timeline, previous: int, until: int, otherwise: float) -> float:
    """Watts of the plateau that ends at a change."""
    begin = previous + round(CLEAR_SECONDS * 1e9)
    return _mean_watts(line, Window(begin, until)) if len(_inside(line, Window(begin, until))) > 1 else otherwise


def _duty(seen: Seen, idle: float, busy: float, step: float) -> Interval | None:
    """Share of the time in which the counter's sensor looks; the spread of the beats is its interval.

    What stamps scatter by themselves, as a share of the power, is seen at rest and taken off.
    """
    found = []
    scatter = pstdev(_watts(seen.counter, seen.idle)) / idle
    for wave in seen.waves:
        shares = [
            (watts - idle) / (busy - idle)
            for watts in _watts(seen.counter, Window(wave.begin + round(2 * step * 1e9), wave.end))
        ]
        if len(shares) >= STEPS_OF_A_BEAT:
            noise = scatter * (fmean(shares) + idle / (busy - idle))
            found.append(duty_of(max(pstdev(shares) ** 2 - noise**2, 0.0)))
    return Interval(min(found), fmean(found), max(found)) if found else None


def _watts(line: Timeline, window: Window) -> list[float]:
    """Of each step inside the window."""
    first, last = bisect_left(line.times, window.begin), bisect_right(line.times, window.end) - 1
    return list(powers(line))[first:last]


def duty_of(variance: float) -> float:
    """The share d of its period in which a sensor looks, from the variance of what it reads of a drifting square wave.

    The mean over a window d ≤ 1/2 of a square wave between 0 and 1 is, as the phase moves, a trapezoid of variance
    1/4 − d/3; for d > 1/2 the rest 1 − d is what is missing, and the variance ((1 − d)/d)²·(1/4 − (1 − d)/3).
    """
    if variance >= 1 / 12:
        return max(3 * (0.25 - variance), 0.0)
    low, high = 0.5, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        more = ((1 - middle) / middle) ** 2 * (0.25 - (1 - middle) / 3) > variance
        low, high = (middle, high) if more else (low, middle)
    return (low + high) / 2


def _averaging(seen: Seen, idle: float, busy: float) -> float:
    """Seconds that a power reading is the average of: twice its mean delay after a change, less what it is held for.

    A reading that is renewed every u seconds and is the mean of the last A is (A + u)/2 late in the mean.
    """
    line = seen.power
    late = []
    refresh = min(line.gaps)
    shift = refresh // 2  # how far the timeline of a power sensor is set back
    for turn, (change, following) in enumerate(pairwise(seen.edges)):
        first, last = bisect_left(line.times, change - shift), bisect_right(line.times, following - shift) - 1
        end = (line.times[last] + shift - change) / 1e9
        skipped = (line.times[first] + shift - change) / 1e9
        before, after = (busy, idle) if turn % 2 else (idle, busy)
        grown = line.joules[last] - line.joules[first] + before * skipped
        late.append((after * end - grown) / (after - before))
    return max(0.0, 2 * fmean(late) - refresh / 1e9)
