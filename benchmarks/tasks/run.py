"""Measures the quickstart's plan, and writes what it took as one table a task.

python benchmarks/tasks/run.py --out docs/ten-tasks.md
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "src"))

from wattstar import registry  # noqa: E402
from wattstar.cli.output import number, quality, time_per_query, variant, watt_hours  # noqa: E402
from wattstar.rating.populations import figure  # noqa: E402
from wattstar.records.store import Store  # noqa: E402
from wattstar.types import Record, Weights  # noqa: E402

WATTSTAR = (sys.executable, "-P", "-c", "from wattstar.cli import main; main(prog_name='wattstar')")
COLUMNS = ("model", "weights", "Wh per 1,000 queries", "time per query", "work per query", "quality")
HIDDEN = ("images",)
"""Counts that are 1 for every query."""


def main() -> None:
    """Measure unless a store is named, then write the table."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="wattstar-tasks-") as folder:
        store = options.store or Path(folder)
        if options.store is None or not any(Store(store).entries()):
            words = ["run", "--plan", "quickstart", "-o", str(store)]
            subprocess.run([*WATTSTAR, *words], check=True, timeout=3600)
        records = [record for _, record in Store(store).records() if figure(record) is not None]
        options.out.write_text(page(records), encoding="utf-8")


def _options() -> Any:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="Markdown")
    parser.add_argument("--store", type=Path, help="records that are there already")
    return parser.parse_args()


def page(records: Sequence[Record]) -> str:
    """The whole page as Markdown."""
    parts = ["# Ten tasks on one machine\n", _head(records)]
    for name in registry.plug_ins("tasks"):
        alike: dict[str, list[Record]] = {}
        for record in records:
            if record.job.task == name:
                alike.setdefault(_controls(record), []).append(record)
        parts += [f"## {registry.task(name).title}\n"] if alike else []
        for controls, found in alike.items():
            parts += [controls, _table(found)]
    return "\n".join(parts)


def _head(records: Sequence[Record]) -> str:
    """What no number may stand without: machine, method, edition."""
    first = records[0]
    made = figure(first)
    assert made is not None
    modelled = made.plausible is not None
    factor = f" The truth is plausibly within ×/÷ {_factor(first):g}, a range, not 95 %." if modelled else ""
    where = f"{first.machine.cpu}, {first.machine.cores} cores; wattstar {first.wattstar}"
    return (
        f"{len(records)} records of {first.started[:10]}, made by `python benchmarks/tasks/run.py`\n"
        f"(the quickstart's plan: few rows, short passes). {where}, edition {first.job.procedure.edition}.\n"
        f"Energy: {made.boundary}, {made.method} ({', '.join(made.coverage)}).{factor}\n"
        f"±: 95 % repeatability of this sitting. !: something was noted while it was measured.\n"
        f"Random weights cost what they cost but know nothing, so they have no quality.\n"
    )


def _factor(record: Record) -> float:
    made = figure(record)
    assert made is not None
    assert made.plausible is not None
    assert made.plausible.low is not None
    return round(made.plausible.mid / made.plausible.low, 2)


def _controls(record: Record) -> str:
    from wattstar.rating.populations import conditions

    made = figure(record)
    assert made is not None
    alike = conditions(record, made)
    return f"{alike.work}; {alike.procedure}.\n"


def _table(records: Sequence[Record]) -> str:
    lines = ["| " + " | ".join(COLUMNS) + " |", "|---" * len(COLUMNS) + "|"]
    ordered = sorted(records, key=lambda record: (record.job.model.weights, _energy(record)))
    return "\n".join([*lines, *("| " + " | ".join(_row(record)) + " |" for record in ordered)]) + "\n"


def _energy(record: Record) -> float:
    made = figure(record)
    assert made is not None
    return made.wh_per_1000.mid


def _row(record: Record) -> list[str]:
    random = record.job.model.weights is Weights.RANDOM
    score = "–" if random else quality(record)
    further = record.quality.further if record.quality else {}
    score += "".join(f", {name} {value:.2f}" for name, value in further.items())
    mark = "!" if record.findings else ""
    weights = str(record.job.model.weights)
    return [variant(record), weights, watt_hours(figure(record)) + mark, time_per_query(record), _work(record), score]


def _work(record: Record) -> str:
    """Counts of one query, the mean over the counted passes."""
    queries = sum(counted.queries for counted in record.passes)
    names = [name for name in record.passes[0].counts if name not in HIDDEN]
    means = {name: sum(counted.counts[name] for counted in record.passes) / queries for name in names}
    return ", ".join(f"{number(mean)} {name.replace('_', ' ')}" for name, mean in means.items() if mean) or "–"


if __name__ == "__main__":
    main()
