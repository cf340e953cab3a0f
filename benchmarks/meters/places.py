"""Simulated machines, and processes that run on them."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.meters import schedule
from benchmarks.meters.schedule import Lane
from tests.simulators import nvml, powercap
from tests.simulators.trace import Trace

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Place:
    """A lane's simulated machine."""

    lane: Lane
    origin: int
    folder: Path
    env: Mapping[str, str]


def make(lane: Lane, folder: Path, origin: int) -> Place:
    """A simulated driver with one GPU and a powercap tree with one package, both showing the lane's load."""
    gpu, cpu = lane.trace(schedule.GPU_WATTS, origin), lane.trace(schedule.CPU_WATTS, origin)
    driver = nvml.Driver((nvml.Gpu(gpu, step_phase=lane.step_phase),))
    folder.mkdir(parents=True, exist_ok=True)
    env = {**nvml.install(folder / "nvml", driver)}
    env |= powercap.install(folder / "powercap", [powercap.Zone("package-0", cpu)])
    env["CUDA_VISIBLE_DEVICES"] = "0"
    return Place(lane, origin, folder, env)


def traces(place: Place) -> tuple[Trace, Trace]:
    """The truth: power of GPU and CPU."""
    lane = place.lane
    return lane.trace(schedule.GPU_WATTS, place.origin), lane.trace(schedule.CPU_WATTS, place.origin)


def start(command: Sequence[str], place: Place, log: Path) -> subprocess.Popen[bytes]:
    """Start it on the place's simulated machine, with no way to a network: some tools would ask where they are."""
    nowhere = "http://127.0.0.1:9"
    env = {**os.environ, **place.env, "http_proxy": nowhere, "https_proxy": nowhere, "HOME": str(place.folder)}
    env["PYTHONPATH"] = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    with log.open("wb") as file:
        return subprocess.Popen(command, env=env, stdout=file, stderr=file, cwd=place.folder, start_new_session=True)


def wait(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Until it has ended; an error with its last words where it failed, an end where it takes too long."""
    try:
        code = process.wait(seconds)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # and the tool's helpers, some of which would outlive it
    if code:
        words = [str(word) for word in process.args] if isinstance(process.args, list) else []
        log = Path(words[-1]).with_suffix(".log").read_text(errors="replace")
        raise RuntimeError(f"{words[1:]} ended with {code}:\n{log[-2000:]}")
