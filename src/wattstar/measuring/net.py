"""Net energy: what a query takes above a machine on which the model lies loaded and nothing is asked.

With P the mean power at rest, before and after the passes alike, and t the seconds of a query,

    net = gross − P·t,     half width = √(h² + (u·t)²)

h is Student's half width of the net energies of the passes, P taken as known. u is P's own uncertainty:
√(((P₂ − P₁)/2)² + (b₁² + b₂²)/4): however the power at rest went from P₁ to P₂ meanwhile, it was half their difference
away from the middle at most; b₁ and b₂ are the bounds of both readings, over their seconds.

Gross is what is rated. Net hides what a slow model costs while it is waited for, and depends on the driver's mood.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from wattstar.measuring.figures import JOULES_PER_WATT_HOUR, mean_interval, parts_of, per_query
from wattstar.types import Boundary, Figure, Finding, Interval, Pass, Severity, Stage, Window

IDLE = ("idle_before", "idle_after")
MOST_DRIFT = 0.05
LEAST_SECONDS = 30.0


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


def with_net(made: Sequence[Figure], passes: Sequence[Pass], stages: Sequence[Stage]) -> tuple[Figure, ...]:
    """The figures with their net beside gross, where it is known."""
    return tuple(replace(figure, net_wh_per_1000=_net_or_none(figure, passes, stages)) for figure in made)


def findings(
    made: Sequence[Figure], rated: Boundary | None, passes: Sequence[Pass], stages: Sequence[Stage]
) -> list[Finding]:
    """Why the rated figure has no net though the machine was left alone, or what it is worth; notes, as gross stands.

    Other boundaries often have none: a processor that only feeds a GPU may draw what it draws at rest.
    """
    figure = next((figure for figure in made if figure.boundary is rated), None)
    try:
        above = _net(figure, passes, stages) if figure else None
    except Void as void:
        return [Finding("net", Severity.NOTE, f"there is no net figure: {void}")]
    shortest = min((_seconds(stage.window) for stage in stages if stage.name in IDLE), default=0.0)
    if above is None or shortest >= LEAST_SECONDS:
        return []
    message = f"net is told from {shortest:.3g} s at rest; the standard is {LEAST_SECONDS:g} s"
    return [Finding("net", Severity.NOTE, message)]


def rest(boundary: Boundary, passes: Sequence[Pass], stages: Sequence[Stage]) -> Rest | None:
    """Power with the model loaded and nothing asked, before and after, by the meters that read the passes.

    None where the machine was not left alone, or only an estimate would tell: it knows nothing of a machine at rest.
    """
    idle = {stage.name: stage for stage in stages if stage.name in IDLE}
    found = [parts_of(boundary, idle[name]) for name in IDLE if name in idle]
    busy = parts_of(boundary, passes[0]) if passes else None
    if busy is None or len(found) < len(IDLE):
        return None
    meters = {(reading.domain, reading.meter) for reading in busy}
    watts, bounds = [], []
    for stage, energy in zip((idle[name] for name in IDLE), found, strict=True):
        if energy is None or {(reading.domain, reading.meter) for reading in energy} != meters:
            return None
        if any(reading.plausible_factor for reading in energy):
            return None
        seconds = _seconds(stage.window)
        watts.append(sum(reading.joules for reading in energy) / seconds)
        bounds.append(sum(reading.bound for reading in energy) / seconds)
    return Rest(watts[0], watts[1], math.hypot(*bounds) / 2)


def _net_or_none(figure: Figure, passes: Sequence[Pass], stages: Sequence[Stage]) -> Interval | None:
    try:
        return _net(figure, passes, stages)
    except Void:
        return None


def _net(figure: Figure, passes: Sequence[Pass], stages: Sequence[Stage]) -> Interval | None:
    """Watt-hours per 1,000 queries; None where nothing was asked of rest or can be known, ``Void`` where it failed."""
    resting = rest(figure.boundary, passes, stages)
    if figure.plausible is not None or resting is None:
        return None
    if abs(resting.drift) > MOST_DRIFT:
        raise Void(f"power at rest drifted from {resting.before:.3g} to {resting.after:.3g} W, over {MOST_DRIFT:.0%}")
    scale = 1000.0 / JOULES_PER_WATT_HOUR
    seconds = [_seconds(*(counted.windows or [counted.window])) / counted.queries for counted in passes]
    gross = [per_query(counted, figure.boundary) for counted in passes]
    above = mean_interval([(g - resting.watts * t) * scale for g, t in zip(gross, seconds, strict=True)])
    if above.high is None:
        if above.mid <= 0:
            raise Void("it takes no more than the machine at rest")
        return above
    half = math.hypot(above.high - above.mid, resting.uncertainty * fmean(seconds) * scale)
    if above.mid - half <= 0:
        raise Void(f"{above.mid:.3g} ± {half:.3g} Wh per 1,000 queries above rest may be nothing")
    return Interval(above.mid - half, above.mid, above.mid + half)


def _seconds(*windows: Window) -> float:
    return sum(window.end - window.begin for window in windows) / 1e9
