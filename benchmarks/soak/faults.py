"""Every gate tried: ``wattstar run`` on a machine with one fault; on the quick clock, with simulated sensors."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.soak.plug_ins.resting import LATER
from tests import support
from tests.simulators import clock, nvml, powercap
from tests.simulators.clock import Clock
from tests.simulators.nvml import Gpu
from tests.simulators.powercap import Zone
from tests.simulators.trace import constant, ramp

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SOON = int(LATER)
PASSES, PASS_SECONDS = 4, 10
CHANGE = 18
"""Seconds of work after which a fault begins: in the second pass."""
FACTOR = 10
HEALTHY = Gpu(constant(400.0))
PACKAGE = Zone("package-0", constant(150.0), (Zone("dram", constant(20.0)),))
METERS = ("nvml", "nvml-power", "rapl")
SAID_ANYWAY = {"neighbours", "sensor"}
"""What else the real machine is doing is seen too, divided by the factor; and no GPU here was probed."""


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong, and the gate that must see it."""

    expected: str
    """The gate; ``failure`` where the meter itself must refuse; empty: nothing may be found."""
    before: Gpu = HEALTHY
    after: Gpu | None = None
    """From the second pass on; None: as before. ``SOON`` is the moment of the change."""
    zone: Zone = PACKAGE
    meters: tuple[str, ...] = METERS
    task: str = "text-classification"
    odd: str = ""
    """How the meter ``odd`` misbehaves."""
    neighbours: int = 0
    """Processes that keep a core busy."""
    factor: int = FACTOR
    unreadable: bool = False
    """One sample is empty."""


def _gpu(expected: str, **settings: Any) -> Fault:
    return Fault(expected, after=replace(HEALTHY, **settings))


def _odd(expected: str, how: str) -> Fault:
    return Fault(expected, meters=("odd",), odd=f"{CHANGE} {how}")


FAULTS: Mapping[str, Fault] = {
    "none": Fault(""),
    "none, GPU at its power limit": Fault("", replace(HEALTHY, clocks_event_reasons=0x4)),
    "GPU counter stuck": _gpu("coverage", stuck_from=SOON),
    "GPU counter jumps by 50,000 J": _gpu("jump", jump_at=SOON, jump_joules=50_000.0),
    "GPU counter goes back by 1,000 J": _gpu("failure", jump_at=SOON, jump_joules=-1000.0),
    "GPU counter restarts at 0": _gpu("failure", reset_at=SOON),
    "GPU lost": Fault("failure", after=nvml.lost(HEALTHY, SOON)),
    "GPU draws 900 W of 700 W": Fault("limit", Gpu(constant(900.0))),
    "GPU draws 900 W of 700 W, counter alone": Fault("limit", Gpu(constant(900.0)), meters=("nvml", "rapl")),
    "counter shows 500 W, power sensor 400 W": Fault(
        "cross-check", replace(HEALTHY, module=constant(500.0), counter_is_module=True)
    ),
    "GPU too hot": _gpu("slowdown", clocks_event_reasons=0x40),
    "somebody else's process on the GPU": _gpu("foreign load", processes=((1, 1 << 30),)),
    "GPU's power limit lowered": _gpu("power limit", enforced_watts=500.0),
    "CPU counter stands still": Fault("reading", zone=replace(PACKAGE, trace=constant(0.0))),
    "CPU counter restarts at 0": Fault("failure", zone=replace(PACKAGE, reset_at=SOON)),
    "CPU counter closed: an open file goes on": Fault("", zone=replace(PACKAGE, denied_from=SOON)),
    "a meter falls silent": _odd("coverage", "silent"),
    "a meter reads no number": _odd("coverage", "nan"),
    "a meter reads less and less": _odd("reading", "falling"),
    "memory of the CPU is not read": Fault("boundary", zone=replace(PACKAGE, parts=()), meters=("rapl",)),
    "phases are not told apart": Fault("phases", task="text-generation"),
    "load differs from pass to pass": Fault("scatter", Gpu(ramp(100, 600, 61.0))),
    "load rises from pass to pass": Fault("trend", Gpu(ramp(100, 690, 2000.0))),
    "the sampling thread is held up for 3 s": _odd("gap", "pausing"),
    "a GPU that was not probed": Fault("sensor"),
    "CPU counter closed from the beginning": Fault(
        "not read", zone=replace(PACKAGE, denied_from=0), meters=("nvml", "nvml-power")
    ),
    "other processes are busy": Fault("neighbours", neighbours=os.cpu_count() or 1, factor=4),
    "a sample is empty": Fault("samples", unreadable=True),
}


@dataclass(frozen=True)
class Seen:
    """What a record says."""

    gates: tuple[str, ...]
    failure: str | None
    words: tuple[str, ...]
    exit_code: int

    def right(self, fault: Fault) -> bool:
        """Whether the expected gate fired; where nothing is wrong, whether none did."""
        if not fault.expected:
            return not set(self.gates) - SAID_ANYWAY and self.failure is None
        return self.failure is not None if fault.expected == "failure" else fault.expected in self.gates


def run(fault: Fault, folder: Path) -> Seen:
    """Measure once; ``RuntimeError`` where there is no record."""
    environment = _environment(fault, folder)
    words: list[object] = ["run", "-t", fault.task, "-m", "fake/model", "--backend", "resting", "--weights", "random"]
    words += ["--device", "cpu", "--samples", 2, "--passes", PASSES, "--pass-seconds", PASS_SECONDS]
    words += ["--idle-seconds", 0, "--option", f"after_seconds={CHANGE}", "-o", folder / "store", "--format", "json"]
    words += [word for meter in fault.meters for word in ("--meter", meter)]
    with _busy(fault.neighbours):
        done = support.wattstar_command(*words, cwd=folder, env=environment, timeout=120)
    if not done.stdout:
        raise RuntimeError(f"exit code {done.returncode}: {done.stderr}")
    return seen(json.loads(done.stdout)[0]["record"], done.returncode)


def seen(record: Mapping[str, Any], exit_code: int) -> Seen:
    """The findings of a record, and its failure."""
    failure = record["failure"]
    words = [finding["message"] for finding in record["findings"]]
    return Seen(
        gates=tuple(dict.fromkeys(finding["gate"] for finding in record["findings"])),
        failure=failure["message"] if failure else None,
        words=tuple(dict.fromkeys(words)),
        exit_code=exit_code,
    )


def _environment(fault: Fault, folder: Path) -> Mapping[str, str]:
    """The machine as it is, as it will be, and the plug-ins of this benchmark."""
    sensors, counters = folder / "nvml", folder / "powercap"
    environment = {**nvml.install(sensors, nvml.Driver((fault.after or fault.before,)))}
    _to_come(sensors / nvml.CONFIGURATION)
    nvml.write(sensors, nvml.Driver((fault.before,)))
    environment |= powercap.install(counters, [fault.zone])
    _to_come(counters / powercap.CONFIGURATION)
    powercap.write(counters, [fault.zone])
    modules = {name: (HERE / "plug_ins" / f"{name}.py").read_text() for name in ("resting", "odd")}
    points = "[wattstar.backends]\nresting = soaking.resting\n[wattstar.meters]\nodd = soaking.odd\n"
    support.other_package(folder / "site", "soaking", modules, points)
    paths = [folder / "site", ROOT / "src"]
    if fault.unreadable:
        package = support.copy_of_package(folder / "copy", media=False)
        _empty_a_text(package / "testsets" / "mini" / f"{fault.task}.jsonl")
        paths.insert(0, package.parent)
    environment |= {"PYTHONPATH": os.pathsep.join(map(str, paths)), "WATTSTAR_ODD": fault.odd}
    return clock.install(Clock(fault.factor), {**environment, "CUDA_VISIBLE_DEVICES": "0"})


def _to_come(configuration: Path) -> None:
    configuration.rename(configuration.with_name(f"{configuration.name}.later"))


def _empty_a_text(rows: Path) -> None:
    first, *others = rows.read_text(encoding="utf-8").splitlines()
    row = json.loads(first)
    row["input"] = dict.fromkeys(row["input"], "")
    rows.write_text("\n".join([json.dumps(row), *others]) + "\n", encoding="utf-8")


@contextmanager
def _busy(count: int) -> Iterator[None]:
    """So many processes that keep a core busy each."""
    with ExitStack() as stack:
        for _ in range(count):
            process = stack.enter_context(subprocess.Popen([sys.executable, "-c", "while True: pass"]))
            stack.callback(process.kill)
        yield


def never_fired(found: Sequence[Seen]) -> list[str]:
    """The gates in the source that nothing has set off."""
    source = (ROOT / "src" / "wattstar" / "measuring" / "gates.py").read_text(encoding="utf-8")
    known = re.findall(r'Finding\(\s*"([^"]+)"', source)
    fired = {gate for one in found for gate in one.gates}
    return [gate for gate in dict.fromkeys(known) if gate not in fired]
