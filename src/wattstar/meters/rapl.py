"""Reads the energy counters of Intel and AMD CPUs and their memory, through Linux powercap."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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

POWERCAP = Path("/sys/class/powercap")
CURE = (
    'let your group read the counters: put  SUBSYSTEM=="powercap", KERNEL=="intel-rapl*", '
    'RUN+="/usr/bin/chgrp GROUP /sys%p/energy_uj", RUN+="/usr/bin/chmod g+r /sys%p/energy_uj"  '
    "into /etc/udev/rules.d/70-rapl.rules, then reboot (GROUP: a group you are in)"
)

POLL_SECONDS = 0.01
REFRESH_SECONDS = 0.001
"""The counters are refreshed about every millisecond (Linux: Documentation/hwmon/amd_energy; Intel's are alike)."""
MOST_OF_THE_RANGE = 0.5
"""A counter that is read often wraps by a little; one that seems to have moved by so much of its range restarted."""
READS_OF_MIRRORS = 3
SECONDS_BETWEEN_READS = 0.01
BARE = "run on the bare machine, or be content with an estimate"


@dataclass
class Zone:
    """One counter. The hardware wraps at ``range``; ``joules`` does not, if it is read at least once a wrap."""

    domain: str
    file: Path
    range: int
    """Microjoules."""
    raw: int
    limit: float | None = None
    """Watts that the firmware lets the package draw for a moment, where it says so."""
    total: int = 0

    def joules(self) -> float:
        """Joules since the first read."""
        try:
            raw = int(self.file.read_text())
        except (OSError, ValueError) as error:
            raise MeterUnavailable(f"The energy counter {self.domain} failed: {error}.", ["wattstar doctor"]) from error
        grown = raw - self.raw if raw >= self.raw else raw - self.raw + self.range
        if raw < self.raw and grown > MOST_OF_THE_RANGE * self.range:
            message = f"The energy counter {self.domain} did not wrap but restarted."
            raise MeterUnavailable(message, ["measure again; nothing of this attempt can be trusted"])
        self.total, self.raw = self.total + grown, raw
        return self.total / 1e6


def zones(powercap: Path = POWERCAP) -> list[Zone]:
    """The package and dram counters, by name; ``MeterUnavailable`` where one is closed to this user, or hidden.

    core and uncore are parts of a package, and psys contains packages: to add them would count twice. The same counters
    are listed again below ``intel-rapl-mmio``; only ``intel-rapl`` is read.
    """
    found: list[Zone] = []
    for folder in sorted(powercap.glob("intel-rapl:*")):
        name = folder.name
        try:
            name = (folder / "name").read_text().strip()
            kind = "cpu" if name.startswith("package") else name
            if kind not in ("cpu", "dram"):
                continue
            number = sum(zone.domain.startswith(kind + ":") for zone in found)
            file, limit = folder / "energy_uj", int((folder / "max_energy_range_uj").read_text())
            found.append(Zone(f"{kind}:{number}", file, limit, int(file.read_text()), _watts(folder)))
        except PermissionError:
            raise MeterUnavailable(f"{name}: this user may not read the energy counter.", [CURE]) from None
        except (OSError, ValueError) as error:
            # Container runtimes hide the folders behind the links in /sys/class/powercap.
            raise MeterUnavailable(f"{name}: the energy counter cannot be read: {error}.", [BARE]) from error
    return found


def _watts(folder: Path) -> float | None:
    limits = [int(file.read_text()) / 1e6 for file in sorted(folder.glob("constraint_*_power_limit_uw"))]
    return max(limits, default=0.0) or None


def without_mirrors(found: list[Zone]) -> list[Zone]:
    """Each package once: on AMD processors of several dies (Zen 1 and 2) every die shows the counter of the whole.

    Two packages are one if their totals grow alike, to a millionth, over three reads.
    """
    growth: list[list[float]] = [[] for _ in found]
    for _ in range(READS_OF_MIRRORS):
        time.sleep(SECONDS_BETWEEN_READS)
        for zone, grown in zip(found, growth, strict=True):
            grown.append(zone.joules())
    kept: list[int] = []
    for i, zone in enumerate(found):
        twins = (j for j in kept if found[j].domain.startswith("cpu:") and zone.domain.startswith("cpu:"))
        if not any(_alike(growth[i], growth[j]) for j in twins):
            kept.append(i)
    return [found[i] for i in kept]


def _alike(one: list[float], other: list[float]) -> bool:
    return all(a > 0 and math.isclose(a, b, rel_tol=1e-6) for a, b in zip(one, other, strict=True))


def affinity() -> Affinity:
    """Real where the counters are there and open."""
    try:
        found = zones()
    except MeterUnavailable as error:
        return Affinity(Level.ABSENT, (), error.message.rstrip("."), "; ".join(error.cures) or None)
    if not found:
        reason = "no powercap counters here: virtual machines and containers rarely have them, and only Linux does"
        return Affinity(Level.ABSENT, (), reason, BARE)
    return Affinity(Level.REAL, tuple(zone.domain for zone in found), f"{len(found)} energy counters")


@contextmanager
def reader(scope: Scope) -> Iterator[Reader]:
    """Unroll the counters; a package of 400 W wraps about every 11 minutes, far more seldom than it is read."""
    found = without_mirrors(zones())
    if not found:
        raise MeterUnavailable("There are no powercap counters on this machine.", [BARE])

    def read() -> Mapping[str, tuple[int, float]]:
        return {zone.domain: (time.monotonic_ns(), zone.joules()) for zone in found}

    limits = {zone.domain: zone.limit for zone in found if zone.limit is not None}
    yield Reader(read=read, period=POLL_SECONDS, refresh=REFRESH_SECONDS, limits=limits)
