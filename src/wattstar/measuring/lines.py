"""Timelines that grow while a meter is read, and when to read it next."""

from __future__ import annotations

import math
import time
from array import array
from bisect import bisect_left
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

from wattstar.types import Interval, Meter, Reader, Timeline, Window

STEPS_TO_LEARN_FROM = 8
QUIET_SHARE, EARLY_SECONDS = 0.9, 0.004
"""A counter is left alone for so much of the shortest of its last steps, or until so long before the end of that."""
FAR_APART = 10_000_000
"""Nanoseconds between two reads: the thread was held up."""
EARLIEST = 0.7
"""Share of its period after which a meter without steps is read along with another: waking up is what costs."""
STAMPS_KEPT = 16
"""Before the moment from which on a timeline is kept: an edge is judged by the steps beside it."""
LONGEST_GAP = 1.0
"""Seconds without a read that are worth telling: what happened meanwhile is known as a sum only."""
NO_LAG = Interval(0.0, 0.0, 0.0)


@dataclass
class Line:
    """A timeline that grows; a total that is no number, or of an earlier moment than the last, is left out, and a gate
    sees that the domain is late.

    Of a stepped counter, a total that did not change is the same step seen again, and one that did changed somewhere
    between two reads: it is stamped in the middle, with the gap. Its first total is not kept, because nobody saw when
    that step began.
    """

    domain: str
    stepped: bool
    refresh: int
    lag: Interval
    times: array[int] = field(default_factory=lambda: array("q"))
    joules: array[float] = field(default_factory=lambda: array("d"))
    gaps: array[int] = field(default_factory=lambda: array("q"))
    seen: tuple[int, float] | None = None

    @property
    def ends(self) -> int:
        """The latest moment that can be asked about: of a stepped counter, one complete step before its last stamp.

        What follows a window is needed where load ends with it.
        """
        back = 2 if self.stepped else 1
        if len(self.times) < back:
            return 0
        return self.times[-back] - math.ceil((self.lag.high or 0.0) * 1e9)

    @property
    def interval(self) -> float:
        """Seconds between two stamps, or that a total may be old, at most as far as is known."""
        lately = pairwise(self.times[-STEPS_TO_LEARN_FROM:])
        return max([self.refresh, *(late - early for early, late in lately)]) / 1e9

    def add(self, moment: int, joules: float, took: int) -> None:
        """A total that was read at a moment, in a read that took so many nanoseconds."""
        if not math.isfinite(joules) or (self.seen is not None and moment <= self.seen[0]):
            return
        before, self.seen = self.seen, (moment, joules)
        if not self.stepped:
            self._keep(moment - self.refresh // 2, joules, self.refresh + took)
        elif before is not None and joules != before[1]:
            stamp = self._stepped_at(before[0], moment)
            self._keep(stamp, joules, 2 * max(moment - stamp, stamp - before[0]) + took)

    def forget(self, before: int) -> None:
        """Drop what is older than a moment, but for the steps that lie just before it."""
        count = bisect_left(self.times, before) - STAMPS_KEPT
        if count > 0:
            for column in (self.times, self.joules, self.gaps):
                del column[:count]

    def _keep(self, moment: int, joules: float, gap: int) -> None:
        self.joules.append(joules)
        self.gaps.append(gap)
        self.times.append(moment)

    def _stepped_at(self, before: int, moment: int) -> int:
        """When the step between two reads was: in the middle, or, where the reads lie far apart, when it was due.

        The gap that goes with the stamp reaches to both reads in either case.
        """
        if moment - before > FAR_APART and len(self.times) > STEPS_TO_LEARN_FROM:
            lately = pairwise(self.times[-STEPS_TO_LEARN_FROM:])
            period = round(median(late - early for early, late in lately))
            due = self.times[-1] + (moment - self.times[-1]) // period * period
            if due > max(before, self.times[-1]):
                return due
        return (before + moment) // 2

    def quiet_until(self) -> float | None:
        """Seconds of the clock before which the counter has never stepped lately; None: it is not known well enough."""
        if len(self.times) <= STEPS_TO_LEARN_FROM:
            return None
        shortest = min(late - early for early, late in pairwise(self.times[-STEPS_TO_LEARN_FROM:])) / 1e9
        return self.times[-1] / 1e9 + max(QUIET_SHARE * shortest, shortest - EARLY_SECONDS)


@dataclass
class Watched:
    """A meter that is open, its lines, and when it is due."""

    name: str
    meter: Meter
    reader: Reader
    due: float = 0.0
    lines: dict[str, Line] = field(default_factory=dict)
    longest_gap: float = 0.0
    too_long: list[Window] = field(default_factory=list)
    last: float | None = None

    def may_be_read(self, now: float, slack: float) -> bool:
        """It is due, or due soon; one without steps may come much earlier, when another wakes the thread."""
        early = 0.0 if self.reader.stepped else EARLIEST * self.reader.period
        return self.due <= now + max(slack, early)

    def read(self, now: float, chance: float) -> None:
        """Take the totals; ``chance``, −1 to 1, moves the next read by the meter's jitter."""
        began = time.monotonic_ns()
        found = self.reader.read()
        ended = time.monotonic_ns()
        for domain, (moment, joules) in found.items():
            if domain not in self.lines:
                lag = self.reader.lags.get(domain, NO_LAG)
                self.lines[domain] = Line(domain, self.reader.stepped, round(self.reader.refresh * 1e9), lag)
            # The total may be of any moment of the read; a stamp from elsewhere brings its own exactness.
            self.lines[domain].add(moment, joules, ended - began if began <= moment <= ended else 0)
        self._count_gap(now)
        self.due = now + self.reader.period * (1 + self.reader.jitter * chance)
        if self.reader.stepped:
            quiet = [line.quiet_until() for line in self.lines.values()]
            known = [moment for moment in quiet if moment is not None]
            if known and len(known) == len(quiet):
                self.due = max(self.due, min(known))

    def _count_gap(self, now: float) -> None:
        if self.last is not None:
            gap = now - self.last
            self.longest_gap = max(self.longest_gap, gap)
            if gap > max(LONGEST_GAP, 2 * self.reader.period):
                self.too_long.append(Window(round(self.last * 1e9), round(now * 1e9)))
        self.last = now

    def open_lines(self) -> list[Line]:
        """Its lines, as of now."""
        return list(self.lines.values())

    def timelines(self, since: int = 0) -> list[Timeline]:
        """What was read from a moment on, and a little before."""
        return [
            self._timeline(line, max(bisect_left(line.times, since) - STAMPS_KEPT, 0)) for line in self.open_lines()
        ]

    def _timeline(self, line: Line, first: int) -> Timeline:
        return Timeline(
            domain=line.domain,
            meter=self.name,
            method=self.meter.method,
            times=line.times[first:],
            joules=line.joules[first:],
            plausible_factor=self.reader.factors.get(line.domain, self.meter.plausible_factor),
            gaps=line.gaps[first:],
            most_watts=self.reader.limits.get(line.domain),
            lag=None if line.lag == NO_LAG else line.lag,
            quantum=self.reader.quantum,
            gain=self.meter.gain,
        )
