"""Linux hwmon without the hardware: a tree as under /sys/class/hwmon whose sensors show power traces.

``show(moment)`` lets every sensor say what it says at a moment, for a reader in this process that takes a folder: a
test shows the present and reads at once, so nothing is stale. Files are written in place, so kept files see it too.
What a user may not read, or a channel that is switched off, a test makes by file modes and by removing files.

Sources: "Kernel driver amd_energy" (microjoules; Ecore and Esocket); "Kernel driver ina3221" (millivolts,
milliamperes, ``update_interval`` in milliseconds); INA3221 data sheet, SBOS576: the voltage of the shunt comes in steps
of 40 µV, which is 8 mA on 5 mΩ.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.simulators.trace import Trace

NEVER = 2**63 - 1
MILLIVOLTS, MILLIAMPERES = 5000, 8


@dataclass(frozen=True)
class Counter:
    """An ``energyN_input``. Moments are nanoseconds of CLOCK_MONOTONIC."""

    label: str
    trace: Trace
    loaded: int
    """The counter counts from here."""
    reset_at: int = NEVER
    """The counter restarts at 0, as where the driver is loaded anew."""

    def files(self, number: int, moment: int) -> dict[str, str]:
        begin = self.loaded if moment < self.reset_at else self.reset_at
        return {f"energy{number}_input": str(int(self.trace.joules(begin, moment) * 1e6))}


@dataclass(frozen=True)
class Rail:
    """An ``inN_input`` and ``currN_input``."""

    label: str
    trace: Trace

    def files(self, number: int, moment: int) -> dict[str, str]:
        milliamperes = self.trace.watts(moment) * 1e6 / MILLIVOLTS
        amperes = round(milliamperes / MILLIAMPERES) * MILLIAMPERES
        return {f"in{number}_input": str(MILLIVOLTS), f"curr{number}_input": str(amperes)}


@dataclass(frozen=True)
class Chip:
    """One ``hwmonN``."""

    name: str
    sensors: Sequence[Counter | Rail] = ()
    """Numbered from 1."""
    update_milliseconds: int | None = None


@dataclass(frozen=True)
class Tree:
    """``root`` is what a reader takes for /sys/class/hwmon."""

    root: Path
    chips: Sequence[Chip]

    def folder(self, index: int) -> Path:
        return self.root / f"hwmon{index}"

    def show(self, moment: int) -> None:
        """Let every sensor say what it says at a moment."""
        for index, chip in enumerate(self.chips):
            for number, sensor in enumerate(chip.sensors, start=1):
                for name, text in sensor.files(number, moment).items():
                    _overwrite(self.folder(index) / name, f"{text}\n".encode())


def tree(root: Path, *chips: Chip) -> Tree:
    """Make the folders and all files that do not change."""
    made = Tree(root, chips)
    for index, chip in enumerate(chips):
        folder = made.folder(index)
        folder.mkdir()
        (folder / "name").write_text(f"{chip.name}\n")
        if chip.update_milliseconds is not None:
            (folder / "update_interval").write_text(f"{chip.update_milliseconds}\n")
        for number, sensor in enumerate(chip.sensors, start=1):
            kind = "energy" if isinstance(sensor, Counter) else "in"
            (folder / f"{kind}{number}_label").write_text(f"{sensor.label}\n")
        if any(isinstance(sensor, Rail) for sensor in chip.sensors):
            (folder / "in7_label").write_text("sum of shunt voltages\n")
    return made


def _overwrite(path: Path, content: bytes) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
    try:
        os.pwrite(file, content, 0)
        os.ftruncate(file, len(content))
    finally:
        os.close(file)
