"""One window of 3 s per quirk of a sensor and tool: joules measured / joules true, or the error's words.

python benchmarks/meters/quirks.py --out benchmarks/meters/output
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "src"))
sys.path.insert(0, str(ROOT))

from benchmarks.meters import environment, places, schedule, tools  # noqa: E402
from benchmarks.meters.places import Place  # noqa: E402
from tests.simulators import nvml, powercap  # noqa: E402
from tests.simulators.trace import Trace, constant, square  # noqa: E402

SECONDS, LEAD = 3.0, 22.0
"""Of the window, and before it: the tools are set up meanwhile."""
AT_ONCE = 3
TOOLS = ("wattstar.measure", *(name for name in tools.TOOLS if not name.startswith("wattstar")))
RIGHT = 0.05
"""A reading so near the truth, as a share, is right: two steps of 100 ms are 7 % of the window at worst."""
SECOND = 1_000_000_000


@dataclass(frozen=True)
class Machine:
    """A simulated machine with one quirk, and the truth."""

    gpus: tuple[nvml.Gpu, ...]
    zones: tuple[powercap.Zone, ...]
    gpu: Trace | None
    """Of the GPU that the job uses; None: there is no true value to be had."""
    cpu: Sequence[Trace]
    """Of all packages."""
    visible: str = "0"


def plain(middle: int) -> Machine:
    """Nothing special: GPU 500 W, CPU 150 W."""
    gpu, cpu = constant(500), constant(150)
    return Machine((nvml.Gpu(gpu),), (powercap.Zone("package-0", cpu),), gpu, (cpu,))


def _gpu(change: Callable[[nvml.Gpu, int], nvml.Gpu]) -> Callable[[int], Machine]:
    def make(middle: int) -> Machine:
        machine = plain(middle)
        return replace(machine, gpus=(change(machine.gpus[0], middle),))

    return make


def _zone(change: Callable[[powercap.Zone, int], powercap.Zone]) -> Callable[[int], Machine]:
    def make(middle: int) -> Machine:
        machine = plain(middle)
        return replace(machine, zones=(change(machine.zones[0], middle),))

    return make


def _load(trace: Callable[[], Trace], **settings: Any) -> Callable[[int], Machine]:
    def make(middle: int) -> Machine:
        load = trace()
        return replace(plain(middle), gpus=(nvml.Gpu(load, **settings),), gpu=load)

    return make


def two_gpus(middle: int) -> Machine:
    """The job sees the second alone, as its device 0."""
    other, own = constant(100), constant(500)
    return replace(plain(middle), gpus=(nvml.Gpu(other), nvml.Gpu(own)), gpu=own, visible="1")


def mig(middle: int) -> Machine:
    """The job has a slice; its energy cannot be told from the whole's."""
    machine = plain(middle)
    sliced = replace(machine.gpus[0], mig_mode=1, mig_devices=2)
    return replace(machine, gpus=(sliced,), gpu=None, visible="MIG-57a75717-4e57-4a77-9a57-000000000000")


def grace_hopper(middle: int) -> Machine:
    """The energy counter shows the module, CPU included: 350 W of 500 W are the GPU's."""
    machine = plain(middle)
    gpu = nvml.grace_hopper(nvml.Gpu(constant(350)), constant(500))
    return replace(machine, gpus=(gpu,), gpu=constant(350))


def two_packages(middle: int) -> Machine:
    """100 W and 120 W; counters that always agree would be one counter shown twice."""
    first, second = constant(100), constant(120)
    zones = (powercap.Zone("package-0", first), powercap.Zone("package-1", second))
    return replace(plain(middle), zones=zones, cpu=(first, second))


def with_dram(middle: int) -> Machine:
    """A package of 150 W, its memory 60 W beside it."""
    machine = plain(middle)
    return replace(machine, zones=(replace(machine.zones[0], parts=(powercap.Zone("dram", constant(60)),)),))


def with_psys(middle: int) -> Machine:
    """Psys shows 300 W and contains the package."""
    machine = plain(middle)
    return replace(machine, zones=(*machine.zones, powercap.Zone("psys", constant(300))))


MACHINES: Mapping[str, Callable[[int], Machine]] = {
    "none": plain,
    "GPU counter restarts at 0": _gpu(lambda gpu, at: replace(gpu, reset_at=at)),
    "GPU counter stuck from mid window": _gpu(lambda gpu, at: replace(gpu, stuck_from=at)),
    "GPU counter 1,000 J backwards": _gpu(lambda gpu, at: replace(gpu, jump_at=at, jump_joules=-1000.0)),
    "GPU counter jumps by 5,000 J": _gpu(lambda gpu, at: replace(gpu, jump_at=at, jump_joules=5000.0)),
    "no GPU counter (NOT_SUPPORTED)": _gpu(lambda gpu, at: nvml.no_counter(gpu)),
    "GPU lost in mid window": _gpu(nvml.lost),
    "two GPUs, CUDA_VISIBLE_DEVICES=1": two_gpus,
    "MIG slice": mig,
    "Grace Hopper": grace_hopper,
    "RAPL wraps in mid window": _zone(lambda zone, at: zone.wrapping_at(at)),
    "RAPL wraps 0.2 s before the end": _zone(lambda zone, at: zone.wrapping_at(at + round(1.3 * SECOND))),
    "RAPL restarts at 0": _zone(lambda zone, at: replace(zone, reset_at=at)),
    "two packages": two_packages,
    "dram 60 W beside": with_dram,
    "psys": with_psys,
    "RAPL denied": _zone(lambda zone, at: replace(zone, denied_from=0)),
    "RAPL denied from mid window": _zone(lambda zone, at: replace(zone, denied_from=at)),
    "counter lags 60 ms, square 0.7 s": _load(lambda: square(90, 650, 0.7), lag=0.06),
    "counter sees 25 % duty, square 10 Hz": _load(
        lambda: square(90, 650, 0.1, phase=0.3), sensor_duty=0.25, counter_sees_sensor=True
    ),
    "no counter, 25 % duty, square 0.7 s": _load(
        lambda: square(90, 650, 0.7),
        sensor_duty=0.25,
        faults=(nvml.Fault("nvmlDeviceGetTotalEnergyConsumption", nvml.NOT_SUPPORTED),),
    ),
}


def main() -> None:
    """Run all quirks, some at once, and write ``quirks.md`` and ``quirks.json``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=HERE / "output")
    parser.add_argument("--environment", type=Path, default=Path(tempfile.gettempdir()) / "wattstar-meters-tools")
    parser.add_argument("--only", nargs="*", default=list(MACHINES))
    options = parser.parse_args()
    python = environment.build(options.environment)
    found: dict[str, dict[str, Any]] = {}
    for start in range(0, len(options.only), AT_ONCE):
        with tempfile.TemporaryDirectory(prefix="wattstar-quirks-") as folder:
            found |= together(options.only[start : start + AT_ONCE], Path(folder), python)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "quirks.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    (options.out / "quirks.md").write_text(text(found), encoding="utf-8")
    print(text(found))


def together(names: Sequence[str], folder: Path, python: Path) -> dict[str, dict[str, Any]]:
    """Every tool on each of these machines."""
    origin = time.monotonic_ns() + round(LEAD * SECOND)
    made = {name: _made(name, folder / str(number), origin) for number, name in enumerate(names)}
    processes = [_tool(tool, place, python) for _, place in made.values() for tool in TOOLS]
    for process in processes:
        places.wait(process, LEAD + SECONDS + 40)
    return {name: {tool: _outcome(machine, place, tool) for tool in TOOLS} for name, (machine, place) in made.items()}


def _made(name: str, folder: Path, origin: int) -> tuple[Machine, Place]:
    machine = MACHINES[name](origin + round(SECONDS / 2 * SECOND))
    folder.mkdir(parents=True)
    env = {**nvml.install(folder / "nvml", nvml.Driver(machine.gpus))}
    env |= powercap.install(folder / "powercap", machine.zones)
    env["CUDA_VISIBLE_DEVICES"] = machine.visible
    return machine, Place(schedule.Lane(name, 0, 0.0), origin, folder, env)


def _tool(tool: str, place: Place, python: Path) -> Any:
    output = place.folder / f"{tool}.json"
    plan = place.folder / f"{tool}.plan"
    plan.write_text(json.dumps({"origin": place.origin, "windows": [[0, 0.0, SECONDS]]}))
    interpreter = environment.own() if tool.startswith("wattstar") else python
    command = [str(interpreter), str(HERE / "worker.py"), tool, str(plan), str(output)]
    return places.start(command, place, place.folder / f"{tool}.log")


def _outcome(machine: Machine, place: Place, tool: str) -> dict[str, Any]:
    """Readings, truths and words of one tool."""
    found: dict[str, Any] = json.loads((place.folder / f"{tool}.json").read_text())
    if found.get("error"):
        return {"error": f"set-up: {found['error']}"}
    if not found["rows"]:
        return {"error": "was not ready in time"}
    [row] = found["rows"]
    begin = row.get("begin", row["call"])
    end = row.get("end", begin)
    return {
        "error": row["error"],
        "gpu": row["gpu"],
        "cpu": row["cpu"],
        "words": row.get("words"),
        "gpu_true": machine.gpu.joules(begin, end) if machine.gpu else None,
        "cpu_true": sum(trace.joules(begin, end) for trace in machine.cpu),
    }


def text(found: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """The table as Markdown."""
    lines = [
        "# Quirks of sensors: joules measured / joules true, one window of 3 s each\n",
        f"Bold: more than {RIGHT:.0%} from the truth without a word. “none”: the tool tells nothing of that domain.\n",
        f"| quirk | {' | '.join(TOOLS)} |",
        "|---" * (len(TOOLS) + 1) + "|",
    ]
    for quirk, by_tool in found.items():
        lines.append(f"| {quirk} | " + " | ".join(_cell(by_tool[tool]) for tool in TOOLS) + " |")
    return "\n".join(lines) + "\n"


def _cell(outcome: Mapping[str, Any]) -> str:
    if outcome["error"]:
        return str(outcome["error"]).replace("\n", " ").replace("|", "/")[:160]
    words = f" ({outcome['words']})" if outcome["words"] else ""
    return "; ".join(_domains(outcome)) + words


def _domains(outcome: Mapping[str, Any]) -> Iterator[str]:
    for domain in ("gpu", "cpu"):
        reading, truth = outcome[domain], outcome[f"{domain}_true"]
        if reading is None:
            yield f"{domain.upper()} none"
        else:
            wrong = truth is None or abs(reading - truth) > RIGHT * truth
            marked = wrong and f"{domain} estimated" not in (outcome["words"] or "")
            pair = f"{domain.upper()} {reading:.0f} / {'–' if truth is None else f'{truth:.0f}'}"
            yield f"**{pair}**" if marked else pair


if __name__ == "__main__":
    main()
