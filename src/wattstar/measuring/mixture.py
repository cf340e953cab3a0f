"""Steps that hold a mixture of phases: the steps, when which phase was on, and what all of them have together."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from wattstar.measuring.algebra import Vector, dot


@dataclass(frozen=True)
class Steps:
    """Adjacent steps of a counter, one run per pass: stamps (one more than steps) and joules of each step."""

    stamps: Sequence[Vector]
    """Seconds."""
    variances: Sequence[Vector]
    """Of the stamps, s²."""
    drawn: Sequence[Vector]


@dataclass(frozen=True)
class Parts:
    """When which phase was on: the edges of all windows, and for each phase its time before a moment, edge by edge."""

    edges: Vector
    """Seconds, in order."""
    before: Sequence[Vector]
    """For each phase, by the number of edges passed: the moment × ``on``, plus this, is the phase's time so far."""
    on: Sequence[Vector]
    """The same: 1 where the phase is on, else 0."""

    @classmethod
    def of(cls, phases: Sequence[Sequence[tuple[float, float]]]) -> Parts:
        """From the windows (begin, end) of each phase; those of different phases may touch, but not overlap."""
        edges = sorted({edge for windows in phases for window in windows for edge in window})
        places = {edge: place for place, edge in enumerate(edges, 1)}
        before, on = [], []
        for windows in phases:
            is_on = [0.0] * (len(edges) + 1)
            for begin, end in windows:
                is_on[places[begin] : places[end]] = [1.0] * (places[end] - places[begin])
            # At an edge both sides give the same time.
            steps = ((early - late) * edge for (early, late), edge in zip(pairwise(is_on), edges, strict=True))
            before.append(list(accumulate(steps, initial=0.0)))
            on.append(is_on)
        return cls(edges, before, on)

    @property
    def shortest(self) -> float:
        """Mean length of the windows of the phase that has the shortest."""
        between = [late - early for early, late in pairwise(self.edges)]
        counts = [sum(late > early for early, late in pairwise(on)) for on in self.on]
        return min(dot(on[1:], between) / count for on, count in zip(self.on, counts, strict=True))

    def passed(self, moments: Sequence[float]) -> list[int]:
        """Edges before each moment."""
        return [bisect_right(self.edges, moment) for moment in moments]

    def until(self, moments: Sequence[float]) -> list[Vector]:
        """Seconds of each phase before each moment."""
        passed = self.passed(moments)
        return [
            [before[i] + on[i] * moment for i, moment in zip(passed, moments, strict=True)]
            for before, on in zip(self.before, self.on, strict=True)
        ]


@dataclass(frozen=True)
class Whole:
    """All passes together, and what no phase can exceed."""

    joules: float
    error: float
    """Standard error of the joules."""
    seconds: Vector
    """Of each phase; the last one is on where no other is."""
    most: Vector
    """Watts that each phase can draw at most."""

    @property
    def duration(self) -> float:
        """Seconds."""
        return sum(self.seconds)

    def powers(self, contrasts: Sequence[float]) -> Vector:
        """Watts of each phase, from how much more than the last one the others draw."""
        last = (self.joules - dot(contrasts, self.seconds)) / self.duration
        return [*(last + contrast for contrast in contrasts), last]

    def row(self, phase: int) -> Vector:
        """How the phase's power depends on the contrasts."""
        row = [-seconds / self.duration for seconds in self.seconds[:-1]]
        if phase < len(row):
            row[phase] += 1.0
        return row
