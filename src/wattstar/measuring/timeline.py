"""The energy of a window, worked out from a timeline in one place, with its bound.

A hardware counter moves in steps of u seconds (20 to 100 ms on NVIDIA GPUs). Inside a step of energy e only e is
known, and that power lay between 0 and Pmax. If a share f of the step lies before an edge, the energy before it is

    at least max(0, e − Pmax·(1 − f)·u)   and at most   min(Pmax·f·u, e)

however the power ran; the range is at most u·Pmax/2 wide. (What a device draws at the least is not known well enough to
promise anything by it: a sensor that averages never shows it.) Inside it, power is taken to change once, from that
of the step before to that of the step after. The true moment of a step may be half the gap δ between two reads from
its stamp, which adds δ/2·Pmax. A counter may be late: its total at a moment is that of L seconds before, so a window is
looked for L later; where L is known as a range only, the reading at every L of the range, with its own bound, lies
inside the bound that is given. Totals are cut to whole quanta.

Where load is known to begin or end at an edge, the part of the step outside is charged
with the power of the nearest complete outside step.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from wattstar.types import Edges, Method, Reading, Timeline, Window

LAGS_TRIED = 7
"""Of a lag that is known as a range: so many, evenly spread."""
FEW_WINDOWS = 8
"""Of so many, the reading is looked for at every lag that can be the worst; of more, at the spread ones."""
OVER_THE_LIMIT = 1.1
"""A power limit is regulated: so many times of it a device may draw for a moment."""
OVER_WHAT_WAS_SEEN = 2.0
"""Where a device states no limit, it may draw so many times the power of any of its steps, which are averages."""
STEPS_OF_A_DIRECT_WINDOW = 10
"""A window of fewer steps, unless its edges fall on stamps, has no direct energy, only a modelled share."""


@dataclass(frozen=True)
class _Range:
    """Joules: the truth lies between low and high."""

    low: float
    mid: float
    high: float

    def within(self, most: float) -> _Range:
        """No less than nothing, and no more than is physically possible."""
        low, high = max(self.low, 0.0), min(self.high, most)
        return _Range(min(low, high), min(max(self.mid, low), high), max(low, high))

    @property
    def bound(self) -> float:
        return max(self.high - self.mid, self.mid - self.low)


class Domain:
    """A timeline, ready to be asked about windows."""

    def __init__(self, timeline: Timeline) -> None:
        """Remember the most power, which bounds what happens inside a step: the device's limit, or what was seen."""
        self.timeline = timeline
        seen = list(powers(timeline))
        limit = OVER_THE_LIMIT * timeline.most_watts if timeline.most_watts else None
        surely = max(least_powers(timeline), default=0.0)
        self.most = max(limit or OVER_WHAT_WAS_SEEN * max(seen, default=0.0), surely)
        sampled = timeline.method is Method.SAMPLED and timeline.gaps
        self._changes = list(accumulate(_unseen(timeline, seen), initial=0.0)) if sampled else []

    def reading(self, windows: Sequence[Window], edges: Edges = Edges.INSIDE) -> Reading | None:
        """The energy of the windows together; None if one reaches beyond the stamps, or there is none."""
        lags = self._lags()
        if not windows or not self._covers(windows, lags):
            return None
        if len(windows) <= FEW_WINDOWS:
            lags = list(dict.fromkeys([*lags, *self._corners(windows, min(lags), max(lags))]))
        found = [self._energy(windows, edges, lag) for lag in lags]
        low, high = min(each.low for each in found), max(each.high for each in found)
        whole = _Range(low, found[0].mid, high)
        direct = self._on_stamps(windows) or self._steps(windows) >= STEPS_OF_A_DIRECT_WINDOW * len(windows)
        return Reading(
            domain=self.timeline.domain,
            meter=self.timeline.meter,
            method=self.timeline.method if direct else Method.MODELLED,
            joules=whole.mid,
            bound=whole.bound,
            plausible_factor=self.timeline.plausible_factor,
            gain=self.timeline.gain,
        )

    def _lags(self) -> list[int]:
        """Nanoseconds by which totals may be late, the likeliest first."""
        lag = self.timeline.lag
        if lag is None or lag.low is None or lag.high is None:
            return [0]
        spread = (lag.low + (lag.high - lag.low) * i / (LAGS_TRIED - 1) for i in range(LAGS_TRIED))
        return [round(seconds * 1e9) for seconds in (lag.mid, *spread)]

    def _corners(self, windows: Sequence[Window], low: int, high: int) -> Iterator[int]:
        """The lags in a range at which what lies before an edge at the least or at the most changes its slope.

        Between them both run straight, so that the reading's own least and most are found at some of these.
        """
        times, joules = self.timeline.times, self.timeline.joules
        for edge in (edge for window in windows for edge in (window.begin, window.end)):
            first = max(bisect_left(times, edge + low) - 1, 0)
            last = min(bisect_right(times, edge + high), len(times) - 1)
            for step in range(first, last):
                full = (joules[step + 1] - joules[step]) / self.most * 1e9 if self.most else 0.0
                turns = (times[step], times[step] + full, times[step + 1] - full, times[step + 1])
                near = (whole for turn in turns for whole in (math.floor(turn), math.floor(turn) + 1))
                yield from (moment - edge for moment in near if low <= moment - edge <= high)

    def _covers(self, windows: Sequence[Window], lags: Sequence[int]) -> bool:
        times = self.timeline.times
        return bool(times) and all(
            times[0] <= window.begin + min(lags) and window.end + max(lags) <= times[-1] and window.begin < window.end
            for window in windows
        )

    def _energy(self, windows: Sequence[Window], edges: Edges, lag: int) -> _Range:
        """Of all windows together, if totals are so late."""
        parts = [self._window(Window(window.begin + lag, window.end + lag), edges) for window in windows]
        return _Range(*(sum(values) for values in zip(*((p.low, p.mid, p.high) for p in parts), strict=True)))

    def _window(self, window: Window, edges: Edges) -> _Range:
        begin = self._total(window.begin, edges, -1)
        end = self._total(window.end, edges, 1)
        seconds = (window.end - window.begin) / 1e9
        difference = _Range(end.low - begin.high, end.mid - begin.mid, end.high - begin.low)
        if difference.mid <= 0 and edges is Edges.LOAD_CHANGE:
            # Inside one step, beside a greater load: what is charged to the outside leaves nothing.
            return self._window(window, Edges.INSIDE)
        slack = self._between_samples(window) + self.timeline.quantum
        if difference.bound == slack == 0:
            return difference
        difference = _Range(difference.low - slack, difference.mid, difference.high + slack)
        return difference.within(self.most * seconds)

    def _between_samples(self, window: Window) -> float:
        """Joules that samples of power may have missed: 4 standard deviations, all changes being independent.

        A change of ΔP happened somewhere in a time δ: its energy is uncertain by ΔP·δ, evenly spread, whose standard
        deviation is ΔP·δ/√12. A load faster than the sensor is not seen, nor bounded.
        """
        if not self._changes:
            return 0.0
        times, last = self.timeline.times, len(self._changes) - 1
        first, end = (min(bisect_left(times, edge), last) for edge in (window.begin, window.end))
        return 4 * math.sqrt((self._changes[end] - self._changes[first]) / 12)

    def _total(self, moment: int, edges: Edges, outside: int) -> _Range:
        """The total at an edge; outside the window is what lies before its begin (−1) or after its end (1)."""
        times, joules = self.timeline.times, self.timeline.joules
        right = bisect_left(times, moment)
        slack = self._slack(right - 1, right) * self.most
        if times[right] == moment:
            return _Range(joules[right] - slack, joules[right], joules[right] + slack)
        before, after = (moment - times[right - 1]) / 1e9, (times[right] - moment) / 1e9
        step, start = joules[right] - joules[right - 1], joules[right - 1]
        low = max(0.0, step - self.most * after)
        high = min(self.most * before, step)
        part = self._part(right - 1, before, after, outside if edges is Edges.LOAD_CHANGE else 0)
        return _Range(start + min(low, part) - slack, start + part, start + max(high, part) + slack)

    def _part(self, step: int, before: float, after: float, outside: int) -> float:
        """Joules of a step that were drawn before the edge; ``outside`` 0 interpolates."""
        joules = self.timeline.joules
        drawn = joules[step + 1] - joules[step]
        neighbour = step + outside
        if not outside or not 0 <= neighbour < len(joules) - 1:
            return self._one_change(step, before, before + after)
        power = self._power(neighbour)
        part = power * before if outside < 0 else drawn - power * after
        return min(max(part, 0.0), drawn)

    def _one_change(self, step: int, before: float, seconds: float) -> float:
        """Joules before the edge if power changed once inside the step, from that of the step before to the next's.

        Where the step's own power is not between theirs something else happened, and it is taken as even.
        """
        drawn = self.timeline.joules[step + 1] - self.timeline.joules[step]
        if 0 < step < len(self.timeline.joules) - 2:
            early, late = self._power(step - 1), self._power(step + 1)
            if min(early, late) < drawn / seconds < max(early, late):
                change = (drawn - late * seconds) / (early - late)
                return early * min(before, change) + late * max(before - change, 0.0)
        return drawn * before / seconds

    def _power(self, step: int) -> float:
        times, joules = self.timeline.times, self.timeline.joules
        return (joules[step + 1] - joules[step]) / (times[step + 1] - times[step]) * 1e9

    def _slack(self, left: int, right: int) -> float:
        """Seconds by which a stamp beside the edge may be wrong."""
        gaps = self.timeline.gaps
        return max(gaps[max(left, 0)], gaps[right]) / 2e9 if gaps else 0.0

    def _on_stamps(self, windows: Sequence[Window]) -> bool:
        times = self.timeline.times
        edges = (edge for window in windows for edge in (window.begin, window.end))
        return all(bisect_left(times, edge) < bisect_right(times, edge) for edge in edges)

    def _steps(self, windows: Sequence[Window]) -> int:
        times = self.timeline.times
        return sum(bisect_right(times, window.end) - bisect_left(times, window.begin) for window in windows)


def powers(timeline: Timeline) -> Iterator[float]:
    """Watts of each step."""
    stamps = pairwise(zip(timeline.times, timeline.joules, strict=True))
    return ((late[1] - early[1]) / (late[0] - early[0]) * 1e9 for early, late in stamps)


def _unseen(timeline: Timeline, seen: Sequence[float]) -> Iterator[float]:
    """2·(ΔP·δ)² from step to step; δ is what the sensor takes to refresh, or longer where it was read more seldom.

    The power of a step is the mean of two readings, so that one change shows as two halves.
    """
    steps = [late - early for early, late in pairwise(timeline.times)]
    for (early, late), (before, after) in zip(pairwise(seen), pairwise(steps), strict=True):
        yield 2 * ((late - early) * max(timeline.gaps[0], before, after) / 1e9) ** 2


def least_powers(timeline: Timeline) -> Iterator[float]:
    """Watts of each step at the least: stamps may lie half a gap nearer to each other than the steps did."""
    gaps = timeline.gaps or [0] * len(timeline.times)
    stamps = pairwise(zip(timeline.times, timeline.joules, gaps, strict=True))
    return ((late[1] - early[1]) / (late[0] - early[0] + (early[2] + late[2]) / 2) * 1e9 for early, late in stamps)


def jumps(timeline: Timeline, window: Window) -> bool:
    """Whether a step in the window is more than twice what the device can draw: the counter jumped."""
    times, most = timeline.times, timeline.most_watts
    if most is None:
        return False
    steps = zip(pairwise(times), least_powers(timeline), strict=True)
    return any(watts > 2 * most for (begin, end), watts in steps if end > window.begin and begin < window.end)


def readings(domains: Iterable[Domain], windows: Sequence[Window], edges: Edges = Edges.INSIDE) -> tuple[Reading, ...]:
    """What every meter says of the windows together."""
    found = (domain.reading(windows, edges) for domain in domains)
    return tuple(reading for reading in found if reading is not None)


def best(found: Iterable[Reading]) -> tuple[Reading, ...]:
    """One reading per domain: where two meters see one domain, the better method speaks."""
    by_domain: dict[str, list[Reading]] = defaultdict(list)
    for reading in found:
        by_domain[reading.domain].append(reading)
    return tuple(map(_best, by_domain.values()))


def _best(group: Sequence[Reading]) -> Reading:
    """The best method; where a counter has only a share of its steps to say, the narrowest bound but an estimate's."""
    order = list(Method)
    no_estimates = [reading for reading in group if reading.plausible_factor is None]
    if any(reading.method is Method.MODELLED for reading in no_estimates):
        return min(no_estimates, key=lambda reading: reading.bound)
    return min(group, key=lambda reading: order.index(reading.method))


def total(found: Iterable[Reading]) -> float:
    """Joules of all domains together; a reading of the whole system contains the others and replaces their sum."""
    by_domain = {reading.domain: reading.joules for reading in found}
    return by_domain.get("system", sum(by_domain.values()))
