"""What each phase of the work took: a modelled share of the passes' energy, worked out from the same run.

A phase of 20 ms is over before a counter that steps every 100 ms has moved, so that no reading is its own. But each
step holds another mixture of the phases, and that is enough: ``regression`` has the method. Where all edges of all
phases fall on exact stamps, as in a simulated world, or where a sensor that is sampled sees each of them for many
samples, the plain difference is taken. A sensor that is sampled may itself average over longer than a phase, which
no regression would notice: of shorter phases it says nothing.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from wattstar import registry
from wattstar.measuring import regression
from wattstar.measuring.algebra import Singular
from wattstar.measuring.mixture import Parts, Steps, Whole
from wattstar.measuring.timeline import Domain, best
from wattstar.records.units import JOULES_PER_WATT_HOUR
from wattstar.types import (
    Approach,
    Interval,
    Job,
    Mark,
    Method,
    Pass,
    Phase,
    PhaseEnergy,
    Reading,
    Timeline,
    Window,
)

GAP = "gap"
"""The name of what lies between the batches."""
LEAST_GAP = 0.002
"""Share of the passes' time; a shorter gap counts as the longest phase's, as does one that cannot be told apart."""
UNKNOWN_LAG = (0.0, 0.1)
"""Seconds by which a counter may be late of which nothing is known: one step of the slowest."""
FEWEST_STEPS = 5
"""Of a pass; one of fewer says nothing beside its own level and drift."""


def phases_of(job: Job) -> tuple[Phase, ...]:
    """A model that only writes text has the phases of writing, whatever it is asked."""
    task = registry.task(job.task)
    return task.zero_shot.phases if task.zero_shot and job.model.approach is Approach.ZERO_SHOT else task.phases


def windows(marks: Sequence[Mark], passes: Sequence[Pass], phases: Sequence[Phase]) -> dict[str, list[Window]]:
    """The windows of each phase over all batches of these passes; of a phase that some batch does not mark, none.

    A phase lasts until the next one or the end of its batch.
    """
    counted = {each.index for each in passes}
    batches: dict[tuple[int, int], dict[str, int]] = {}
    for mark in marks:
        if mark.pass_index in counted and mark.batch is not None:
            batches.setdefault((mark.pass_index, mark.batch), {}).setdefault(mark.name, mark.time)
    found: dict[str, list[Window]] = {phase.name: [] for phase in phases}
    begins = [*(phase.begins for phase in phases), "batch_end"]
    for stamps in batches.values():
        for phase, end in zip(phases, begins[1:], strict=True):
            if phase.begins in stamps and end in stamps:
                found[phase.name].append(Window(stamps[phase.begins], stamps[end]))
    return {name: parts if len(parts) == len(batches) else [] for name, parts in found.items()}


@dataclass(frozen=True)
class _Phases:
    """Those of all passes."""

    windows: Mapping[str, Sequence[Window]]
    passes: Sequence[Pass]

    @property
    def counted(self) -> list[Window]:
        """What is counted of the passes: of those whose samples were on the device in turns, the parts."""
        return [window for each in self.passes for window in each.windows or (each.window,)]

    @property
    def total(self) -> float:
        """Seconds of the passes."""
        return sum(map(_seconds, self.counted))

    @property
    def gap(self) -> float:
        """Seconds between the batches."""
        return self.total - sum(self._own.values())

    @property
    def has_gap(self) -> bool:
        """Whether that is worth telling."""
        return self.gap >= LEAST_GAP * self.total

    def seconds(self, with_gap: bool) -> dict[str, float]:
        """Of each phase, which make up the passes' time; the one that is on where no other is comes last.

        That is the gap, or else the longest phase, which the gap's time then belongs to.
        """
        own = self._own
        if with_gap:
            return own | {GAP: self.gap}
        longest = max(own, key=lambda name: own[name])
        last = own.pop(longest) + self.gap
        return own | {longest: last}

    @property
    def _own(self) -> dict[str, float]:
        return {name: sum(map(_seconds, parts)) for name, parts in self.windows.items()}


def split(
    timelines: Sequence[Timeline], passes: Sequence[Pass], windows: Mapping[str, Sequence[Window]]
) -> tuple[PhaseEnergy, ...]:
    """What each phase took of each domain; nothing of a domain whose meter cannot tell the phases apart.

    ``windows``: the name of each phase → its windows over all passes, in order; without one of them nothing is known.
    """
    phases = _Phases(windows, passes)
    if not passes or not windows or not all(sum(map(_seconds, parts)) > 0 for parts in windows.values()):
        return ()
    return tuple(found for line, energy in _spoken_for(timelines, passes) for found in _domain(line, energy, phases))


def _spoken_for(timelines: Sequence[Timeline], passes: Sequence[Pass]) -> Iterator[tuple[Timeline, list[Reading]]]:
    """The timeline that speaks for each domain, and its readings of the passes, where every pass has one."""
    for reading in best(passes[0].energy):
        key = (reading.domain, reading.meter)
        found = [r for counted in passes for r in counted.energy if (r.domain, r.meter) == key]
        lines = [line for line in timelines if (line.domain, line.meter) == key]
        if lines and len(found) == len(passes) and sum(r.joules for r in found) > 0:
            yield lines[0], found


def _domain(line: Timeline, energy: Sequence[Reading], phases: _Phases) -> Iterator[PhaseEnergy]:
    try:
        watts = _direct(line, energy, phases) or _modelled(line, energy, phases)
    except Singular:
        return
    seconds = phases.seconds(GAP in watts)
    queries = sum(counted.queries for counted in phases.passes)
    for name in (name for name in (*phases.windows, GAP) if name in watts):
        scale = seconds[name] * 1000 / queries / JOULES_PER_WATT_HOUR
        yield PhaseEnergy(name, line.domain, seconds[name], watts[name], _scaled(watts[name], scale))


def _direct(line: Timeline, energy: Sequence[Reading], phases: _Phases) -> dict[str, Interval]:
    """Watts from differences of totals, where they are exact, or of a sampled sensor that saw enough of each phase."""
    if line.method is not Method.SAMPLED and any(reading.bound for reading in energy):
        return {}
    domain = Domain(line)
    found = {name: domain.reading(parts) for name, parts in phases.windows.items()}
    readings = {name: reading for name, reading in found.items() if reading and reading.method is line.method}
    exact = not any(reading.bound for reading in readings.values())
    if len(readings) < len(found) or not (exact or line.method is Method.SAMPLED):
        return {}
    joules = {name: (reading.joules, reading.bound) for name, reading in readings.items()}
    whole = sum(reading.joules for reading in energy)
    seconds = phases.seconds(phases.has_gap)
    if phases.has_gap:
        left = whole - sum(mid for mid, _ in joules.values())
        joules[GAP] = (max(left, 0.0), sum(bound for _, bound in joules.values()))
    told = sum(mid for mid, _ in joules.values())
    if not told:
        return {}
    scale = whole / told
    intervals = {name: _around(mid * scale, bound) for name, (mid, bound) in joules.items()}
    return {name: _scaled(interval, 1 / seconds[name]) for name, interval in intervals.items()}


def _modelled(line: Timeline, energy: Sequence[Reading], phases: _Phases) -> dict[str, Interval]:
    """Watts by regression; where the gap is too short to be told apart, others may have all that it could draw."""
    if not phases.has_gap:
        return _regressed(line, energy, phases, with_gap=False)
    try:
        return _regressed(line, energy, phases, with_gap=True)
    except Singular:
        found = _regressed(line, energy, phases, with_gap=False)
        joules = phases.gap * sum(reading.joules for reading in energy) / phases.total
        seconds = phases.seconds(with_gap=False)
        return {name: _wider(watts, joules / seconds[name]) for name, watts in found.items()}


def _regressed(line: Timeline, energy: Sequence[Reading], phases: _Phases, with_gap: bool) -> dict[str, Interval]:
    """Watts by regression of the steps on the time in each phase."""
    origin = phases.counted[0].begin
    seconds = phases.seconds(with_gap)
    *others, last = seconds
    if others and line.method is Method.SAMPLED:
        raise Singular
    windows = [
        [((part.begin - origin) / 1e9, (part.end - origin) / 1e9) for part in phases.windows[name]] for name in others
    ]
    joules = sum(reading.joules for reading in energy)
    most = dict.fromkeys(seconds, Domain(line).most)
    if with_gap and line.domain.startswith("gpu"):
        # A batch ends when the device is done, so that between two it has nothing to do.
        most[GAP] = joules / phases.total
    whole = Whole(
        joules=joules,
        # A bound is a range in which every value is as likely: its half width is √3 standard deviations.
        error=math.sqrt(sum(reading.bound**2 for reading in energy) / 3),
        seconds=list(seconds.values()),
        most=list(most.values()),
    )
    lags = _lags(line)
    steps = _steps(line, phases.counted, lags)
    found = regression.fit(steps, Parts.of(windows), whole, lags)
    return dict(zip((*others, last), found.phases, strict=True))


def _lags(line: Timeline) -> tuple[float, float]:
    """Seconds by which totals may be late."""
    if line.lag and line.lag.low is not None and line.lag.high is not None:
        return line.lag.low, line.lag.high
    return UNKNOWN_LAG if line.method is Method.COUNTER and any(line.gaps) else (0.0, 0.0)


def _steps(line: Timeline, windows: Sequence[Window], lags: tuple[float, float]) -> Steps:
    """Those that lie inside a pass, however late the totals are."""
    early, late = (round(lag * 1e9) for lag in lags)
    origin = windows[0].begin
    edges = [(bisect_left(line.times, w.begin + late), bisect_right(line.times, w.end + early)) for w in windows]
    runs = [slice(first, end) for first, end in edges if end - first > FEWEST_STEPS]
    gaps = line.gaps or [0] * len(line.times)
    return Steps(
        stamps=[[(time - origin) / 1e9 for time in line.times[run]] for run in runs],
        # The change may have been anywhere in the gap: its variance is that of an even spread.
        variances=[[(gap / 1e9) ** 2 / 12 for gap in gaps[run]] for run in runs],
        drawn=[[after - before for before, after in pairwise(line.joules[run])] for run in runs],
    )


def _around(mid: float, half: float) -> Interval:
    return Interval(max(mid - half, 0.0), mid, mid + half)


def _wider(interval: Interval, by: float) -> Interval:
    low, high = interval.low or 0.0, interval.high or 0.0
    return Interval(max(low - by, 0.0), interval.mid, high + by)


def _scaled(interval: Interval, by: float) -> Interval:
    low, high = (None if edge is None else edge * by for edge in (interval.low, interval.high))
    return Interval(low, interval.mid * by, high)


def _seconds(window: Window) -> float:
    return (window.end - window.begin) / 1e9
