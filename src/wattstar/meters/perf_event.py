"""Reads the energy counters of CPUs and memory through Linux perf, where powercap's are closed to this user."""

from __future__ import annotations

import errno
import os
import platform
import re
import struct
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
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

SYSTEM = Path("/sys")
PMU = Path("bus/event_source/devices/power")
EVENTS = {"cpu": "energy-pkg", "dram": "energy-ram"}
"""energy-cores and energy-gpu are parts of a package, energy-psys contains it: they are never added."""
UNIT = "Joules"
QUANTUM = 2.0**-14
"""Joules of one count of the hardware on most CPUs, the largest there is for packages and memory; perf shows it in
2⁻³² J (Linux: arch/x86/events/rapl.c, rapl_scale) and adds up the counts, so that nothing wraps here."""

SYSTEM_CALLS = {"x86_64": 298, "aarch64": 241}
"""perf_event_open, in a 64-bit process (Linux: arch/x86/entry/syscalls/syscall_64.tbl, asm-generic/unistd.h)."""
ATTRIBUTES = struct.Struct("=IIQQQQQIIQ")
"""struct perf_event_attr as first published, 64 bytes (Linux: include/uapi/linux/perf_event.h, PERF_ATTR_SIZE_VER0):
type, size, config, sample_period, sample_type, read_format, flags, wakeup_events, bp_type, config1. The kernel takes
what a shorter struct lacks for 0. Flags are 0: counting at once, and nothing excluded, which the PMU would refuse."""
ANY_PROCESS = -1
NO_GROUP = -1
CLOSE_ON_EXEC = 8
"""PERF_FLAG_FD_CLOEXEC of the same header."""
COUNT_BYTES = 8
"""What a read of an event gives where read_format is 0: one unsigned 64-bit count."""


@dataclass(frozen=True)
class Event:
    """One counter of one package, on one of the package's CPUs."""

    domain: str
    cpu: int
    type: int
    config: int
    scale: float
    """Joules a count."""


def events(system: Path = SYSTEM, vendor: str | None = None) -> list[Event]:
    """The package and memory counters that perf lists; empty where it has none; ``OSError`` or ``ValueError`` where
    its description is not to be understood.

    ``cpumask`` names one CPU a package, or a die where dies count for themselves. Of AMD's processors of several dies
    older kernels name one a die, though each shows the whole package ("perf/x86/rapl: Fix the energy-pkg event for AMD
    CPUs", 2024): there only the first of a package is read. ``vendor``: that of ``/proc/cpuinfo``; None: ask it.
    """
    pmu = system / PMU
    # AMD's family 15h has another PMU of this name, which knows no energy (Linux: arch/x86/events/amd/power.c).
    kinds = [kind for kind, name in EVENTS.items() if (pmu / "events" / name).exists()]
    if "cpu" not in kinds:
        return []
    cpus = _cpus((pmu / "cpumask").read_text())
    if _rapl.is_package_wide(vendor):
        cpus = list({_package(system, cpu): cpu for cpu in reversed(cpus)}.values())[::-1]
    number = int((pmu / "type").read_text())
    described = {kind: _described(pmu / "events" / EVENTS[kind]) for kind in kinds}
    places = [(kind, cpu) for cpu in cpus for kind in kinds]
    names = _rapl.domains(kind for kind, _ in places)
    return [Event(name, cpu, number, *described[kind]) for name, (kind, cpu) in zip(names, places, strict=True)]


def _cpus(mask: str) -> list[int]:
    """``0,18`` or ``0-1`` → numbers (Linux: Documentation/admin-guide/cputopology.rst)."""
    numbers: list[int] = []
    for part in mask.strip().split(","):
        first, _, last = part.partition("-")
        numbers += range(int(first), int(last or first) + 1)
    return numbers


def _package(system: Path, cpu: int) -> int:
    return int((system / f"devices/system/cpu/cpu{cpu}/topology/physical_package_id").read_text())


def _described(event: Path) -> tuple[int, float]:
    """Config and joules a count. ``format/event`` is ``config:0-7``: the number is the config."""
    text, unit = event.read_text().strip(), event.with_name(f"{event.name}.unit").read_text().strip()
    number = re.fullmatch(r"event=(0x[0-9a-f]+|\d+)", text)
    if number is None or unit != UNIT:
        raise ValueError(f"{event.name} is {text!r} in {unit!r}")
    return int(number[1], 0), float(event.with_name(f"{event.name}.scale").read_text())


@contextmanager
def opened(found: Sequence[Event]) -> Iterator[Mapping[Event, int]]:
    """A file descriptor for each event, closed when the context is left; ``MeterUnavailable`` where one is refused."""
    with ExitStack() as stack:
        files = {}
        for event in found:
            files[event] = _open(event)
            stack.callback(os.close, files[event])
        yield files


def _open(event: Event) -> int:
    """``perf_event_open(2)``, for which the C library has no function."""
    import ctypes

    call = SYSTEM_CALLS.get(platform.machine()) if sys.maxsize > 2**32 else None
    if call is None:
        message = f"How to open a perf event from this Python on {platform.machine()} is not known."
        raise MeterUnavailable(message, ["use a 64-bit Python on x86-64"])
    attributes = ctypes.create_string_buffer(ATTRIBUTES.size)
    ATTRIBUTES.pack_into(attributes, 0, event.type, ATTRIBUTES.size, event.config, *[0] * 7)
    library = ctypes.CDLL(None, use_errno=True)
    library.syscall.restype = ctypes.c_long
    numbers = (ANY_PROCESS, event.cpu, NO_GROUP, CLOSE_ON_EXEC)
    file = library.syscall(ctypes.c_long(call), attributes, *[ctypes.c_long(number) for number in numbers])
    if file >= 0:
        return int(file)
    number = ctypes.get_errno()
    if number in (errno.EACCES, errno.EPERM, errno.ENOSYS):
        raise MeterUnavailable(f"This user may not open perf's energy counters ({os.strerror(number)}).", [cure()])
    message = f"The perf event of {event.domain} on CPU {event.cpu} cannot be opened: {os.strerror(number)}."
    raise MeterUnavailable(message, [f"perf stat -a -e power/{EVENTS['cpu']}/ true"])


def cure() -> str:
    """What opens the counters. Events of a whole CPU need a paranoia of 0 at most, or CAP_PERFMON, which Linux has
    since 5.8 (Documentation/admin-guide/perf-security.rst); containers refuse the call without the capability."""
    python = os.path.realpath(sys.executable)
    return (
        f"sudo sysctl kernel.perf_event_paranoid=0  (until the next boot) or  sudo setcap cap_perfmon=ep {python}  "
        "(for whoever may run it); in a container  --cap-add PERFMON"
    )


def affinity() -> Affinity:
    """Real where perf's counters are open and powercap's are not; where both are, only one is read unasked."""
    return affinity_of()


def affinity_of(system: Path = SYSTEM, vendor: str | None = None) -> Affinity:
    """Of the PMU below a folder and a processor's vendor; None: this machine's."""
    try:
        found = events(system, vendor)
    except (OSError, ValueError) as error:
        reason = f"perf lists an energy counter that is not to be understood ({error})"
        return Affinity(Level.CLOSED, ("cpu:0",), reason, "use the meter rapl")
    if not found:
        reason = "perf has no energy counters here: virtual machines rarely have them, and only Linux does"
        return Affinity(Level.ABSENT, (), reason, f"sudo modprobe rapl, or {_rapl.BARE}")
    domains = tuple(event.domain for event in found)
    try:
        with opened(found):
            pass
    except MeterUnavailable as error:
        return Affinity(Level.CLOSED, domains, error.message.rstrip("."), "; ".join(error.cures))
    if _rapl.is_open(system / "class/powercap"):
        return Affinity(Level.ASKED, domains, "the same counters as rapl's, by another road", None)
    return Affinity(Level.REAL, domains, f"{len(found)} energy counters")


@contextmanager
def reader(scope: Scope) -> Iterator[Reader]:
    """Follow the counters from now on."""
    try:
        found = events()
    except (OSError, ValueError) as error:
        raise MeterUnavailable(
            f"perf's energy counters are not to be understood: {error}.", ["--meter rapl"]
        ) from error
    if not found:
        raise MeterUnavailable("perf has no energy counters on this machine.", [_rapl.BARE])
    with opened(found) as files:

        def read() -> Mapping[str, tuple[int, float]]:
            return {event.domain: (time.monotonic_ns(), joules(event, file)) for event, file in files.items()}

        yield Reader(read, _rapl.POLL_SECONDS, refresh=_rapl.REFRESH_SECONDS, quantum=QUANTUM)


def joules(event: Event, file: int) -> float:
    """Since the event was opened; ``MeterUnavailable`` where perf gives no count (its CPU is off)."""
    try:
        count = os.read(file, COUNT_BYTES)
    except OSError as error:
        raise MeterUnavailable(f"The perf event of {event.domain} failed: {error}.", ["wattstar doctor"]) from error
    if len(count) != COUNT_BYTES:
        message = f"The perf event of {event.domain} on CPU {event.cpu} gives no count any more."
        raise MeterUnavailable(message, ["keep all CPUs on; measure again"])
    return int.from_bytes(count, sys.byteorder) * event.scale
