"""A device that serves queries in two phases, and a stepped counter that watches it: what each phase takes is known."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

from wattstar.measuring.timeline import Domain
from wattstar.types import Interval, Method, Pass, Timeline, Window


@dataclass(frozen=True)
class World:
    """What is served, and how it is seen. Seconds and watts."""

    seconds: tuple[float, float] = (0.02, 0.2)
    """Of prefill and decode."""
    watts: tuple[float, float] = (600.0, 350.0)
    gap: tuple[float, float] = (0.0, 120.0)
    """Between two batches: seconds, and watts meanwhile."""
    lag: float = 0.0
    ramp: float = 0.0
    """Power goes from (1 − ramp) to (1 + ramp) times itself, straight, over the whole run."""
    jitter: float = 0.0
    """Relative standard deviation of each phase's time, from batch to batch."""
    unrest: float = 0.0
    """Relative standard deviation of power, from batch to batch; half of it lasts for about ten batches."""
    step: float = 0.1
    poll: float = 0.005
    """Between two reads: a step is stamped somewhere within it."""
    passes: int = 4
    queries: int = 250
    """Of a pass."""


PHASES = ("prefill", "decode")
IDLE_WATTS, IDLE_SECONDS = 100.0, 1.0
LEADS = 2
"""Uncounted batches before and after a pass."""
MOST_WATTS = 700.0
LAG_KNOWN = Interval(0.0, 0.0, 0.06)
"""As of a GPU that was not probed."""


@dataclass(frozen=True)
class Seen:
    """What is measured, and the truth."""

    line: Timeline
    passes: tuple[Pass, ...]
    windows: dict[str, list[Window]]
    joules: dict[str, float]
    """Of each phase, over all passes."""


@dataclass(frozen=True)
class _Piece:
    """A time of one power."""

    name: str
    begin: float
    end: float
    watts: float
    counted: int | None
    """The pass it belongs to."""


def simulate(world: World, seed: int) -> Seen:
    """One run."""
    draw = random.Random(seed)
    pieces = list(_pieces(world, draw))
    duration = pieces[-1].end
    ramped = [_ramped(piece, world.ramp, duration) for piece in pieces]
    edges = [0.0, *(piece.end for piece in pieces)]
    totals = list(accumulate(ramped, initial=0.0))

    def total(moment: float) -> float:
        """Joules so far; inside a piece power is straight, and taken at the middle of the part."""
        moment = min(max(moment, 0.0), duration)
        i = min(bisect_right(edges, moment) - 1, len(pieces) - 1)
        part = _Piece(pieces[i].name, edges[i], moment, pieces[i].watts, None)
        return totals[i] + _ramped(part, world.ramp, duration)

    line = _watched(world, draw, duration, total)
    domain = Domain(line)
    windows: dict[str, list[Window]] = {name: [] for name in PHASES}
    joules = dict.fromkeys((*PHASES, "gap"), 0.0)
    for piece, energy in zip(pieces, ramped, strict=True):
        if piece.counted is not None:
            joules[piece.name] += energy
            if piece.name in windows:
                windows[piece.name].append(Window(_ns(piece.begin), _ns(piece.end)))
    passes = []
    for index in range(world.passes):
        own = [piece for piece in pieces if piece.counted == index]
        window = Window(_ns(own[0].begin), _ns(own[-1].end))
        reading = domain.reading([window])
        if reading is None:
            raise ValueError("The counter was not watched for long enough.")
        passes.append(Pass(index, window, 1, world.queries, (reading,), {}, None))
    return Seen(line, tuple(passes), windows, joules)


def _pieces(world: World, draw: random.Random) -> Iterator[_Piece]:
    now = 0.0
    slow = 0.0

    def piece(name: str, seconds: float, watts: float, counted: int | None) -> _Piece:
        nonlocal now
        now += seconds
        return _Piece(name, now - seconds, now, watts, counted)

    yield piece("idle", IDLE_SECONDS * (1 + draw.random()), IDLE_WATTS, None)
    for index in range(world.passes):
        for batch in range(-LEADS, world.queries + LEADS):
            counted = index if 0 <= batch < world.queries else None
            slow = 0.9 * slow + draw.gauss(0, world.unrest / 2 * (1 - 0.9**2) ** 0.5)
            factor = 1 + slow + draw.gauss(0, world.unrest * 0.75**0.5)
            for name, seconds, watts in zip(PHASES, world.seconds, world.watts, strict=True):
                length = seconds * max(1 + draw.gauss(0, world.jitter), 0.2)
                yield piece(name, length, watts * factor, counted)
            if world.gap[0]:
                yield piece("gap", world.gap[0], world.gap[1], counted)
        yield piece("idle", IDLE_SECONDS, IDLE_WATTS, None)


def _ramped(piece: _Piece, ramp: float, duration: float) -> float:
    """Joules."""
    middle = (piece.begin + piece.end) / 2 / duration
    return piece.watts * (piece.end - piece.begin) * (1 + ramp * (2 * middle - 1))


def _watched(world: World, draw: random.Random, duration: float, total) -> Timeline:  # type: ignore[no-untyped-def]
    first = draw.random() * world.step
    times, joules = [], []
    for i in range(int((duration - world.step) / world.step)):
        moment = first + i * world.step
        times.append(_ns(moment + world.poll * (draw.random() - 0.5)))
        joules.append(int(total(moment - world.lag) * 1000) / 1000)
    return Timeline("gpu:0", "nvml", Method.COUNTER, times, joules, gaps=[_ns(world.poll)] * len(times),
                    most_watts=MOST_WATTS, lag=LAG_KNOWN, quantum=0.001)  # fmt: skip


def _ns(seconds: float) -> int:
    return round(seconds * 1e9)
