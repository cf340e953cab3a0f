"""Estimates CPU and memory energy from the job's own CPU seconds and memory: a model, never a measurement.

    joules of cpu:0  = CPU seconds of the worker's process tree × WATTS_PER_CORE
    joules of dram:0 = integral of the tree's resident memory × WATTS_PER_GIGABYTE

Only the job's own work is charged, not the machine's load, and nothing for idle cores, fans, disks or losses of the
power supply.

WATTS_PER_CORE: thermal design power over cores, from the vendors' data sheets, lies between 4 and 7: AMD EPYC 7763
280 W / 64 = 4.4, Intel Xeon Platinum 8380 270 W / 40 = 6.8, AMD Ryzen 9 5950X 105 W / 16 = 6.6, Intel Core i7-1185G7
28 W / 4 = 7.0; their mean is 6.2, rounded to 6. A CPU second of a virtual machine is often that of half a core.
WATTS_PER_GIGABYTE: 3 W for a module of 8 GB, the figure that memory vendors give and other tools use.
Both are the reason for a plausible range of ×/÷ 2.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import psutil

from wattstar.types import Affinity, Level, Method, Reader, Scope

requires: tuple[str, ...] = ()
method = Method.MODELLED
plausible_factor: float | None = 2.0
gain: float | None = None
argument: str | None = None
confirmed = True

WATTS_PER_CORE = 6.0
WATTS_PER_GIGABYTE = 3.0 / 8.0
LOOK_FOR_CHILDREN_SECONDS = 0.5


def affinity() -> Affinity:
    """An estimate is possible everywhere."""
    return Affinity(
        Level.ESTIMATE,
        ("cpu:0", "dram:0"),
        f"modelled: CPU seconds × {WATTS_PER_CORE:g} W + memory × {WATTS_PER_GIGABYTE:g} W/GB, plausible within ×/÷ 2",
        "a readable hardware counter; see the other meters",
    )


@contextmanager
def reader(scope: Scope) -> Iterator[Reader]:
    """Add up the process tree of the worker."""
    yield Reader(read=_Tree(scope.pid).read, period=0.02)


@dataclass
class _Tree:
    """CPU seconds of a process and its descendants, those that ended included: their parents have waited for them."""

    pid: int
    cpu_seconds: float = 0.0
    dram_joules: float = 0.0
    read_at: int = field(default_factory=time.monotonic_ns)
    looked_at: int = 0
    processes: list[psutil.Process] = field(default_factory=list)

    def read(self) -> Mapping[str, tuple[int, float]]:
        """Joules so far."""
        now = time.monotonic_ns()
        if now - self.looked_at > LOOK_FOR_CHILDREN_SECONDS * 1e9:
            self.processes, self.looked_at = _tree(self.pid), now
        resident, seconds = 0, 0.0
        for process in self.processes:
            # A process that has just ended; to ask for its clock is then an invalid argument, an OSError.
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied, OSError):
                seconds += _cpu_seconds(process)
                resident += process.memory_info().rss
        # Between a child's end and its parent's wait the sum dips for a moment; energy does not.
        self.cpu_seconds = max(self.cpu_seconds, seconds)
        self.dram_joules += resident / 1e9 * WATTS_PER_GIGABYTE * (now - self.read_at) / 1e9
        self.read_at = now
        return {
            "cpu:0": (now, self.cpu_seconds * WATTS_PER_CORE),
            "dram:0": (now, self.dram_joules),
        }


def _tree(pid: int) -> list[psutil.Process]:
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _cpu_seconds(process: psutil.Process) -> float:
    """User and system time, and that of children it has waited for; on Linux its own to the nanosecond.

    The clock's number is that of ``clock_getcpuclockid(3)``: MAKE_PROCESS_CPUCLOCK(pid, CPUCLOCK_SCHED) of the kernel.
    """
    times = process.cpu_times()
    if sys.platform == "linux":
        own = time.clock_gettime_ns((~process.pid << 3) | 2) / 1e9
        return float(own + times.children_user + times.children_system)
    return float(times.user + times.system)
