"""An hour of wattstar's sampler on simulated sensors, in minutes; then every gate tried with a fault of its own.

python benchmarks/soak/soak.py --out benchmarks/soak/output
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "src"))
sys.path.insert(0, str(ROOT))

from benchmarks.soak import faults, hour  # noqa: E402
from benchmarks.soak.faults import FAULTS, Seen  # noqa: E402
from benchmarks.soak.hour import Hour, Line, Plan  # noqa: E402

AT_ONCE = 2
EVERY = 5
"""Windows between two lines of the table of memory."""


def main() -> None:
    """The hour, then the faults; write ``soak.md`` and ``soak.json``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=HERE / "output")
    parser.add_argument("--minutes", type=int, default=Plan.windows)
    parser.add_argument("--factor", type=int, default=Plan.factor, help="how many times as fast the clock runs")
    parser.add_argument("--only", nargs="*", default=list(FAULTS), help="faults by name")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="wattstar-soak-") as folder:
        soaked = hour.run(Plan(windows=options.minutes, factor=options.factor), Path(folder) / "hour")
        tried = every_fault(options.only, Path(folder))
    lines = hour.lines(soaked)
    options.out.mkdir(parents=True, exist_ok=True)
    results = {
        "plan": asdict(soaked.plan),
        "lines": [asdict(line) for line in lines],
        "truth": {domain: [soaked.truth(domain, n) for n in range(soaked.plan.windows)] for domain in soaked.loads},
        "wraps": soaked.wraps(),
        "found": soaked.found,
        "faults": {name: asdict(seen) for name, seen in tried.items()},
    }
    (options.out / "soak.json").write_text(_rows_on_lines(results), encoding="utf-8")
    text = "\n".join([*of_the_hour(soaked, lines), *of_faults(tried)]) + "\n"
    (options.out / "soak.md").write_text(text, encoding="utf-8")
    print(text)


def every_fault(names: list[str], folder: Path) -> dict[str, Seen]:
    """Some at once; those that keep the machine busy are alone."""

    def one(name: str) -> tuple[str, Seen]:
        place = folder / f"fault-{list(FAULTS).index(name)}"
        place.mkdir()
        return name, faults.run(FAULTS[name], place)

    quiet = [name for name in names if not FAULTS[name].neighbours]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = dict(pool.map(one, quiet))
    return found | dict(one(name) for name in names if name not in quiet)


def of_the_hour(soaked: Hour, lines: list[Line]) -> Iterator[str]:
    """The tables of energy and of the process."""
    plan, found = soaked.plan, soaked.found
    seconds = plan.windows * plan.seconds
    yield f"# {seconds:.0f} seconds of wattstar's sampler, on simulated sensors\n"
    yield (
        f"Python {platform.python_version()}, {os.cpu_count()} cores; the clock ran {plan.factor} times as fast, the "
        f"windows took {found['real_seconds']:.0f} s. Seed {plan.seed}.\n"
        f"Load held for {hour.HOLDS} s at {dict(hour.WATTS)} W. Errors are shares of the exact "
        "integral. Work is not compressed: the sampler's own delays, and those that other processes of this machine "
        f"cause, count {plan.factor}-fold.\n"
    )
    heads = ("domain", "meter", "all: error %", "all: bound %", "worst window %", "drift, % an hour")
    yield from _head(*heads, "truth inside the bound", "silent")
    for line in lines:
        shares = (line.whole_error, line.whole_bound, line.worst_error, line.drift)
        figures = " | ".join(f"{share * 100:+.4f}" for share in shares)
        yield f"| {line.domain} | {line.meter} | {figures} | {line.inside} of {line.windows} | {line.silent} |"
    cpu = found["cpu_seconds"] / seconds * 1e3
    yield f"\nA window: {plan.seconds:g} s. Wraps of the package's counter passed: {soaked.wraps()}."
    yield f"CPU of the sampler's process: {cpu:.1f} ms a second. Domains late in the end: {found['late'] or 'none'}.\n"
    yield from _process(found)


def _process(found: Mapping[str, Any]) -> Iterator[str]:
    """Memory beside what the timelines must take."""
    seen, known = found["processes"], found["known_bytes"]
    heads = ("after window", "resident MB", "timelines and states MB", "grown beyond these since the first, kB")
    yield from _head(*heads, "files", "threads")
    before = found["before"]
    yield f"| 0 | {before['resident'] / 1e6:.1f} | – | – | {before['files']} | {before['threads']} |"
    chosen = range(min(EVERY, len(seen)) - 1, len(seen), EVERY)
    first = chosen[0]
    for number in chosen:
        now, grown = seen[number], seen[number]["resident"] - seen[first]["resident"]
        beyond = (grown - known[number] + known[first]) / 1e3
        figures = f"{now['resident'] / 1e6:.1f} | {known[number] / 1e6:.1f} | {beyond:+.0f}"
        yield f"| {number + 1} | {figures} | {now['files']} | {now['threads']} |"


def of_faults(tried: Mapping[str, Seen]) -> Iterator[str]:
    """The table of faults; bold where the expected gate did not fire."""
    yield f"\n# Every gate tried: `wattstar run`, {faults.PASSES} passes of {faults.PASS_SECONDS} s, one fault each\n"
    yield from _head("fault", "expected", "gates that fired", "exit code", "words")
    for name, seen in tried.items():
        expected = FAULTS[name].expected or "nothing"
        gates = ", ".join(seen.gates) or "–"
        shown = gates if seen.right(FAULTS[name]) else f"**{gates}**"
        words = "; ".join([*filter(None, [seen.failure]), *seen.words[:2]]).replace("|", "/")
        yield f"| {name} | {expected} | {shown} | {seen.exit_code} | {words[:200]} |"
    yield f"\nGates that nothing set off: {', '.join(faults.never_fired(list(tried.values()))) or 'none'}."
    yield "failure: not a gate, the meter itself refuses. neighbours also tells what else this machine was doing."


def _head(*names: str) -> Iterator[str]:
    yield f"| {' | '.join(names)} |"
    yield "|---" * len(names) + "|"


def _rows_on_lines(results: Mapping[str, Any]) -> str:
    """JSON with one reading a line."""
    found = results["found"]
    rows = ",\n".join(f"  {json.dumps(row)}" for row in found["rows"])
    head = json.dumps({**results, "found": {**found, "rows": ["ROWS"]}}, indent=1)
    return head.replace('"ROWS"', f"\n{rows}\n") + "\n"


if __name__ == "__main__":
    main()
