"""The energy of a window, worked out from a timeline in one place, with its bound."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise

from wattstar.types import Method, Reading, Timeline, Window

STEPS_OF_A_DIRECT_WINDOW = 10
"""A window of fewer steps, unless its edges fall on stamps, has no direct energy, only a modelled share."""


class Domain:
    """A timeline, ready to be asked about windows."""

    def __init__(self, timeline: Timeline) -> None:
        """Remember the least and the most power between two stamps, which bound what happens inside a step."""
        self.timeline = timeline
        steps = pairwise(zip(timeline.times, timeline.joules, strict=True))
        powers = [(late[1] - early[1]) / (late[0] - early[0]) * 1e9 for early, late in steps]
        self._least, self._most = min(powers, default=0.0), max(powers, default=0.0)

    def reading(self, windows: Sequence[Window]) -> Reading | None:
        """The energy of the windows together; None if one reaches beyond the stamps, or there is none.

        Between stamps the total is taken as linear. The truth at an edge inside a step of u seconds is at most
        u·(Pmax − Pmin)/4 away (the whole power jump in mid-step), and exact on a stamp.
        """
        times = self.timeline.times
        if not windows or not times:
            return None
        if any(window.begin < times[0] or window.end > times[-1] or window.end <= window.begin for window in windows):
            return None
        edges = [(self._at(window.begin), self._at(window.end)) for window in windows]
        bound = sum(begin[1] + end[1] for begin, end in edges)
        direct = self._on_stamps(windows) or self._steps(windows) >= STEPS_OF_A_DIRECT_WINDOW * len(windows)
        return Reading(
            domain=self.timeline.domain,
            meter=self.timeline.meter,
            method=self.timeline.method if direct else Method.MODELLED,
            joules=sum(end[0] - begin[0] for begin, end in edges),
            bound=bound,
            plausible_factor=self.timeline.plausible_factor,
        )

    def _at(self, time: int) -> tuple[float, float]:
        """The total at a moment, and its bound."""
        times, joules = self.timeline.times, self.timeline.joules
        right = bisect_left(times, time)
        if times[right] == time:
            return joules[right], 0.0
        step = times[right] - times[right - 1]
        share = (time - times[right - 1]) / step
        bound = step / 1e9 * (self._most - self._least) / 4
        return joules[right - 1] + share * (joules[right] - joules[right - 1]), bound

    def _on_stamps(self, windows: Sequence[Window]) -> bool:
        times = self.timeline.times
        edges = (edge for window in windows for edge in (window.begin, window.end))
        return all(times[bisect_left(times, edge)] == edge for edge in edges)

    def _steps(self, windows: Sequence[Window]) -> int:
        times = self.timeline.times
        return sum(bisect_right(times, window.end) - bisect_left(times, window.begin) for window in windows)


def readings(domains: Iterable[Domain], windows: Sequence[Window]) -> tuple[Reading, ...]:
    """What every meter says of the windows together."""
    found = (domain.reading(windows) for domain in domains)
    return tuple(reading for reading in found if reading is not None)


def best(found: Iterable[Reading]) -> tuple[Reading, ...]:
    """One reading per domain: where two meters see one domain, the better method speaks."""
    order = list(Method)
    by_domain: dict[str, list[Reading]] = defaultdict(list)
    for reading in found:
        by_domain[reading.domain].append(reading)
    return tuple(min(group, key=lambda reading: order.index(reading.method)) for group in by_domain.values())
