"""Reads the simulated device of the fake backend: every joule is known."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from wattstar.types import Affinity, Level, Method, Reader, Scope

requires: tuple[str, ...] = ()
method = Method.COUNTER
plausible_factor: float | None = None
gain: float | None = None
argument: str | None = None
confirmed = True


def affinity() -> Affinity:
    """Always here, for those who ask."""
    return Affinity(Level.ASKED, ("gpu:0", "cpu:0", "dram:0"), "simulated; goes with the backend 'fake' only")


@contextmanager
def reader(scope: Scope) -> Iterator[Reader]:
    """Follow the file that the simulated device writes; each read returns the next change of power."""
    path = Path(scope.folder) / "fake-world.jsonl"
    offset = 0

    def read() -> Mapping[str, tuple[int, float]]:
        nonlocal offset
        if not path.exists():
            return {}
        with path.open(encoding="utf-8") as file:
            file.seek(offset)
            line = file.readline()
        if not line.endswith("\n"):
            return {}
        offset += len(line)
        step = json.loads(line)
        time = step.pop("time")
        return {domain: (time, joules) for domain, joules in step.items()}

    yield Reader(read=read, period=0.0002)
