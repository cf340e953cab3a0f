"""Reads the energy counters of Intel and AMD CPUs and their memory, through Linux powercap."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from wattstar.errors import MeterUnavailable
from wattstar.meters import _rapl
from wattstar.types import Affinity, Level, Method, Reader, Scope

requires: tuple[str, ...] = ()
method = Method.COUNTER
plausible_factor: float | None = None
gain: float | None = None
argument: str | None = None
confirmed = False

CURE = (
    'let your group read the counters: put  SUBSYSTEM=="powercap", KERNEL=="intel-rapl*", '
    'RUN+="/usr/bin/chgrp GROUP /sys%p/energy_uj", RUN+="/usr/bin/chmod g+r /sys%p/energy_uj"  '
    "into /etc/udev/rules.d/70-rapl.rules, then reboot (GROUP: a group you are in)"
)
UNMASK = (
    "start the container with  --security-opt systempaths=unconfined  (Docker) or  "
    "--security-opt unmask=/sys/devices/virtual/powercap  (Podman), or measure outside of it"
)
"""Both mask /sys/devices/virtual/powercap by default (moby 83cac3c3e3, Podman 4.7)."""

COUNTS = 2**32
"""The hardware counts to 32 bits; ``max_energy_range_uj`` is the last count (Linux: get_max_energy_counter)."""
MOST_WATTS = 5000.0
"""Ten times what the largest processors are made for (500 W, AMD EPYC 9965). A counter that falls has wrapped; where
that would take more power than this, it restarted."""
LOOKS_AT_MIRRORS = 3


@dataclass
class Zone:
    """One open counter. The hardware wraps; ``joules`` does not, if it is read at least once a wrap."""

    domain: str
    counter: _rapl.Counter
    file: int
    """Descriptor. Linux checks the right to read when a file is opened: an open one goes on."""
    range: int
    """Microjoules of the last count."""
    limit: float | None
    """Watts that the firmware lets the package draw for a moment, where it says so."""
    moment: int
    """Of the last read, nanoseconds of CLOCK_MONOTONIC."""
    raw: int
    """Microjoules that the last read showed."""
    total: int = 0

    @property
    def quantum(self) -> float:
        """Joules of one count, as ``range`` shows it: 61 microjoules on most CPUs, 15.3 on others (Intel SDM vol. 3B,
        MSR_RAPL_POWER_UNIT: 2⁻¹⁴ and 2⁻¹⁶ J)."""
        return self.range / (COUNTS - 1) / 1e6

    def joules(self, moment: int) -> float:
        """Joules since the counter was opened, read at this moment; ``MeterUnavailable`` where it fails or restarts."""
        raw, wrap = self.now(), self.range + round(self.quantum * 1e6)
        grown = (raw - self.raw) % wrap
        seconds = (moment - self.moment) / 1e9 + _rapl.REFRESH_SECONDS
        if raw < self.raw and grown / 1e6 > MOST_WATTS * seconds:
            message = f"The energy counter {self.domain} did not wrap but restarted."
            raise MeterUnavailable(message, ["measure again; nothing of this attempt can be trusted"])
        self.total, self.raw, self.moment = self.total + grown, raw, moment
        return self.total / 1e6

    def now(self) -> int:
        """Microjoules that the counter shows; ``MeterUnavailable`` where it fails."""
        try:
            return int(os.pread(self.file, 64, 0))
        except (OSError, ValueError) as error:
            message = f"The energy counter {self.domain} ({self.counter.name}) failed: {error}."
            raise MeterUnavailable(message, ["wattstar doctor"]) from error


@contextmanager
def zones(powercap: Path = _rapl.POWERCAP, vendor: str | None = None) -> Iterator[list[Zone]]:
    """The package and memory counters, opened, each once; closed when the context is left.

    ``vendor`` is that of ``/proc/cpuinfo`` (None: asked there). Raises ``MeterUnavailable`` where one is closed to this
    user, hidden or unreadable.
    """
    with ExitStack() as stack:
        found = [_opened(counter, stack) for counter in _listed(powercap)]
        if _rapl.is_package_wide(vendor):
            found = without_mirrors(found)
        names = _rapl.domains(zone.counter.kind for zone in found)
        yield [replace(zone, domain=name) for zone, name in zip(found, names, strict=True)]


def _listed(powercap: Path) -> list[_rapl.Counter]:
    try:
        return _rapl.listed(powercap)
    except OSError as error:
        message = f"The energy counters cannot be seen, as in a container that hides them: {error}."
        raise MeterUnavailable(message, [UNMASK]) from error


def _opened(counter: _rapl.Counter, stack: ExitStack) -> Zone:
    """Open and read it once; ``stack`` will close it."""
    try:
        file = os.open(counter.folder / "energy_uj", os.O_RDONLY)
        stack.callback(os.close, file)
        most = int((counter.folder / "max_energy_range_uj").read_text())
        if most <= 0:
            raise ValueError(f"its range is {most}")
        moment = time.monotonic_ns()
        raw = int(os.pread(file, 64, 0))
    except PermissionError:
        raise MeterUnavailable(f"{counter.name}: this user may not read the energy counter.", [CURE]) from None
    except (OSError, ValueError) as error:
        raise MeterUnavailable(f"{counter.name}: the energy counter cannot be read: {error}.", [_rapl.BARE]) from error
    return Zone(counter.name, counter, file, most, _watts(counter.folder), moment, raw)


def _watts(folder: Path) -> float | None:
    """The highest limit; a constraint that is listed but has no value (Linux: ENODATA) says nothing."""
    limits = [0.0]
    for file in folder.glob("constraint_*_power_limit_uw"):
        with suppress(OSError, ValueError):
            limits.append(int(file.read_text()) / 1e6)
    return max(limits) or None


def without_mirrors(found: Sequence[Zone]) -> list[Zone]:
    """Each package once: on AMD's processors of several dies every die shows the counter of the whole package.

    Rule: two zones are one counter if they are of one kind and one ``package-N`` and show the same count three times.
    Separate sockets never are, however equal their power; nor are Intel's dies, for which this is not asked. Linux
    itself lists such packages once since 6.12 ("powercap/intel_rapl: Fix the energy-pkg event for AMD CPUs"); before,
    Zen 1 and 2 were listed once a die, and from 6.10 on newer ones as well (68 W + 68 W where the wall socket gave
    125 W: github.com/mlco2/codecarbon/issues/1274).
    """
    kept: list[Zone] = []
    for zone in found:
        twins = [one for one in kept if one.counter.kind == zone.counter.kind]
        if not any(one.counter.package == zone.counter.package and _mirror(one, zone) for one in twins):
            kept.append(zone)
    return kept


def _mirror(one: Zone, other: Zone) -> bool:
    """Whether the other counter lies between two looks at this one, time and again; counts are exact, so must this be.

    A look takes microseconds, in which the counter may be refreshed once.
    """
    for _ in range(LOOKS_AT_MIRRORS):
        before, between, after = one.now(), other.now(), one.now()
        if (between - before) % (one.range + 1) > (after - before) % (one.range + 1):
            return False
    return True


def affinity() -> Affinity:
    """Real where the counters are there and open."""
    return affinity_of()


def affinity_of(powercap: Path = _rapl.POWERCAP, vendor: str | None = None) -> Affinity:
    """Of the counters below a folder and a processor's vendor; None: this machine's."""
    try:
        counters = _listed(powercap)
    except MeterUnavailable as error:
        # Their names are hidden as well, but every machine that lists any has a first package.
        return _closed(("cpu:0",), error)
    if not counters:
        reason = "no powercap counters here: virtual machines and containers rarely have them, and only Linux does"
        return Affinity(Level.ABSENT, (), reason, _rapl.BARE)
    try:
        with zones(powercap, vendor) as found:
            return Affinity(Level.REAL, tuple(zone.domain for zone in found), f"{len(found)} energy counters")
    except MeterUnavailable as error:
        if _rapl.is_package_wide(vendor):
            counters = _rapl.once_a_package(counters)
        return _closed(_rapl.domains(counter.kind for counter in counters), error)


def _closed(domains: tuple[str, ...], error: MeterUnavailable) -> Affinity:
    return Affinity(Level.CLOSED, domains, error.message.rstrip("."), "; ".join(error.cures))


@contextmanager
def reader(scope: Scope) -> Iterator[Reader]:
    """Unroll the counters; a package of 400 W wraps about every 11 minutes, far more seldom than it is read."""
    with zones() as found:
        if not found:
            raise MeterUnavailable("There are no powercap counters on this machine.", [_rapl.BARE])

        def read() -> Mapping[str, tuple[int, float]]:
            seen = {}
            for zone in found:
                moment = time.monotonic_ns()
                joules = zone.joules(moment)
                seen[zone.domain] = ((moment + time.monotonic_ns()) // 2, joules)
            return seen

        yield Reader(
            read,
            _rapl.POLL_SECONDS,
            refresh=_rapl.REFRESH_SECONDS,
            quantum=max(zone.quantum for zone in found),
            limits={zone.domain: zone.limit for zone in found if zone.limit is not None},
        )
