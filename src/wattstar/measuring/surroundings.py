"""What else the machine was doing while a pass was measured, and who did it."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import psutil

LEAST_SECONDS = 0.2
"""The kernel counts in hundredths of a second; over a shorter time a share would be noise."""
BUSY = 0.05
"""Share of all cores that others use: over it the machine is called busy, and they are named."""
LEAST_CORES = 0.02
"""Of one core: who used less is not named."""


@dataclass(frozen=True)
class Neighbour:
    """A process that is none of the job's."""

    name: str
    """Of its program, without its arguments."""
    pid: int
    cores: float
    """So many CPU cores it kept busy, on average."""

    def __str__(self) -> str:
        return f"{self.name} (pid {self.pid}, {self.cores:.2f} cores)"


class Neighbours:
    """The CPU time of processes other than the job's own."""

    def __init__(self, worker: int) -> None:
        """Start now; ``worker``: the process id of the worker."""
        self._worker = worker
        self.restart()
        self._seen = time.monotonic()
        self._processes = _processes()

    def restart(self) -> None:
        """What ``share`` tells begins now."""
        self._began = self._read()

    def share(self) -> float | None:
        """Share of all cores that others used since the start, 0 … 1; None if that is too short ago."""
        seconds, busy, own = (now - then for now, then in zip(self._read(), self._began, strict=True))
        if seconds < LEAST_SECONDS:
            return None
        return min(max((busy - own) / (seconds * (os.cpu_count() or 1)), 0.0), 1.0)

    def named(self) -> tuple[Neighbour, ...]:
        """Those who used most since they were last asked for, the busiest first; costs some 40 µs a process.

        Empty where others cannot be seen, as from inside a container.
        """
        now, every = time.monotonic(), _processes()
        before, seconds = self._processes, now - self._seen
        self._processes, self._seen = every, now
        own = {os.getpid(), self._worker, *_descendants(os.getpid()), *_descendants(self._worker)}
        found = [
            Neighbour(name, pid, (used - before.get(pid, ("", 0.0))[1]) / seconds)
            for pid, (name, used) in every.items()
            if pid not in own
        ]
        return tuple(sorted((one for one in found if one.cores >= LEAST_CORES), key=lambda one: -one.cores))

    def _read(self) -> tuple[float, float, float]:
        times = psutil.cpu_times()
        busy = sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0)
        return time.monotonic(), busy, _cpu_seconds(os.getpid()) + _cpu_seconds(self._worker)


def _processes() -> Mapping[int, tuple[str, float]]:
    """Number → name and CPU seconds so far, of every process that can be seen."""
    found = {}
    for process in psutil.process_iter(["name", "cpu_times"]):
        if times := process.info["cpu_times"]:
            found[process.pid] = process.info["name"], sum(times[:2])
    return found


def _descendants(pid: int) -> set[int]:
    with suppress(psutil.NoSuchProcess):
        return {child.pid for child in psutil.Process(pid).children(recursive=True)}
    return set()


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
