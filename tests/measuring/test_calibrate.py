"""The estimate calibrated against a simulated package that draws what this machine's processor would."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests import support
from tests.simulators import powercap
from tests.simulators.powercap import Zone
from tests.simulators.trace import Following

WATTS_AT_REST, WATTS_PER_CORE = 40.0, 9.0
FOLLOW = """
import sys, time
import psutil
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from tests.simulators import trace
rest, slope = float(sys.argv[3]), float(sys.argv[4])
path, origin = Path(sys.argv[2]), trace.read(Path(sys.argv[2])).origin
file = path.open("a")
def busy():
    loads = [p for p in psutil.process_iter(["cmdline"]) if "wattstar.measuring.loads" in (p.info["cmdline"] or [])]
    found = 0.0
    for load in loads:
        try:
            found += sum(load.cpu_times()[:2])
        except psutil.Error:
            pass
    return found
before, then = busy(), time.monotonic_ns()
while True:
    time.sleep(0.1)
    now, used = time.monotonic_ns(), busy()
    cores = max(0.0, used - before) / (now - then) * 1e9
    file.write(f"{(now - origin) / 1e9!r} {rest + slope * cores!r}\\n")
    file.flush()
    before, then = used, now
"""
"""Writes the power of a processor whose loads are those of this machine, ten times a second."""
CALIBRATE = """
from wattstar.measuring.calibrate import calibrate
from wattstar.records.codec import encode
import json
print(json.dumps(encode(calibrate(seconds=1.5))))
"""


def test_a_cpu_second_costs_what_the_counter_says(tmp_path: Path) -> None:
    power = Following(tmp_path / "power.trace", WATTS_AT_REST)
    environment = powercap.install(tmp_path / "cpu", [Zone("package-0", power)])
    root = str(Path(__file__).parents[2])
    words = [root, str(power.path), str(WATTS_AT_REST), str(WATTS_PER_CORE)]
    with subprocess.Popen([sys.executable, "-c", FOLLOW, *words]) as follower:
        done = support.python(CALIBRATE, env=environment)
        follower.kill()
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["watts_at_rest"] == pytest.approx(WATTS_AT_REST, rel=0.1)
    assert found["watts_per_core"] == pytest.approx(WATTS_PER_CORE, rel=0.15)
    assert 1.2 <= found["factor"] <= 1.6


def test_without_a_counter_of_the_cpu_there_is_nothing_to_calibrate_by() -> None:
    done = support.wattstar_command("probe", "--cpu")
    assert done.returncode == 3
    assert "no counter of the CPU" in done.stderr
    assert "wattstar doctor" in done.stderr
