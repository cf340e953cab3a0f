"""Python scripts, run in a process of their own, that read simulated powercap counters or perf events."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests import support
from tests.simulators import powercap
from tests.simulators import trace as traces
from tests.simulators.powercap import Zone
from tests.simulators.trace import Following

BUSY = traces.square(60, 250, 0.073, duty=0.4)
LATER = powercap.NEVER - 1
"""Stands for a moment that the process itself chooses once it is under way, by ``begin_in``."""

PRELUDE = f"""
import json, os, time
from pathlib import Path
def begin_in(seconds):
    moment = time.monotonic_ns() + round(seconds * 1e9)
    path = Path(os.environ["WATTSTAR_POWERCAP_SIMULATOR"]) / "{powercap.CONFIGURATION}"
    path.with_suffix(".later").write_text(path.read_text().replace("{LATER}", str(moment)))
    path.with_suffix(".later").replace(path)
    return moment
def draw(path, origin, watts):
    with open(path, "a") as file: file.write(f"{{(time.monotonic_ns() - origin) / 1e9!r}} {{watts!r}}\\n")
"""

METER = f"""{PRELUDE}
from wattstar import registry
from wattstar.types import Scope
meter = registry.meter("NAME")
found = meter.affinity()
seen = []
begin = None
if found.level >= 0:
    with meter.reader(Scope(0, "cpu", "")) as reader:
        end = time.monotonic() + 0.2
        while time.monotonic() < end:
            seen.append(reader.read())
            time.sleep(0.005)
print(json.dumps([found.level, found.domains, found.reason, found.cure, seen, begin]))
"""
"""Says what a meter can do, and reads it for a while where it can."""


def inside(folder: Path, zones: Sequence[Zone], text: str) -> Any:
    """What a script prints as JSON in a process that sees these zones at /sys/class/powercap."""
    return printed(text, powercap.install(folder, zones))


def printed(text: str, environment: Mapping[str, str]) -> Any:
    """What a script prints as JSON."""
    result = support.python(text, env=environment)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def about_to_wrap(path: Path) -> tuple[Following, Zone]:
    """A resting package that is some joules before its wrap, and the load that will bring it there."""
    load = Following(path, 0.0)
    zone = Zone("package-0", load, loaded=load.origin)
    return load, replace(zone, start_joules=zone.range / 1e6 - 20.0)
