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
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(ROOT), str(ROOT / "src")]

import environment
import schedule
import table
import tools
from schedule import Lane, Window

from tests.simulators import nvml, powercap
from wattstar.measuring.timeline import Domain
from wattstar.types import Edges, Method, Reading, Timeline
from wattstar.types import Window as Moments

SEED = 20261123
SOLO = [(0, 0.2, 1.0), *((k, 1.5 + 0.5 * k, 0.2) for k in range(1, 16)), (16, 10.0, 12.0)]
"""Windows of the solo run: the first one cold, 15 to time begin and end, one long one for the CPU share."""
SOLO_SECONDS = 60
ROWS = ("tool", "lane", "shape", "edges", "domain", "nominal", "begin", "seconds", "truth", "reading", "bound")


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
    lead=50,
)


@dataclass(frozen=True)
class Place:
    """A lane's simulated machine."""

    lane: Lane
    origin: int
    folder: Path
    env: Mapping[str, str]


def main() -> None:
    """Build the environment, run the tools, write the results and the table."""
    options = _options()
    size = SHORT if options.short else FULL
    python = environment.build(options.environment)
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="wattstar-meters-") as folder:
        costs = {name: solo(name, Path(folder) / f"solo-{name}".replace(" ", "-"), python) for name in size.tools}
        rows, notes = together(size, Path(folder), python)
    results = {
        "about": _about(options.seed, size),
        "costs": costs,
        "weights": _weights(python, size),
        "notes": notes,
        "columns": ROWS,
        "windows": rows,
    }
    (options.out / "results.json").write_text(table.compact(results), encoding="utf-8")
    (options.out / "table.md").write_text(table.text(results), encoding="utf-8")
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
    lane = Lane("solo", SEED, 0.03, knots=[*_solo_load()], seconds=SOLO_SECONDS)
    place = _place(lane, folder, time.monotonic_ns())
    output = folder / "found.json"
    with _tool(name, [list(row) for row in SOLO], 0, place, python, output) as process:
        _wait(process, SOLO_SECONDS + 60)
    found: dict[str, Any] = json.loads(output.read_text())
    rows = found["rows"]
    gpu, _ = _traces(place)
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


def together(size: Size, folder: Path, python: Path) -> tuple[list[list[Any]], dict[str, Any]]:
    """All tools in all lanes at once; wattstar's sampler runs freely beside them and answers for all their windows."""
    made = schedule.lanes(size.lanes, {k: dict(v) for k, v in size.windows.items()}, SEED, size.lead)
    made.append(schedule.edges(dict(size.edges), SEED, 8.0))
    origin = time.monotonic_ns()
    places = [_place(lane, folder / lane.name, origin) for lane in made]
    until = origin + round((max(lane.seconds for lane in made) + 1) * 1e9)
    peers = [name for name in size.tools if name != "wattstar"]
    processes = [_reader(place, until) for place in places]
    outputs = {(place.lane.name, name): place.folder / f"{name}.json" for place in places[:-1] for name in peers}
    for place in places[:-1]:
        for name in peers:
            plan = _plan(place.lane, name)
            output = outputs[place.lane.name, name]
            processes.append(_tool(name, plan, origin, place, python, output))
    for process in processes:
        _wait(process, (until - time.monotonic_ns()) / 1e9 + 60)
    return _evaluate(size, places, outputs)


def _evaluate(
    size: Size, places: Sequence[Place], outputs: Mapping[tuple[str, str], Path]
) -> tuple[list[list[Any]], dict[str, Any]]:
    rows: list[list[Any]] = []
    notes: dict[str, Any] = {"missed": {}, "sampler_percent": {}, "late_setup": {}, "errors": {}, "sampler": {}}
    for place in places:
        domains, cpu = _timelines(place.folder / "wattstar.json")
        notes["sampler_percent"][place.lane.name] = round(cpu * 100, 2)
        notes["sampler"][place.lane.name] = {
            f"{domain.timeline.meter} {domain.timeline.domain}": _polls(domain.timeline) for domain in domains
        }
        answer = _answers(place, domains)
        for (lane, name), path in outputs.items():
            if lane == place.lane.name:
                rows += _peer_rows(place, name, json.loads(path.read_text()), notes, answer)
        if place is places[-1]:
            for window in place.lane.windows:
                moments = _moments(place, window)
                for edges in (Edges.LOAD_CHANGE, Edges.INSIDE):
                    rows += answer("wattstar", window.shape, window.nominal, moments, edges)
        else:
            rows += _cuts(size, place, len(places) - 1, answer)
    return rows, notes


Answer = Callable[[str, str, float, Moments, Edges], list[list[Any]]]


def _answers(place: Place, domains: Sequence[Domain]) -> Answer:
    """wattstar's rows for one window: the counters, and the sum of sampled power beside them."""
    gpu, cpu = _traces(place)

    def answer(tool: str, shape: str, nominal: float, moments: Moments, edges: Edges) -> list[list[Any]]:
        found = []
        for domain in domains:
            line = domain.timeline
            sampled = line.method is Method.SAMPLED
            if sampled and tool != "wattstar":
                continue
            reading: Reading | None = domain.reading([moments], edges)
            truth = (gpu if line.domain.startswith("gpu") else cpu).joules(moments.begin, moments.end)
            name = "wattstar, power only" if sampled else tool
            values = (reading.joules, reading.bound) if reading else (None, None)
            found.append(_row(name, place, shape, edges, line.domain, nominal, moments, truth, *values))
        return found

    return answer


def _row(*words: Any) -> list[Any]:
    tool, place, shape, edges, domain, nominal, moments, truth, reading, bound = words
    begin = round((moments.begin - place.origin) / 1e9, 6)
    seconds = round((moments.end - moments.begin) / 1e9, 6)
    figures = [value if value is None else round(value, 4) for value in (truth, reading, bound)]
    return [tool, place.lane.name, shape, str(edges), domain[:3], nominal, begin, seconds, *figures]


def _peer_rows(
    place: Place, name: str, found: Mapping[str, Any], notes: dict[str, Any], answer: Answer
) -> list[list[Any]]:
    """A peer's windows, and wattstar's answers for the same moments."""
    by_id = {window.id: window for window in place.lane.windows}
    gpu, cpu = _traces(place)
    rows: list[list[Any]] = []
    notes["missed"][name] = notes["missed"].get(name, 0) + found["missed"]
    for row in found["rows"]:
        window = by_id[row["id"]]
        if row["error"]:
            notes["errors"].setdefault(name, []).append(row["error"])
            continue
        moments = Moments(row["begin"], row["end"])
        for domain, trace in (("gpu", gpu), ("cpu", cpu)):
            truth = trace.joules(moments.begin, moments.end)
            words = (name, place, window.shape, Edges.INSIDE, domain, window.nominal, moments, truth, row[domain], None)
            rows.append(_row(*words))
        rows += answer("wattstar", window.shape, window.nominal, moments, Edges.INSIDE)
    return rows


def _cuts(size: Size, place: Place, lanes: int, answer: Answer) -> list[list[Any]]:
    """Windows cut at random from the timelines, inside the block of one shape."""
    draw = random.Random(place.lane.seed + 7)
    rows = []
    for shape, (begin, end) in place.lane.blocks.items():
        for nominal in size.windows[shape]:
            if nominal * 1.3 > end - begin:
                continue
            for _ in range(-(-size.cuts // lanes)):
                seconds = nominal * draw.uniform(1 - schedule.SPREAD, 1 + schedule.SPREAD)
                start = place.origin + round(draw.uniform(begin, end - seconds) * 1e9)
                moments = Moments(start, start + round(seconds * 1e9))
                rows += answer("wattstar, random cuts", shape, nominal, moments, Edges.INSIDE)
    return rows


def _polls(line: Timeline) -> dict[str, float]:
    """What the sampler achieved: gaps between the reads around a step (or between reads), and the power it saw."""
    spans = line.gaps if any(line.gaps) else [late - early for early, late in zip(line.times, line.times[1:], strict=False)]
    ordered = sorted(spans)
    places = {"median_ms": 0.5, "p99_ms": 0.99, "longest_ms": 1.0}
    found = {name: round(ordered[min(int(len(ordered) * at), len(ordered) - 1)] / 1e6, 2) for name, at in places.items()}
    watts = {"least_watts": line.least_watts, "most_watts": line.most_watts}
    return found | {name: round(value, 1) for name, value in watts.items() if value is not None}


def _timelines(path: Path) -> tuple[list[Domain], float]:
    found = json.loads(path.read_text())
    rows = [row | {"method": Method(row["method"])} for row in found["timelines"]]
    return [Domain(Timeline(**row)) for row in rows], float(found["cpu_share"])


def _moments(place: Place, window: Window) -> Moments:
    begin = place.origin + round(window.begin * 1e9)
    return Moments(begin, place.origin + round((window.begin + window.seconds) * 1e9))


def _plan(lane: Lane, name: str) -> list[list[float]]:
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


def _place(lane: Lane, folder: Path, origin: int) -> Place:
    """A simulated driver with one GPU and a powercap tree with one package, both showing the lane's load."""
    gpu, cpu = lane.trace(schedule.GPU_WATTS, origin), lane.trace(schedule.CPU_WATTS, origin)
    driver = nvml.Driver((nvml.Gpu(gpu, step_phase=lane.step_phase),))
    folder.mkdir(parents=True, exist_ok=True)
    env = {**nvml.install(folder / "nvml", driver)}
    env |= powercap.install(folder / "powercap", [powercap.Zone("package-0", cpu)])
    env["CUDA_VISIBLE_DEVICES"] = "0"
    return Place(lane, origin, folder, env)


def _traces(place: Place) -> tuple[Any, Any]:
    lane = place.lane
    return lane.trace(schedule.GPU_WATTS, place.origin), lane.trace(schedule.CPU_WATTS, place.origin)


def _tool(
    name: str, windows: Sequence[Sequence[float]], origin: int, place: Place, python: Path, output: Path
) -> subprocess.Popen[bytes]:
    plan = output.with_suffix(".plan")
    plan.write_text(json.dumps({"origin": origin, "windows": windows}))
    interpreter = environment.own() if name == "wattstar" else python
    command = [str(interpreter), str(HERE / "worker.py"), name, str(plan), str(output)]
    return _start(command, place, output.with_suffix(".log"))


def _reader(place: Place, until: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, str(HERE / "reader.py"), str(until), str(place.folder / "wattstar.json")]
    return _start(command, place, place.folder / "wattstar.log")


def _start(command: Sequence[str], place: Place, log: Path) -> subprocess.Popen[bytes]:
    """Start it on the place's simulated machine, with no way to a network: two of the tools would ask where they are."""
    nowhere = "http://127.0.0.1:9"
    env = {**os.environ, **place.env, "http_proxy": nowhere, "https_proxy": nowhere, "HOME": str(place.folder)}
    env["PYTHONPATH"] = f"{ROOT / 'src'}"
    with log.open("wb") as file:
        return subprocess.Popen(command, env=env, stdout=file, stderr=file, cwd=place.folder)


def _wait(process: subprocess.Popen[bytes], seconds: float) -> None:
    try:
        code = process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    if code:
        words = [str(word) for word in process.args] if isinstance(process.args, list) else []
        log = Path(words[-1]).with_suffix(".log").read_text(errors="replace")
        raise RuntimeError(f"{words[1:]} ended with {code}:\n{log[-2000:]}")


def _share(reading: float | None, truth: float) -> float | None:
    return None if reading is None else (reading / truth - 1) * 100


def _weights(python: Path, size: Size) -> dict[str, Any]:
    others: dict[str, list[str]] = {tools.TOOLS[name][2]: [] for name in size.tools if name != "wattstar"}
    return environment.weights(python, others) | environment.weights(environment.own(), {"wattstar": ["nvidia"]})


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
