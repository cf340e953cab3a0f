"""What both roads to the energy counters of Intel and AMD CPUs share: powercap (``rapl``) and perf (``perf_event``).

The counters are one and the same (RAPL, "Running Average Power Limit", Intel SDM vol. 3B, and AMD's likewise).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

POWERCAP = Path("/sys/class/powercap")
CPUINFO = Path("/proc/cpuinfo")

POLL_SECONDS = 0.05
REFRESH_SECONDS = 0.001
"""The counters are refreshed about every millisecond (Linux: Documentation/hwmon/amd_energy; Intel's are alike)."""
PACKAGE_WIDE = ("AuthenticAMD", "HygonGenuine")
"""Vendors whose dies all show the counter of the whole package. Intel's multi-die packages (Cascade Lake-AP) have one
counter a die (Linux: the comment above ``rapl_msrs_are_pkg_scope``, drivers/powercap/intel_rapl_common.c)."""
BARE = "run on the bare machine, or be content with an estimate"


@dataclass(frozen=True)
class Counter:
    """A counter as powercap lists it, open to this user or not."""

    folder: Path
    name: str
    """``package-0``, ``package-0-die-1``, ``dram``."""
    kind: str
    """``cpu`` or ``dram``: the first half of a domain's name."""
    package: str
    """The socket: ``package-0``, for the counters of all its dies."""


def listed(powercap: Path = POWERCAP) -> list[Counter]:
    """The package and memory counters; ``OSError`` where a container hides the files behind the names.

    core and uncore are parts of a package, and psys contains packages: to add them would count twice. The same counters
    are listed again below ``intel-rapl-mmio``; only ``intel-rapl`` is read. Linux calls a socket's zone ``package-N``,
    or, where it knows of several dies, ``package-N-die-M`` (drivers/powercap/intel_rapl_common.c, rapl_add_package).
    """
    found: list[Counter] = []
    package = ""
    for folder in sorted(powercap.glob("intel-rapl:*"), key=_place):
        name = (folder / "name").read_text().strip()
        if name.startswith("package"):
            package = name.partition("-die-")[0]
            found.append(Counter(folder, name, "cpu", package))
        elif name == "dram":
            found.append(Counter(folder, name, "dram", package))
    return found


def _place(folder: Path) -> list[int]:
    """``intel-rapl:a:0`` → 10, 0: Linux counts zones in hexadecimal digits, and memory follows its package."""
    return [int(number, 16) for number in folder.name.split(":")[1:]]


def is_open(powercap: Path = POWERCAP) -> bool:
    """Whether this user may read every counter through powercap, and there is one."""
    try:
        found = listed(powercap)
    except OSError:
        return False
    return bool(found) and all(os.access(counter.folder / "energy_uj", os.R_OK) for counter in found)


def domains(kinds: Iterable[str]) -> tuple[str, ...]:
    """Number the counters of each kind in order: cpu, dram, cpu → ``cpu:0``, ``dram:0``, ``cpu:1``."""
    named: list[str] = []
    for kind in kinds:
        named.append(f"{kind}:{sum(name.startswith(kind + ':') for name in named)}")
    return tuple(named)


def once_a_package(found: Sequence[Counter]) -> list[Counter]:
    """The first counter of each kind and package."""
    return list({(counter.kind, counter.package): counter for counter in reversed(found)}.values())[::-1]


def is_package_wide(vendor: str | None) -> bool:
    """Whether every die of this vendor's processors shows the whole package; None: ask ``/proc/cpuinfo``."""
    return (_vendor() if vendor is None else vendor) in PACKAGE_WIDE


def _vendor() -> str | None:
    """``GenuineIntel``, ``AuthenticAMD``, …; None where Linux does not say."""
    try:
        lines = CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("vendor_id")), None)
