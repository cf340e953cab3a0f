"""What processor this is, what its maker says it draws, and how many of its CPUs a process may use."""

from __future__ import annotations

import os
import platform
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

TABLE = Path(__file__).with_name("cpu_power.toml")
CPUINFO = Path("/proc/cpuinfo")
PROC = Path("/proc")
CGROUPS = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Specification:
    """One row of ``cpu_power.toml``."""

    name: str
    """Words of the processor's own name, such as ``EPYC 7763``."""
    watts: float
    """Thermal design power, or processor base power, of one socket."""
    cores: int
    """Physical cores of one socket."""
    source: str

    @property
    def watts_per_core(self) -> float:
        """Of a busy core, with its share of what the package draws beside cores."""
        return self.watts / self.cores


@cache
def processor_name(cpuinfo: Path = CPUINFO) -> str:
    """As the processor names itself; on ARM, where it has no name, the numbers of its maker and core design."""
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    said = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    if "model name" in said:
        return said["model name"]
    if "CPU part" in said:
        return f"CPU implementer {said.get('CPU implementer', '?')} part {said['CPU part']}"
    return platform.processor() or platform.machine()


@cache
def specifications(file: Path = TABLE) -> tuple[Specification, ...]:
    """All rows."""
    with file.open("rb") as opened:
        series = tomllib.load(opened)["series"]
    return tuple(
        Specification(name, float(row["watts"]), int(row["cores"]), one["source"])
        for one in series
        for name, row in one["processors"].items()
    )


def specification(name: str) -> Specification | None:
    """The row whose words stand in the processor's name, whole and in order; None where there is none.

    Nothing is guessed from a like name: ``EPYC 7302`` is not ``EPYC 7302P``. Marks such as (R), the word CPU and the
    case of letters do not count.
    """
    words = f" {plain(name)} "
    return next((row for row in specifications() if f" {plain(row.name)} " in words), None)


def plain(name: str) -> str:
    """Lower case, without marks and the word CPU, one space between words."""
    text = name.lower().replace("(r)", " ").replace("(tm)", " ")
    return " ".join(word for word in text.split() if word != "cpu")


def usable_cpus(pid: int) -> float | None:
    """How many CPUs the process can keep busy: those it may run on, at most the quota of its control groups.

    A process that binds its main thread to one CPU has other threads elsewhere: what this process, from which it was
    started, may run on counts too. None where the system does not say.
    """
    if hasattr(os, "sched_getaffinity"):
        allowed = os.sched_getaffinity(0)
        with suppress(ProcessLookupError):  # it has ended and will use none
            allowed |= os.sched_getaffinity(pid)
        count: int | None = len(allowed)
    else:
        count = os.cpu_count()
    quota = cpu_quota(pid)
    return min((number for number in (count, quota) if number is not None), default=None)


def cpu_quota(pid: int, proc: Path = PROC, cgroups: Path = CGROUPS) -> float | None:
    """The least number of CPUs that the process's control groups and those above them allow; None without a limit.

    Linux, Documentation/admin-guide/cgroup-v2.rst (``cpu.max``: quota and period in µs, or ``max``) and
    Documentation/scheduler/sched-bwc.rst (v1: ``cpu.cfs_quota_us``, -1 without a limit, and ``cpu.cfs_period_us``).
    A container sees its own group as the root, under whatever path its host gave it: the root is always looked at.
    """
    try:
        lines = (proc / str(pid) / "cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    return min((found for line in lines for found in _quotas(line, cgroups)), default=None)


def _quotas(line: str, cgroups: Path) -> Iterator[float]:
    """Of one line of /proc/PID/cgroup: ``number:controllers:path``, no controllers in v2."""
    _, controllers, path = line.split(":", 2)
    if controllers and "cpu" not in controllers.split(","):
        return
    roots = [cgroups / controllers, cgroups / "cpu"] if controllers else [cgroups, cgroups / "unified"]
    parts = [part for part in path.split("/") if part]
    depths = range(len(parts) + 1) if ".." not in parts else range(1)
    for root in roots:
        for depth in depths:
            folder = root.joinpath(*parts[:depth])
            found = _quota_v1(folder) if controllers else _quota_v2(folder)
            if found is not None:
                yield found


def _quota_v2(folder: Path) -> float | None:
    words = _text(folder / "cpu.max").split()
    return int(words[0]) / int(words[1]) if len(words) == 2 and words[0] != "max" else None


def _quota_v1(folder: Path) -> float | None:
    quota, period = _text(folder / "cpu.cfs_quota_us"), _text(folder / "cpu.cfs_period_us")
    return int(quota) / int(period) if quota and period and int(quota) > 0 else None


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except OSError:
        return ""
