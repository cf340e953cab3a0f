"""The fake meter, with one fault of a meter: ``HOW@BEGIN..END``, seconds after the simulated world began."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from wattstar.errors import MeterUnavailable
from wattstar.meters import fake
from wattstar.types import Affinity, Level, Method, Reader, Scope

requires: tuple[str, ...] = ()
method = Method.COUNTER
plausible_factor: float | None = None
gain: float | None = None
argument: str | None = "a fault and when"
confirmed = False


@dataclass
class Moments:
    """What a fault may need to know: totals of ``gpu:0`` where it begins, and where it ends or now."""

    first: int | None = None
    before: float = 0.0
    during: float = 0.0


Total = tuple[int, float]


def lost(seen: Moments, moment: int, joules: float, during: bool) -> Total:
    """Stands still, and what was drawn meanwhile never comes."""
    return moment, joules - (seen.during - seen.before)


def restarts(seen: Moments, moment: int, joules: float, during: bool) -> Total:
    """From 0, as after a reload of the driver."""
    return moment, joules - seen.before if seen.during > seen.before else joules


def leaps(seen: Moments, moment: int, joules: float, during: bool) -> Total:
    """By a gigajoule."""
    return moment, joules + 1e9 * (seen.during > seen.before)


def no_number(seen: Moments, moment: int, joules: float, during: bool) -> Total:
    """As a sensor that is asked in a bad moment."""
    return moment, math.nan if during else joules


def back_in_time(seen: Moments, moment: int, joules: float, during: bool) -> Total:
    """As a clock that is set."""
    return moment - 3_600_000_000_000 * during, joules


def gone(seen: Moments, moment: int, joules: float, during: bool) -> Total:
    """As a tracker that fails under way."""
    if during:
        raise MeterUnavailable("The odd meter is gone.", ["another meter"])
    return moment, joules


def broken(seen: Moments, moment: int, joules: float, during: bool) -> Total:
    """By an error that nobody has foreseen."""
    if during:
        raise ZeroDivisionError("of the odd meter")
    return moment, joules


FAULTS: Mapping[str, Callable[[Moments, int, float, bool], Total]] = {
    fault.__name__: fault for fault in (lost, restarts, leaps, no_number, back_in_time, gone, broken)
}


def sawtooth() -> Mapping[str, Total]:
    """100 W on the real clock, from 0 again every second."""
    now = time.monotonic_ns()
    return {"gpu:0": (now, now % 1_000_000_000 / 1e7)}


def affinity() -> Affinity:
    """Always here, for those who ask."""
    return Affinity(Level.ASKED, ("gpu:0",), "odd; goes with the simulated world only")


@contextmanager
def reader(scope: Scope) -> Iterator[Reader]:
    """Follow the simulated world, with the fault; ``only=DOMAIN``: nothing but that domain is read, truly.

    ``sawtooth``: of no world, for commands.
    """
    how, _, when = scope.argument.partition("@")
    if how == "sawtooth":
        yield Reader(sawtooth, period=0.05)
        return
    begin, end = (float(part) for part in when.split("..")) if when else (math.inf, math.inf)
    seen = Moments()

    def read(inner: Reader) -> Mapping[str, Total]:
        found = inner.read()
        if not found or how.startswith("only="):
            return {domain: total for domain, total in found.items() if how.endswith(domain)}
        moment, joules = found["gpu:0"]
        seen.first = moment if seen.first is None else seen.first
        seconds = round((moment - seen.first) / 1e9, 6)
        seen.before = joules if seconds <= begin else seen.before
        seen.during = joules if seconds <= end else seen.during
        return {"gpu:0": FAULTS[how](seen, moment, joules, begin < seconds <= end)}

    with fake.reader(scope) as inner:
        yield replace(inner, read=lambda: read(inner))
