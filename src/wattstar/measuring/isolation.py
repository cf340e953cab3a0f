"""``--isolate``: the worker gets cores of its own, the meters and the parent another, and libraries know how many.

Where others share a machine, they then meet the worker less. It is no part of the job: that is the same work in a
quieter room, as at another hour of the day, so ``--isolate`` makes no new job, and resume finds the finished one. What
was done is in the record (``Environment.state`` and ``Environment.variables``).

Memory is left to Linux, which puts a page on the node of the CPU that first writes it (Documentation/admin-guide/mm/
numa_memory_policy.rst): with the worker held on its CPUs there is nothing to bind.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from wattstar.errors import UnfitEnvironment
from wattstar.meters._processor import cpu_quota

ROOT = Path("/")
LEAST_CORES = 4
"""Of fewer, one for the meters takes more from the worker than they cost it."""
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
NICE = -5


@dataclass(frozen=True)
class Isolation:
    """Which CPUs are whose."""

    observer: frozenset[int]
    """One physical core, of the meters and the process that holds them."""
    worker: frozenset[int]
    threads: int
    """One a physical core."""


def isolation(root: Path = ROOT) -> Isolation:
    """For this machine; ``UnfitEnvironment`` where it would not help, or not work."""
    if not hasattr(os, "sched_setaffinity"):
        raise UnfitEnvironment("--isolate pins processes to cores, which only Linux does.", ["leave --isolate out"])
    return divided(physical_cores(os.sched_getaffinity(0), root), cpu_quota(os.getpid()))


def divided(cores: Sequence[frozenset[int]], quota: float | None = None) -> Isolation:
    """The first core for the meters, the others for the worker; ``quota``: so many CPUs may be kept busy."""
    usable = len(cores) if quota is None else min(len(cores), int(quota))
    if usable < LEAST_CORES:
        message = f"--isolate does not help here: of {usable} cores, one for the meters would be missed by the model."
        raise UnfitEnvironment(message, ["leave --isolate out", f"a machine of {LEAST_CORES} cores or more"])
    observer, *others = cores
    return Isolation(observer, frozenset().union(*others), min(len(others), usable - 1))


def physical_cores(cpus: set[int], root: Path = ROOT) -> list[frozenset[int]]:
    """Of each core the CPUs that are among these, in order; where the system does not say, a CPU is a core."""
    cores = {frozenset(_siblings(cpu, root) & cpus) for cpu in cpus}
    return sorted(cores, key=min)


@contextmanager
def threads_of(chosen: Isolation | None) -> Iterator[None]:
    """Libraries of processes that are started meanwhile use so many threads, unless the user said how many."""
    added = {name: str(chosen.threads) for name in THREADS if name not in os.environ} if chosen else {}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            del os.environ[name]


@contextmanager
def kept_apart(chosen: Isolation | None, worker: int) -> Iterator[Mapping[str, str]]:
    """Hold a worker that has just been started, and this thread with those it starts, on their CPUs; what was done."""
    if chosen is None:
        yield {}
        return
    before = os.sched_getaffinity(0)
    with suppress(ProcessLookupError):  # it has ended, and why will be told
        os.sched_setaffinity(worker, chosen.worker)
    os.sched_setaffinity(0, chosen.observer)
    said = f"worker on CPUs {_listed(chosen.worker)}, meters on {_listed(chosen.observer)}, {_nicer(worker)}"
    try:
        yield {"isolated": said}
    finally:
        os.sched_setaffinity(0, before)


def _nicer(worker: int) -> str:
    """Others give way to the worker, where this user may ask for that."""
    try:
        os.setpriority(os.PRIO_PROCESS, worker, NICE)
    except (PermissionError, ProcessLookupError):
        return "nice as it was"
    return f"nice {NICE}"


def _siblings(cpu: int, root: Path) -> set[int]:
    """All CPUs of a core, as Linux lists them: ``0-1`` or ``0,64``."""
    file = root / f"sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list"
    try:
        parts = file.read_text(encoding="utf-8").strip().split(",")
    except OSError:
        return {cpu}
    ranges = (part.partition("-") for part in parts)
    return {number for first, _, last in ranges for number in range(int(first), int(last or first) + 1)}


def _listed(cpus: frozenset[int]) -> str:
    """``1-3,5``."""
    every = sorted(cpus)
    starts = [cpu for cpu in every if cpu - 1 not in cpus]
    ends = [cpu for cpu in every if cpu + 1 not in cpus]
    return ",".join(f"{a}-{b}" if b > a else f"{a}" for a, b in zip(starts, ends, strict=True))
