"""The meter perf-event: what it makes of a PMU's folder, and live in a process that sees a simulated one."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests import support
from tests.simulators import compiler, perf_event
from tests.simulators import trace as traces
from tests.simulators.powercap import Zone
from tests.simulators.powercap_process import BUSY, PRELUDE, printed
from tests.simulators.powercap_process import METER as ANY_METER
from wattstar.meters.perf_event import affinity_of, events, joules, opened
from wattstar.types import Level

needs_compiler = pytest.mark.skipif(compiler.compiler() is None, reason=compiler.NO_COMPILER)

METER = ANY_METER.replace("NAME", "perf-event")
CONSTANT = traces.constant(100.0)
MEMORY = Zone("dram", traces.constant(20.0))
PACKAGE = Zone("package-0", CONSTANT, (MEMORY,))
TWO = [PACKAGE, replace(PACKAGE, name="package-1", trace=traces.constant(300.0))]


def denied(zone: Zone) -> Zone:
    return replace(zone, denied_from=0, parts=tuple(map(denied, zone.parts)))


# ── a folder ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_one_event_a_package_and_one_for_its_memory(tmp_path: Path) -> None:
    """energy-cores is a part of a package, and energy-psys contains it."""
    perf_event.tree(tmp_path, TWO)
    found = [(event.domain, event.cpu, event.config) for event in events(tmp_path, "GenuineIntel")]
    assert found == [("cpu:0", 0, 2), ("dram:0", 0, 3), ("cpu:1", 8, 2), ("dram:1", 8, 3)]
    assert {event.type for event in events(tmp_path)} == {perf_event.TYPE}
    assert {event.scale for event in events(tmp_path)} == {2.0**-32}


def test_without_memory_there_is_only_the_package(tmp_path: Path) -> None:
    perf_event.tree(tmp_path, [Zone("package-0", CONSTANT)])
    assert [event.domain for event in events(tmp_path)] == ["cpu:0"]


@pytest.mark.parametrize(("mask", "cpus"), [("0", [0]), ("0,8", [0, 8]), ("0-1,8-10", [0, 1, 8, 9, 10])])
def test_the_list_of_cpus_is_read_as_linux_writes_it(mask: str, cpus: list[int], tmp_path: Path) -> None:
    perf_event.tree(tmp_path, [Zone("package-0", CONSTANT)])
    (tmp_path / "bus/event_source/devices/power/cpumask").write_text(f"{mask}\n")
    assert [event.cpu for event in events(tmp_path, "GenuineIntel")] == cpus


@pytest.mark.parametrize(
    ("vendor", "cpus"),
    [("AuthenticAMD", [0, 16]), ("HygonGenuine", [0, 16]), ("GenuineIntel", [0, 8, 16, 24])],
)
def test_dies_that_show_their_whole_package_are_read_once(vendor: str, cpus: list[int], tmp_path: Path) -> None:
    perf_event.tree(tmp_path, [Zone(f"package-{number // 2}-die-{number % 2}", CONSTANT) for number in range(4)])
    found = [(event.domain, event.cpu) for event in events(tmp_path, vendor)]
    assert found == [(f"cpu:{number}", cpu) for number, cpu in enumerate(cpus)]


def test_a_machine_without_the_pmu_has_nothing(tmp_path: Path) -> None:
    found = affinity_of(tmp_path)
    assert (found.level, found.domains) == (Level.ABSENT, ())
    assert found.cure


def test_another_pmu_of_the_same_name_is_not_taken_for_it(tmp_path: Path) -> None:
    """AMD's family 15h shows accumulated power there, not energy."""
    perf_event.tree(tmp_path, [PACKAGE])
    for file in (tmp_path / "bus/event_source/devices/power/events").iterdir():
        file.unlink()
    (tmp_path / "bus/event_source/devices/power/events/power-pkg").write_text("event=0x00\n")
    assert affinity_of(tmp_path).level is Level.ABSENT


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("events/energy-pkg.unit", "mWatts"),
        ("events/energy-pkg.scale", "?"),
        ("events/energy-ram", "event=0x03,umask=0x1"),
        ("type", ""),
        ("cpumask", ""),
    ],
)
def test_what_is_not_understood_is_closed_and_never_guessed(file: str, text: str, tmp_path: Path) -> None:
    perf_event.tree(tmp_path, [PACKAGE])
    (tmp_path / "bus/event_source/devices/power" / file).write_text(f"{text}\n")
    found = affinity_of(tmp_path)
    assert (found.level, found.domains) == (Level.CLOSED, ("cpu:0",))
    assert found.cure


def test_what_the_kernel_here_refuses_is_closed_with_its_domains(tmp_path: Path) -> None:
    """No kernel has so many PMUs."""
    perf_event.tree(tmp_path, [PACKAGE])
    (tmp_path / "bus/event_source/devices/power/type").write_text("4000000000\n")
    found = affinity_of(tmp_path)
    assert (found.level, found.domains) == (Level.CLOSED, ("cpu:0", "dram:0"))
    assert found.cure


def test_the_kernel_here_takes_the_call_as_it_is_made(tmp_path: Path) -> None:
    """Every Linux counts the nanoseconds of a CPU's clock (type 1, event 0): a "power" of a joule a second."""
    perf_event.tree(tmp_path, [Zone("package-0", CONSTANT)])
    pmu = tmp_path / "bus/event_source/devices/power"
    for file, text in (("type", "1"), ("events/energy-pkg", "event=0x00"), ("events/energy-pkg.scale", "1e-9")):
        (pmu / file).write_text(f"{text}\n")
    if affinity_of(tmp_path).level is Level.CLOSED:
        pytest.skip(f"perf is closed to this user: {affinity_of(tmp_path).reason}")
    with opened(events(tmp_path)) as files:
        [(event, file)] = files.items()
        begin, first = time.monotonic(), joules(event, file)
        time.sleep(0.05)
        last, end = joules(event, file), time.monotonic()
    assert 0.049 <= last - first <= end - begin + 0.001


# ── live ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def metered(folder: Path, packages: Sequence[Zone], zones: Sequence[Zone] = (), **options: Any) -> list[Any]:
    """Level, domains, reason, cure and readings in a process that sees this PMU, and these powercap zones."""
    *said, _ = printed(METER, perf_event.install(folder, packages, zones, **options))
    return said


def assert_reads(seen: Sequence[Any], domain: str, watts: float) -> None:
    (begin, low), (end, high) = seen[0][domain], seen[-1][domain]
    assert high - low == pytest.approx((end - begin) / 1e9 * watts, rel=0.05)
    assert low < watts, "joules count from when the event was opened"


@needs_compiler
def test_two_packages_and_their_memory_are_read(tmp_path: Path) -> None:
    level, domains, _, _, seen = metered(tmp_path, TWO)
    assert (level, domains) == (Level.REAL, ["cpu:0", "dram:0", "cpu:1", "dram:1"])
    for domain, watts in (("cpu:0", 100), ("dram:0", 20), ("cpu:1", 300), ("dram:1", 20)):
        assert_reads(seen, domain, watts)


@needs_compiler
@pytest.mark.parametrize("hidden", [False, True])
def test_real_where_powercap_is_denied_or_hidden(hidden: bool, tmp_path: Path) -> None:
    level, domains, *_ = metered(tmp_path, [PACKAGE], [denied(PACKAGE)], hidden=hidden)
    assert (level, domains) == (Level.REAL, ["cpu:0", "dram:0"])


@needs_compiler
def test_only_if_named_where_powercap_is_open(tmp_path: Path) -> None:
    level, _, reason, _, seen = metered(tmp_path, [PACKAGE], [PACKAGE])
    assert level == Level.ASKED
    assert "rapl" in reason
    assert_reads(seen, "cpu:0", 100)


@needs_compiler
def test_memory_that_powercap_does_not_open_is_reason_enough(tmp_path: Path) -> None:
    level, *_ = metered(tmp_path, [PACKAGE], [replace(PACKAGE, parts=(denied(MEMORY),))])
    assert level == Level.REAL


@needs_compiler
def test_a_refused_event_is_closed_with_the_cure(tmp_path: Path) -> None:
    level, domains, reason, cure, _ = metered(tmp_path, [denied(PACKAGE)])
    assert (level, domains) == (Level.CLOSED, ["cpu:0", "dram:0"])
    assert "Permission denied" in reason
    assert "kernel.perf_event_paranoid=0" in cure
    assert "setcap cap_perfmon" in cure


@needs_compiler
def test_every_event_is_closed_again(tmp_path: Path) -> None:
    """By ``affinity``, by the reader, and where the second of two is refused."""
    text = f"""{PRELUDE}
from wattstar.errors import MeterUnavailable
from wattstar.meters import perf_event
from wattstar.types import Scope
def files():
    links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    return sum("perf_event" in os.readlink(link) for link in links)
counts = []
perf_event.affinity(); counts.append(files())
try:
    with perf_event.reader(Scope(0, "cpu", "")): counts.append(files())
except MeterUnavailable: pass
counts.append(files())
print(json.dumps(counts))
"""
    assert printed(text, perf_event.install(tmp_path / "open", [PACKAGE])) == [0, 2, 0]
    half = replace(PACKAGE, parts=(denied(MEMORY),))
    assert printed(text, perf_event.install(tmp_path / "half", [half])) == [0, 0]


def measured(environment: Any, *words: str) -> tuple[float, dict[str, Any], str]:
    """Seconds, readings by domain and standard error of ``wattstar measure`` on a short sleep."""
    done = support.wattstar_command("measure", "--format", "json", *words, "--", "sleep", "0.5", env=environment)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    seconds = (found["window"]["end"] - found["window"]["begin"]) / 1e9
    return seconds, {reading["domain"]: reading for reading in found["energy"]}, done.stderr


@needs_compiler
def test_measure_reads_perf_where_powercap_is_denied(tmp_path: Path) -> None:
    seconds, energy, _ = measured(perf_event.install(tmp_path, TWO, [denied(zone) for zone in TWO]))
    for domain, watts in (("cpu:0", 100), ("dram:0", 20), ("cpu:1", 300), ("dram:1", 20)):
        reading = energy[domain]
        assert (reading["meter"], reading["method"]) == ("perf-event", "counter")
        assert abs(reading["joules"] - watts * seconds) <= reading["bound"] + 1e-3


@needs_compiler
def test_measure_reads_the_counters_by_one_road_unless_asked(tmp_path: Path) -> None:
    environment = perf_event.install(tmp_path, [PACKAGE], [PACKAGE])
    _, energy, _ = measured(environment)
    assert {reading["meter"] for reading in energy.values() if reading["method"] == "counter"} == {"rapl"}
    seconds, energy, _ = measured(environment, "--meter", "perf-event")
    assert {reading["meter"] for reading in energy.values()} == {"perf-event"}
    assert energy["cpu:0"]["joules"] == pytest.approx(100 * seconds, rel=0.05)


@needs_compiler
def test_measure_follows_a_load_that_changes_faster_than_it_is_read(tmp_path: Path) -> None:
    package = Zone("package-0", BUSY)
    environment = perf_event.install(tmp_path, [package])
    done = support.wattstar_command("measure", "--format", "json", "--", "sleep", "0.5", env=environment)
    found = json.loads(done.stdout)
    [reading] = [part for part in found["energy"] if part["meter"] == "perf-event"]
    truth = BUSY.joules(found["window"]["begin"], found["window"]["end"])
    assert abs(reading["joules"] - truth) <= reading["bound"] + 1e-3


@needs_compiler
def test_a_named_meter_that_is_closed_ends_with_the_cure(tmp_path: Path) -> None:
    environment = perf_event.install(tmp_path, [denied(PACKAGE)])
    done = support.wattstar_command("measure", "--meter", "perf-event", "--", "true", env=environment)
    assert done.returncode == 3
    assert "perf_event_paranoid" in done.stderr
    assert os.path.realpath(sys.executable) in done.stderr.replace("\n", "")
