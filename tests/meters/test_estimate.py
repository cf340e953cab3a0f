"""The estimate charges the CPU seconds of the job's own process tree: no others', and no wall time."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from wattstar.meters import estimate
from wattstar.types import Level, Method, Scope

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


def start(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", BURN, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def charged(process: subprocess.Popen[str]) -> Iterator[float]:
    """CPU seconds, each time it is asked."""
    with estimate.reader(Scope(process.pid, "cpu", "/nowhere")) as reader:
        while True:
            _, joules = reader.read()["cpu:0"]
            yield joules / estimate.WATTS_PER_CORE


def wait_for_line(process: subprocess.Popen[str], readings: Iterator[float]) -> float:
    """Read every 50 ms, as the sampling thread does, until the process says what it burnt."""
    assert process.stdout is not None
    import select

    while not select.select([process.stdout], [], [], 0.05)[0]:
        next(readings)
    return float(process.stdout.readline())


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
