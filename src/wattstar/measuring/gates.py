"""What makes a record invalid or needs saying: small pure functions, each with its reason."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations

from wattstar.measuring import plausible, timeline
from wattstar.measuring.figures import per_query, per_query_of_blocks
from wattstar.measuring.series import drift, hangs_together
from wattstar.measuring.spoilers import busy
from wattstar.measuring.steady import MOST_DRIFT, line
from wattstar.measuring.surroundings import Neighbour
from wattstar.records.intervals import STUDENT_T_995, student
from wattstar.types import (
    Boundary,
    Figure,
    Finding,
    Mark,
    Method,
    Observation,
    Pass,
    Reading,
    Sampling,
    Severity,
    Timeline,
    WarmUp,
    Window,
)

MOST_DISAGREEMENT = 0.05
MOST_SCATTER = 0.10
LEAST_FOR_TREND = 4
LEAST_DRIFT = 0.01


def unreadable_samples(sentences: Sequence[str], asked: int) -> list[Finding]:
    """Every sample that was asked must have been served."""
    if not sentences:
        return []
    listed = "; ".join(sentences)
    message = f"{len(sentences)} of {asked} samples could not be decoded and were not served: {listed}"
    return [Finding("samples", Severity.INVALID, message)]


def readings(passes: Sequence[Pass]) -> list[Finding]:
    """A reading is a positive, finite number."""
    return [
        Finding("reading", Severity.INVALID, f"pass {counted.index}: {reading.domain} read {reading.joules} J")
        for counted in passes
        for reading in counted.energy
        if not (math.isfinite(reading.joules) and reading.joules > 0)
    ]


def drawn(energy: Sequence[Reading], windows: Sequence[Window], timelines: Sequence[Timeline]) -> list[Finding]:
    """No device draws more than its limit, with something to spare for the limit's own regulation."""
    limits = {(line.meter, line.domain): line.most_watts for line in timelines}
    seconds = sum(window.end - window.begin for window in windows) / 1e9
    return [
        Finding("limit", Severity.INVALID, f"{reading.domain} drew {watts:.0f} W of {most:.0f} W")
        for reading in energy
        if (most := limits.get((reading.meter, reading.domain))) is not None
        and (watts := (reading.joules - reading.bound) / seconds) > timeline.OVER_THE_LIMIT * most
    ]


def limits(passes: Sequence[Pass], timelines: Sequence[Timeline]) -> list[Finding]:
    """The same of every pass."""
    return [
        Finding(found.gate, found.severity, f"pass {counted.index}: {found.message}")
        for counted in passes
        for found in drawn(counted.energy, counted.windows or [counted.window], timelines)
    ]


def jumps(timelines: Sequence[Timeline], windows: Sequence[Window]) -> list[Finding]:
    """A counter moves no further in a step than its device can draw."""
    return [
        Finding("jump", Severity.INVALID, f"{line.domain}: the counter of {line.meter} jumped")
        for line in timelines
        if any(timeline.jumps(line, window) for window in windows)
    ]


def falls(timelines: Sequence[Timeline], windows: Sequence[Window]) -> list[Finding]:
    """A total never falls: what was drawn before a counter began anew would be missing."""
    return [
        Finding("fall", Severity.INVALID, f"{line.domain}: the total of {line.meter} fell by {joules:.3g} J")
        for line in timelines
        if (joules := max((plausible.falls(line, window) or 0.0 for window in windows), default=0.0))
    ]


def steady_work(timelines: Sequence[Timeline], windows: Sequence[Window]) -> list[Finding]:
    """While a device is busy its counter neither stands still nor leaps."""
    found = []
    for each in timelines:
        seconds = max((plausible.stands_still(each, window) or 0.0 for window in windows), default=0.0)
        watts = max((plausible.leaps(each, window) or 0.0 for window in windows), default=0.0)
        if seconds:
            message = f"{each.domain}: the counter of {each.meter} stood still for {seconds:.1f} s of busy time"
            found.append(Finding("stuck", Severity.INVALID, message))
        if watts:
            message = f"{each.domain}: {each.meter} leapt, by {watts:.3g} W in one step"
            found.append(Finding("jump", Severity.INVALID, message))
    return found


def stalls(marks: Sequence[Mark]) -> list[Finding]:
    """A process that is stopped or starved in the middle of a pass is charged with rest as if it were work."""
    return [
        Finding("stall", Severity.NOTE, f"pass {index}: held up for {seconds:.1f} s: was the process stopped?")
        for index, seconds in sorted(plausible.stalls(marks).items())
    ]


def cross_check(energies: Sequence[Sequence[Reading]]) -> list[Finding]:
    """Two measuring meters of one domain agree, over all windows together, within 5 % beyond both their bounds."""
    found: dict[tuple[str, str], tuple[float, float]] = {}
    for reading in (reading for energy in energies for reading in energy if reading.method != Method.MODELLED):
        joules, bound = found.get((reading.domain, reading.meter), (0.0, 0.0))
        found[reading.domain, reading.meter] = (joules + reading.joules, bound + reading.bound)
    return [
        Finding("cross-check", Severity.INVALID, f"{domain}: {one} read {a[0]:.1f} J, {other} {b[0]:.1f} J")
        for ((domain, one), a), ((elsewhere, other), b) in combinations(sorted(found.items()), 2)
        if domain == elsewhere and abs(a[0] - b[0]) > MOST_DISAGREEMENT * max(a[0], b[0]) + a[1] + b[1]
    ]


def states(seen: Sequence[Observation], windows: Sequence[Window]) -> list[Finding]:
    """While it is measured a device is not slowed down, keeps its power limit, and works for nobody else.

    Where nothing was seen inside a window, what was seen last before it holds.
    """
    inside = [o for window in windows for o in _holding(seen, window)]
    slowed = {o.domain for o in inside if o.name == "slowdown" and o.value}
    shared = {o.domain for o in inside if o.name == "foreign_processes" and o.value}
    limits: dict[str, set[float]] = {}
    for o in seen:
        if o.name == "power_limit_watts":
            limits.setdefault(o.domain, set()).add(o.value)
    changed = {domain: values for domain, values in limits.items() if len(values) > 1}
    return [
        *(
            Finding("slowdown", Severity.INVALID, f"{domain} was slowed down by heat or its supply")
            for domain in slowed
        ),
        *(Finding("foreign load", Severity.INVALID, f"{domain} also worked for other processes") for domain in shared),
        *(
            Finding(
                "power limit", Severity.INVALID, f"{domain}: the limit changed, {min(values):g} … {max(values):g} W"
            )
            for domain, values in changed.items()
        ),
    ]


def _holding(seen: Sequence[Observation], window: Window) -> list[Observation]:
    inside = [o for o in seen if window.begin <= o.time <= window.end]
    known = {(o.domain, o.name) for o in inside}
    before = {(o.domain, o.name): o for o in sorted(seen, key=lambda o: o.time) if o.time < window.begin}
    return [*inside, *(o for key, o in before.items() if key not in known)]


def gaps(sampling: Sampling | None, windows: Sequence[Window]) -> list[Finding]:
    """The meters are read without long pauses: what happened in one is known as a sum only."""
    too_long = sampling.too_long if sampling else ()
    inside = [gap for gap in too_long if any(w.begin < gap.window.end and gap.window.begin < w.end for w in windows)]
    worst: dict[str, float] = {}
    for gap in inside:
        worst[gap.meter] = max(worst.get(gap.meter, 0.0), (gap.window.end - gap.window.begin) / 1e9)
    return [
        Finding(
            "gap", Severity.NOTE, f"{meter} was not read for {seconds:.1f} s: was the machine overloaded or asleep?"
        )
        for meter, seconds in worst.items()
    ]


def caveats(energy: Sequence[Reading], known: Mapping[tuple[str, str], str]) -> list[Finding]:
    """What no bound of these readings contains; ``known``: (meter, domain) → a sentence."""
    found = [(reading.domain, known.get((reading.meter, reading.domain))) for reading in energy]
    return [Finding("sensor", Severity.NOTE, f"{domain}: {words}") for domain, words in found if words]


def left_out(sentences: Sequence[str]) -> list[Finding]:
    """What is on the machine and could not be read: an estimate in its place is no silent one."""
    return [Finding("not read", Severity.NOTE, sentence) for sentence in sentences]


def warm_up(found: WarmUp | None) -> list[Finding]:
    """Time and power had stopped drifting when counting began."""
    if found is None or found.steady:
        return []
    drift = "too few rounds to tell" if found.drift is None else f"still {found.drift:+.1%} over the last rounds"
    message = (
        f"not steady after {found.seconds:.0f} s ({drift}, {MOST_DRIFT:.0%} is allowed); a longer --warm-up-seconds"
    )
    return [Finding("warm-up", Severity.NOTE, message)]


def trend(passes: Sequence[Pass], rated: Boundary | None) -> list[Finding]:
    """Energy does not drift from pass to pass: a line through them is not steeper than chance (t test, 1 %).

    The blocks tell what chance is, where there are blocks: a line through four passes has two degrees of freedom.
    """
    if rated is None or len(passes) < LEAST_FOR_TREND:
        return []
    found = drift(per_query_of_blocks(passes, rated))
    if found is None:
        values = [per_query(counted, rated) for counted in passes]
        drifted, error = line(values)
        found = drifted, student(len(values) - 2, STUDENT_T_995) * error
    if abs(found[0]) < LEAST_DRIFT or abs(found[0]) <= found[1]:
        return []
    return [Finding("trend", Severity.NOTE, f"energy drifted by {found[0]:+.1%} from the first pass to the last")]


def correlation(passes: Sequence[Pass], rated: Boundary | None) -> list[Finding]:
    """What happens in one part of a pass does not last into the next: their mean would scatter more than they show."""
    if rated is None or len(passes) < LEAST_FOR_TREND:
        return []
    phi = hangs_together(per_query_of_blocks(passes, rated))
    if phi is None:
        return []
    message = (
        f"parts of a pass are like the next (correlation {phi:.2f}): the interval is widened, and may still be narrow"
    )
    return [Finding("correlation", Severity.NOTE, message)]


def replaced(timelines: Sequence[Timeline], energy: Sequence[Reading]) -> list[Finding]:
    """Where one of two meters of a domain was not read all through, it is said that the other speaks alone."""
    speak = {(reading.domain, reading.meter) for reading in energy}
    return [
        Finding("coverage", Severity.NOTE, f"{line.domain}: {line.meter} was not read from begin to end (stuck?)")
        for line in timelines
        if (line.domain, line.meter) not in speak
    ]


def coverage(late: Sequence[tuple[int, str]]) -> list[Finding]:
    """Every meter must speak before a pass begins and until it has ended."""
    return [
        Finding("coverage", Severity.INVALID, f"pass {index}: {domain} was not read from begin to end (stuck?)")
        for index, domain in late
    ]


def figure(passes: Sequence[Pass], rated: Boundary | None) -> list[Finding]:
    """There must be a boundary to rate."""
    if passes and rated is None:
        domains = sorted({reading.domain for counted in passes for reading in counted.energy})
        message = f"no boundary is complete: only {', '.join(domains) or 'nothing'} was read in every pass"
        return [Finding("boundary", Severity.INVALID, message)]
    return []


def neighbours(passes: Sequence[Pass], named: Sequence[Neighbour] = ()) -> list[Finding]:
    """Others on the machine change what is measured; ``named``: the busiest, the busiest first."""
    shares = [counted.foreign_cpu for counted in passes if counted.foreign_cpu is not None]
    return busy(max(shares, default=None), named)


def scatter(made: Sequence[Figure], rated: Boundary | None) -> list[Finding]:
    """A wide interval is a valid outcome, and is said."""
    interval = next((figure.wh_per_1000 for figure in made if figure.boundary is rated), None)
    if interval is None:
        return []
    if interval.high is None:
        return [Finding("scatter", Severity.NOTE, "one pass tells nothing about repeatability")]
    share = (interval.high - interval.mid) / interval.mid
    if share <= MOST_SCATTER:
        return []
    return [
        Finding("scatter", Severity.NOTE, f"the passes scatter: ± {share:.0%}; take a quieter machine or more --passes")
    ]
