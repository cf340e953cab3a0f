"""Adds up the power of the rails of NVIDIA Jetson modules, through the INA3221 sensors on them.

Linux shows each rail's voltage and current by its label in hwmon ("Kernel driver ina3221"; the labels are those of its
device trees for tegra194 and tegra234). A rail is read only where NVIDIA says what it feeds ("Jetson Linux Developer
Guide", Platform Power and Performance; Developer Forums 73608 and 200883):

- Orin NX, Orin Nano, Xavier NX: VDD_IN is the whole module. VDD_CPU_GPU_CV feeds CPU, GPU and more, and is neither.
- AGX Orin has no such rail: VDD_GPU_SOC (GPU, memory subsystem, codecs), VDD_CPU_CV (CPU, vision cores) and
  VIN_SYS_5V0 (the rest; VDDQ_VDD2_1V8AO is a part of it, though a rail of its own) are the module together.
- AGX Xavier: GPU and CPU; whether its six rails are the whole module is not said.
- Nano: POM_5V_IN is the whole module, POM_5V_GPU and POM_5V_CPU are parts of it.

So ``system`` is the module without its carrier board and power supply, and ``gpu:0`` is what shares the GPU's rail.
NVIDIA states no tolerance; the shunts are of 1 % (AGX Xavier design guide, DG-09840-001, figure 5-14).
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from wattstar.errors import MeterUnavailable
from wattstar.types import Affinity, Level, Method, Reader, Scope

requires: tuple[str, ...] = ()
method = Method.SAMPLED
plausible_factor: float | None = None
gain: float | None = None
argument: str | None = None
confirmed = False

HWMON = Path("/sys/class/hwmon")
CHIP = "ina3221"
LABEL = re.compile(r"in([123])_label")
"""Channels 1 to 3 are rails; 7 is a sum of shunt voltages."""
RAILS: Sequence[tuple[str, tuple[str, ...]]] = (
    ("system", ("VDD_IN",)),
    ("system", ("POM_5V_IN",)),
    ("system", ("VDD_GPU_SOC", "VDD_CPU_CV", "VIN_SYS_5V0")),
    ("gpu:0", ("VDD_GPU_SOC",)),
    ("gpu:0", ("POM_5V_GPU",)),
    ("gpu:0", ("GPU",)),
    ("cpu:0", ("VDD_CPU_CV",)),
    ("cpu:0", ("POM_5V_CPU",)),
    ("cpu:0", ("CPU",)),
)
"""Domain ← the rails that add up to it. The first of a domain whose rails are all there is taken."""
POLL_SECONDS = 0.03
JITTER = 0.5
"""Reads are moved at random by so much of the period: a load that is periodic with the sensor would alias."""
UPDATE_SECONDS = 0.0066
"""Where the driver does not tell: 3 channels × (1.1 + 1.1) ms, as INA3221 powers on (its data sheet, SBOS576)."""
ABSENT = "this meter is for NVIDIA Jetson; see wattstar doctor for others"
UNREADABLE = "look at the hwmon folder of the ina3221; in a container, mount /sys"


@dataclass(frozen=True)
class Rail:
    """One channel of a chip."""

    folder: Path
    channel: str

    def watts(self) -> float:
        """Millivolts × milliamperes; ``MeterUnavailable`` where either cannot be read."""
        volts, amperes = (self.folder / f"{kind}{self.channel}_input" for kind in ("in", "curr"))
        try:
            return int(volts.read_text()) * int(amperes.read_text()) / 1e6
        except (OSError, ValueError) as error:
            raise MeterUnavailable(f"A power rail cannot be read: {error}.", [UNREADABLE]) from error

    def update_seconds(self) -> float:
        """How often the chip converts all its channels, as ``update_interval`` tells in milliseconds."""
        try:
            return int((self.folder / "update_interval").read_text()) / 1e3 or UPDATE_SECONDS
        except (OSError, ValueError):
            return UPDATE_SECONDS


@dataclass
class Sum:
    """Joules of one domain since the first reading, trapezoid by trapezoid."""

    rails: tuple[Rail, ...]
    moment: int
    watts: float
    joules: float = 0.0

    def add(self) -> tuple[int, float]:
        """Read the rails; stamped in the middle of it, for I2C is slow."""
        moment, watts = _power(self.rails)
        self.joules += (moment - self.moment) / 1e9 * (watts + self.watts) / 2
        self.moment, self.watts = moment, watts
        return moment, self.joules


def affinity() -> Affinity:
    """Real where a known rail is there and readable."""
    return affinity_in(HWMON)


def reader(scope: Scope) -> AbstractContextManager[Reader]:
    """Integrate the power of every known domain: a Jetson has one GPU."""
    return reader_in(HWMON)


def affinity_in(root: Path) -> Affinity:
    """What a tree like /sys/class/hwmon has."""
    found, labels = domains(root), ", ".join(sorted(rails(root)))
    if not found:
        reason = f"no power rail of known name: {labels}" if labels else f"no {CHIP} with labelled rails in hwmon"
        return Affinity(Level.ABSENT, (), reason, ABSENT)
    try:
        for parts in found.values():
            _power(parts)
    except MeterUnavailable as error:
        return Affinity(Level.CLOSED, tuple(found), error.message.rstrip("."), "; ".join(error.cures))
    return Affinity(Level.REAL, tuple(found), f"power of the rails {labels}, as far as known")


@contextmanager
def reader_in(root: Path) -> Iterator[Reader]:
    """Read a tree like /sys/class/hwmon."""
    found = domains(root)
    if not found:
        raise MeterUnavailable(f"There is no {CHIP} with power rails of known names.", [ABSENT])
    sums = {domain: Sum(parts, *_power(parts)) for domain, parts in found.items()}

    def read() -> Mapping[str, tuple[int, float]]:
        return {domain: total.add() for domain, total in sums.items()}

    refresh = max(rail.update_seconds() for parts in found.values() for rail in parts)
    yield Reader(read, POLL_SECONDS, refresh=refresh, jitter=JITTER)


def domains(root: Path) -> dict[str, tuple[Rail, ...]]:
    """Domain → the rails that it is made of."""
    seen = rails(root)
    found: dict[str, tuple[Rail, ...]] = {}
    for domain, labels in RAILS:
        if domain not in found and all(label in seen for label in labels):
            found[domain] = tuple(seen[label] for label in labels)
    return found


def rails(root: Path) -> dict[str, Rail]:
    """Label → rail of every INA3221; its driver is called ``ina3221x`` in NVIDIA's older kernels."""
    found = {}
    for name in sorted(root.glob("*/name")):
        if not _text(name).startswith(CHIP):
            continue
        for file in name.parent.glob("in*_label"):
            channel = LABEL.fullmatch(file.name)
            if channel:
                found[_text(file)] = Rail(name.parent, channel[1])
    return found


def _power(parts: Sequence[Rail]) -> tuple[int, float]:
    began = time.monotonic_ns()
    watts = sum(rail.watts() for rail in parts)
    return (began + time.monotonic_ns()) // 2, watts


def _text(file: Path) -> str:
    """Empty where it cannot be read."""
    try:
        return file.read_text().strip()
    except (OSError, UnicodeDecodeError):
        return ""
