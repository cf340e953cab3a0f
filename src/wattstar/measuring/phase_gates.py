"""What needs saying of phases: those that are not known, and a share that serving the first phase alone denies."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from wattstar.measuring.timeline import best
from wattstar.types import Finding, Interval, Mark, Pass, PhaseEnergy, Severity, Stage

FIRST = "first_phase"
"""The stage in which the first phase is served alone."""
MOST_DISAGREEMENT = 0.10


def unknown(passes: Sequence[Pass], names: Sequence[str], found: Sequence[PhaseEnergy]) -> list[Finding]:
    """A phase that cannot be told apart is said to be unknown."""
    domains = sorted({reading.domain for counted in passes for reading in counted.energy})
    known = {(each.domain, each.name) for each in found}
    absent = [name for name in names if any((domain, name) not in known for domain in domains)]
    where = [domain for domain in domains if any((domain, name) not in known for name in names)]
    if not absent:
        return []
    message = f"no energy of its own for: {', '.join(absent)} (in what {', '.join(where)} read)"
    return [Finding("phases", Severity.NOTE, message)]


def unconfirmed(found: Sequence[PhaseEnergy], name: str, alone: Mapping[str, Interval]) -> list[Finding]:
    """The first phase's share is confirmed by serving it alone (domain → watts): 10 %, beyond both intervals."""
    findings = []
    for each in (each for each in found if each.name == name and each.domain in alone):
        other = alone[each.domain]
        if _apart(each.watts, other) > MOST_DISAGREEMENT * other.mid and each.watts.high and each.wh_per_1000.high:
            served = other.mid * each.wh_per_1000.high / each.watts.high
            numbers = f"{each.wh_per_1000.mid:.3g} Wh per 1,000 queries as its share, {served:.3g} when served alone"
            findings.append(Finding("first phase", Severity.NOTE, f"{each.domain}: {name} took {numbers}"))
    return findings


def _apart(one: Interval, other: Interval) -> float:
    """How far the mids are apart beyond what both intervals leave open; below 0 where they leave all open."""
    lower, upper = sorted((one, other), key=lambda interval: interval.mid)
    if lower.high is None or upper.low is None:
        return -math.inf
    return upper.mid - lower.mid - (lower.high - lower.mid) - (upper.mid - upper.low)


def alone(stages: Sequence[Stage], marks: Sequence[Mark]) -> dict[str, Interval]:
    """Watts of each domain while the first phase was served alone; empty where it was not.

    What lies between two batches is not of the phase, and what it took is not known: from nothing to its part.
    """
    stage = next((stage for stage in stages if stage.name == FIRST), None)
    if stage is None:
        return {}
    inside = [mark for mark in marks if stage.window.begin <= mark.time <= stage.window.end]
    begins, ends = ([mark.time for mark in inside if mark.name == name] for name in ("batch", "batch_end"))
    if not begins or len(begins) != len(ends):
        return {}
    served, whole = (sum(ends) - sum(begins)) / 1e9, (stage.window.end - stage.window.begin) / 1e9
    return {
        reading.domain: Interval(
            max(reading.joules - reading.bound, 0.0) / whole,
            reading.joules / whole,
            (reading.joules + reading.bound) / served,
        )
        for reading in best(stage.energy)
        if served
    }
