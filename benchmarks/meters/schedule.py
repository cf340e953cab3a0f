"""What is measured: loads and windows drawn from a seed, spread over lanes that run side by side."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tests.simulators.trace import Knot, Trace

GPU_WATTS = (90.0, 650.0)
CPU_WATTS = (60.0, 250.0)
PERIODS = (0.05, 3.0)
"""Seconds; log-uniform."""
SPREAD = 0.2
"""A window's length is its nominal one, more or less so much."""
BEFORE, AFTER = 0.4, 0.4
"""Seconds of the same load around a window: room for tools that begin and end at a moment of their own."""
SHAPES = ("square", "ramp", "burst")
PULSE: tuple[Knot, ...] = ((0.0, 0.0), (0.0, 1.0), (0.1, 1.0), (0.1, 0.0))
PROFILES: dict[str, tuple[Knot, ...]] = {
    "square": ((0.0, 1.0), (0.5, 1.0), (0.5, 0.0), (1.0, 0.0)),
    "ramp": ((0.0, 0.0), (1.0, 1.0)),
    "burst": (*((0.2 * pulse + x, level) for pulse in range(3) for x, level in PULSE), (1.0, 0.0)),
}
"""One period of each load, between 0 (least watts) and 1 (most)."""


@dataclass(frozen=True)
class Window:
    """A window that every tool measures; seconds after the lane's origin."""

    id: int
    nominal: float
    shape: str
    begin: float
    seconds: float


@dataclass
class Lane:
    """One load and its windows, one after another; every tool runs in every lane."""

    name: str
    seed: int
    step_phase: float
    """Seconds by which the simulated counter's steps are moved."""
    knots: list[Knot] = field(default_factory=list)
    windows: list[Window] = field(default_factory=list)
    blocks: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Where each shape of load begins and ends."""
    seconds: float = 0.0

    def trace(self, watts: tuple[float, float], origin: int) -> Trace:
        """The load between these powers."""
        low, high = watts
        return Trace(tuple((x, low + level * (high - low)) for x, level in self.knots), origin=origin)


def lanes(count: int, windows: dict[str, dict[float, int]], seed: int, lead: float) -> list[Lane]:
    """Windows (shape → length → how many) on loads of random period and phase, the longest spread first."""
    draw = random.Random(seed)
    made = [_lane(f"lane-{index}", seed * 1000 + index, lead) for index in range(count)]
    shares: list[dict[str, list[float]]] = [{shape: [] for shape in SHAPES} for _ in made]
    for shape, lengths in windows.items():
        for nominal in sorted((n for n, many in lengths.items() for _ in range(many)), reverse=True):
            least = min(shares, key=lambda share: sum(sum(part) for part in share.values()))
            least[shape].append(nominal + BEFORE + AFTER)
    ids = iter(range(10**6))
    for lane, share in zip(made, shares, strict=True):
        for shape, lengths_of in share.items():
            draw.shuffle(lengths_of)
            begin = lane.seconds
            for long in lengths_of:
                _segment(lane, next(ids), shape, round(long - BEFORE - AFTER, 3))
            if lengths_of:
                lane.blocks[shape] = (begin, lane.seconds)
        lane.knots.append((lane.seconds, 0.0))
    return made


def edges(lengths: dict[float, int], seed: int, lead: float) -> Lane:
    """A lane of idle, busy, idle: each window is exactly the busy time."""
    lane = _lane("load-change", seed * 1000 + 999, lead)
    draw = random.Random(lane.seed)
    order = [nominal for nominal, many in lengths.items() for _ in range(many)]
    draw.shuffle(order)
    for index, nominal in enumerate(order):
        begin = lane.seconds + draw.uniform(0.4, 0.7)
        seconds = nominal * draw.uniform(1 - SPREAD, 1 + SPREAD)
        lane.knots += [(begin, 0.0), (begin, 1.0), (begin + seconds, 1.0), (begin + seconds, 0.0)]
        lane.windows.append(Window(index, nominal, "idle-busy-idle", begin, seconds))
        lane.seconds = begin + seconds
    lane.seconds += 1.0
    return lane


def _lane(name: str, seed: int, lead: float) -> Lane:
    """Idle until the tools are ready."""
    phase = random.Random(seed).uniform(0, 0.1)
    return Lane(name, seed, phase, knots=[(0.0, 0.0)], seconds=lead)


def _segment(lane: Lane, number: int, shape: str, nominal: float) -> None:
    """One window with load around it."""
    draw = random.Random(lane.seed * 100_000 + number)
    seconds = nominal * draw.uniform(1 - SPREAD, 1 + SPREAD)
    period = math.exp(draw.uniform(*map(math.log, PERIODS)))
    begin, end = lane.seconds, lane.seconds + BEFORE + seconds + AFTER
    lane.knots += _load(PROFILES[shape], period, draw.random(), begin, end)
    lane.windows.append(Window(number, nominal, shape, begin + BEFORE * draw.random(), seconds))
    lane.seconds = end


def _load(profile: Sequence[Knot], period: float, phase: float, begin: float, end: float) -> Iterator[Knot]:
    """The profile again and again between two moments, cut at both."""
    last: Knot | None = None
    start = begin - phase * period
    while start < end:
        for x, level in profile:
            knot = (start + x * period, level)
            if last is not None:
                yield from _cut(last, knot, begin, end)
            last = knot
        start += period


def _cut(left: Knot, right: Knot, begin: float, end: float) -> Iterator[Knot]:
    """The line between two knots, as far as it lies between the moments."""
    if right[0] < begin or left[0] > end:
        return
    for x in (max(left[0], begin), min(right[0], end)):
        share = (x - left[0]) / (right[0] - left[0]) if right[0] > left[0] else None
        yield (x, left[1] + share * (right[1] - left[1])) if share is not None else (x, left[1])
    if right[0] == left[0]:
        yield right
