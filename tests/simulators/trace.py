"""Power over time with an exactly known integral: the truth that every simulated sensor shows.

One representation serves every kind: straight lines between knots (seconds, watts), repeated or not. Two knots at one
time are a jump. ``trace.h`` reads the same files with the same arithmetic. A sine is given as a fine polygon, and the
polygon is the truth.
"""

from __future__ import annotations

import hashlib
import math
import os
import time
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path

Knot = tuple[float, float]
"""Seconds after the origin, watts."""

SINE_KNOTS = 360
"""Of one period: the polygon is at most 0.004 % of the amplitude away from the curve."""


@dataclass(frozen=True)
class Trace:
    """Power over time. Before its first knot and after its last, a trace that does not repeat keeps their watts."""

    knots: tuple[Knot, ...]
    period: float | None = None
    """Seconds after which the knots repeat; they then lie between 0 and the period, both included."""
    origin: int = field(default_factory=time.monotonic_ns)
    """Nanoseconds of CLOCK_MONOTONIC at time 0."""

    def __post_init__(self) -> None:
        times = [time for time, _ in self.knots]
        if not times or times != sorted(times):
            raise ValueError("A trace needs knots in order of time.")
        if any(watts < 0 for _, watts in self.knots):
            raise ValueError("Power is not negative.")
        if self.period is not None and (self.period <= 0 or times[0] != 0.0 or times[-1] != self.period):
            raise ValueError("The knots of a trace that repeats begin at 0 and end at its period.")

    def watts(self, moment: int) -> float:
        """Power at a moment, nanoseconds of CLOCK_MONOTONIC; at a jump the power after it."""
        _, x = self._place(moment)
        index = self._index(x)
        start, watts = self.knots[index]
        return watts + (x - start) * self._slope(index, x)

    def joules(self, begin: int, end: int) -> float:
        """Energy between two moments, in closed form."""
        return self._until(end) - self._until(begin)

    def text(self) -> str:
        """As ``trace.h`` reads it; floats are written so that they are read back the same."""
        return _header(self.origin, self.period, "linear") + "".join(f"{x!r} {watts!r}\n" for x, watts in self.knots)

    def write(self, folder: Path) -> Path:
        """Write it under a name made of its content."""
        text = self.text()
        path = folder / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.trace"
        if not path.exists():
            _replace(path, text)
        return path

    def _until(self, moment: int) -> float:
        cycles, x = self._place(moment)
        index = self._index(x)
        start, watts = self.knots[index]
        width = x - start
        inside = self._sums[index] + width * (watts + width * self._slope(index, x) / 2)
        return cycles * self._sums[-1] + inside

    def _place(self, moment: int) -> tuple[float, float]:
        """Whole periods, and seconds inside the period."""
        x = (moment - self.origin) / 1e9
        if self.period is None:
            return 0.0, x
        cycles = math.floor(x / self.period)
        return cycles, min(max(x - cycles * self.period, 0.0), self.period)

    def _index(self, x: float) -> int:
        return max(bisect_right(self._times, x) - 1, 0)

    def _slope(self, index: int, x: float) -> float:
        if x < self._times[index] or index == len(self.knots) - 1:
            return 0.0
        (begin, low), (end, high) = self.knots[index : index + 2]
        return (high - low) / (end - begin)

    @cached_property
    def _times(self) -> list[float]:
        return [time for time, _ in self.knots]

    @cached_property
    def _sums(self) -> list[float]:
        """Joules from the first knot to each."""
        sums = [0.0]
        for (begin, low), (end, high) in pairwise(self.knots):
            sums.append(sums[-1] + (end - begin) * (low + high) / 2)
        return sums


def constant(watts: float) -> Trace:
    """Always the same."""
    return Trace(((0.0, watts),))


def square(low: float, high: float, period: float, duty: float = 0.5, phase: float = 0.0) -> Trace:
    """High for ``duty`` of each period, then low. ``phase``, in periods: how far it is already at the origin."""
    turn = duty * period
    knots = ((0.0, high), (turn, high), (turn, low), (period, low))
    return _shifted(Trace(knots, period), phase)


def ramp(low: float, high: float, period: float, phase: float = 0.0) -> Trace:
    """From low to high in each period, then down at once."""
    return _shifted(Trace(((0.0, low), (period, high)), period), phase)


def sine(low: float, high: float, period: float, phase: float = 0.0) -> Trace:
    """A sine between low and high, as a polygon."""
    middle, half = (low + high) / 2, (high - low) / 2
    steps = [k / SINE_KNOTS for k in range(SINE_KNOTS + 1)]
    return _shifted(Trace(tuple((period * s, middle + half * math.sin(math.tau * s)) for s in steps), period), phase)


def burst(low: float, high: float, period: float, pulses: int, width: float, gap: float) -> Trace:
    """At the start of each period some pulses of ``width`` seconds, ``gap`` seconds apart; low for the rest."""
    knots: list[Knot] = []
    for pulse in range(pulses):
        begin = pulse * (width + gap)
        if pulse:
            knots.append((begin, low))
        knots += [(begin, high), (begin + width, high), (begin + width, low)]
    return Trace((*knots, (period, low)), period)


def idle_busy_idle(idle: float, busy: float, begin: int, end: int) -> Trace:
    """Idle, busy from one moment to another (nanoseconds of CLOCK_MONOTONIC), idle again."""
    seconds = (end - begin) / 1e9
    return Trace(((0.0, idle), (0.0, busy), (seconds, busy), (seconds, idle)), origin=begin)


def recorded(rows: Sequence[Knot], origin: int | None = None) -> Trace:
    """A recording of (seconds, watts), joined by straight lines."""
    return Trace(tuple(rows), origin=time.monotonic_ns() if origin is None else origin)


def held(rows: Iterable[Knot], origin: int | None = None) -> Trace:
    """A recording of (seconds, watts) where each power lasts until the next row."""
    knots: list[Knot] = []
    for x, watts in rows:
        if knots:
            knots.append((x, knots[-1][1]))
        knots.append((x, watts))
    return recorded(knots, origin)


@dataclass
class Following:
    """A trace that is written while it is read: a fake workload says its power as it works.

    A row is in force from its own moment. A sensor that is read between that moment and the arrival of the row (some
    microseconds) still shows the power before; its next step is right again.
    """

    path: Path
    watts: float
    """At the beginning, and ever since before it."""
    origin: int = field(default_factory=time.monotonic_ns)

    def __post_init__(self) -> None:
        _replace(self.path, _header(self.origin, None, "hold") + f"0.0 {self.watts!r}\n")

    def set(self, watts: float) -> int:
        """Draw so many watts from now on; returns the moment."""
        now = time.monotonic_ns()
        line = f"{(now - self.origin) / 1e9!r} {watts!r}\n".encode()
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND)
        try:
            os.write(file, line)
        finally:
            os.close(file)
        return now

    def trace(self) -> Trace:
        """As it is known so far."""
        return read(self.path)

    def write(self, folder: Path) -> Path:
        """Where it already is."""
        return self.path


def read(path: Path) -> Trace:
    """A trace from its file, growing or not; a last line without its newline is not there yet."""
    text, _, _ = path.read_text(encoding="utf-8").rpartition("\n")
    words = [line.split() for line in text.splitlines()]
    header = {name: value for name, value in words[:3]}
    rows = [(float(x), float(watts)) for x, watts in words[3:]]
    if header["shape"] == "hold":
        return held(rows, int(header["origin"]))
    return Trace(tuple(rows), float(header["period"]) or None, int(header["origin"]))


def _shifted(trace: Trace, phase: float) -> Trace:
    assert trace.period is not None
    return replace(trace, origin=trace.origin - round(phase * trace.period * 1e9))


def _header(origin: int, period: float | None, shape: str) -> str:
    return f"origin {origin}\nperiod {period or 0.0!r}\nshape {shape}\n"


def _replace(path: Path, text: str) -> None:
    temporary = path.with_name(path.name + ".new")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
