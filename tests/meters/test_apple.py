"""Apple silicon through a stand-in for its package, whose totals follow power traces."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests import support
from tests.simulators import apple, trace
from wattstar.meters import apple as meter
from wattstar.types import Method

CPU, GPU, DRAM = trace.square(2, 20, 0.037, duty=0.4), trace.constant(30.0), trace.ramp(1, 5, 0.3)
CHIP: Mapping[str, trace.Trace] = {"cpu_total_mj": CPU, "gpu_mj": GPU, "dram_mj": DRAM, "ane_mj": GPU}

SAY = """
import json, os, time
from wattstar.errors import MeterUnavailable
from wattstar.meters import apple
from wattstar.types import Scope
"""
AFFINITY = f"{SAY}f = apple.affinity(); print(json.dumps([f.level.name, f.domains, f.reason, f.cure]))"
OPEN = f"""{SAY}
try:
    with apple.reader(Scope(os.getpid(), DEVICE, "")) as reader:
        begin, found = time.monotonic(), []
        while time.monotonic() - begin < SECONDS:
            found.append(reader.read())
            time.sleep(reader.period)
        rows = {{domain: [row[domain] for row in found] for domain in found[0]}}
        print(json.dumps(dict(rows=rows, refresh=reader.refresh, stepped=reader.stepped, quantum=reader.quantum)))
except MeterUnavailable as error: print(json.dumps(dict(message=error.message, cures=error.cures)))
"""


def inside(environment: Mapping[str, str], text: str) -> Any:
    done = support.python(text, env=environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def opened(environment: Mapping[str, str], device: str = "mps", seconds: float = 0.4) -> Any:
    return inside(environment, f"DEVICE, SECONDS = {device!r}, {seconds}\n{OPEN}")


def test_joules_are_those_of_the_traces(tmp_path: Path) -> None:
    """Within the most watts × how old a total may be, and the millijoule that it is rounded to, at both ends."""
    said = opened(apple.install(tmp_path, CHIP))
    assert set(said["rows"]) == {"cpu:0", "gpu:0", "dram:0"}
    for domain, power, most in (("cpu:0", CPU, 20), ("gpu:0", GPU, 30), ("dram:0", DRAM, 5)):
        (begin, first), (end, last) = said["rows"][domain][0], said["rows"][domain][-1]
        assert abs(last - first - power.joules(begin, end)) <= most * said["refresh"] + 2 * said["quantum"]
    assert 0.002 <= said["refresh"] < 0.3
    assert not said["stepped"]


def test_the_gpu_is_read_only_for_work_on_it_and_what_the_chip_does_not_tell_is_left_out(tmp_path: Path) -> None:
    environment = apple.install(tmp_path, {"cpu_total_mj": CPU, "gpu_mj": GPU})
    assert set(opened(environment, "cpu", 0.05)["rows"]) == {"cpu:0"}
    assert set(opened(environment, "all", 0.05)["rows"]) == {"cpu:0", "gpu:0"}
    assert inside(environment, AFFINITY)[:2] == ["REAL", ["cpu:0", "gpu:0"]]


def test_totals_that_stand_still_are_refused(tmp_path: Path) -> None:
    said = opened(apple.install(tmp_path, CHIP, step_period=apple.FOREVER))
    assert "stood still" in said["message"]
    assert said["cures"]


def test_totals_that_go_back_are_an_error(tmp_path: Path) -> None:
    said = opened(apple.install(tmp_path, CHIP, reset_after=0.6), seconds=5.0)
    assert "went back" in said["message"]
    assert "measure again" in said["cures"][0]


@pytest.mark.parametrize("refused", [True, False], ids=["refused", "unknown names"])
def test_a_mac_that_tells_nothing_is_said_with_a_cure(tmp_path: Path, refused: bool) -> None:
    environment = apple.install(tmp_path, {"ane_mj": GPU}, refused=refused)
    said = opened(environment)
    assert ("IOReport" if refused else "names") in said["message"]
    level, _, reason, cure = inside(environment, AFFINITY)
    assert level == "ABSENT", "this machine is no Mac"
    assert reason == said["message"].rstrip(".")
    assert cure


@pytest.mark.parametrize(("system", "level"), [("linux", "ABSENT"), ("darwin", "CLOSED")])
def test_without_the_package_it_is_absent_off_macos_and_closed_on_it(system: str, level: str) -> None:
    """The package is hidden by a name that cannot be imported, and Python is told that it runs on another system."""
    hide = "import sys, platform, psutil; sys.modules['zeus_apple_silicon'] = None; platform.machine = lambda: 'arm64'"
    found = inside({}, f"{hide}; from wattstar.meters import apple; sys.platform = {system!r}\n{AFFINITY}")
    assert found[0] == level
    assert found[1] == (["cpu:0", "gpu:0", "dram:0"] if level == "CLOSED" else [])
    assert ("pip install" in found[3]) == (level == "CLOSED")


def test_it_is_a_counter_without_a_stated_tolerance() -> None:
    assert meter.method is Method.COUNTER
    assert meter.plausible_factor is None
    assert meter.gain is None
