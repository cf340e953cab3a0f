"""The simulated powercap tree against the closed form of its traces, read as any program reads it."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests import support
from tests.simulators import compiler, powercap
from tests.simulators import trace as traces
from tests.simulators.powercap import Zone
from tests.simulators.powercap_process import BUSY, LATER, PRELUDE, about_to_wrap, inside

needs_compiler = pytest.mark.skipif(compiler.compiler() is None, reason=compiler.NO_COMPILER)

SECOND = 1_000_000_000
POLL = f"""{PRELUDE}
powercap = Path("/sys/class/powercap")
files = sorted(powercap.glob("intel-rapl*:*/energy_uj"))
def row(read):
    before = time.monotonic_ns()
    try: value = read()
    except PermissionError: value = None
    return before, time.monotonic_ns(), value
def poll(seconds):
    found = {{file.parent.name: [] for file in files}}
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for file in files: found[file.parent.name].append(row(lambda: int(file.read_text())))
        time.sleep(0.002)
    return found
"""


def polled(folder: Path, zones: Sequence[Zone], seconds: float = 0.2) -> Any:
    return inside(folder, zones, f"{POLL}\nprint(json.dumps(poll({seconds})))")


def assert_follows(zone: Zone, rows: Sequence[tuple[int, int, int]]) -> None:
    """Each value lies between what the zone says before and after the read, give or take one unit."""
    unit, wrap = zone.unit // 1000 + 1, powercap.COUNTS * zone.unit // 1000
    for before, after, value in rows:
        low, high = zone.microjoules(before), zone.microjoules(after)
        assert (value - low + unit) % wrap <= (high - low) % wrap + 2 * unit


@needs_compiler
def test_each_read_shows_the_integral_of_that_moment(tmp_path: Path) -> None:
    parts = (Zone("core", traces.constant(40.0)), Zone("dram", traces.ramp(5, 30, 0.2), unit=15300))
    package, system = Zone("package-0", BUSY, parts), Zone("psys", traces.sine(200, 400, 0.3), refresh=0.0)
    found = polled(tmp_path, [package, system])
    expected = {"intel-rapl:0": package, "intel-rapl:0:0": parts[0], "intel-rapl:0:1": parts[1], "intel-rapl:1": system}
    assert set(found) == set(expected)
    for name, zone in expected.items():
        assert len({value for _, _, value in found[name]}) > 20
        assert_follows(zone, found[name])


@needs_compiler
def test_sockets_dies_and_the_memory_mapped_twin(tmp_path: Path) -> None:
    first = Zone("package-0-die-0", BUSY)
    second = Zone("package-1", traces.constant(90.0))
    zones = [first, replace(first, name="package-0-die-1"), second, replace(first, control="intel-rapl-mmio")]
    found = polled(tmp_path, zones)
    assert_follows(first, found["intel-rapl:0"] + found["intel-rapl:1"] + found["intel-rapl-mmio:0"])
    assert_follows(second, found["intel-rapl:2"])


@needs_compiler
def test_every_way_to_the_file_is_live(tmp_path: Path) -> None:
    package = Zone("package-0", BUSY, (Zone("dram", traces.constant(20.0)),), limit_watts=250.0)
    text = f"""{POLL}
import glob, subprocess
name = "/sys/class/powercap/intel-rapl:0/energy_uj"
real = os.path.realpath("/sys/class/powercap/intel-rapl:0:0")
kept = os.open(name, os.O_RDONLY)
folder = os.open("/sys/class/powercap/intel-rapl:0", os.O_RDONLY)
def builtin():
    with open(name) as file: return int(file.read())
def relative():
    file = os.open("energy_uj", os.O_RDONLY, dir_fd=folder)
    try: return int(os.read(file, 3) + os.read(file, 30) + os.read(file, 1))
    finally: os.close(file)
def rewound():
    os.lseek(kept, 0, os.SEEK_SET)
    return int(os.read(kept, 64))
ways = [builtin, relative, rewound, lambda: int(os.pread(kept, 64, 0)), lambda: int(Path(name).read_text()),
        lambda: int(Path(real).parent.joinpath("energy_uj").read_text()),
        lambda: int(subprocess.check_output(["cat", name]))]
print(json.dumps({{
    "rows": [row(way) for way in ways * 3], "real": real,
    "glob": sorted(glob.glob("/sys/class/powercap/intel-rapl:*/name")),
    "listed": sorted(os.listdir("/sys/class/powercap/intel-rapl/subsystem/")),
    "names": [file.with_name("name").read_text() for file in files],
    "range": int(files[0].with_name("max_energy_range_uj").read_text()),
    "limit": int(Path(name).with_name("constraint_0_power_limit_uw").read_text()),
    "exists": [Path(name).exists(), os.access(name, os.R_OK), Path("/sys/class/powercap/intel-rapl:7").exists()],
    "reused": (os.close(kept), os.read(os.open(real + "/name", os.O_RDONLY), 9).decode())[1],
}}))
"""
    said = inside(tmp_path, [package], text)
    assert_follows(package, said["rows"])
    assert said["real"] == "/sys/devices/virtual/powercap/intel-rapl/intel-rapl:0/intel-rapl:0:0"
    assert said["glob"] == [f"/sys/class/powercap/intel-rapl:{zone}/name" for zone in ("0", "0:0")]
    assert said["listed"] == ["intel-rapl", "intel-rapl:0", "intel-rapl:0:0"]
    assert said["names"] == ["package-0\n", "dram\n"]
    assert (said["range"], said["limit"]) == (262_143_328_850, 250_000_000)
    assert said["exists"] == [True, True, False]
    assert said["reused"] == "dram\n"


@needs_compiler
def test_the_counter_wraps_at_its_range(tmp_path: Path) -> None:
    load, package = about_to_wrap(tmp_path / "power")
    text = f"{POLL}\ndraw({str(load.path)!r}, {load.origin}, 300.0)\nprint(json.dumps(poll(0.15)))"
    rows = inside(tmp_path / "tree", [package], text)["intel-rapl:0"]
    values = [value for _, _, value in rows]
    falls = [(high, low) for high, low in pairwise(values) if low < high]
    assert len(falls) == 1
    assert falls[0][0] > package.range - 20_000_000
    assert falls[0][1] < 20_000_000
    assert_follows(package, rows)


def test_a_wrap_at_a_chosen_moment() -> None:
    moment = time.monotonic_ns() + 7 * SECOND
    package = Zone("package-0", traces.constant(100.0)).wrapping_at(moment)
    before, after = package.microjoules(moment - SECOND), package.microjoules(moment + SECOND)
    assert package.range - before == pytest.approx(100e6, rel=2e-3)
    assert after == pytest.approx(100e6, rel=2e-3)


@needs_compiler
def test_a_reset_and_a_refusal_from_a_moment_on(tmp_path: Path) -> None:
    load = traces.constant(100.0)
    zones = [Zone("package-0", load, reset_at=LATER), Zone("package-1", load, denied_from=LATER)]
    begin, found = inside(tmp_path, zones, f"{POLL}\nprint(json.dumps([begin_in(0.1), poll(0.2)]))")
    reset, refused = found["intel-rapl:0"], found["intel-rapl:1"]
    assert_follows(replace(zones[0], reset_at=begin), [row for row in reset if row[1] < begin or row[0] > begin])
    assert reset[0][2] > reset[-1][2]
    assert None not in [value for _, after, value in refused if after < begin]
    assert {value for before, _, value in refused if before > begin} == {None}


@needs_compiler
def test_zones_change_under_an_open_process(tmp_path: Path) -> None:
    package = Zone("package-0", traces.constant(100.0))
    changed = replace(package, start_joules=1e5)
    powercap.install(tmp_path / "later", [changed])
    text = f"""{POLL}
before = row(lambda: int(files[0].read_text()))
later = Path({str(tmp_path / "later" / powercap.CONFIGURATION)!r})
text = later.read_text().replace({str(tmp_path / "later" / "devices")!r}, {str(tmp_path / "now" / "devices")!r})
later.write_text(text)
later.replace(Path(os.environ["WATTSTAR_POWERCAP_SIMULATOR"]) / later.name)
print(json.dumps([before, row(lambda: int(files[0].read_text()))]))
"""
    before, after = inside(tmp_path / "now", [package], text)
    assert_follows(package, [before])
    assert_follows(changed, [after])


@needs_compiler
def test_denied_to_root_as_well(tmp_path: Path) -> None:
    text = f"""{POLL}
name = str(files[0])
print(json.dumps([row(lambda: os.open(name, os.O_RDONLY))[2], row(lambda: open(name).read())[2],
                  os.access(name, os.R_OK), os.path.exists(name)]))
"""
    assert inside(tmp_path, [Zone("package-0", BUSY, denied_from=0)], text) == [None, None, False, True]


# ── inside this process ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_tree_that_lives_in_this_process(tmp_path: Path) -> None:
    package = Zone("package-0", traces.constant(200.0))
    tree = powercap.tree(tmp_path / "tree", [package])
    file = tree.powercap / "intel-rapl:0" / "energy_uj"
    with tree.live():
        before, first = time.monotonic_ns(), int(file.read_text())
        support.wait_for(lambda: int(file.read_text()) > first + 20_000_000, "0.1 s of 200 W")
        after, last = time.monotonic_ns(), int(file.read_text())
    assert last - first <= (package.microjoules(after) - package.microjoules(before)) + 200e6
    kept = os.open(file, os.O_RDONLY)
    tree.show(after + 3600 * SECOND)
    assert int(os.pread(kept, 64, 0)) == package.microjoules(after + 3600 * SECOND)
    os.close(kept)


@pytest.mark.skipif(os.getuid() == 0, reason="file modes do not stop root")
def test_a_tree_in_this_process_denies_by_file_mode(tmp_path: Path) -> None:
    tree = powercap.tree(tmp_path / "tree", [Zone("package-0", BUSY, denied_from=0)])
    tree.show(time.monotonic_ns())
    with pytest.raises(PermissionError):
        (tree.powercap / "intel-rapl:0" / "energy_uj").read_text()
