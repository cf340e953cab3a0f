"""Powercap counters from a temporary tree that looks like Linux's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from wattstar.errors import MeterUnavailable
from wattstar.meters.rapl import zones

WRAP = 262_143_328_850


def zone(powercap: Path, folder: str, name: str, energy: int) -> Path:
    made = powercap / folder
    made.mkdir()
    (made / "name").write_text(name + "\n")
    (made / "energy_uj").write_text(f"{energy}\n")
    (made / "max_energy_range_uj").write_text(f"{WRAP}\n")
    return made / "energy_uj"


@pytest.fixture
def powercap(tmp_path: Path) -> Path:
    """Two packages with all that Linux shows."""
    (tmp_path / "intel-rapl").mkdir()
    for number in (0, 1):
        zone(tmp_path, f"intel-rapl:{number}", f"package-{number}", 1_000_000 * (number + 1))
        zone(tmp_path, f"intel-rapl:{number}:0", "core", 5)
        zone(tmp_path, f"intel-rapl:{number}:1", "dram", 7_000_000 * (number + 1))
    zone(tmp_path, "intel-rapl:2", "psys", 9)
    zone(tmp_path, "intel-rapl-mmio:0", "package-0", 1_000_000)
    return tmp_path


def test_packages_and_memory_are_read_and_nothing_twice(powercap: Path) -> None:
    """core is part of a package, psys contains packages, and mmio shows the same counter again."""
    found = {found.domain: found.file.parent.name for found in zones(powercap)}
    assert found == {
        "cpu:0": "intel-rapl:0",
        "cpu:1": "intel-rapl:1",
        "dram:0": "intel-rapl:0:1",
        "dram:1": "intel-rapl:1:1",
    }


def test_joules_count_from_the_first_read(powercap: Path) -> None:
    [first, *_] = zones(powercap)
    assert first.joules() == 0
    first.file.write_text("1500000\n")
    assert first.joules() == pytest.approx(0.5)
    first.file.write_text("4500000\n")
    assert first.joules() == pytest.approx(3.5)


def test_a_counter_that_wraps_goes_on(powercap: Path) -> None:
    (powercap / "intel-rapl:0" / "energy_uj").write_text(f"{WRAP - 1_000_000}\n")
    [first, *_] = zones(powercap)
    for raw, joules in ((WRAP - 500_000, 0.5), (250_000, 1.25), (WRAP - 1, 1 + WRAP / 1e6), (0, 1 + WRAP / 1e6)):
        first.file.write_text(f"{raw}\n")
        assert first.joules() == pytest.approx(joules, abs=3e-6)


def test_a_machine_without_counters_has_no_zones(tmp_path: Path) -> None:
    assert zones(tmp_path) == []
    assert zones(tmp_path / "missing") == []


def test_a_closed_counter_is_said_with_the_cure(powercap: Path) -> None:
    """The kernel gives the counters to root only; root is nobody here."""
    for file in powercap.glob("*/energy_uj"):
        file.chmod(0o400)
    for folder in (powercap, *powercap.parents):
        if folder.stat().st_uid == os.getuid() and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o055)
    if os.getuid() != 0:
        for file in powercap.glob("*/energy_uj"):
            file.chmod(0o000)
        with pytest.raises(MeterUnavailable, match="may not read") as caught:
            zones(powercap)
        assert "udev" in caught.value.cures[0]
        return
    text = f"""
import os
from pathlib import Path
from wattstar.errors import MeterUnavailable
from wattstar.meters.rapl import zones
os.setuid(65534)
try:
    zones(Path({str(powercap)!r}))
except MeterUnavailable as error:
    print(error.message, error.cures)
"""
    done = subprocess.run([sys.executable, "-P", "-c", text], capture_output=True, text=True, timeout=30, check=True)
    assert "package-0: this user may not read the energy counter." in done.stdout
    assert "udev" in done.stdout


def test_counters_that_a_container_hides_are_said_and_are_no_crash(tmp_path: Path) -> None:
    """Container runtimes mask the folder behind the links of /sys/class/powercap: they lead nowhere."""
    (tmp_path / "intel-rapl:0").symlink_to(tmp_path / "masked" / "intel-rapl:0")
    with pytest.raises(MeterUnavailable, match="intel-rapl:0") as caught:
        zones(tmp_path)
    assert caught.value.cures


def test_a_counter_that_is_no_number_is_said(powercap: Path) -> None:
    (powercap / "intel-rapl:0" / "energy_uj").write_text("\n")
    with pytest.raises(MeterUnavailable):
        zones(powercap)


def test_a_counter_that_restarts_is_not_taken_for_one_that_wraps(powercap: Path) -> None:
    [first, *_] = zones(powercap)
    first.file.write_text("9000000\n")
    assert first.joules() == pytest.approx(8)
    first.file.write_text("10\n")
    with pytest.raises(MeterUnavailable, match="restarted"):
        first.joules()
