"""The energy counters of amd_energy, from a tree that follows power traces."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.simulators import hwmon as simulator
from tests.simulators import trace
from tests.simulators.hwmon import Chip, Counter, Tree
from wattstar.errors import MeterUnavailable
from wattstar.meters import hwmon
from wattstar.types import Level

BUSY, STEADY = trace.square(60, 250, 0.073, duty=0.4), trace.constant(100.0)


def machine(root: Path, reset_at: int = simulator.NEVER) -> Tree:
    """Two sockets, their cores, and a chip with an energy counter that nobody knows."""
    now = time.monotonic_ns()
    counters = [
        Counter("Ecore000", STEADY, now),
        Counter("Ecore001", STEADY, now),
        Counter("Esocket0", BUSY, now - 10**9, reset_at),
        Counter("Esocket1", STEADY, now - 10**9),
    ]
    other = Chip("somedriver", [Counter("Esocket0", STEADY, now)])
    made = simulator.tree(root, Chip("nvme"), Chip("amd_energy", counters), other)
    made.show(now)
    return made


def test_the_sockets_are_read_and_neither_cores_nor_what_is_not_known(tmp_path: Path) -> None:
    made = machine(tmp_path)
    found = hwmon.affinity_in(tmp_path)
    assert (found.level, found.domains) == (Level.REAL, ("cpu:0", "cpu:1"))
    assert {counter.file.parent for counter in hwmon.counters(tmp_path)} == {made.folder(1)}


def test_joules_are_those_of_the_trace(tmp_path: Path) -> None:
    """To the microjoule that sysfs shows, at both ends."""
    made = machine(tmp_path)
    with hwmon.reader_in(tmp_path) as reader:
        shown, found = [], []
        for _ in range(20):
            shown.append(time.monotonic_ns())
            made.show(shown[-1])
            found.append(reader.read())
            assert all(shown[-1] <= moment <= time.monotonic_ns() for moment, _ in found[-1].values())
            time.sleep(reader.period)
    for domain, power in (("cpu:0", BUSY), ("cpu:1", STEADY)):
        assert found[-1][domain][1] - found[0][domain][1] == pytest.approx(power.joules(shown[0], shown[-1]), abs=2e-6)
    assert reader.quantum > 0
    assert reader.refresh > 0


def test_a_counter_that_goes_back_is_an_error(tmp_path: Path) -> None:
    later = time.monotonic_ns() + 10**9
    made = machine(tmp_path, reset_at=later)
    with hwmon.reader_in(tmp_path) as reader:
        made.show(later - 1)
        reader.read()
        made.show(later + 1)
        with pytest.raises(MeterUnavailable, match="cpu:0 went back") as caught:
            reader.read()
    assert caught.value.cures


def test_a_counter_that_is_no_number_or_gone_is_said(tmp_path: Path) -> None:
    made = machine(tmp_path)
    with hwmon.reader_in(tmp_path) as reader:
        for break_it in (lambda file: file.write_text("\n"), lambda file: file.unlink()):
            break_it(made.folder(1) / "energy3_input")
            with pytest.raises(MeterUnavailable, match="cpu:0 failed"):
                reader.read()


def test_without_the_driver_it_is_absent_with_a_cure(tmp_path: Path) -> None:
    found = hwmon.affinity_in(tmp_path / "missing")
    assert (found.level, found.domains) == (Level.ABSENT, ())
    assert found.cure
    with pytest.raises(MeterUnavailable), hwmon.reader_in(tmp_path):
        pass


def test_counters_that_are_root_s_are_closed_with_the_cure_and_the_domains(tmp_path: Path) -> None:
    """The driver gives them mode 0440; root, whom nothing is closed to, becomes nobody first."""
    made = machine(tmp_path)
    for file in made.folder(1).glob("energy*_input"):
        file.chmod(0o400 if os.getuid() == 0 else 0o000)
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.getuid() and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o055)
    text = f"""
import os
from pathlib import Path
from wattstar.meters import hwmon
if os.getuid() == 0: os.setuid(65534)
print(hwmon.affinity_in(Path({str(tmp_path)!r})))
"""
    done = subprocess.run([sys.executable, "-P", "-c", text], capture_output=True, text=True, timeout=30, check=True)
    assert "Level.CLOSED" in done.stdout
    assert "('cpu:0', 'cpu:1')" in done.stdout
    assert "may not read" in done.stdout
    assert "udev" in done.stdout
