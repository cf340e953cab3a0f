"""CPU seconds and memory of a process and its descendants, those that have ended included, each counted once."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from wattstar.errors import MeterUnavailable

PROC = Path("/proc")
LOOK_FOR_CHILDREN_SECONDS = 0.5
TWO_TICKS = 0.02
"""Seconds: user and system time of ended children are each told in hundredths (USER_HZ is 100, Linux: time(7))."""
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
GONE = (ProcessLookupError, FileNotFoundError, PermissionError)
"""What files of a process that has ended, or that this user may not see, answer."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What the system says of one process now."""

    parent: int
    own: float
    """CPU seconds of the process itself."""
    waited: float
    """CPU seconds of descendants that ended, as far as they were waited for."""
    private: float
    """Bytes of memory in use that no other process can use, and all of them where that is not told."""
    shared: float = 0.0
    """Bytes in use that belong to files or are shared."""

    def later(self, own: float) -> Usage:
        """The same with more CPU seconds of its own."""
        return Usage(self.parent, own, self.waited, self.private, self.shared)


@dataclass(frozen=True)
class Total:
    """Of all processes together."""

    cpu_seconds: float
    """Since each of them began; never decreases."""
    resident_bytes: float
    """Now; memory that several can share is counted once, at its size in the process that uses most of it: exact where
    the others use a part of the same, too small where they use something else. The exact figure (PSS) takes
    milliseconds a read."""


@dataclass
class Ledger:
    """Charges each CPU second once, though a child's are told again by the parent that waits for it.

    A child that was charged while it ran is owed to its parent: so much of what the parent tells next of ended children
    is not charged again. Parents have to come first in what is added: one that waits while the others are read then
    tells of it in the next round at the latest, and what is still owed after that was never waited for.
    """

    cpu_seconds: float = 0.0
    _seen: dict[int, Usage] = field(default_factory=dict)
    _owed: dict[int, float] = field(default_factory=dict)

    def add(self, usages: Mapping[int, Usage]) -> None:
        """Charge what was used since the last time."""
        ended = self._ended(usages)
        left: dict[int, float] = {}
        for pid, now in usages.items():
            before = self._seen.get(pid)
            own, waited = now.own, now.waited
            if before is not None:
                own, waited = max(0.0, own - before.own), max(0.0, waited - before.waited)
            fresh, old = ended.get(pid, 0.0), self._owed.get(pid, 0.0)
            self.cpu_seconds += own + max(0.0, waited - fresh - old)
            rest = max(0.0, fresh + old - waited)
            left[pid] = min(rest, fresh + TWO_TICKS)
        self._seen, self._owed = dict(usages), left

    def _ended(self, usages: Mapping[int, Usage]) -> Mapping[int, float]:
        """What was charged of processes that are gone, by their parents."""
        owed: dict[int, float] = {}
        for pid in reversed([pid for pid in self._seen if pid not in usages]):
            gone = self._seen[pid]
            charged = gone.own + gone.waited + self._owed.get(pid, 0.0) + owed.get(pid, 0.0)
            owed[gone.parent] = owed.get(gone.parent, 0.0) + charged
        return owed


@contextmanager
def watched(pid: int) -> Iterator[Callable[[], Total]]:
    """A function that adds up the tree below the process; a call costs a tenth of a millisecond on Linux."""
    tree = LinuxTree(pid) if sys.platform == "linux" else PortableTree(pid)
    ledger = Ledger()

    def total() -> Total:
        usages = tree.usages()
        ledger.add(usages)
        shared = max((usage.shared for usage in usages.values()), default=0.0)
        return Total(ledger.cpu_seconds, sum(usage.private for usage in usages.values()) + shared)

    try:
        yield total
    finally:
        tree.close()


class PortableTree:
    """What psutil tells, on any system."""

    def __init__(self, pid: int) -> None:
        """Look at nothing yet."""
        self._pid, self._looked_at = pid, 0
        self._processes: list[tuple[psutil.Process, int]] = []

    def usages(self) -> Mapping[int, Usage]:
        """Of every process that is there, parents first."""
        now = time.monotonic_ns()
        if now - self._looked_at > LOOK_FOR_CHILDREN_SECONDS * 1e9:
            self._look()
            self._looked_at = now
        found = {}
        for process, parent in self._processes:
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                times = process.cpu_times()
                waited = getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
                found[process.pid] = Usage(parent, times.user + times.system, waited, process.memory_info().rss)
        return found

    def close(self) -> None:
        """Nothing is open."""

    def _look(self) -> None:
        known = {process.pid for process, _ in self._processes}
        with suppress(psutil.NoSuchProcess):
            root = psutil.Process(self._pid)
            for process in [root, *root.children(recursive=True)]:
                if process.pid not in known:
                    with suppress(psutil.NoSuchProcess):
                        self._processes.append((process, process.ppid()))
        self._processes = [(process, parent) for process, parent in self._processes if process.is_running()]


class LinuxTree:
    """What /proc tells, read from files that stay open: they belong to one process even if its number is used again.

    Clocks are read every time. New descendants, what ended ones used, and memory are looked up twice a second, and at
    once where a process has gone.
    """

    def __init__(self, pid: int) -> None:
        """Open nothing yet."""
        self._pid, self._looked_at = pid, 0
        self._parents: dict[int, int] = {}
        self._files: dict[int, tuple[int, int]] = {}
        self._usages: dict[int, Usage] = {}

    def usages(self) -> Mapping[int, Usage]:
        """Of every process that is there, parents first."""
        now = time.monotonic_ns()
        if now - self._looked_at <= LOOK_FOR_CHILDREN_SECONDS * 1e9:
            with suppress(OSError):  # one has been waited for: its parent tells of it from now on
                self._usages = {pid: usage.later(_clock(pid)) for pid, usage in self._usages.items()}
                return self._usages
        self._look()
        self._looked_at, self._usages = now, {}
        for pid, files in list(self._files.items()):
            usage = _usage(pid, *files)
            if usage is None:
                self._forget(pid)
            else:
                self._usages[pid] = usage
        return self._usages

    def close(self) -> None:
        """Close the files."""
        for pid in list(self._files):
            self._forget(pid)

    def _forget(self, pid: int) -> None:
        for file in self._files.pop(pid):
            os.close(file)
        self._parents.pop(pid, None)

    def _look(self) -> None:
        """Find new descendants. One that lost its parent stays: it is still the job's."""
        here = {int(name) for name in os.listdir(PROC) if name.isdigit()}
        known = self._parents = {pid: parent for pid, parent in self._parents.items() if pid in here}
        for pid in here - known.keys():
            with suppress(*GONE):
                known[pid] = int(_fields((PROC / str(pid) / "stat").read_bytes())[1])
        children: dict[int, list[int]] = {}
        for pid, parent in known.items():
            children.setdefault(parent, []).append(pid)
        tree = list(self._files) or [self._pid]
        for pid in tree:  # grows while it is walked: parents come first
            tree += [child for child in sorted(children.get(pid, ())) if child not in self._files]
            if pid not in self._files and pid in known:
                self._open(pid)

    def _open(self, pid: int) -> None:
        files: list[int] = []
        try:
            for name in ("stat", "statm"):
                files.append(os.open(PROC / str(pid) / name, os.O_RDONLY | os.O_CLOEXEC))
        except OSError as error:
            for file in files:
                os.close(file)
            if not isinstance(error, GONE):
                message = f"The CPU time of process {pid} cannot be read: {error.strerror}."
                raise MeterUnavailable(message, ["ulimit -n 4096"]) from error
        else:
            self._files[pid] = (files[0], files[1])


def _usage(pid: int, stat: int, statm: int) -> Usage | None:
    """From /proc/PID/stat and statm, see proc(5); None once the process has been waited for.

    Own time is told in hundredths there, and by its clock in nanoseconds. A process that is dead (X) is already in its
    parent's sum.
    """
    try:
        fields = _fields(os.pread(stat, 1024, 0))
        pages = os.pread(statm, 128, 0).split()
    except GONE:
        return None
    if fields[0] in (b"X", b"x"):
        return None
    try:
        own = _clock(pid)
    except OSError:  # ended, but not waited for
        own = (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND
    resident, shared = int(pages[1]) * PAGE_BYTES, int(pages[2]) * PAGE_BYTES
    waited = (int(fields[13]) + int(fields[14])) / TICKS_PER_SECOND
    return Usage(int(fields[1]), own, waited, resident - shared, shared)


def _clock(pid: int) -> float:
    """CPU seconds of a process; OSError once it has been waited for.

    The clock's number is that of clock_getcpuclockid(3): MAKE_PROCESS_CPUCLOCK(pid, CPUCLOCK_SCHED) of the kernel.
    """
    return time.clock_gettime_ns((~pid << 3) | 2) / 1e9


def _fields(stat: bytes) -> Sequence[bytes]:
    """Those after the name, which may contain anything: 0 state, 1 parent, 11 … 14 utime, stime, cutime, cstime."""
    return stat[stat.rindex(b")") + 2 :].split()
