"""Linux perf's PMU "power" without the hardware: the same counters as powercap's, by the road of perf_event_open.

A subprocess with the environment that ``install`` returns finds the PMU at /sys/bus/event_source/devices/power, and
its ``syscall(SYS_perf_event_open, …)`` gives a file whose reads are live (``powercap.c``, ``perf_event.h``). Powercap's
zones may be simulated beside it: open, denied, hidden, or none.

A package is a ``Zone`` of the powercap simulator. Its first part called ``dram`` becomes energy-ram; ``denied_from``
refuses to open its events; ``unit``, ``refresh``, ``loaded`` and ``start_joules`` are the hardware's.

Sources: arch/x86/events/rapl.c: names, texts, codes and scale of the events; kernel/events/core.c: the numbers of PMUs
that have no fixed one begin at PERF_TYPE_MAX, 6.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.simulators import powercap
from tests.simulators.powercap import Zone

TYPE = 29
CODES = {"cores": 1, "pkg": 2, "ram": 3, "gpu": 4, "psys": 5}
SCALE = "2.3283064365386962890625e-10"
CPUS_A_DIE = 8


def tree(
    folder: Path, packages: Sequence[Zone], unit: str = "Joules", known: Sequence[str] = ("cores", "psys")
) -> None:
    """Write what does not change, as below /sys: the PMU, and which socket its CPUs are on (``package-1-die-0``: 1)."""
    pmu = folder / "bus/event_source/devices/power"
    (pmu / "events").mkdir(parents=True)
    (pmu / "format").mkdir()
    has_memory = any(part.name == "dram" for zone in packages for part in zone.parts)
    for name in [*known, "pkg", *(["ram"] if has_memory else [])]:
        event = pmu / "events" / f"energy-{name}"
        event.write_text(f"event=0x{CODES[name]:02x}\n")
        event.with_name(f"{event.name}.scale").write_text(f"{SCALE}\n")
        event.with_name(f"{event.name}.unit").write_text(f"{unit}\n")
    (pmu / "format/event").write_text("config:0-7\n")
    (pmu / "type").write_text(f"{TYPE}\n")
    (pmu / "cpumask").write_text(",".join(str(CPUS_A_DIE * place) for place in range(len(packages))) + "\n")
    for place, zone in enumerate(packages):
        topology = folder / f"devices/system/cpu/cpu{CPUS_A_DIE * place}/topology"
        topology.mkdir(parents=True)
        (topology / "physical_package_id").write_text(f"{zone.name.split('-')[1]}\n")


def install(
    folder: Path,
    packages: Sequence[Zone],
    zones: Sequence[Zone] = (),
    hidden: bool = False,
    vendor: str = "GenuineIntel",
) -> Mapping[str, str]:
    """Make the PMU of these packages, and powercap's zones beside it; returns a subprocess's environment."""
    environment = powercap.install(folder, zones, hidden, vendor)
    tree(folder, packages)
    with (folder / powercap.CONFIGURATION).open("a", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in _lines(folder.resolve(), packages))
    return environment


def _lines(root: Path, packages: Sequence[Zone]) -> Iterator[str]:
    yield f"pmu {TYPE}"
    for place, zone in enumerate(packages):
        memory = [part for part in zone.parts if part.name == "dram"]
        for name, counter in [("pkg", zone), *(("ram", part) for part in memory[:1])]:
            yield f"event {CPUS_A_DIE * place} {CODES[name]}"
            yield from powercap.description(root, counter)
