"""Measures wattstar's readings beside those of other tools, on the same simulated sensors, in one run.

python benchmarks/meters/run.py --out benchmarks/meters/output
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "src"))
sys.path.insert(0, str(ROOT))

from benchmarks.meters import environment, evaluate, places, schedule, table, tools  # noqa: E402
from benchmarks.meters.places import Place  # noqa: E402

SEED = 20261123
SOLO = [(0, 0.2, 1.0), *((k, 1.5 + 0.5 * k, 0.2) for k in range(1, 16)), (16, 10.0, 12.0)]
"""Windows of the solo run: the first one cold, 15 to time begin and end, one long one for the CPU share."""
SOLO_SECONDS = 60


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    lanes: int
    windows: Mapping[str, Mapping[float, int]]
    """Shape → nominal seconds → how many windows every tool measures."""
    edges: Mapping[float, int]
    cuts: int
    """Further windows a length and shape, cut at random from wattstar's timelines."""
    lead: float
    """Seconds in which all tools are set up before the load begins."""
    tools: tuple[str, ...] = tuple(tools.TOOLS)


SHORT = Size(
    lanes=2,
    windows={"square": {0.05: 8, 0.2: 8, 1.0: 8, 5.0: 4}, "burst": {1.0: 3}},
    edges={0.2: 8, 1.0: 20},
    cuts=500,
    lead=15,
    tools=("wattstar", "zeus", "pyJoules", "codecarbon"),
)
FULL = Size(
    lanes=6,
    windows={
        "square": {0.05: 60, 0.2: 60, 1.0: 60, 5.0: 60, 20.0: 60},
        "ramp": {0.05: 20, 0.2: 20, 1.0: 20, 5.0: 15},
        "burst": {0.05: 20, 0.2: 20, 1.0: 20, 5.0: 15},
    },
    edges={0.2: 40, 1.0: 150, 5.0: 15},
    cuts=5000,
    lead=90,
)


def main() -> None:
    """Build the environment, run the tools, write the results and the table."""
    options = _options()
    size = SHORT if options.short else FULL
    pythons = environment.interpreters(options.environment, size.tools)
    with tempfile.TemporaryDirectory(prefix="wattstar-meters-") as folder:
        alone = {name: Path(folder) / f"solo-{name}".replace(" ", "-") for name in size.tools}
        costs = {name: solo(name, alone[name], pythons[name]) for name in size.tools}
        rows, notes = together(size, options.seed, Path(folder), pythons)
    results = {
        "about": _about(options.seed, size),
        "costs": costs,
        "weights": _weights(pythons),
        "notes": notes,
        "columns": evaluate.ROWS,
        "windows": rows,
    }
    table.write(results, options.out)
    print((options.out / "table.md").read_text(encoding="utf-8"))


def _options() -> Any:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=HERE / "output")
    parser.add_argument("--environment", type=Path, default=Path(tempfile.gettempdir()) / "wattstar-meters-tools")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--short", action="store_true", help="about a minute and a half, for trying")
    return parser.parse_args()


def solo(name: str, folder: Path, python: Path) -> dict[str, Any]:
    """What a tool costs when it is alone: import, set-up, begin, end, CPU; and its first window."""
    lane = schedule.Lane("solo", SEED, 0.03, knots=[*_solo_load()], seconds=SOLO_SECONDS)
    place = places.make(lane, folder, time.monotonic_ns())
    output = folder / "found.json"
    with _tool(name, [list(row) for row in SOLO], 0, place, python, output) as process:
        places.wait(process, SOLO_SECONDS + 60)
    found: dict[str, Any] = json.loads(output.read_text())
    if found.get("error"):
        raise RuntimeError(f"{name} could not be set up: {found['error']}")
    rows = found["rows"]
    gpu, _ = places.traces(place)
    first, last = rows[0], rows[-1]
    truth = gpu.joules(first["begin"], first["end"])
    warm = rows[1:-1]
    return {
        "import_ms": found["import_ms"],
        "setup_ms": found["setup_ms"],
        "first_begin_ms": (first["begin"] - first["call"]) / 1e6,
        "first_error": _share(first["gpu"], truth),
        "tenth_error": _share(rows[10]["gpu"], gpu.joules(rows[10]["begin"], rows[10]["end"])),
        "begin_ms": table.median([(row["begin"] - row["call"]) / 1e6 for row in warm]),
        "end_ms": table.median([(row["done"] - row["end"]) / 1e6 for row in warm]),
        "cpu_percent": last["cpu_seconds"] / ((last["end"] - last["call"]) / 1e9) * 100,
    }


def together(
    size: Size, seed: int, folder: Path, pythons: Mapping[str, Path]
) -> tuple[list[list[Any]], dict[str, Any]]:
    """All tools in all lanes at once; wattstar's sampler runs freely beside them and answers for all their windows."""
    lanes = schedule.lanes(size.lanes, {k: dict(v) for k, v in size.windows.items()}, seed, size.lead)
    lanes.append(schedule.edges(dict(size.edges), seed, 8.0))
    origin = time.monotonic_ns()
    made = [places.make(lane, folder / lane.name, origin) for lane in lanes]
    until = origin + round((max(lane.seconds for lane in lanes) + 1) * 1e9)
    peers = [name for name in size.tools if name != "wattstar"]
    processes = [_reader(place, until) for place in made]
    outputs = {(place.lane.name, name): place.folder / f"{name}.json" for place in made[:-1] for name in peers}
    for place in made[:-1]:
        for name in peers:
            plan = _plan(place.lane, name)
            output = outputs[place.lane.name, name]
            processes.append(_tool(name, plan, origin, place, pythons[name], output))
    for process in processes:
        places.wait(process, (until - time.monotonic_ns()) / 1e9 + 60)
    return evaluate.windows(size.cuts, made, outputs)


def _plan(lane: schedule.Lane, name: str) -> list[list[float]]:
    """The lane's windows, each a little later by a time of the tool's own, so that the tools do not collide."""
    draw = random.Random(f"{lane.seed} {name}")
    room = schedule.AFTER * 0.75
    return [[window.id, window.begin + draw.uniform(0, room), window.seconds] for window in lane.windows]


def _solo_load() -> list[tuple[float, float]]:
    draw = random.Random(SEED)
    knots: list[tuple[float, float]] = [(0.0, 0.0)]
    while knots[-1][0] < SOLO_SECONDS:
        knots += [(knots[-1][0], 1.0), (knots[-1][0] + draw.uniform(0.05, 1), 1.0)]
        knots += [(knots[-1][0], 0.0), (knots[-1][0] + draw.uniform(0.05, 1), 0.0)]
    return knots


def _share(reading: float | None, truth: float) -> float | None:
    return None if reading is None else (reading / truth - 1) * 100


def _tool(
    name: str, windows: Sequence[Sequence[float]], origin: int, place: Place, python: Path, output: Path
) -> subprocess.Popen[bytes]:
    plan = output.with_suffix(".plan")
    plan.write_text(json.dumps({"origin": origin, "windows": windows}))
    command = [str(python), str(HERE / "worker.py"), name, str(plan), str(output)]
    return places.start(command, place, output.with_suffix(".log"))


def _reader(place: Place, until: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, str(HERE / "reader.py"), str(until), str(place.folder / "wattstar.json")]
    return places.start(command, place, place.folder / "wattstar.log")


def _weights(pythons: Mapping[str, Path]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, python in pythons.items():
        distribution = tools.TOOLS[name].distribution
        extras = {distribution: ["nvidia"] if distribution == "wattstar" else []}
        found |= environment.weights(python, extras)
    return found


def _about(seed: int, size: Size) -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "system": platform.system(),
        "cores": os.cpu_count(),
        "seed": seed,
        "lane_seeds": [seed * 1000 + index for index in [*range(size.lanes), 999]],
        "gpu_watts": schedule.GPU_WATTS,
        "cpu_watts": schedule.CPU_WATTS,
        "periods": schedule.PERIODS,
        "step_seconds": 0.1,
        "windows": size.windows,
        "load_change_windows": size.edges,
        "cuts": size.cuts,
    }


if __name__ == "__main__":
    main()
