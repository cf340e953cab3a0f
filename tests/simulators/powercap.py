"""Linux powercap without the hardware: a tree as under /sys/class/powercap whose energy counters show power traces.

Two ways to read it:

``install``  A subprocess with the returned environment finds the tree at /sys/class/powercap. A preloaded library
             (``powercap.c``) makes each value when the file is read, as sysfs does: open, pathlib, glob, a kept file
             with pread, other tools. Out of reach: programs that do not go through the C library (Go, static Rust).
``Tree``     For a reader in this process that takes a folder. ``show(moment)`` sets all counters to what they say at
             a moment: exact, and time may be simulated. ``live()`` does so every millisecond or so in a thread: a
             value may be some milliseconds old when Python's lock is busy, and zones are written one after another.
             A user may read what root may: denial is shown by file modes only, so root is not denied.

Sources: "Power Capping Framework" (Linux kernel documentation): names and files; drivers/powercap/intel_rapl_common.c:
a 32-bit count of energy units, 10^9 >> 14 = 61035 nJ on most CPUs, shown in whole microjoules, so that the range reads
262143328850; DRAM of several servers: 15300 nJ; energy_uj is root's alone since 5.10. "Running Average Power Limit"
(Intel SDM vol. 3B): the count is refreshed about every millisecond.
"""

from __future__ import annotations

import math
import os
import shutil
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.simulators import compiler
from tests.simulators.trace import Following, Trace

NEVER = 2**63 - 1
UPTIME = 600_000_000_000
CONFIGURATION = "powercap.conf"
CLASS = Path("class/powercap")
DEVICES = Path("devices/virtual/powercap")
COUNTS = 2**32
"""The hardware's counter is 32 bits wide."""
STUB = "This counter is live only for a process with powercap.c preloaded.\n"


@dataclass(frozen=True)
class Zone:
    """One zone and the zones inside it. Moments are nanoseconds of CLOCK_MONOTONIC."""

    name: str
    """``package-0``, ``package-0-die-1``, ``core``, ``uncore``, ``dram``, ``psys``."""
    trace: Trace | Following
    parts: tuple[Zone, ...] = ()
    """One level deep, as RAPL's are."""
    control: str = "intel-rapl"
    """The control type; ``intel-rapl-mmio`` shows the same counters again."""
    unit: int = 61035
    """Nanojoules a count; 15258 on Zen, 15300 for DRAM of several servers, 10^9 for psys of some."""
    refresh: float = 0.001
    """Seconds."""
    loaded: int = field(default_factory=lambda: time.monotonic_ns() - UPTIME)
    """From here on the counter counts."""
    start_joules: float = 0.0
    """What it had counted by then, wraps included."""
    reset_at: int = NEVER
    """The counter restarts at 0."""
    denied_from: int = NEVER
    """Reading energy_uj is refused to everybody from here on; 0: always."""
    limit_watts: float | None = None
    """Of the long-term constraint."""

    @property
    def range(self) -> int:
        """``max_energy_range_uj``. The counter wraps one unit later."""
        return (COUNTS - 1) * self.unit // 1000

    def wrapping_at(self, moment: int) -> Zone:
        """The same zone, its counter such that it wraps at a moment."""
        wrap = COUNTS * self.unit / 1e9
        return replace(self, start_joules=wrap - self._trace().joules(self.loaded, moment) % wrap)

    def microjoules(self, moment: int) -> int:
        """What ``energy_uj`` shows at a moment; the arithmetic of ``powercap.c``."""
        seconds, begin, joules = (moment - self.loaded) / 1e9, self.loaded, self.start_joules
        if self.refresh > 0:
            seconds = math.floor(seconds / self.refresh) * self.refresh
        if moment >= self.reset_at:
            begin, joules = self.reset_at, 0.0
        joules += self._trace().joules(begin, max(self.loaded + round(seconds * 1e9), begin))
        return math.floor(joules * 1e9 / self.unit) % COUNTS * self.unit // 1000

    def _trace(self) -> Trace:
        return self.trace.trace() if isinstance(self.trace, Following) else self.trace


@dataclass(frozen=True)
class Tree:
    """A tree of zones in a folder; ``powercap`` is what a reader takes for /sys/class/powercap."""

    folder: Path
    zones: Mapping[Path, Zone]
    """Folder of each zone, parts included."""

    @property
    def powercap(self) -> Path:
        return self.folder / CLASS

    def show(self, moment: int) -> None:
        """Let every counter say what it says at a moment. Files are written in place, so kept files see it too."""
        for folder, zone in self.zones.items():
            if moment >= zone.denied_from:
                (folder / "energy_uj").chmod(0)
            else:
                _overwrite(folder / "energy_uj", f"{zone.microjoules(moment)}\n".encode())

    @contextmanager
    def live(self, period: float = 0.001) -> Iterator[None]:
        """Show the present again and again while the context lasts."""
        stop = threading.Event()

        def work() -> None:
            while not stop.wait(period):
                self.show(time.monotonic_ns())

        self.show(time.monotonic_ns())
        thread = threading.Thread(target=work, name="powercap", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


def tree(folder: Path, zones: Sequence[Zone]) -> Tree:
    """Make the folders and all files that do not change; no zones: as in a virtual machine."""
    (folder / CLASS).mkdir(parents=True)
    for control in dict.fromkeys(zone.control for zone in zones):
        home = folder / DEVICES / control
        home.mkdir(parents=True)
        _files(home, {"enabled": "1"})
        _link(folder, home)
    placed = _places(folder, zones)
    for home, zone in placed.items():
        _make(folder, home, zone)
    return Tree(folder, placed)


def install(
    folder: Path, zones: Sequence[Zone], hidden: bool = False, vendor: str = "GenuineIntel"
) -> Mapping[str, str]:
    """Make a tree; returns what a subprocess needs in its environment to see it live at /sys/class/powercap.

    Hidden, the devices are masked as container runtimes do: the class folder is full of links to nothing. ``vendor`` is
    the processor's, as /proc/cpuinfo will say (``AuthenticAMD``).
    """
    made = tree(folder.resolve(), zones)
    (made.folder / "proc").mkdir()
    text = f"processor\t: 0\nvendor_id\t: {vendor}\nmodel name\t: simulated\n"
    (made.folder / "proc/cpuinfo").write_text(text, encoding="utf-8")
    if hidden:
        shutil.rmtree(made.folder / DEVICES)
        (made.folder / DEVICES).mkdir()
    write(folder, [] if hidden else zones)
    others = filter(None, [os.environ.get("LD_PRELOAD")])
    return {"LD_PRELOAD": ":".join([str(shared_object()), *others]), "WATTSTAR_POWERCAP_SIMULATOR": str(made.folder)}


def write(folder: Path, zones: Sequence[Zone]) -> None:
    """Change the zones of an installed tree from now on, also for processes that have them open; none come or go."""
    root = folder.resolve()
    lines = [line for home, zone in _places(root, zones).items() for line in _lines(root, home, zone)]
    temporary = root / f"{CONFIGURATION}.new"
    temporary.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    temporary.replace(root / CONFIGURATION)


def shared_object() -> Path:
    """The library to preload, built now if it is not yet; ``RuntimeError`` where there is no C compiler."""
    return compiler.shared_object("powercap.c", "libwattstar-powercap.so")


def _places(root: Path, zones: Sequence[Zone]) -> dict[Path, Zone]:
    """The folder of each zone and of its parts; numbered in order, by control type."""
    found: dict[Path, Zone] = {}
    for control in dict.fromkeys(zone.control for zone in zones):
        for index, zone in enumerate(zone for zone in zones if zone.control == control):
            home = root / DEVICES / control / f"{control}:{index}"
            found[home] = zone
            found |= {home / f"{home.name}:{number}": part for number, part in enumerate(zone.parts)}
    return found


def _make(root: Path, folder: Path, zone: Zone) -> None:
    folder.mkdir()
    _files(folder, {"name": zone.name, "max_energy_range_uj": str(zone.range), "enabled": "1"})
    if zone.limit_watts is not None:
        limit = str(round(zone.limit_watts * 1e6))
        names = {"name": "long_term", "power_limit_uw": limit, "max_power_uw": limit, "time_window_us": "999424"}
        _files(folder, {f"constraint_0_{name}": value for name, value in names.items()})
    (folder / "energy_uj").write_text(STUB, encoding="utf-8")
    _link(root, folder)


def _files(folder: Path, contents: Mapping[str, str]) -> None:
    for name, text in contents.items():
        (folder / name).write_text(f"{text}\n", encoding="utf-8")


def _link(root: Path, folder: Path) -> None:
    """As in sysfs, the class folder is flat and holds relative links to the devices, which link back to the class."""
    (root / CLASS / folder.name).symlink_to(Path("../..") / folder.relative_to(root))
    (folder / "subsystem").symlink_to(os.path.relpath(root / CLASS, folder))


def _lines(root: Path, folder: Path, zone: Zone) -> Iterator[str]:
    yield f"zone {folder / 'energy_uj'}"
    yield from description(root, zone)


def description(root: Path, zone: Zone) -> Iterator[str]:
    """Lines of the configuration: what a counter says and when, under the name of its zone or event."""
    yield f"trace {zone.trace.write(root)}"
    for name in ("unit", "refresh", "loaded", "start_joules", "reset_at", "denied_from"):
        yield f"{name} {getattr(zone, name)}"


def _overwrite(path: Path, content: bytes) -> None:
    file = os.open(path, os.O_WRONLY)
    try:
        os.pwrite(file, content, 0)
        os.ftruncate(file, len(content))
    finally:
        os.close(file)
