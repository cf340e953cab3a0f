"""Net energy: what a query takes above a machine on which the model lies loaded and nothing is asked.

With P the mean power at rest, before and after the passes alike, and t the seconds of a query,

    net = gross − P·t,     half width = √(h² + (u·t)²)

h is the half width of gross. u is P's own uncertainty:
√(((P₂ − P₁)/2)² + (b₁² + b₂²)/4): however the power at rest went from P₁ to P₂ meanwhile, it was half their difference
away from the middle at most; b₁ and b₂ are the bounds of both readings, over their seconds.

Of each rest the first third is left out: a device that has just worked needs some seconds to lower its clocks.

Gross is what is rated. Net hides what a slow model costs while it is waited for, and depends on the driver's mood.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from wattstar.measuring.figures import per_query
from wattstar.measuring.timeline import Domain, readings
from wattstar.types import Boundary, Figure, Finding, Interval, Pass, Severity, Sitting, Stage, Window

IDLE = ("idle_before", "idle_after")
MOST_DRIFT = 0.05
LEAST_SECONDS = 30.0
ROUNDING = 1e-9
"""Of gross: two equal powers differ by less in a computer."""
SETTLING = 1 / 3
"""Of a rest."""


@dataclass(frozen=True)
class Rest:
    """Power at rest on one boundary."""

    before: float
    """Watts."""
    after: float
    bound: float
    """Watts by which their mean may be wrong as far as stamps, steps, lag and quantum go."""

    @property
    def watts(self) -> float:
        """In the middle of both."""
        return (self.before + self.after) / 2

    @property
    def drift(self) -> float:
        """From before to after, as a share."""
        return (self.after - self.before) / self.watts

    @property
    def uncertainty(self) -> float:
        """Of ``watts``."""
        return math.hypot((self.after - self.before) / 2, self.bound)


class Void(Exception):
    """There is no net, and this is why."""


def rests(stages: Sequence[Stage], domains: Sequence[Domain]) -> tuple[Stage, ...]:
    """The settled part of each time of rest, as far as meters and not estimates have read it."""
    windows = {stage.name: _settled(stage.window) for stage in stages if stage.name in IDLE}
    found = {name: readings(domains, [window]) for name, window in windows.items()}
    return tuple(
        Stage(name, windows[name], tuple(reading for reading in energy if not reading.plausible_factor))
        for name, energy in found.items()
    )


def with_net(made: Sequence[Figure], passes: Sequence[Pass], idle: Sequence[Stage]) -> tuple[Figure, ...]:
    """The figures with their net beside gross, where it is known; ``idle``: what ``rests`` has found."""
    return tuple(replace(figure, net_wh_per_1000=_net_or_none(figure, passes, idle)) for figure in made)


def findings(
    made: Sequence[Figure], rated: Boundary | None, passes: Sequence[Pass], idle: Sequence[Stage]
) -> list[Finding]:
    """Why the rated figure has no net though the machine was left alone, or what it is worth; notes, as gross stands.

    Other boundaries often have none: a processor that only feeds a GPU may draw what it draws at rest.
    """
    figure = next((figure for figure in made if figure.boundary is rated), None)
    try:
        above = _net(figure, passes, idle) if figure else None
    except Void as void:
        return [Finding("net", Severity.NOTE, f"there is no net figure: {void}")]
    shortest = min((_seconds(stage.window) for stage in idle), default=0.0) / (1 - SETTLING)
    if above is None or round(shortest, 6) >= LEAST_SECONDS:
        return []
    message = f"net is told from {shortest:.3g} s of idle; the standard is {LEAST_SECONDS:g} s"
    return [Finding("net", Severity.NOTE, message)]


def shared(made: Sequence[Figure], rated: Boundary | None, sitting: Sitting | None) -> list[Finding]:
    """What the rated figure's net is above, where other models lay loaded beside this one."""
    figure = next((figure for figure in made if figure.boundary is rated), None)
    if sitting is None or figure is None or figure.net_wh_per_1000 is None:
        return []
    others = len(sitting.jobs) - 1
    models = f"{others} other model{'s' * (others > 1)}"
    message = f"net is above rest with {models} loaded: measured by itself it may differ"
    return [Finding("net", Severity.NOTE, message)]


def rest(figure: Figure, idle: Sequence[Stage]) -> Rest | None:
    """Power with the model loaded and nothing asked, before and after, as far as the figure reaches.

    None where the machine was not left alone twice, or not read by all the meters that read the passes.
    """
    parts = [[r for r in stage.energy if f"{r.domain} by {r.meter}" in figure.coverage] for stage in idle]
    if len(idle) < len(IDLE) or any(len(energy) < len(figure.coverage) for energy in parts):
        return None
    seconds = [_seconds(stage.window) for stage in idle]
    before, after = (sum(r.joules for r in energy) / t for energy, t in zip(parts, seconds, strict=True))
    bounds = [sum(r.bound for r in energy) / t for energy, t in zip(parts, seconds, strict=True)]
    return Rest(before, after, math.hypot(*bounds) / 2) if min(before, after) > 0 else None


def _net_or_none(figure: Figure, passes: Sequence[Pass], idle: Sequence[Stage]) -> Interval | None:
    try:
        return _net(figure, passes, idle)
    except Void:
        return None


def _net(figure: Figure, passes: Sequence[Pass], idle: Sequence[Stage]) -> Interval | None:
    """Watt-hours per 1,000 queries; None where nothing was asked of rest or can be known, ``Void`` where it failed."""
    resting = rest(figure, idle)
    if figure.plausible is not None or resting is None:
        return None
    if abs(resting.drift) > MOST_DRIFT:
        raise Void(f"power at rest drifted from {resting.before:.3g} to {resting.after:.3g} W, over {MOST_DRIFT:.0%}")
    gross = figure.wh_per_1000
    seconds = fmean(_seconds(*(counted.windows or [counted.window])) / counted.queries for counted in passes)
    # Watt-hours of 1,000 queries at one watt. Where a subset stands for all, its time stands for theirs as its energy.
    per_watt = gross.mid * seconds / fmean(per_query(counted, figure.boundary) for counted in passes)
    mid, unsure = gross.mid - resting.watts * per_watt, resting.uncertainty * per_watt
    low, high = (None if end is None else math.hypot(end - gross.mid, unsure) for end in (gross.low, gross.high))
    if mid - (low or 0.0) <= ROUNDING * gross.mid:
        raise Void(f"{mid:.3g} ± {low or 0.0:.3g} Wh per 1,000 queries above rest may be nothing")
    return Interval(None if low is None else mid - low, mid, None if high is None else mid + high)


def _settled(window: Window) -> Window:
    return Window(window.begin + round((window.end - window.begin) * SETTLING), window.end)


def _seconds(*windows: Window) -> float:
    return sum(window.end - window.begin for window in windows) / 1e9
