"""Powercap counters from a temporary tree that looks like Linux's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.simulators import powercap as simulator
from tests.simulators import trace
from wattstar.errors import MeterUnavailable
from wattstar.meters.rapl import Zone, affinity_of, zones
from wattstar.types import Level

RANGE = 262_143_328_850
COUNT = 61
"""Microjoules of one count: the counter wraps one count after its range."""
SECOND = 1_000_000_000


def zone(powercap: Path, folder: str, name: str, energy: int) -> Path:
    made = powercap / folder
    made.mkdir()
    (made / "name").write_text(name + "\n")
    (made / "energy_uj").write_text(f"{energy}\n")
    (made / "max_energy_range_uj").write_text(f"{RANGE}\n")
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


def folders(found: list[Zone]) -> dict[str, str]:
    return {zone.domain: zone.counter.folder.name for zone in found}


def test_packages_and_memory_are_read_and_nothing_twice(powercap: Path) -> None:
    """core is part of a package, psys contains packages, and mmio shows the same counter again."""
    with zones(powercap) as found:
        assert folders(found) == {
            "cpu:0": "intel-rapl:0",
            "cpu:1": "intel-rapl:1",
            "dram:0": "intel-rapl:0:1",
            "dram:1": "intel-rapl:1:1",
        }
    assert affinity_of(powercap).level is Level.REAL
    assert set(affinity_of(powercap).domains) == {"cpu:0", "cpu:1", "dram:0", "dram:1"}


def test_memory_stays_with_its_package_where_there_are_many(tmp_path: Path) -> None:
    """Linux counts zones in hexadecimal digits, which do not sort as text."""
    for number in range(18):
        zone(tmp_path, f"intel-rapl:{number:x}", f"package-{number}", number)
        zone(tmp_path, f"intel-rapl:{number:x}:0", "dram", number)
    with zones(tmp_path) as found:
        named = folders(found)
    assert [named[f"cpu:{number}"] for number in (1, 10, 16)] == ["intel-rapl:1", "intel-rapl:a", "intel-rapl:10"]
    assert all(named[f"dram:{number}"] == named[f"cpu:{number}"] + ":0" for number in range(18))


def test_joules_count_from_the_first_read(powercap: Path) -> None:
    with zones(powercap) as [first, *_]:
        assert first.joules(first.moment + SECOND) == 0
        write(first, 1_500_000)
        assert first.joules(first.moment + SECOND) == pytest.approx(0.5)
        write(first, 4_500_000)
        assert first.joules(first.moment + SECOND) == pytest.approx(3.5)


def write(zone: Zone, energy: int) -> None:
    (zone.counter.folder / "energy_uj").write_text(f"{energy}\n")


def test_a_counter_that_wraps_goes_on(powercap: Path) -> None:
    (powercap / "intel-rapl:0" / "energy_uj").write_text(f"{RANGE - 1_000_000}\n")
    wrap = (RANGE + COUNT) / 1e6
    with zones(powercap) as [first, *_]:
        for raw, joules in ((RANGE - 500_000, 0.5), (250_000, 1.25), (RANGE, 1 + RANGE / 1e6), (0, 1 + wrap)):
            write(first, raw)
            assert first.joules(first.moment + SECOND) == pytest.approx(joules, abs=2 * COUNT / 1e6)


@pytest.mark.parametrize("seconds", [5, 60, 240, 600])
def test_an_hour_at_400_watts_is_right_however_seldom_it_is_read(seconds: int, tmp_path: Path) -> None:
    """It wraps every 655 s; once a wrap is enough, also where most of the range passes between two reads."""
    dram = simulator.Zone("dram", trace.ramp(10, 50, 3.0), unit=15300)
    package = simulator.Zone("package-0", trace.constant(400.0), (dram,))
    tree, begin = simulator.tree(tmp_path / "tree", [package]), time.monotonic_ns()
    tree.show(begin)
    with zones(tree.powercap) as found:
        for moment in range(begin + seconds * SECOND, begin + 3601 * SECOND, seconds * SECOND):
            tree.show(moment)
            joules = [zone.joules(moment) for zone in found]
            truth = [counter.trace.joules(begin, moment) for counter in (package, dram)]
            assert joules == pytest.approx(truth, rel=1e-3)
    assert joules[0] > 5 * package.range / 1e6


def test_a_counter_that_restarts_is_not_taken_for_one_that_wraps(powercap: Path) -> None:
    """A wrap from 9 J on within a second would be 262 kW; within ten minutes it is a server under load."""
    for seconds, restarts in ((1, True), (600, False)):
        with zones(powercap) as [first, *_]:
            write(first, 9_000_000)
            assert first.joules(first.moment + SECOND) == pytest.approx(8)
            write(first, 10)
            if restarts:
                with pytest.raises(MeterUnavailable, match="restarted"):
                    first.joules(first.moment + seconds * SECOND)
            else:
                assert first.joules(first.moment + seconds * SECOND) == pytest.approx(RANGE / 1e6 - 1, rel=1e-6)
        write(first, 1_000_000)


def test_the_quantum_is_that_of_the_hardware(tmp_path: Path) -> None:
    memory = simulator.Zone("dram", trace.constant(9.0), unit=15300)
    tree = simulator.tree(tmp_path / "tree", [simulator.Zone("package-0", trace.constant(9.0), (memory,))])
    tree.show(time.monotonic_ns())
    with zones(tree.powercap) as found:
        assert [zone.quantum for zone in found] == pytest.approx([61.035e-6, 15.3e-6], rel=1e-6)


def test_the_limit_is_the_highest_that_is_told(powercap: Path) -> None:
    """Linux lists constraints that have no value: reading them is an error."""
    folder = powercap / "intel-rapl:0"
    for number, text in enumerate(("125000000", "250000000", "")):
        (folder / f"constraint_{number}_power_limit_uw").write_text(f"{text}\n")
    with zones(powercap) as found:
        assert {zone.domain: zone.limit for zone in found} == {
            "cpu:0": 250.0,
            "cpu:1": None,
            "dram:0": None,
            "dram:1": None,
        }


# ── sockets and dies ─────────────────────────────────────────────────────────────────────────────────────────────────


def counted(folder: Path, names: list[str], vendor: str, watts: list[float] | None = None) -> dict[str, str]:
    """The names of the counters that are read of zones that have drawn so much (all the same) since the same moment."""
    loaded = time.monotonic_ns() - 60 * SECOND
    loads = [trace.constant(power) for power in watts or [100.0] * len(names)]
    made = [simulator.Zone(name, load, loaded=loaded) for name, load in zip(names, loads, strict=True)]
    tree = simulator.tree(folder, made)
    tree.show(time.monotonic_ns())
    with zones(tree.powercap, vendor) as found:
        named = {zone.domain: zone.counter.name for zone in found}
    assert affinity_of(tree.powercap, vendor).domains == tuple(named)
    return named


@pytest.mark.parametrize("vendor", ["GenuineIntel", "AuthenticAMD"])
def test_two_sockets_of_exactly_equal_power_are_both_counted(vendor: str, tmp_path: Path) -> None:
    names = ["package-0", "package-1"]
    assert counted(tmp_path / "tree", names, vendor) == {"cpu:0": "package-0", "cpu:1": "package-1"}


@pytest.mark.parametrize("vendor", ["AuthenticAMD", "HygonGenuine"])
def test_dies_that_mirror_each_other_are_counted_once_a_socket(vendor: str, tmp_path: Path) -> None:
    names = [f"package-{socket}-die-{die}" for socket in (0, 1) for die in (0, 1, 2)]
    found = counted(tmp_path / "tree", names, vendor)
    assert found == {"cpu:0": "package-0-die-0", "cpu:1": "package-1-die-0"}


def test_dies_of_a_vendor_with_a_counter_each_are_all_counted(tmp_path: Path) -> None:
    found = counted(tmp_path / "tree", ["package-0-die-0", "package-0-die-1"], "GenuineIntel")
    assert found == {"cpu:0": "package-0-die-0", "cpu:1": "package-0-die-1"}


def test_dies_that_do_not_agree_are_all_counted(tmp_path: Path) -> None:
    found = counted(tmp_path / "tree", ["package-0-die-0", "package-0-die-1"], "AuthenticAMD", [100.0, 100.001])
    assert len(found) == 2


# ── what cannot be read ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_machine_without_counters_has_none(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "missing"):
        found = affinity_of(folder)
        assert (found.level, found.domains) == (Level.ABSENT, ())
        assert found.cure


def as_nobody(powercap: Path, vendor: str) -> dict[str, Any]:
    """What the meter says of a tree to a user whom it is closed to; root is nobody here."""
    for folder in (powercap, *powercap.parents):
        if folder.stat().st_uid == os.getuid() and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o055)
    text = f"""
import json, os
from pathlib import Path
from wattstar.meters.rapl import affinity_of
if os.getuid() == 0: os.setuid(65534)
found = affinity_of(Path({str(powercap)!r}), {vendor!r})
print(json.dumps(vars(found)))
"""
    done = subprocess.run([sys.executable, "-P", "-c", text], capture_output=True, text=True, timeout=30, check=True)
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def test_a_closed_counter_is_said_with_its_domains_and_the_cure(powercap: Path) -> None:
    """The kernel gives the counters to root only; the names are for all."""
    for file in powercap.glob("*/energy_uj"):
        file.chmod(0o400 if os.getuid() == 0 else 0)
    said = as_nobody(powercap, "GenuineIntel")
    assert said["level"] == Level.CLOSED
    assert set(said["domains"]) == {"cpu:0", "cpu:1", "dram:0", "dram:1"}
    assert said["reason"] == "package-0: this user may not read the energy counter"
    assert "udev" in said["cure"]


def test_closed_dies_of_one_socket_are_one_domain(tmp_path: Path) -> None:
    for die in (0, 1):
        zone(tmp_path, f"intel-rapl:{die}", f"package-0-die-{die}", 5).chmod(0o400 if os.getuid() == 0 else 0)
    assert as_nobody(tmp_path, "AuthenticAMD")["domains"] == ["cpu:0"]
    assert as_nobody(tmp_path, "GenuineIntel")["domains"] == ["cpu:0", "cpu:1"]


def test_counters_that_a_container_hides_are_closed_with_the_cure(tmp_path: Path) -> None:
    """Container runtimes mask the folder behind the links of /sys/class/powercap: they lead nowhere."""
    (tmp_path / "intel-rapl:0").symlink_to(tmp_path / "masked" / "intel-rapl:0")
    found = affinity_of(tmp_path)
    assert (found.level, found.domains) == (Level.CLOSED, ("cpu:0",))
    assert "systempaths=unconfined" in (found.cure or "")


def open_counters() -> list[str]:
    """The energy counters that this process has open."""
    links = (Path("/proc/self/fd") / name for name in os.listdir("/proc/self/fd"))
    return [target for target in (os.readlink(link) for link in links if link.is_symlink()) if "energy_uj" in target]


def restarting(powercap: Path) -> None:
    """A counter fails while all are open."""
    with zones(powercap) as [first, *_]:
        write(first, 0)
        first.joules(first.moment)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="only Linux lists open files so")
def test_kept_files_are_closed_whatever_happens(powercap: Path) -> None:
    with zones(powercap):
        assert len(open_counters()) == 4
    assert open_counters() == []
    with pytest.raises(MeterUnavailable, match="restarted"):
        restarting(powercap)
    assert open_counters() == []
    (powercap / "intel-rapl:1:1" / "energy_uj").write_text("\n")
    with pytest.raises(MeterUnavailable, match="dram"), zones(powercap):
        pass
    assert open_counters() == []


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="only Linux lists open files so")
def test_the_files_of_dies_that_are_left_out_are_closed_too(tmp_path: Path) -> None:
    for die in (0, 1):
        zone(tmp_path, f"intel-rapl:{die}", f"package-0-die-{die}", 5)
    with zones(tmp_path, "AuthenticAMD") as found:
        assert len(found) == 1
    assert open_counters() == []


@pytest.mark.parametrize(("file", "text"), [("energy_uj", ""), ("energy_uj", "n/a"), ("max_energy_range_uj", "0")])
def test_a_counter_that_is_no_number_is_said(file: str, text: str, powercap: Path) -> None:
    (powercap / "intel-rapl:0" / file).write_text(f"{text}\n")
    found = affinity_of(powercap)
    assert found.level is Level.CLOSED
    assert found.reason.startswith("package-0")
    assert found.cure


def test_a_counter_that_is_no_number_later_on_is_an_error(powercap: Path) -> None:
    with zones(powercap) as [first, *_]:
        (first.counter.folder / "energy_uj").write_text("\n")
        with pytest.raises(MeterUnavailable, match="cpu:0"):
            first.joules(first.moment + SECOND)
