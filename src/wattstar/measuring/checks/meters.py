"""What meters said: totals that only grow, by meters that are known, of devices that obey physics."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from wattstar import registry
from wattstar.measuring.attempt import IDLE
from wattstar.measuring.evidence import Evidence
from wattstar.types import Gpu, Method, Timeline, Window

LEAST_OF_IDLE = 0.9
"""Work takes at least what rest takes, less twice what two rests may differ by before net is void (design §6.2)."""


FALLS = "the total falls: negative power"


def timelines(evidence: Evidence) -> Iterator[str]:
    """Stamps strictly increase, totals never fall, and each meter speaks once of a domain."""
    seen = Counter((line.domain, line.meter) for line in evidence.timelines)
    for (domain, meter), count in seen.items():
        if count > 1:
            yield f"{domain} by {meter}: its constants change within the timeline"
        if meter not in evidence.record.job.meters:
            yield f"{domain} by {meter}: the job names no such meter"
    said = any(found.gate == "fall" for found in evidence.record.findings)
    for line in evidence.timelines:
        yield from (
            f"{line.domain} by {line.meter}: {words}" for words in _wrong(line) if not (said and words == FALLS)
        )


def _wrong(line: Timeline) -> Iterator[str]:
    if any(late <= early for early, late in pairwise(line.times)):
        yield "stamps do not increase"
    if any(late < early for early, late in pairwise(line.joules)):
        yield FALLS
    if not all(math.isfinite(value) and value >= 0 for value in line.joules):
        yield "a total is negative or no number"
    if any(gap < 0 for gap in line.gaps):
        yield "a gap is negative"


def methods(evidence: Evidence) -> Iterator[str]:
    """A meter's method is its own, and what is modelled, and nothing else, has a plausible factor."""
    for line in evidence.timelines:
        where = f"{line.domain} by {line.meter}"
        if (line.method is Method.MODELLED) != (line.plausible_factor is not None):
            yield f"{where}: {line.method} with the plausible factor {line.plausible_factor}"
        if line.plausible_factor is not None and not 1 < line.plausible_factor < math.inf:
            yield f"{where}: {line.plausible_factor} is no plausible factor"
        if line.meter.partition("=")[0] not in registry.plug_ins("meters"):
            continue
        meter = registry.meter(line.meter)
        if line.method is not meter.method:
            yield f"{where}: {line.method}, but this meter's readings are {meter.method}"


def limits(evidence: Evidence) -> Iterator[str]:
    """What a device may draw is the same in the timelines, in what the device said, and in the machine."""
    said = {seen.domain: seen.value for seen in reversed(evidence.states) if seen.name == "power_limit_watts"}
    known = {f"gpu:{gpu.index}": gpu for gpu in evidence.record.machine.gpus}
    for line in evidence.timelines:
        if line.most_watts is not None and line.domain in said and said[line.domain] != line.most_watts:
            yield (
                f"{line.domain} by {line.meter}: its timeline says {line.most_watts:g} W may be drawn, "
                f"the device said {said[line.domain]:g} W"
            )
        yield from _not_the_machines(line, known.get(line.domain), line.domain in said)


def _not_the_machines(line: Timeline, gpu: Gpu | None, said: bool) -> Iterator[str]:
    limit = gpu.power_limit_watts if gpu else None
    if said and limit is not None and line.most_watts is not None and limit != line.most_watts:
        yield f"{line.domain}: the machine says {limit:g} W may be drawn, its timeline {line.most_watts:g} W"


def idle(evidence: Evidence) -> Iterator[str]:
    """A pass takes no less than the loaded model takes at rest for as long."""
    at_rest: dict[tuple[str, str], list[float]] = {}
    for stage in evidence.record.stages:
        if stage.name in IDLE:
            for reading in stage.energy:
                watts = (reading.joules - reading.bound) / _seconds(stage.window)
                at_rest.setdefault((reading.domain, reading.meter), []).append(watts)
    for counted in evidence.record.passes:
        seconds = sum(map(_seconds, counted.windows or (counted.window,)))
        for reading in counted.energy:
            rest = seconds * min(at_rest.get((reading.domain, reading.meter), [0.0]))
            if reading.joules + reading.bound < LEAST_OF_IDLE * rest:
                yield (
                    f"pass {counted.index}: {reading.domain} by {reading.meter} took {reading.joules:.4g} J, "
                    f"at rest it takes {rest:.4g} J in that time"
                )


def _seconds(window: Window) -> float:
    return (window.end - window.begin) / 1e9
