"""Lets wattstar's sampler run through all windows of a plan: ``reader.py PLAN OUTPUT``; on the quick clock."""

from __future__ import annotations

import json
import os
import sys
import time
from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from wattstar import registry
from wattstar.measuring.sampler import Sampler
from wattstar.measuring.timeline import Domain
from wattstar.types import ALL_DEVICES, Observation, Scope, Timeline, Window

METERS = ("nvml", "nvml-power", "rapl")
BYTES_OF_A_STAMP = 24
"""Time, joules and gap."""
PATIENCE = 100.0


def main() -> None:
    """Read, look at this process after every window, then work out every window and all of them together."""
    plan, output = json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2])
    windows = [Window(*pair) for pair in plan]
    found: dict[str, Any] = {}
    with Sampler({name: registry.meter(name) for name in METERS}, Scope(os.getpid(), ALL_DEVICES, "")) as sampler:
        sampler.ready(PATIENCE)
        _until(windows[0].begin)
        real, process = time.time(), time.process_time()
        found["before"] = _process()
        found["processes"] = [_after(window) for window in windows]
        found["cpu_seconds"], found["real_seconds"] = time.process_time() - process, time.time() - real
        found["late"] = sampler.cover(windows[-1].end, PATIENCE)
        lines, states = sampler.timelines(), sampler.states()
    found["known_bytes"] = [_known_bytes(lines, states, window.end) for window in windows]
    found["rows"] = [row for line in lines for row in _rows(line, windows)]
    output.write_text(json.dumps(found))


def _rows(line: Timeline, windows: Sequence[Window]) -> list[Any]:
    """(domain, meter, number of the window or −1 for all of them, joules, bound); None where it says nothing."""
    domain, whole = Domain(line), Window(windows[0].begin, windows[-1].end)
    asked = [(-1, whole), *enumerate(windows)]
    readings = [(number, domain.reading([window])) for number, window in asked]
    return [
        (line.domain, line.meter, number, reading and reading.joules, reading and reading.bound)
        for number, reading in readings
    ]


def _known_bytes(lines: Sequence[Timeline], states: Sequence[Observation], moment: int) -> int:
    """What the timelines and the observations of devices must have taken by a moment."""
    stamps = sum(bisect_left(line.times, moment) for line in lines)
    observations = sum(seen.time < moment for seen in states)
    return stamps * BYTES_OF_A_STAMP + observations * (_bytes_of(states[0]) if states else 0)


def _bytes_of(seen: Observation) -> int:
    own = (seen, vars(seen), seen.time, seen.value)
    return sum(map(sys.getsizeof, own)) + 8  # and its place in the list


def _after(window: Window) -> dict[str, int]:
    _until(window.end)
    return _process()


def _process() -> dict[str, int]:
    """Resident bytes, open files and threads."""
    own = Path("/proc/self")
    pages = int((own / "statm").read_text().split()[1])
    return {
        "resident": pages * os.sysconf("SC_PAGE_SIZE"),
        "files": len(list((own / "fd").iterdir())),
        "threads": len(list((own / "task").iterdir())),
    }


def _until(moment: int) -> None:
    while (left := moment - time.monotonic_ns()) > 0:
        time.sleep(left / 1e9)


if __name__ == "__main__":
    main()
