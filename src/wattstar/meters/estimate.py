"""Estimates CPU and memory energy from the job's own CPU seconds and memory: a model, never a measurement.

    joules of cpu:0  = CPU seconds of the worker's process tree × watts per core
    joules of dram:0 = integral of the tree's resident memory × WATTS_PER_GIGABYTE

Only the job's own work is charged, not the machine's load, and nothing for idle cores, fans, disks or losses of the
power supply. A process that sleeps uses no CPU seconds: what is read of it says nothing of what the machine draws at
rest, and an idle power worked out from it is none.

Watts per core, the first that is there; ``affinity`` says which, and its source:

1. measured on this machine against a counter (``_calibration``);
2. thermal design power over physical cores, from the row of ``cpu_power.toml`` for this very processor;
3. for a processor that has no row WATTS_PER_CORE. Data sheets lie between 4 and 7: AMD EPYC 7763 280 W / 64 = 4.4,
   Intel Xeon Platinum 8380 270 W / 40 = 6.8, AMD Ryzen 9 5950X 105 W / 16 = 6.6, Intel Core i7-1185G7 28 W / 4 = 7.0;
   their mean is 6.2, rounded to 6. On ARM WATTS_PER_ARM_CORE: Ampere Altra Q80-33 250 W / 80 = 3.1, Q80-30
   210 W / 80 = 2.6, Q64-26 125 W / 64 = 2.0 (Ampere's announcement of June 2020), NVIDIA Grace CPU Superchip
   500 W / 144 = 3.5, memory included (its data sheet); their mean is 2.8, rounded to 3.

A CPU second is charged as that of a whole core, also where another thread of the same core (SMT) was busy meanwhile:
right where a program starts one thread a core, as frameworks do, and up to twice too much where every thread of every
core is busy, or where a virtual machine's CPU is half a core. On a crowded machine the same work takes more CPU seconds
(caches, SMT, clocks) and is charged more. A few busy cores run at a higher clock than all together and draw more each.
No reading is above the CPUs that the process may use (affinity and quota of its control groups) × watts per core.
A control group's own total (``cpu.stat``) is not read: the worker shares its group with this process.

WATTS_PER_GIGABYTE: 3 W for a module of 8 GB, the figure that memory vendors give and other tools use.
All this is the reason for a plausible range of ×/÷ 2; a calibration narrows that of the CPU, not that of memory.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from wattstar.errors import MeterUnavailable
from wattstar.meters._calibration import load
from wattstar.meters._process_tree import Total, watched
from wattstar.meters._processor import processor_name, specification, usable_cpus
from wattstar.types import Affinity, Level, Method, Reader, Scope

requires: tuple[str, ...] = ()
method = Method.MODELLED
plausible_factor: float | None = 2.0
gain: float | None = None
argument: str | None = None
confirmed = True

WATTS_PER_CORE = 6.0
WATTS_PER_ARM_CORE = 3.0
WATTS_PER_GIGABYTE = 3.0 / 8.0
PERIOD_SECONDS = 0.05


@dataclass(frozen=True)
class Rate:
    """What a CPU second costs."""

    watts_per_core: float
    source: str
    factor: float = 2.0
    """The truth is plausibly within this, times and divided."""


def affinity() -> Affinity:
    """An estimate is possible everywhere."""
    found = rate(processor_name())
    return Affinity(
        Level.ESTIMATE,
        ("cpu:0", "dram:0"),
        f"modelled: CPU seconds × {found.watts_per_core:.3g} W ({found.source}) "
        f"+ memory × {WATTS_PER_GIGABYTE:g} W/GB, plausible within ×/÷ {found.factor:.2g} and ×/÷ 2",
        "a readable hardware counter; see the other meters",
    )


@contextmanager
def reader(scope: Scope) -> Iterator[Reader]:
    """Add up the process tree of the worker."""
    found, cpus = rate(processor_name()), usable_cpus(scope.pid)
    with watched(scope.pid) as total:
        account = _Account(total, found.watts_per_core, cpus)
        yield Reader(
            account.read,
            PERIOD_SECONDS,
            limits={} if cpus is None else {"cpu:0": cpus * found.watts_per_core},
            factors={"cpu:0": found.factor},
        )


def rate(processor: str) -> Rate:
    """Of the processor of this name; why a calibration is not used is part of the source."""
    ignored = ""
    try:
        calibration = load(processor)
    except MeterUnavailable as error:
        calibration, ignored = None, "; " + error.message.rstrip(".")
    if calibration is not None:
        source = f"measured here against a counter on {calibration.made:%Y-%m-%d}"
        return Rate(calibration.watts_per_core, source, calibration.factor)
    row = specification(processor)
    if row is not None:
        return Rate(row.watts_per_core, f"{row.name}: {row.watts:g} W / {row.cores} cores, {row.source}{ignored}")
    arm = platform.machine().lower() in ("aarch64", "arm64")
    source = f"the mean of {'ARM server' if arm else 'common'} processors, as {processor!r} is not in cpu_power.toml"
    return Rate(WATTS_PER_ARM_CORE if arm else WATTS_PER_CORE, source + ignored)


@dataclass
class _Account:
    """Joules so far.

    What was used before the first read is charged at once. After that CPU seconds that show late, as those of a child
    that was there for a while before it was found, are charged no faster than the CPUs can have used them.
    """

    total: Callable[[], Total]
    watts_per_core: float
    cpus: float | None
    cpu_seconds: float | None = None
    dram_joules: float = 0.0
    read_at: int = field(default_factory=time.monotonic_ns)

    def read(self) -> Mapping[str, tuple[int, float]]:
        """Domain → moment and joules."""
        now = time.monotonic_ns()
        total, seconds = self.total(), (now - self.read_at) / 1e9
        if self.cpu_seconds is None or self.cpus is None:
            self.cpu_seconds = total.cpu_seconds
        else:
            self.cpu_seconds = min(total.cpu_seconds, self.cpu_seconds + self.cpus * seconds)
        self.dram_joules += total.resident_bytes / 1e9 * WATTS_PER_GIGABYTE * seconds
        self.read_at = now
        return {
            "cpu:0": (now, self.cpu_seconds * self.watts_per_core),
            "dram:0": (now, self.dram_joules),
        }
