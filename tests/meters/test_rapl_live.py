"""The meter rapl on counters that move while they are read: a process that sees a simulated /sys/class/powercap."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests import support
from tests.simulators import compiler, powercap
from tests.simulators import trace as traces
from tests.simulators.powercap import Zone
from tests.simulators.powercap_process import BUSY, LATER, PRELUDE, about_to_wrap, inside, printed
from tests.simulators.powercap_process import METER as ANY_METER

pytestmark = pytest.mark.skipif(compiler.compiler() is None, reason=compiler.NO_COMPILER)

METER = ANY_METER.replace("NAME", "rapl")


def test_packages_and_memory_are_read_across_a_wrap(tmp_path: Path) -> None:
    load, first = about_to_wrap(tmp_path / "power")
    dram, second = Zone("dram", traces.constant(20.0)), Zone("package-1", traces.constant(90.0))
    zones = [replace(first, parts=(dram,)), second, Zone("psys", traces.constant(300.0))]
    text = METER.replace("end = ", f"draw({str(load.path)!r}, {load.origin}, 300.0); end = ")
    level, domains, _, _, seen, _ = inside(tmp_path / "tree", zones, text)
    assert (level, sorted(domains)) == (2, ["cpu:0", "cpu:1", "dram:0"])
    for domain, trace in (("cpu:0", load.trace()), ("cpu:1", second.trace), ("dram:0", dram.trace)):
        (begin, low), (end, high) = seen[0][domain], seen[-1][domain]
        assert isinstance(trace, traces.Trace)
        assert high - low == pytest.approx(trace.joules(begin, end), rel=0.05)


def test_a_denied_counter_is_closed_and_names_the_cure(tmp_path: Path) -> None:
    denied = Zone("package-0", BUSY, (Zone("dram", BUSY, denied_from=0),), denied_from=0)
    level, domains, reason, cure, *_ = inside(tmp_path, [denied], METER)
    assert (level, domains) == (-1, ["cpu:0", "dram:0"])
    assert "may not read" in reason
    assert "udev" in cure


def test_memory_alone_denied_is_not_left_out(tmp_path: Path) -> None:
    level, domains, reason, *_ = inside(
        tmp_path, [Zone("package-0", BUSY, (Zone("dram", BUSY, denied_from=0),))], METER
    )
    assert (level, domains) == (-1, ["cpu:0", "dram:0"])
    assert reason.startswith("dram")


def test_a_virtual_machine_has_none(tmp_path: Path) -> None:
    level, domains, reason, cure, *_ = inside(tmp_path, [], METER)
    assert (level, domains) == (-2, [])
    assert "virtual machines" in reason
    assert cure


def test_counters_that_a_container_hides_are_closed(tmp_path: Path) -> None:
    environment = powercap.install(tmp_path, [Zone("package-0", BUSY)], hidden=True)
    level, domains, reason, cure, *_ = printed(METER, environment)
    assert (level, domains) == (-1, ["cpu:0"])
    assert "hides" in reason
    assert "unconfined" in cure


def test_what_is_denied_later_goes_on(tmp_path: Path) -> None:
    """Linux asks for the right to read when a file is opened."""
    package = Zone("package-0", traces.constant(100.0), denied_from=LATER)
    text = METER.replace("end = ", "begin = begin_in(0.05); end = ")
    *_, seen, begin = inside(tmp_path, [package], text)
    (first, low), (last, high) = seen[0]["cpu:0"], seen[-1]["cpu:0"]
    assert first < begin < last
    assert high - low == pytest.approx((last - first) / 1e9 * 100, rel=0.05)


@pytest.mark.parametrize(("vendor", "counted"), [("AuthenticAMD", 2), ("HygonGenuine", 2), ("GenuineIntel", 4)])
def test_dies_that_mirror_each_other_are_seen_through_at_every_look(vendor: str, counted: int, tmp_path: Path) -> None:
    """The counter is refreshed between two reads now and then; that must not make two counters of one."""
    first = Zone("package-0-die-0", BUSY, unit=15258)
    dies = [replace(first, name=f"package-{number // 2}-die-{number % 2}") for number in range(4)]
    text = (
        f"{PRELUDE}\nfrom wattstar.meters import rapl\nprint(json.dumps([rapl.affinity().domains for _ in range(200)]))"
    )
    found = printed(text, powercap.install(tmp_path, dies, vendor=vendor))
    assert found == [[f"cpu:{number}" for number in range(counted)]] * 200


def test_measure_adds_two_equal_sockets_and_counts_mirrored_dies_once(tmp_path: Path) -> None:
    first = Zone("package-0-die-0", traces.constant(100.0))
    dies = [replace(first, name=f"package-{number // 2}-die-{number % 2}") for number in range(4)]
    environment = powercap.install(tmp_path, dies, vendor="AuthenticAMD")
    done = support.wattstar_command("measure", "--format", "json", "--", "sleep", "0.5", env=environment)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    seconds = (found["window"]["end"] - found["window"]["begin"]) / 1e9
    energy = {reading["domain"]: reading for reading in found["energy"] if reading["method"] == "counter"}
    assert set(energy) == {"cpu:0", "cpu:1"}
    for reading in energy.values():
        assert abs(reading["joules"] - 100 * seconds) <= reading["bound"] + 1e-3
