"""What in the room would spoil a number is seen, said with its cure, and judged; a quiet room says nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace

import polars
import psutil
import pytest

from tests.support import command, fake_job, fake_words, measure, wattstar_command
from wattstar.errors import UnfitEnvironment
from wattstar.measuring import spoilers
from wattstar.measuring.isolation import Isolation, divided, kept_apart, physical_cores, threads_of
from wattstar.measuring.room import Around, Room, clock, looked, state
from wattstar.measuring.surroundings import Neighbour
from wattstar.types import Finding, Mark, Observation, Severity, Window

CPUS = "sys/devices/system/cpu"
SECOND = 1_000_000_000
PASSES = [Window(0, 10 * SECOND), Window(20 * SECOND, 30 * SECOND)]
PRESSURE = "some avg10=9.00 avg60=9.00 avg300=9.00 total=9\nfull avg10=1.00 avg60={share} avg300=0.00 total={total}\n"


def machine(root: Path, **changes: object) -> Path:
    """Two CPUs as Linux shows them on a machine of Intel; None: there is no such file."""
    files: dict[str, object] = {
        f"{CPUS}/cpufreq/policy0/scaling_governor": "performance",
        f"{CPUS}/cpufreq/policy0/scaling_cur_freq": 1_200_000,
        f"{CPUS}/cpufreq/policy1/scaling_governor": "performance",
        f"{CPUS}/cpufreq/policy1/scaling_cur_freq": changes.get("khz", 3_400_000),
        f"{CPUS}/intel_pstate/no_turbo": 0,
        "sys/class/hwmon/hwmon0/name": "nvme",
        "sys/class/hwmon/hwmon3/name": "coretemp",
        "sys/class/hwmon/hwmon3/temp1_input": changes.get("heat", 61_000),
        "sys/class/hwmon/hwmon3/temp1_max": 80_000,
        "proc/pressure/memory": PRESSURE.format(share=changes.get("share", "0.00"), total=changes.get("stalled", 0)),
    }
    for cpu in (0, 1):
        counters = f"{CPUS}/cpu{cpu}/thermal_throttle"
        files[f"{counters}/core_throttle_count"] = changes.get("throttled", 7)
        files[f"{counters}/package_throttle_count"] = 5
        files[f"{counters}/core_throttle_total_time_ms"] = changes.get("throttled_ms", 100)
        files[f"{counters}/package_throttle_total_time_ms"] = 20
    for name, value in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{value}\n") if value is not None else file.unlink(missing_ok=True)
    return root


def seen(name: str, *values: Sequence[float], domain: str = "machine") -> list[Observation]:
    """What was read in each of the passes, evenly spread from its begin to its end."""
    return [
        Observation(window.begin + i * (window.end - window.begin) // max(len(each) - 1, 1), domain, name, value)
        for window, each in zip(PASSES, values, strict=True)
        for i, value in enumerate(each)
    ]


def gates(found: Sequence[Finding]) -> list[tuple[str, str]]:
    return [(finding.gate, str(finding.severity)) for finding in found]


def test_a_machine_is_read_as_linux_shows_it(tmp_path: Path) -> None:
    root = machine(tmp_path)
    assert state(root).items() >= {"governor": "performance", "turbo": "on", "memory_stalled_percent": "0"}.items()
    assert clock(root) == 3400.0, "MHz, of the CPU that works"
    machine(root, stalled=2_500_000)
    found = looked(root)
    assert found["cpu_throttled_count"] == 2 * (7 + 5)
    assert found["cpu_throttled_seconds"] == pytest.approx(0.12)
    assert found["cpu_degrees_to_spare"] == pytest.approx(19.0)
    assert found["memory_stalled_seconds"] == pytest.approx(2.5)


def test_what_a_machine_does_not_say_is_left_out_and_never_zero(tmp_path: Path) -> None:
    assert clock(tmp_path) is None
    assert {"governor", "turbo", "memory_stalled_percent"}.isdisjoint(state(tmp_path))
    assert set(looked(tmp_path)) == {"swapped_bytes"}, "which the kernel tells elsewhere"


def test_a_file_that_holds_no_number_is_no_number(tmp_path: Path) -> None:
    root = machine(tmp_path, khz="<unknown>", throttled_ms="")
    assert clock(root) == 1200.0
    assert looked(root)["cpu_throttled_seconds"] == pytest.approx(0.02), "what the package says is left"


@pytest.mark.parametrize(
    ("file", "value", "turbo"),
    [("intel_pstate/no_turbo", "1", "off"), ("cpufreq/boost", "0", "off"), ("cpufreq/boost", "1", "on")],
)
def test_turbo_is_told_by_either_driver(tmp_path: Path, file: str, value: str, turbo: str) -> None:
    (tmp_path / CPUS / file).parent.mkdir(parents=True)
    (tmp_path / CPUS / file).write_text(value)
    assert state(tmp_path)["turbo"] == turbo


@pytest.mark.parametrize(("plugged", "power"), [(True, "mains"), (False, "battery")])
def test_a_laptop_says_what_feeds_it(monkeypatch: pytest.MonkeyPatch, plugged: bool, power: str) -> None:
    monkeypatch.setattr(psutil, "sensors_battery", lambda: SimpleNamespace(power_plugged=plugged), raising=False)
    assert state()["power"] == power


@pytest.mark.parametrize(
    ("before", "said"),
    [
        ({}, []),
        ({"governor": "performance", "power": "mains", "memory_stalled_percent": "0.5"}, []),
        ({"governor": "powersave, schedutil"}, ["governor"]),
        ({"power": "battery"}, ["battery"]),
        ({"memory_stalled_percent": "12"}, ["memory"]),
    ],
)
def test_unusual_conditions_are_noted_and_leave_the_record_valid(before: Mapping[str, str], said: list[str]) -> None:
    assert gates(spoilers.conditions(before)) == [(gate, "note") for gate in said]


def test_conditions_that_changed_make_a_record_invalid() -> None:
    before = {"governor": "powersave", "power": "mains", "load_average": "0.1"}
    assert spoilers.changed(Around(before, {**before, "load_average": "3.0"})) == []
    assert spoilers.changed(Around(before)) == [], "of a record whose end nobody saw"
    [finding] = spoilers.changed(Around(before, {**before, "power": "battery"}))
    assert finding.severity is Severity.INVALID
    assert "power supply changed from mains to battery" in finding.message


@pytest.mark.parametrize(
    ("seconds", "cpu_serves", "severity"),
    [
        ([[5.0, 5.3], [5.3, 5.3]], True, "invalid"),  # 0.3 s of 20 s
        ([[5.0, 5.3], [5.3, 5.3]], False, "note"),
        ([[5.0, 5.1], [5.1, 5.1]], True, "note"),
        (None, True, "invalid"),
        (None, False, "note"),
    ],
)
def test_a_cpu_that_heat_slows_down_spoils_what_it_serves(
    seconds: Sequence[Sequence[float]] | None, cpu_serves: bool, severity: str
) -> None:
    observed = seen("cpu_throttled_count", [3, 9], [9, 9]) + (
        seen("cpu_throttled_seconds", *seconds) if seconds else []
    )
    assert gates(spoilers.spoilers(Around(), observed, PASSES, cpu_serves)) == [("slowdown", severity)]


@pytest.mark.parametrize(
    ("observed", "found"),
    [
        (seen("cpu_throttled_count", [3, 3], [8, 8]), []),  # between the passes only
        (seen("cpu_degrees_to_spare", [10, 4], [4, 1]), []),
        (seen("cpu_degrees_to_spare", [10, 4], [4, 0]), [("temperature", "note")]),
        (seen("swapped_bytes", [0, 5e5], [5e5, 9e5]), []),
        (seen("swapped_bytes", [0, 5e8], [5e8, 9e8]), [("swap", "note")]),
        (seen("memory_stalled_seconds", [0, 0.5], [4.0, 4.4]), []),
        (seen("memory_stalled_seconds", [0, 0.5], [0.5, 1.1]), [("memory", "invalid")]),
        (seen("cpu_clock_mhz", [3400, 3300, 3400], [3300, 3350, 3300]), []),
        (seen("cpu_clock_mhz", [3400, 3300, 3400], [3000, 3000, 3400]), [("clock", "note")]),
        (seen("cpu_clock_mhz", [3400, 3400], [2000, 2000]), []),  # too few to tell
        (seen("sm_clock_mhz", [1980, 1980, 1980], [1700, 1980, 1700], domain="gpu:0"), [("clock", "note")]),
        (seen("sm_clock_mhz", [1980, 1980, 1980], [1965, 1965, 1980], domain="gpu:0"), []),
    ],
)
def test_what_happened_while_passes_were_counted_is_judged(
    observed: list[Observation], found: list[tuple[str, str]]
) -> None:
    assert gates(spoilers.spoilers(Around(), observed, PASSES, cpu_serves=True)) == found


def test_clocks_of_two_gpus_are_not_compared_with_each_other() -> None:
    one = seen("sm_clock_mhz", [1980] * 3, [1980] * 3, domain="gpu:0")
    other = seen("sm_clock_mhz", [1200] * 3, [1200] * 3, domain="gpu:1")
    assert spoilers.clocks(one + other, PASSES) == []


def test_only_what_happens_inside_a_pass_is_charged_to_it(tmp_path: Path) -> None:
    """Heat slows the CPU down after the first pass, and memory is short during the second."""
    room = Room(os.getpid(), {"isolated": "as it was"}, machine(tmp_path))
    room.hear(Mark("warm_up", 0))
    room.hear(Mark("pass", 10 * SECOND, 0))
    room.hear(Mark("pass_end", 20 * SECOND, 0))
    machine(tmp_path, throttled=99, throttled_ms=9000)
    room.hear(Mark("pass", 30 * SECOND, 1))
    machine(tmp_path, throttled=99, throttled_ms=9000, stalled=6_000_000)
    room.hear(Mark("pass_end", 40 * SECOND, 1))
    windows = [Window(10 * SECOND, 20 * SECOND), Window(30 * SECOND, 40 * SECOND)]
    [finding] = spoilers.spoilers(Around(), room.seen, windows, cpu_serves=True)
    assert finding.gate == "memory"
    assert "30%" in finding.message
    around = room.leave()
    assert around.before["isolated"] == "as it was"
    assert spoilers.changed(around) == []


BURN = (
    "import sys, time\nsys.stdin.readline()\nwhile time.process_time() < 0.5: pass\nprint(flush=True); sys.stdin.read()"
)
WATCH = """
import sys
from wattstar.measuring.surroundings import Neighbours
every, but_the_worker = Neighbours(0x7FFFFFF), Neighbours(int(sys.argv[1]))
print(flush=True)
sys.stdin.readline()
for neighbours in (every, but_the_worker):
    print(*(one.pid for one in neighbours.named()))
"""


def test_the_busiest_are_named_by_number_and_the_worker_is_none_of_them() -> None:
    """A stranger burns half a second; then the same process is called the worker."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with (
        subprocess.Popen([sys.executable, "-c", BURN], **pipes) as stranger,  # type: ignore[call-overload]
        subprocess.Popen([sys.executable, "-c", WATCH, str(stranger.pid)], **pipes) as watcher,  # type: ignore[call-overload]
    ):
        watcher.stdout.readline()
        for process in (stranger, watcher):
            process.stdin.write("\n")
            process.stdin.flush()
            if process is stranger:
                process.stdout.readline()
        every, but_the_worker = (set(line.split()) for line in watcher.communicate()[0].splitlines())
        stranger.communicate()
    assert str(stranger.pid) in every
    assert str(stranger.pid) not in but_the_worker
    assert str(watcher.pid) not in every


def test_a_busy_machine_is_said_with_whom_to_stop() -> None:
    named = [Neighbour("chrome", 4711, 1.21), *(Neighbour(f"tab{i}", i, 0.1) for i in range(9))]
    [finding] = spoilers.busy(0.31, named)
    assert "31% of the machine's CPU cores" in finding.message
    assert "chrome (pid 4711, 1.21 cores)" in finding.message
    assert "tab8" not in finding.message
    [finding] = spoilers.busy(0.31, [])
    assert "none that can be seen from here" in finding.message
    assert spoilers.busy(0.04, named) == spoilers.busy(None, named) == []


def topology(root: Path, *cores: str) -> set[int]:
    """CPUs as Linux lists those of each core; returns all."""
    every: set[int] = set()
    for listed in cores:
        cpus = {int(part) for part in listed.replace("-", ",").split(",")}
        for cpu in cpus:
            file = root / f"{CPUS}/cpu{cpu}/topology/thread_siblings_list"
            file.parent.mkdir(parents=True)
            file.write_text(f"{listed}\n")
        every |= cpus
    return every


def test_a_whole_core_is_kept_for_the_meters(tmp_path: Path) -> None:
    """Two hyper-threads share a core: what runs on one slows the other."""
    cpus = topology(tmp_path, "0,4", "1,5", "2,6", "3,7")
    assert divided(physical_cores(cpus, tmp_path)) == Isolation(frozenset({0, 4}), frozenset({1, 2, 3, 5, 6, 7}), 3)
    assert physical_cores({1, 5, 6}, tmp_path) == [frozenset({1, 5}), frozenset({6})], "of those this process may use"
    assert physical_cores({2, 9}) == [frozenset({2}), frozenset({9})] or os.cpu_count() > 2


def test_hyper_threads_beside_each_other_are_one_core_too(tmp_path: Path) -> None:
    cpus = topology(tmp_path, "0-1", "2-3", "4-5", "6-7")
    assert divided(physical_cores(cpus, tmp_path)).observer == {0, 1}


@pytest.mark.parametrize(("cores", "quota"), [(1, None), (2, None), (3, None), (16, 2.0)])
def test_where_isolating_does_not_help_it_is_refused_with_the_reason(cores: int, quota: float | None) -> None:
    with pytest.raises(UnfitEnvironment, match="does not help here") as caught:
        divided([frozenset({i}) for i in range(cores)], quota)
    assert "leave --isolate out" in caught.value.cures


def test_a_quota_bounds_the_threads() -> None:
    assert divided([frozenset({i}) for i in range(16)], 6.0).threads == 5


def test_worker_and_meters_are_held_apart_and_let_go_again() -> None:
    before = os.sched_getaffinity(0)
    if len(before) < 2:
        pytest.skip("this machine has one CPU")
    first, *others = (frozenset({cpu}) for cpu in sorted(before))
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as worker:
        with kept_apart(Isolation(first, frozenset().union(*others), 1), worker.pid) as said:
            assert os.sched_getaffinity(0) == first
            assert os.sched_getaffinity(worker.pid) == before - first
            assert f"meters on {min(first)}, " in said["isolated"]
        assert os.sched_getaffinity(0) == before
        worker.communicate(b"\n")
    with kept_apart(Isolation(first, first, 1), worker.pid):
        pass  # a worker that died at once is no fault of ours
    with kept_apart(None, os.getpid()) as said:
        assert said == {}
        assert os.sched_getaffinity(0) == before


def test_threads_are_set_for_what_is_started_but_never_against_the_users_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MKL_NUM_THREADS", "2")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    with threads_of(Isolation(frozenset({0}), frozenset({1, 2, 3}), 3)):
        assert (os.environ["OMP_NUM_THREADS"], os.environ["MKL_NUM_THREADS"]) == ("3", "2")
    assert "OMP_NUM_THREADS" not in os.environ
    assert os.environ["MKL_NUM_THREADS"] == "2"


def test_isolating_is_done_or_refused_in_words_but_never_silently_left_out(tmp_path: Path) -> None:
    done = wattstar_command(*fake_words(tmp_path, "--isolate"))
    if done.returncode:
        assert done.returncode == 3
        assert "--isolate does not help here" in done.stderr
        assert "→ leave --isolate out" in done.stderr
    else:
        assert len(os.sched_getaffinity(0)) >= 4


def test_a_record_keeps_what_the_room_was_like_and_what_the_parent_took(tmp_path: Path) -> None:
    record = measure(fake_job(), tmp_path)
    assert record.sampling is not None
    assert record.sampling.parent_share is not None
    assert record.sampling.parent_share >= 0
    observed = polars.read_parquet(tmp_path / "states" / f"{record.states}.parquet").filter(domain="machine")
    swapped = observed.filter(name="swapped_bytes")["time"].to_list()
    assert swapped == [moment for counted in record.passes for moment in (counted.window.begin, counted.window.end)]


def test_doctor_says_what_would_spoil_a_measurement_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "sensors_battery", lambda: SimpleNamespace(power_plugged=False), raising=False)
    told = json.loads(command("doctor", "--format", "json").stdout)
    assert told["room"]["power"] == "battery"
    [spoils] = [one["message"] for one in told["spoils"] if one["what"] == "battery"]
    shown = " ".join(command("doctor").stdout.split())
    assert "what would spoil a measurement now" in shown
    assert spoils in shown
