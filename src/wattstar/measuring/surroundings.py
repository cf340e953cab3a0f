"""What else the machine was doing while a pass was measured."""

from __future__ import annotations

import os
import time
from contextlib import suppress

import psutil

LEAST_SECONDS = 0.2
"""The kernel counts in hundredths of a second; over a shorter time a share would be noise."""


class Neighbours:
    """The CPU time of processes other than the job's own two."""

    def __init__(self, worker: int) -> None:
        """Start now; ``worker``: the process id of the worker."""
        self._worker = worker
        self._began = self._read()

    def share(self) -> float | None:
        """Share of all cores that others used since the start, 0 … 1; None if that is too short ago."""
        seconds, busy, own = (now - then for now, then in zip(self._read(), self._began, strict=True))
        if seconds < LEAST_SECONDS:
            return None
        return min(max((busy - own) / (seconds * (os.cpu_count() or 1)), 0.0), 1.0)

    def _read(self) -> tuple[float, float, float]:
        times = psutil.cpu_times()
        busy = sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0)
        return time.monotonic(), busy, _cpu_seconds(os.getpid()) + _cpu_seconds(self._worker)


def _cpu_seconds(pid: int) -> float:
    """Of the process and of its children that are still there or were waited for."""
    seconds = 0.0
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        seconds += sum(process.cpu_times()[:2])
        if pid != os.getpid():
            seconds += sum(process.cpu_times()[2:4])
            for child in process.children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    seconds += sum(child.cpu_times()[:2])
    return seconds
