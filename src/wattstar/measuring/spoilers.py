"""What in the room spoils a measurement or needs saying: pure functions of what ``measuring.room`` has read.

A severity follows one question: is the number still that of this model on this machine? Where conditions *changed* or
something else than the model set the time, it is not: invalid. Where they were unusual, but alike from begin to end,
the joules are true and hold for these conditions: a note.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from statistics import median

from wattstar.measuring.room import MACHINE, Around
from wattstar.measuring.surroundings import BUSY, Neighbour
from wattstar.types import Finding, Observation, Severity, Window

NAMED = 3
MOST_THROTTLED = 0.01
"""Share of the passes' time; as much as the error that is asked for."""
MOST_STALLED = 0.05
"""Share of the passes' time, as for other disagreements."""
MOST_CLOCK_CHANGE = 0.05
"""Between passes. A clock that follows temperature wanders by 1 or 2 %."""
LEAST_CLOCKS = 3
"""Readings in a pass from which its clock is told."""
LEAST_SWAPPED = 1e6
"""Bytes."""
CLOCKS = {"sm_clock_mhz": "clock", "cpu_clock_mhz": "CPU clock"}
CHANGES = {"governor": "the frequency governor", "turbo": "turbo", "power": "the power supply"}
"""What must be alike before and after, and how it is called."""


def spoilers(around: Around, seen: Sequence[Observation], windows: Sequence[Window], cpu_serves: bool) -> list[Finding]:
    """All but the neighbours; ``seen``: during the passes; ``cpu_serves``: the CPU does the work that is rated."""
    return [
        *conditions(around.before),
        *changed(around),
        *throttled(seen, windows, cpu_serves),
        *hot(seen, windows),
        *clocks(seen, windows),
        *swapped(seen, windows),
        *stalled(seen, windows),
    ]


def conditions(state: Mapping[str, str]) -> list[Finding]:
    """Under which the machine works, said once.

    A note each. On battery, and under a governor that saves power, clocks are lower or follow the load: another
    operating point, whose joules are true.
    """
    found = []
    governor = state.get("governor", "performance")
    if governor != "performance":
        cure = "sudo cpupower frequency-set -g performance"
        found.append(_note("governor", f"the CPU's clock follows its load (governor {governor}); {cure}"))
    if state.get("power") == "battery":
        found.append(_note("battery", "the machine ran on battery, which often holds clocks down; plug it in"))
    if float(state.get("memory_stalled_percent", 0)) > 100 * MOST_STALLED:
        found.append(_note("memory", "the machine was waiting for memory before the job began; stop what fills it"))
    return found


def busy(share: float | None, named: Sequence[Neighbour], when: str = "during a pass") -> list[Finding]:
    """Others used so great a share of all cores; ``named``: the busiest of them, if they can be seen.

    A note: they take caches, clocks and half-cores. What of it is in the energy cannot be told, and the interval of
    the passes shows it only where it came and went.
    """
    if share is None or share <= BUSY:
        return []
    who = ", ".join(map(str, named[:NAMED])) or "none that can be seen from here"
    message = f"others used up to {share:.0%} of the machine's CPU cores {when}: {who}; stop them, or come later"
    return [_note("neighbours", message)]


def changed(around: Around) -> list[Finding]:
    """What changed while the job ran: its passes were not measured under one condition. Invalid, as a power limit's."""
    before, after = around.before, around.after
    return [
        Finding("conditions", Severity.INVALID, f"{words} changed from {before[name]} to {after[name]}")
        for name, words in CHANGES.items()
        if name in before and name in after and before[name] != after[name]
    ]


def throttled(seen: Sequence[Observation], windows: Sequence[Window], cpu_serves: bool) -> list[Finding]:
    """Heat slowed the CPU down.

    Invalid where the CPU does the work and that took more than 1 % of the time, or a time that the system does not
    tell, as a GPU's slowdown is; else a note: many laptops do it for a millisecond now and then.
    """
    times = _grown(seen, windows, "cpu_throttled_count")
    if not times:
        return []
    seconds = _grown(seen, windows, "cpu_throttled_seconds")
    share = None if seconds is None else seconds / _seconds(windows)
    severity = Severity.INVALID if cpu_serves and (share is None or share > MOST_THROTTLED) else Severity.NOTE
    how_long = f"its counters grew by {times:.0f}" if share is None else f"{share:.1%} of the time"
    return [Finding("slowdown", severity, f"heat slowed the CPU down ({how_long}); cool it")]


def hot(seen: Sequence[Observation], windows: Sequence[Window]) -> list[Finding]:
    """The CPU was as hot as its maker allows. A note: what that does to its clock is seen by the other gates."""
    inside = _inside(seen, windows, "cpu_degrees_to_spare")
    if not inside or min(o.value for o in inside) > 0:
        return []
    return [_note("temperature", "the CPU was as hot as its maker allows; cool it")]


def clocks(seen: Sequence[Observation], windows: Sequence[Window]) -> list[Finding]:
    """A device's clock, as the median of each pass, differs by more than 5 % between passes.

    A note: what it does to the energy is in the interval already.
    """
    found = []
    for (domain, name), group in groupby(sorted(seen, key=_source), key=_source):
        if name not in CLOCKS:
            continue
        observed = list(group)
        each = [[o.value for o in _inside(observed, [window], name)] for window in windows]
        values = [median(readings) for readings in each if len(readings) >= LEAST_CLOCKS]
        if values and max(values) > (1 + MOST_CLOCK_CHANGE) * min(values):
            who = "the" if domain == MACHINE else f"{domain}: the"
            message = f"{who} {CLOCKS[name]} was {min(values):.0f} … {max(values):.0f} MHz from pass to pass"
            found.append(_note("clock", message))
    return found


def swapped(seen: Sequence[Observation], windows: Sequence[Window]) -> list[Finding]:
    """Memory was written to a disk or read back: by whom is not known, so a note. Whether it cost time, PSI tells."""
    size = _grown(seen, windows, "swapped_bytes")
    if size is None or size < LEAST_SWAPPED:
        return []
    return [
        _note("swap", f"{size / 1e6:.0f} MB were swapped during the passes; a smaller model, or stop what fills it")
    ]


def stalled(seen: Sequence[Observation], windows: Sequence[Window]) -> list[Finding]:
    """Everything that could run, the worker included, waited for memory (Linux' pressure stall information, ``full``).

    Invalid over 5 % of the time: the figure would be that of a disk, not of the model.
    """
    seconds = _grown(seen, windows, "memory_stalled_seconds")
    if seconds is None or seconds <= MOST_STALLED * _seconds(windows):
        return []
    share = seconds / _seconds(windows)
    return [
        Finding("memory", Severity.INVALID, f"the machine waited for memory {share:.0%} of the time; a smaller model")
    ]


def _source(observation: Observation) -> tuple[str, str]:
    return observation.domain, observation.name


def _inside(seen: Sequence[Observation], windows: Sequence[Window], name: str) -> list[Observation]:
    return [o for o in seen if o.name == name and any(window.begin <= o.time <= window.end for window in windows)]


def _grown(seen: Sequence[Observation], windows: Sequence[Window], name: str) -> float | None:
    """By how much a total grew in all windows together; None where it was not read."""
    each = [[o.value for o in _inside(seen, [window], name)] for window in windows]
    if not any(each):
        return None
    return sum(values[-1] - values[0] for values in each if values)


def _seconds(windows: Sequence[Window]) -> float:
    return sum(window.end - window.begin for window in windows) / 1e9


def _note(gate: str, message: str) -> Finding:
    return Finding(gate, Severity.NOTE, message)
