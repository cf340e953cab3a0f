"""The room in which a job is measured: what is read of it before, while passes are counted, and after.

Reads only; ``measuring.spoilers`` judges. What a machine does not say is left out: a virtual machine says almost
nothing. Everything below ``root`` is as Linux has it (Documentation/admin-guide/pm/cpufreq.rst and intel_pstate.rst,
Documentation/ABI/testing/sysfs-devices-system-cpu, Documentation/accounting/psi.rst, Documentation/hwmon/coretemp.rst).
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

import psutil

from wattstar.measuring.surroundings import BUSY, Neighbour, Neighbours
from wattstar.types import Mark, Observation

ROOT = Path("/")
MACHINE = "machine"
"""The domain of what is observed."""
SECONDS_BETWEEN_CLOCKS = 2.0
CPUS = "sys/devices/system/cpu"


def state(root: Path = ROOT) -> dict[str, str]:
    """Of the machine now, by name: ``governor``, ``turbo``, ``power``, ``swap_used_bytes``, …; unknown is left out."""
    battery = psutil.sensors_battery() if hasattr(psutil, "sensors_battery") else None
    governors = sorted({_text(file) for file in (root / CPUS / "cpufreq").glob("policy*/scaling_governor")} - {""})
    stalled = _stalled(root, "avg60")
    said = {
        "governor": ", ".join(governors),
        "turbo": _turbo(root),
        "power": "" if battery is None else "mains" if battery.power_plugged else "battery",
        "swap_used_bytes": str(psutil.swap_memory().used),
        "memory_available_bytes": str(psutil.virtual_memory().available),
        "memory_stalled_percent": "" if stalled is None else f"{stalled:g}",
        "load_average": f"{os.getloadavg()[0]:.2f}" if hasattr(os, "getloadavg") else "",
    }
    return {name: value for name, value in said.items() if value}


def looked(root: Path = ROOT) -> dict[str, float]:
    """What can spoil a pass while it runs, by name with its unit; all but temperature only ever grow.

    Counts of slowdowns by heat are added up over CPUs; their time is the mean of all CPUs.
    """
    swap, stalled = psutil.swap_memory(), _stalled(root, "total")
    counted = [file.parent for file in (root / CPUS).glob("cpu[0-9]*/thermal_throttle/core_throttle_count")]
    milliseconds = [time for folder in counted if (time := _throttled(folder, "total_time_ms")) is not None]
    said = {
        "cpu_throttled_count": _sum(_throttled(folder, "count") for folder in counted),
        "cpu_throttled_seconds": fmean(milliseconds) / 1e3 if milliseconds else None,
        "cpu_degrees_to_spare": min(_to_spare(root), default=None),
        "swapped_bytes": float(swap.sin + swap.sout),
        "memory_stalled_seconds": None if stalled is None else stalled / 1e6,
    }
    return {name: value for name, value in said.items() if value is not None}


def clock(root: Path = ROOT) -> float | None:
    """MHz of the CPU that runs fastest now: those that idle say nothing of those that work."""
    files = (root / CPUS / "cpufreq").glob("policy*/scaling_cur_freq")
    return max((khz / 1e3 for file in files if (khz := _number(file))), default=None)


@dataclass(frozen=True)
class Around:
    """What was around a job, beside what ``Room.seen`` has of its passes."""

    before: Mapping[str, str] = field(default_factory=dict)
    """``state`` when the worker was started, and what was done to keep it apart."""
    after: Mapping[str, str] = field(default_factory=dict)
    """``state`` when it had ended; empty: not known."""
    neighbours: tuple[Neighbour, ...] = ()
    """Who used most during the busiest pass, the busiest first."""


class Room:
    """Looks around while passes are counted, and notes what it sees and what this process itself costs."""

    def __init__(self, worker: int, apart: Mapping[str, str], root: Path = ROOT) -> None:
        """Look at the machine; ``worker``: the process id of the worker; ``apart``: what was done to keep it apart."""
        self._worker, self._root = worker, root
        self._before: Mapping[str, str] = state(root) | dict(apart)
        self.seen: list[Observation] = []
        self.share: float | None = None
        """Of all cores, used by others during the last pass; None: it was too short to tell."""
        self._neighbours: tuple[Neighbour, ...] = ()
        self._busiest = BUSY
        self._others: Neighbours | None = None
        self._own: tuple[float, float] | None = None
        self._asked = 0.0
        self.parent_share: float | None = None
        """Of one core, used by this whole process from the first pass to the end of the last."""

    def hear(self, mark: Mark) -> None:
        """Look around when a pass begins and when it has ended, and now and then at the clock while it goes on.

        Who else is there is listed when the warm-up begins: that takes some milliseconds, which a pass has no room for.
        """
        if mark.name == "warm_up":
            self._meet()
        elif mark.name == "pass":
            self._own = self._own or (time.monotonic(), time.process_time())
            self._note(mark.time, looked(self._root))
            self._meet()
        elif mark.name == "pass_end":
            self._note(mark.time, looked(self._root))
            self._part()
        elif mark.pass_index is not None and time.monotonic() >= self._asked:
            self._asked = time.monotonic() + SECONDS_BETWEEN_CLOCKS
            self._note(mark.time, {"cpu_clock_mhz": clock(self._root)})

    def leave(self) -> Around:
        """Look at the machine once more."""
        return Around(self._before, state(self._root), self._neighbours)

    def _meet(self) -> None:
        if self._others is None:
            self._others = Neighbours(self._worker)
        else:
            self._others.restart()

    def _part(self) -> None:
        self.share = self._others.share() if self._others else None
        if self._others and self.share is not None and self.share > self._busiest:
            self._busiest, self._neighbours = self.share, self._others.named()
        if self._own:
            began, used = self._own
            self.parent_share = (time.process_time() - used) / max(time.monotonic() - began, 1e-9)

    def _note(self, moment: int, said: Mapping[str, float | None]) -> None:
        """Stamped with the mark at which it was read, so that it belongs to its pass."""
        self.seen += [Observation(moment, MACHINE, name, value) for name, value in said.items() if value is not None]


def _turbo(root: Path) -> str:
    """Whether clocks above the nominal one are allowed: the driver of Intel says when they are not, others when."""
    forbidden, allowed = _text(root / CPUS / "intel_pstate/no_turbo"), _text(root / CPUS / "cpufreq/boost")
    if forbidden:
        return "off" if forbidden == "1" else "on"
    return {"1": "on", "0": "off"}.get(allowed, "")


def _throttled(folder: Path, what: str) -> float | None:
    """``count`` or ``total_time_ms`` of a CPU and its package together; the latter is told since Linux 5.7."""
    return _sum(_number(folder / f"{part}_throttle_{what}") for part in ("core", "package"))


def _to_spare(root: Path) -> Iterator[float]:
    """Degrees between each package and the temperature that its maker calls high (Intel's ``temp1_max``)."""
    for folder in (root / "sys/class/hwmon").glob("hwmon*"):
        if _text(folder / "name") == "coretemp":
            now, high = _number(folder / "temp1_input"), _number(folder / "temp1_max")
            if now and high:
                yield (high - now) / 1e3


def _stalled(root: Path, what: str) -> float | None:
    """Of the time in which everything that could run waited for memory: ``avg60`` in per cent, ``total`` in µs."""
    for line in _text(root / "proc/pressure/memory").splitlines():
        if line.startswith("full "):
            pairs = dict(pair.split("=") for pair in line.split()[1:])
            return float(pairs[what])
    return None


def _sum(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _number(file: Path) -> float | None:
    with suppress(ValueError):
        return float(_text(file))
    return None


def _text(file: Path) -> str:
    """Empty where there is no such file, or it cannot be read."""
    try:
        return file.read_text(encoding="utf-8").strip()
    except OSError:
        return ""
