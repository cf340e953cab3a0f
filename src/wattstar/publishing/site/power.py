"""Power over time, drawn from a record's timeline: what a meter said between two stamps, never smoothed.

Few steps are drawn as they are. More than there are columns are put into columns: the band reaches from the least to
the greatest power in each, and the line is the mean that keeps the energy.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from wattstar.errors import VerificationFailed
from wattstar.types import Method, Record, Stage, Timeline, Window

COLUMNS = 800
"""Width of a drawing, whatever that is on a screen, in units of its own."""
HIGH = 100.0
"""Of a drawing, in units of its own."""
Step = tuple[int, int, float]
"""Begin and end, nanoseconds, and watts between."""
LIMIT_SHOWN = 1.6
"""A device's limit is drawn where it is at most so many times what it drew."""


@dataclass(frozen=True)
class Column:
    """Watts in one column."""

    least: float
    mean: float
    most: float


@dataclass(frozen=True)
class Tick:
    """A value on an axis, and where: per cent of its length."""

    at: float
    value: float


@dataclass(frozen=True)
class Span:
    """From one moment to another, in per cent of the width."""

    name: str
    begin: float
    width: float

    @property
    def middle(self) -> float:
        """For a word in it."""
        return round(self.begin + self.width / 2, 2)


@dataclass(frozen=True)
class Trace:
    """One domain, read by one meter."""

    domain: str
    meter: str
    method: Method
    steps: int
    """So many readings are in it."""
    band: str
    """Path data: between the least and the greatest power of each column; empty where each step is drawn by itself."""
    line: str
    """Path data: the power of each step, or the mean of each column."""
    ticks: tuple[Tick, ...]
    limit: float | None
    """Per cent of the height: the most that the device may draw; None: unknown, or far above."""
    mean: float
    """Watts, over the drawing."""
    most: float
    """Watts, the greatest between two stamps."""


@dataclass(frozen=True)
class Chart:
    """Some time of a run."""

    seconds: float
    ticks: tuple[Tick, ...]
    traces: tuple[Trace, ...]
    passes: tuple[Span, ...]
    stages: tuple[Span, ...]


def whole(record: Record, timelines: Sequence[Timeline]) -> Chart | None:
    """All of the run; None where no meter spoke twice."""
    moments = [moment for line in timelines if len(line.times) > 1 for moment in (line.times[0], line.times[-1])]
    return chart(record, timelines, Window(min(moments), max(moments))) if moments else None


def chart(record: Record, timelines: Sequence[Timeline], window: Window) -> Chart | None:
    """What lies in the window; None where nothing does. ``VerificationFailed`` where a timeline is none."""
    traces = [trace for line in timelines if window.begin < window.end and (trace := _trace(line, window))]
    if not traces:
        return None
    passes = [
        Span(str(counted.index + 1), *_place(part, window))
        for counted in record.passes
        for part in counted.windows or (counted.window,)
        if _inside(part, window)
    ]
    stages = [Span(_name(stage), *_place(stage.window, window)) for stage in record.stages]
    shown = tuple(span for span, stage in zip(stages, record.stages, strict=True) if _inside(stage.window, window))
    seconds = (window.end - window.begin) / 1e9
    ticks = tuple(Tick(_per_cent(value / seconds), value) for value in steps(seconds, 6))
    return Chart(seconds, ticks, tuple(traces), tuple(passes), shown)


def _name(stage: Stage) -> str:
    return stage.name.replace("_", " ")


def _inside(part: Window, window: Window) -> bool:
    return part.begin < window.end and part.end > window.begin


def _place(part: Window, window: Window) -> tuple[float, float]:
    """Where it begins and how wide it is, in per cent; what lies outside is cut off."""
    long = window.end - window.begin
    begin = max(0.0, (part.begin - window.begin) / long)
    end = min(1.0, (part.end - window.begin) / long)
    return _per_cent(begin), _per_cent(max(0.0, end - begin))


def _per_cent(share: float) -> float:
    return round(100 * share, 2)


def steps(most: float, wanted: int) -> list[float]:
    """0 and round values up to ``most``, about so many."""
    rough = most / wanted
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(size * power for size in (1, 2, 2.5, 5, 10) if size * power >= rough * (1 - 1e-9))
    return [round(number * step, 9) for number in range(int(most / step + 1e-9) + 1)]


def _trace(line: Timeline, window: Window) -> Trace | None:
    found = list(_steps(line, window))
    if not found:
        return None
    most = max(watts for _, _, watts in found)
    ticks = steps(most * 1.04 or 1.0, 2)
    top = max(most * 1.04, ticks[-1]) or 1.0
    limit = line.most_watts if line.most_watts and line.most_watts <= LIMIT_SHOWN * most else None
    top = max(top, (limit or 0.0) * 1.02)
    inside = [(min(end, window.end) - max(begin, window.begin), watts) for begin, end, watts in found]
    return Trace(
        domain=line.domain,
        meter=line.meter,
        method=line.method,
        steps=len(found),
        **_drawn(found, window, top),
        ticks=tuple(Tick(_height(value, top), value) for value in ticks),
        limit=None if limit is None else _height(limit, top),
        mean=sum(span * watts for span, watts in inside) / sum(span for span, _ in inside),
        most=most,
    )


def _steps(line: Timeline, window: Window) -> Iterator[Step]:
    """Begin, end, watts between two stamps that touch the window; a counter's lateness taken off."""
    late = round(line.lag.mid * 1e9) if line.lag else 0
    for (begin, less), (end, more) in pairwise(zip(line.times, line.joules, strict=True)):
        watts = (more - less) / (end - begin) * 1e9 if end > begin else math.nan
        if not 0 <= watts < 1e9:
            raise VerificationFailed(f"The timeline of {line.domain} holds what no meter can have said.")
        if end - late > window.begin and begin - late < window.end:
            yield begin - late, end - late, watts


def binned(found: Sequence[Step], window: Window, count: int = COLUMNS) -> list[Column | None]:
    """Steps (begin, end, watts; in order) → columns; None where no step reaches."""
    wide = (window.end - window.begin) / count
    made: list[Column | None] = [None] * count
    energy, time = [0.0] * count, [0.0] * count
    for begin, end, watts in found:
        first = max(0, int((begin - window.begin) / wide))
        last = min(count - 1, math.ceil((end - window.begin) / wide) - 1)
        for place in range(first, last + 1):
            left = window.begin + place * wide
            part = min(end, left + wide) - max(begin, left)
            if part <= 0:
                continue
            energy[place] += part * watts
            time[place] += part
            old = made[place]
            made[place] = Column(min(old.least, watts) if old else watts, energy[place] / time[place],
                                 max(old.most, watts) if old else watts)  # fmt: skip
    return made


def _height(watts: float, top: float) -> float:
    """From above, as drawings are."""
    return round(HIGH * (1 - watts / top), 1)


def _drawn(found: Sequence[Step], window: Window, top: float) -> dict[str, str]:
    """Line and band."""
    if len(found) <= COLUMNS:
        return {"line": _exact(found, window, top), "band": ""}
    runs = list(_runs(binned(found, window)))
    return {
        "line": "".join(_along([(place, _height(each.mean, top)) for place, each in run]) for run in runs),
        "band": "".join(_band(run, top) for run in runs),
    }


def _exact(found: Sequence[Step], window: Window, top: float) -> str:
    """A staircase of all steps; broken where one does not begin with the end of the one before."""
    scale, made, last = COLUMNS / (window.end - window.begin), [], None
    for begin, end, watts in found:
        height = _height(watts, top)
        if begin != last:
            made.append(f"M{max(0.0, (begin - window.begin) * scale):.1f} {height:g}")
        made.append(f"V{height:g}H{min(float(COLUMNS), (end - window.begin) * scale):.1f}")
        last = end
    return "".join(made)


def _runs(columns: Sequence[Column | None]) -> Iterator[list[tuple[int, Column]]]:
    """Columns that hold something, without a hole between them."""
    run: list[tuple[int, Column]] = []
    for place, column in enumerate([*columns, None]):
        if column is not None:
            run.append((place, column))
        elif run:
            yield run
            run = []


def _band(run: Sequence[tuple[int, Column]], top: float) -> str:
    above = _along([(place, _height(each.most, top)) for place, each in run])
    below = _along([(place, _height(each.least, top)) for place, each in reversed(run)], back=True)
    return f"{above}{below}Z"


def _along(points: Sequence[tuple[int, float]], *, back: bool = False) -> str:
    """A staircase, a corner only where the height changes; ``back``: from right to left, to go on from another one."""
    first, height = points[0]
    made = [f"V{height:g}"] if back else [f"M{first} {height:g}"]
    for place, other in points[1:]:
        if other != height:
            made.append(f"H{place + back}V{other:g}")
            height = other
    made.append(f"H{points[-1][0] + (not back)}")
    return "".join(made)
