"""Reads the energy counters of AMD CPUs through Linux hwmon (the driver amd_energy), one per socket.

Other drivers have energy counters in hwmon too; only what is known by name is read. Per-core counters (``Ecore…``)
are parts of a socket's and are left out. The driver adds up the processor's 32-bit counter to 64 bits by itself, so
nothing wraps ("Kernel driver amd_energy": amd_energy.rst up to Linux 5.12, github.com/amd/amd_energy since).
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from wattstar.errors import MeterUnavailable
from wattstar.types import Affinity, Level, Method, Reader, Scope

requires: tuple[str, ...] = ()
method = Method.COUNTER
plausible_factor: float | None = None
gain: float | None = None
argument: str | None = None
confirmed = False

HWMON = Path("/sys/class/hwmon")
DRIVER = "amd_energy"
SOCKET = re.compile(r"Esocket(\d+)")
POLL_SECONDS = 0.01
REFRESH_SECONDS = 0.001
""""These registers are updated every 1ms" (amd_energy.rst)."""
QUANTUM = 0.000125
"""Joules: the coarser of the two units that amd_energy.rst names; the finer is about 15.3 µJ."""
CURE = (
    'let your group read them: put  SUBSYSTEM=="hwmon", ATTR{name}=="amd_energy", RUN+="/bin/sh -c '
    "'chgrp GROUP /sys%p/energy*_input; chmod g+r /sys%p/energy*_input'\"  into /etc/udev/rules.d/70-amd-energy.rules, "
    "then load the driver again (GROUP: a group you are in)"
)
ABSENT = "on AMD processors build github.com/amd/amd_energy, or use the meter rapl"


@dataclass
class Counter:
    """One socket's total."""

    domain: str
    file: Path
    last: int = 0
    """Microjoules."""

    def joules(self) -> float:
        """Joules since the driver was loaded; ``MeterUnavailable`` where it cannot be read or goes backwards."""
        try:
            now = int(self.file.read_text())
        except PermissionError:
            raise MeterUnavailable(f"{self.domain}: this user may not read the energy counter.", [CURE]) from None
        except (OSError, ValueError) as error:
            raise MeterUnavailable(f"The energy counter {self.domain} failed: {error}.", ["wattstar doctor"]) from error
        if now < self.last:
            message = f"The energy counter {self.domain} went back from {self.last} to {now} µJ."
            raise MeterUnavailable(message, ["measure again; nothing of this attempt can be trusted"])
        self.last = now
        return now / 1e6


def counters(root: Path) -> list[Counter]:
    """The sockets' counters, by number; nothing of their totals is read."""
    found = {}
    for name in root.glob("*/name"):
        if _text(name) == DRIVER:
            for label in name.parent.glob("energy*_label"):
                socket = SOCKET.fullmatch(_text(label))
                if socket:
                    file = label.with_name(label.name.replace("_label", "_input"))
                    found[int(socket[1])] = Counter(f"cpu:{int(socket[1])}", file)
    return [found[number] for number in sorted(found)]


def affinity() -> Affinity:
    """Real where the counters are there and open, closed where they are root's."""
    return affinity_in(HWMON)


def reader(scope: Scope) -> AbstractContextManager[Reader]:
    """Read every socket: a process is not bound to one."""
    return reader_in(HWMON)


def affinity_in(root: Path) -> Affinity:
    """What a tree like /sys/class/hwmon has."""
    found = counters(root)
    domains = tuple(counter.domain for counter in found)
    if not found:
        return Affinity(Level.ABSENT, (), f"no energy counters of the driver {DRIVER} in hwmon", ABSENT)
    try:
        for counter in found:
            counter.joules()
    except MeterUnavailable as error:
        return Affinity(Level.CLOSED, domains, error.message.rstrip("."), "; ".join(error.cures))
    return Affinity(Level.REAL, domains, f"energy counters of {len(found)} socket(s)")


@contextmanager
def reader_in(root: Path) -> Iterator[Reader]:
    """Read a tree like /sys/class/hwmon."""
    found = counters(root)
    if not found:
        raise MeterUnavailable(f"There are no energy counters of the driver {DRIVER}.", [ABSENT])
    for counter in found:
        counter.joules()

    def read() -> Mapping[str, tuple[int, float]]:
        return {counter.domain: (time.monotonic_ns(), counter.joules()) for counter in found}

    yield Reader(read, POLL_SECONDS, refresh=REFRESH_SECONDS, quantum=QUANTUM)


def _text(file: Path) -> str:
    """Empty where it cannot be read."""
    try:
        return file.read_text().strip()
    except (OSError, UnicodeDecodeError):
        return ""
