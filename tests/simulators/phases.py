"""A device that serves queries in two phases, and a stepped counter that watches it: what each phase takes is known."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Iterator, Sequence
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
    power = _Power(pieces, world.ramp)
    line = _watched(world, draw, power)
    domain = Domain(line)
    passes = []
    for index in range(world.passes):
        own = [piece for piece in pieces if piece.counted == index]
        window = Window(_nanoseconds(own[0].begin), _nanoseconds(own[-1].end))
        reading = domain.reading([window])
        if reading is None:
            raise ValueError("The counter was not watched for long enough.")
        passes.append(Pass(index, window, 1, world.queries, (reading,), {}, None))
    windows: dict[str, list[Window]] = {name: [] for name in PHASES}
    joules = dict.fromkeys((*PHASES, "gap"), 0.0)
    for piece in (piece for piece in pieces if piece.counted is not None):
        joules[piece.name] += power.joules(piece.begin, piece.end)
        if piece.name in windows:
            windows[piece.name].append(Window(_nanoseconds(piece.begin), _nanoseconds(piece.end)))
    return Seen(line, tuple(passes), windows, joules)


class _Power:
    """Of the device: constant in each piece, but for the ramp that lies over all of them."""

    def __init__(self, pieces: Sequence[_Piece], ramp: float) -> None:
        self._pieces, self._ramp, self.duration = pieces, ramp, pieces[-1].end
        self._ends = [piece.end for piece in pieces]
        self._totals = list(accumulate((self._of(piece, piece.end) for piece in pieces), initial=0.0))

    def joules(self, begin: float, end: float) -> float:
        """Between two moments."""
        return self.until(end) - self.until(begin)

    def until(self, moment: float) -> float:
        """Joules so far."""
        moment = min(max(moment, 0.0), self.duration)
        place = min(bisect_right(self._ends, moment), len(self._pieces) - 1)
        return self._totals[place] + self._of(self._pieces[place], moment)

    def _of(self, piece: _Piece, end: float) -> float:
        """From its begin; a ramp's mean is its value in the middle."""
        middle = (piece.begin + end) / 2 / self.duration
        return piece.watts * (end - piece.begin) * (1 + self._ramp * (2 * middle - 1))


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


def _watched(world: World, draw: random.Random, power: _Power) -> Timeline:
    """Polled, so that a step is stamped in the middle between two reads, of which one saw it; cut to millijoules."""
    first = draw.random() * world.step
    moments = [first + i * world.step for i in range(int(power.duration / world.step) - 1)]
    return Timeline(
        domain="gpu:0",
        meter="nvml",
        method=Method.COUNTER,
        times=[_nanoseconds(moment + world.poll * (draw.random() - 0.5)) for moment in moments],
        joules=[int(power.until(moment - world.lag) * 1000) / 1000 for moment in moments],
        gaps=[_nanoseconds(world.poll)] * len(moments),
        most_watts=MOST_WATTS,
        lag=LAG_KNOWN,
        quantum=0.001,
    )


def _nanoseconds(seconds: float) -> int:
    return round(seconds * 1e9)
