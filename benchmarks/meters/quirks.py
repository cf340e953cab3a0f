"""One window of 3 s per quirk of a sensor and tool: joules measured / joules true, or the error's words.

python benchmarks/meters/quirks.py --out benchmarks/meters/output
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "src"))
sys.path.insert(0, str(ROOT))

from benchmarks.meters import environment, places, schedule, tools  # noqa: E402
from benchmarks.meters.machines import HALF, QUIRKS, SECOND, SECONDS, Machine, Quirk  # noqa: E402
from benchmarks.meters.places import Place  # noqa: E402
from tests.simulators import nvml, powercap  # noqa: E402

LEAD = 55.0
"""Seconds before the window: the tools are set up meanwhile."""
WARM_UP = 20.0
"""Seconds before the window: a short one comes first, since some tools are far off in their first; see ``run.py``."""
AT_ONCE = 6
TOOLS = tuple(name for name in tools.TOOLS if name != "wattstar")
RIGHT = 0.05
"""A reading so near the truth, as a share, is right: two steps of 100 ms are 7 % of the window at worst."""
WRONG, LATE = "wrong", "was not ready in time"


def main() -> None:
    """Run all quirks, some at once, and write ``quirks.md`` and ``quirks.json``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=HERE / "output")
    parser.add_argument("--environment", type=Path, default=Path(tempfile.gettempdir()) / "wattstar-meters-tools")
    parser.add_argument("--only", nargs="*", default=list(QUIRKS))
    options = parser.parse_args()
    pythons = environment.interpreters(options.environment, TOOLS)
    found: dict[str, dict[str, Any]] = {}
    for start in range(0, len(options.only), AT_ONCE):
        with tempfile.TemporaryDirectory(prefix="wattstar-quirks-") as folder:
            found |= together(options.only[start : start + AT_ONCE], Path(folder), pythons)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "quirks.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    (options.out / "quirks.md").write_text(text(found), encoding="utf-8")
    print(text(found))


def together(names: Sequence[str], folder: Path, pythons: Mapping[str, Path]) -> dict[str, dict[str, Any]]:
    """Every tool on each of these machines."""
    origin = time.monotonic_ns() + round(LEAD * SECOND)
    made = {name: _made(name, folder / str(number), origin) for number, name in enumerate(names)}
    processes = [_tool(tool, place, pythons[tool]) for _, place in made.values() for tool in TOOLS]
    for process in processes:
        places.wait(process, LEAD + SECONDS + 40)
    return {
        name: {tool: judged(_outcome(machine, place, tool), QUIRKS[name]) for tool in TOOLS}
        for name, (machine, place) in made.items()
    }


def _made(name: str, folder: Path, origin: int) -> tuple[Machine, Place]:
    machine = QUIRKS[name].make(origin + HALF)
    folder.mkdir(parents=True)
    env = {**nvml.install(folder / "nvml", nvml.Driver(machine.gpus))}
    env |= powercap.install(folder / "powercap", machine.zones)
    env["CUDA_VISIBLE_DEVICES"] = machine.visible
    return machine, Place(schedule.Lane(name, 0, 0.0), origin, folder, env)


def _tool(tool: str, place: Place, python: Path) -> Any:
    output = place.folder / f"{tool}.json"
    plan = place.folder / f"{tool}.plan"
    plan.write_text(json.dumps({"origin": place.origin, "windows": [[0, -WARM_UP, 1.0], [1, 0.0, SECONDS]]}))
    command = [str(python), str(HERE / "worker.py"), tool, str(plan), str(output)]
    return places.start(command, place, place.folder / f"{tool}.log")


def _outcome(machine: Machine, place: Place, tool: str) -> dict[str, Any]:
    """Readings, bounds, truths and words of one tool; the log is what it wrote on standard output and error."""
    found: dict[str, Any] = json.loads((place.folder / f"{tool}.json").read_text())
    log = (place.folder / f"{tool}.log").read_text(errors="replace")
    if found.get("error"):
        return {"error": f"set-up: {found['error']}", "log": log}
    rows = {row["id"]: row for row in found["rows"]}
    if 1 not in rows:
        return {"error": LATE, "log": log}
    row = next((row for row in found["rows"] if row["error"]), rows[1])
    begin = row.get("begin", row["call"])
    end = row.get("end", begin)
    bounds = row.get("bounds") or {}
    truths = {
        "gpu": machine.gpu.joules(begin, end) if machine.gpu else None,
        "cpu": sum(trace.joules(begin, end) for trace in machine.cpu),
    }
    domains = {name: {"read": row[name], "bound": bounds.get(name), "true": true} for name, true in truths.items()}
    return {"error": row["error"], "words": row.get("words"), "log": log, "domains": domains}


def judged(outcome: Mapping[str, Any], quirk: Quirk) -> dict[str, Any]:
    """The outcome with a verdict: the whole's where there is an error, else one a domain.

    right: within the tool's own bound, or within ``RIGHT``. refuses: an error that gives the reason, that is, holds one
    of the quirk's words. says: the reading of the odd domain is off or missing, and the tool's output gives the reason;
    or the reading is called estimated. Anything else is wrong.
    """
    kept = {name: value for name, value in outcome.items() if name != "log"}
    if outcome["error"] == LATE:
        return kept | {"verdict": LATE}
    if outcome["error"]:
        return kept | {"verdict": "refuses" if _holds(outcome["error"], quirk.words) else WRONG}
    said = f"{outcome['words'] or ''} {outcome['log']}"
    words = {name: (f"{name} estimated", *(quirk.words if name == quirk.domain else ())) for name in outcome["domains"]}
    domains = {
        name: {**domain, "verdict": _verdict(domain, _holds(said, words[name]))}
        for name, domain in outcome["domains"].items()
    }
    return kept | {"domains": domains}


def _verdict(domain: Mapping[str, Any], said: bool) -> str:
    reading, true = domain["read"], domain["true"]
    if reading is None and true is None:
        return "right"
    if reading is not None and true is not None and abs(reading - true) <= max(domain["bound"] or 0.0, RIGHT * true):
        return "right"
    return "says" if said else WRONG


def _holds(text: str, words: Sequence[str]) -> bool:
    return any(word.casefold() in text.casefold() for word in words)


def text(found: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """The table as Markdown."""
    lines = [
        "# Quirks of sensors: joules measured / joules true, one window of 3 s each\n",
        f"Bold, wrong: neither within the tool's own bound (±) nor within {RIGHT:.0%} of the truth, and no word of it "
        "in its output; or an error that does not give the reason. “none”: the tool tells nothing of that domain. "
        "What counts as a word of it stands in `machines.py`. Each tool has measured a window of 1 s before.\n",
        f"| quirk | {' | '.join(TOOLS)} |",
        "|---" * (len(TOOLS) + 1) + "|",
    ]
    for quirk, by_tool in found.items():
        lines.append(f"| {quirk} | " + " | ".join(_cell(by_tool[tool]) for tool in TOOLS) + " |")
    counts = [str(sum(WRONG in _verdicts(by_tool[tool]) for by_tool in found.values())) for tool in TOOLS]
    lines.append(f"| wrong, of {len(found)} | {' | '.join(counts)} |")
    return "\n".join(lines) + "\n"


def _verdicts(outcome: Mapping[str, Any]) -> list[str]:
    return [outcome["verdict"]] if outcome["error"] else [d["verdict"] for d in outcome["domains"].values()]


def _cell(outcome: Mapping[str, Any]) -> str:
    if outcome["error"]:
        return _marked(str(outcome["error"]).replace("\n", " ").replace("|", "/")[:160], outcome["verdict"])
    words = f" ({outcome['words']})" if outcome["words"] else ""
    return "; ".join(_domains(outcome["domains"])) + words


def _domains(domains: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for name, domain in domains.items():
        reading, bound, true = domain["read"], domain["bound"], domain["true"]
        figure = "none" if reading is None else f"{reading:.0f}" + (f" ± {bound:.0f}" if bound is not None else "")
        shown = f"{name.upper()} {figure} / {'–' if true is None else f'{true:.0f}'}"
        yield _marked(shown, domain["verdict"]) + (" (says so)" if domain["verdict"] == "says" else "")


def _marked(shown: str, verdict: str) -> str:
    return f"**{shown}**" if verdict == WRONG else shown


if __name__ == "__main__":
    main()
