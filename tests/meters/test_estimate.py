"""The estimate charges the CPU seconds of the job's own process tree: no others', and no wall time."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from wattstar.meters import _process_tree, estimate
from wattstar.meters._calibration import Calibration, save
from wattstar.meters._process_tree import Ledger, LinuxTree, PortableTree, Usage
from wattstar.meters._processor import processor_name
from wattstar.types import Level, Method, Scope

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

# Burns so many CPU seconds itself or in a child, tells what the kernel charged it with, and stays until it is told.
BURN = """
import os, subprocess, sys, time, resource
def burn(seconds):
    while time.process_time() < seconds:
        sum(range(1000))
if sys.argv[1] == "self":
    burn(float(sys.argv[2]))
    print(time.process_time(), flush=True)
else:
    child = subprocess.Popen([sys.executable, "-c", open(sys.argv[3]).read(), "self", sys.argv[2]],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    print(float(child.stdout.readline()) + time.process_time(), flush=True)
sys.stdin.read()
"""


# Lets many short children burn, one after the other; waits for them, or tells the system not to make it wait.
SHORT = """
import os, resource, signal, sys, time
if sys.argv[1] == "ignored":
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for _ in range(int(sys.argv[2])):
    child = os.fork()
    if child == 0:
        while time.process_time() < float(sys.argv[3]):
            sum(range(1000))
        os._exit(0)
    try:
        os.waitpid(child, 0)
    except ChildProcessError:
        pass
both = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
print(sum(sum(resource.getrusage(who)[:2]) for who in both), flush=True)
sys.stdin.read()
"""
# Has a child, and when it is told so a grandchild that burns; speaks when that has ended.
LATER = """
import os, sys, time
if os.fork() == 0:
    sys.stdin.readline()
    if os.fork() == 0:
        while time.process_time() < 1.2:
            sum(range(1000))
        os._exit(0)
    os.wait()
    os._exit(0)
print(0, flush=True)
os.wait()
print(1, flush=True)
sys.stdin.read()
"""
# Leaves a grandchild behind that burns when its parent is gone, and ends; the parent is the one that is asked about.
ORPHAN = """
import os, sys, time
reading, writing = os.pipe()
if os.fork() == 0:
    if os.fork() == 0:
        time.sleep(0.8)
        while time.process_time() < 0.5:
            sum(range(1000))
        os.write(writing, b"done")
        os._exit(0)
    time.sleep(0.6)
    os._exit(0)
os.wait()
os.read(reading, 4)
print(1, flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def data_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No calibration of this machine."""
    monkeypatch.setenv("WATTSTAR_DATA_HOME", str(tmp_path))
    return tmp_path


def run(text: str, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", text, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def start(*words: str) -> subprocess.Popen[str]:
    return run(BURN, *words)


def charged(process: subprocess.Popen[str]) -> Iterator[float]:
    """CPU seconds, each time it is asked."""
    with estimate.reader(Scope(process.pid, "cpu", "/nowhere")) as reader:
        while True:
            _, joules = reader.read()["cpu:0"]
            yield joules / estimate.rate(processor_name()).watts_per_core


def wait_for_line(process: subprocess.Popen[str], readings: Iterator[float]) -> float:
    """Read until the process says what it burnt."""
    assert process.stdout is not None
    for _ in until_it_speaks(process):
        next(readings)
    return float(process.stdout.readline())


def until_it_speaks(process: subprocess.Popen[str]) -> Iterator[None]:
    """Every 50 ms, as the sampling thread reads."""
    assert process.stdout is not None
    while not select.select([process.stdout], [], [], 0.05)[0]:
        yield


def test_what_a_process_burnt_is_charged() -> None:
    with start("self", "0.5") as process:
        readings = charged(process)
        burnt = wait_for_line(process, readings)
        assert burnt >= 0.5
        assert next(readings) == pytest.approx(burnt, rel=0.03)
        process.communicate()


def test_what_a_child_burnt_is_charged(tmp_path: object) -> None:
    file = f"{tmp_path}/burn.py"
    with open(file, "w") as out:
        out.write(BURN)
    with start("child", "1.0", file) as process:
        readings = charged(process)
        burnt = wait_for_line(process, readings)
        assert burnt >= 1.0
        time.sleep(0.6)  # children are looked for every half second
        assert next(readings) == pytest.approx(burnt, rel=0.05)
        process.communicate()


def test_the_load_of_others_is_not_charged() -> None:
    with start("self", "0.1") as idle, start("self", "0.6") as busy:
        readings = charged(idle)
        wait_for_line(idle, readings)
        before = next(readings)
        assert busy.stdout is not None
        assert float(busy.stdout.readline()) >= 0.6
        assert next(readings) - before < 0.02
        idle.communicate()
        busy.communicate()


def test_totals_never_fall_even_when_the_process_has_ended() -> None:
    process = start("self", "0.1")
    readings = charged(process)
    wait_for_line(process, readings)
    before = next(readings)
    process.communicate()
    after = next(readings)
    assert after >= before > 0


def test_a_child_that_ends_costs_neither_its_charge_nor_the_reading() -> None:
    """It lives long enough to be seen."""
    text = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])\n"
    text += "print(1, flush=True); sys.stdin.read()"
    child = "import time\nwhile time.process_time() < 0.3: sum(range(1000))\ntime.sleep(0.6)"
    with subprocess.Popen(
        [sys.executable, "-c", text, child], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        readings = charged(process)
        wait_for_line(process, readings)
        assert next(readings) > 0.3
        assert next(readings) > 0.3
        process.communicate()


def test_memory_is_charged_by_size_and_time() -> None:
    hold = "import sys; held = bytearray(200_000_000); print(1, flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with estimate.reader(Scope(process.pid, "cpu", "/nowhere")) as reader:
            began, first = reader.read()["dram:0"]
            time.sleep(0.3)
            ended, last = reader.read()["dram:0"]
        watts = (last - first) / (ended - began) * 1e9
        assert watts == pytest.approx(0.21 * estimate.WATTS_PER_GIGABYTE, rel=0.1)
        process.communicate()


def test_it_says_that_it_is_no_measurement() -> None:
    assert estimate.method is Method.MODELLED
    affinity = estimate.affinity()
    assert affinity.level is Level.ESTIMATE
    assert "modelled" in affinity.reason
    assert "×/÷ 2" in affinity.reason


def test_children_that_were_never_seen_are_charged_when_they_were_waited_for() -> None:
    with run(SHORT, "waited", "12", "0.05") as process:
        readings = charged(process)
        burnt = wait_for_line(process, readings)
        assert burnt >= 0.6
        time.sleep(0.6)  # ended children are looked up every half second
        assert next(readings) == pytest.approx(burnt, abs=0.03)
        process.communicate()


def test_what_was_charged_of_a_child_that_nobody_waits_for_stays_and_hides_nothing() -> None:
    """The first child is seen; the parent's sum of ended children never tells of it."""
    with run(SHORT, "ignored", "2", "0.8") as process:
        readings = charged(process)
        wait_for_line(process, readings)
        assert next(readings) > 1.0
        process.communicate()


def test_a_descendant_that_lost_its_parent_is_still_charged_once() -> None:
    with run(ORPHAN) as process:
        readings = charged(process)
        wait_for_line(process, readings)
        time.sleep(0.1)
        assert 0.45 < next(readings) < 0.8
        process.communicate()


def test_a_grandchild_that_came_later_is_charged_while_it_runs_and_never_above_what_the_cpus_can_draw() -> None:
    """It is found when it has burnt for up to half a second."""
    watts = estimate.rate(processor_name()).watts_per_core
    with run(LATER) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        with estimate.reader(Scope(process.pid, "cpu", "/nowhere")) as reader:
            seen = [reader.read()["cpu:0"]]
            process.stdin.write("now\n")
            process.stdin.flush()
            seen += [reader.read()["cpu:0"] for _ in until_it_speaks(process)]
        process.communicate()
    assert seen[-1][1] - seen[0][1] > 0.4 * watts
    assert reader.limits["cpu:0"] <= (os.cpu_count() or 0) * watts
    for early, late in pairwise(seen):
        assert late[1] - early[1] <= reader.limits["cpu:0"] * (late[0] - early[0]) / 1e9 * (1 + 1e-9)


@linux
def test_the_portable_way_agrees_with_the_quick_one(tmp_path: Path) -> None:
    file = tmp_path / "burn.py"
    file.write_text(BURN)
    with start("child", "0.4", str(file)) as process:
        assert process.stdout is not None
        process.stdout.readline()
        quick, portable = LinuxTree(process.pid), PortableTree(process.pid)
        one, other = quick.usages(), portable.usages()
        quick.close()
        process.communicate()
    assert list(one) == list(other)
    assert len(one) == 2
    for pid, usage in one.items():
        assert usage.parent == other[pid].parent
        assert usage.own == pytest.approx(other[pid].own, abs=0.03)
        assert usage.private + usage.shared == pytest.approx(other[pid].private, rel=0.05)


@linux
def test_the_quick_way_leaves_no_file_open() -> None:
    before = os.listdir("/proc/self/fd")
    with start("self", "0.01") as process:
        with _process_tree.watched(process.pid) as total:
            assert total().resident_bytes > 0
            assert len(os.listdir("/proc/self/fd")) > len(before)
        process.communicate()
    assert len(os.listdir("/proc/self/fd")) == len(before)


def usage(parent: int, own: float, waited: float = 0.0) -> Usage:
    return Usage(parent, own, waited, 0.0)


def ledger(*rounds: dict[int, Usage]) -> float:
    made = Ledger()
    for found in rounds:
        before = made.cpu_seconds
        made.add(found)
        assert made.cpu_seconds >= before
    return made.cpu_seconds


def test_a_child_is_charged_once_whenever_its_parent_tells_of_it() -> None:
    parent, later = usage(0, 1.0), usage(0, 1.0, waited=2.5)
    seen = {1: parent, 2: usage(1, 2.0)}
    assert ledger(seen, {1: later}) == pytest.approx(3.5)
    assert ledger(seen, {1: parent}, {1: later}) == pytest.approx(3.5), "told a round late"
    assert ledger({1: parent}, {1: later}) == pytest.approx(3.5), "never seen"


def test_a_child_that_is_never_waited_for_stays_charged_and_hides_no_other() -> None:
    seen = {1: usage(0, 1.0), 2: usage(1, 2.0)}
    alone = {1: usage(0, 1.0)}
    assert ledger(seen, alone, alone) == pytest.approx(3.0)
    assert ledger(seen, alone, alone, {1: usage(0, 1.0, waited=2.0)}) == pytest.approx(5.0, abs=0.021)


def test_a_whole_branch_that_ends_at_once_is_charged_once() -> None:
    seen = {1: usage(0, 1.0), 2: usage(1, 2.0), 3: usage(2, 4.0)}
    assert ledger(seen, {1: usage(0, 1.0, waited=6.0)}) == pytest.approx(7.0)


def test_hundredths_do_not_add_up() -> None:
    """Each child uses 4 ms, which its parent's sum tells only now and then."""
    rounds = []
    for i in range(200):
        told = int(i * 0.004 * 100) / 100
        rounds += [{1: usage(0, 0.0, told), i + 2: usage(1, 0.004)}]
    assert ledger(*rounds) == pytest.approx(0.8, abs=0.02)


def test_it_says_by_which_processor_it_reckons_and_who_says_so() -> None:
    found = estimate.rate("AMD EPYC 7763 64-Core Processor")
    assert found.watts_per_core == 280 / 64
    assert "EPYC 7763: 280 W / 64 cores, AMD" in found.source
    unknown = estimate.rate("AMD EPYC")
    assert unknown.watts_per_core in (estimate.WATTS_PER_CORE, estimate.WATTS_PER_ARM_CORE)
    assert "'AMD EPYC' is not in cpu_power.toml" in unknown.source
    assert estimate.rate(processor_name()).source in estimate.affinity().reason


def test_a_calibration_of_this_machine_is_used_and_said() -> None:
    name = processor_name()
    save(Calibration(name, 3.25, 20.0, 1.3, datetime.now(UTC)))
    assert estimate.rate(name).watts_per_core == 3.25
    reason = estimate.affinity().reason
    assert "measured here against a counter" in reason
    assert "×/÷ 1.3" in reason
    with start("self", "0.3") as process:
        with estimate.reader(Scope(process.pid, "cpu", "/nowhere")) as reader:
            burnt = wait_for_line(process, iter(lambda: reader.read()["cpu:0"][1], None))
            _, joules = reader.read()["cpu:0"]
        process.communicate()
    assert joules == pytest.approx(3.25 * burnt, rel=0.05)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"cpu": 3}'])
def test_a_calibration_that_is_not_used_is_said_with_the_reason(data_home: Path, text: str) -> None:
    before = estimate.rate("AMD EPYC 7763 64-Core Processor")
    (data_home / "cpu_calibration.json").write_text(text)
    found = estimate.rate("AMD EPYC 7763 64-Core Processor")
    assert found.watts_per_core == before.watts_per_core
    assert found.source.startswith(before.source)
    assert "cpu_calibration.json is ignored: it cannot be read" in found.source
