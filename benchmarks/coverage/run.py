"""How often the 95 % interval holds the truth, over thousands of simulated runs; and what the gates see beyond that.

python benchmarks/coverage/run.py --out benchmarks/coverage/output
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "src"))
sys.path.insert(0, str(ROOT))

from benchmarks.coverage.simulate import CURVES, Cell, Quick, repeated, subset  # noqa: E402
from benchmarks.coverage.worlds import WORLDS  # noqa: E402

SEED = 20261126
SPREADS = (0.003, 0.01, 0.02)
SCATTERS = (0.05, 0.1, 0.3)
PROMISED = (0.93, 0.98)
BENT = ("cubic", "square root")
MISFIT = 0.05
"""Where queries differ so little, what a quadratic misses of a bent curve is the larger part of its error."""
QUICK_WORLDS = ("independent", "correlated over 0.3 of a pass")


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    table: str
    words: tuple[str, ...]
    promised: bool
    simulate: Callable[[Sequence[int], int], Cell]


def rows() -> Iterator[Row]:
    """All cells."""
    for name, world in WORLDS.items():
        for spread in SPREADS:
            yield Row("repeated", (name, f"{spread:.1%}"), world.promised, partial(repeated, world, spread))
    for curve in CURVES:
        for scatter in SCATTERS:
            for spread in SPREADS:
                words = (curve, f"{scatter:.0%}", QUICK_WORLDS[0], f"{spread:.1%}")
                run = partial(subset, Quick(curve, scatter), WORLDS[QUICK_WORLDS[0]], spread)
                yield Row("quick", words, scatter > MISFIT or curve not in BENT, run)
        words = (curve, "10%", QUICK_WORLDS[1], "1.0%")
        yield Row("quick", words, True, partial(subset, Quick(curve, 0.1), WORLDS[QUICK_WORLDS[1]], 0.01))
        words = (curve, "10%", QUICK_WORLDS[0], "1.0%")
        small = partial(subset, Quick(curve, 0.1, 100, 40), WORLDS[QUICK_WORLDS[0]], 0.01)
        yield Row("quick, 40 of 100 samples", words, True, small)
        few = partial(subset, Quick(curve, 0.1, blocks=10), WORLDS[QUICK_WORLDS[0]], 0.01)
        yield Row("quick, ten blocks", words, False, few)


QUICK = 10
"""A quick run costs so many times a repeated one; 2,000 runs know 95 % to ± 0.5 %."""
OF_QUICK = ("energy over work", "queries of like work", "noise", "of a pass")
HEADS: Mapping[str, tuple[str, ...]] = {
    "repeated": ("noise", "of a pass"),
    "quick": OF_QUICK,
    "quick, 40 of 100 samples": OF_QUICK,
    "quick, ten blocks": OF_QUICK,
}
FURTHER = ("covered", "promised", "passes", "target met", "± (median)", "trend seen", "correlation seen")


def main() -> None:
    """Simulate every cell, write the tables; exit 1 where a promise was not kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=HERE / "output")
    parser.add_argument("--runs", type=int, default=20000, help=f"of a cell; of a quick one 1/{QUICK}")
    parser.add_argument(
        "--fast", action="store_true", help="500 runs of every fourth cell: tells nothing, but that it runs"
    )
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    options = parser.parse_args()
    began = time.monotonic()
    chosen = list(enumerate(rows()))[:: 4 if options.fast else 1]
    count = 500 if options.fast else options.runs
    with ProcessPoolExecutor(options.processes) as pool:
        cells = list(pool.map(partial(_simulate, count), [number for number, _ in chosen]))
    made = [(row, cell) for (_, row), cell in zip(chosen, cells, strict=True)]
    options.out.mkdir(parents=True, exist_ok=True)
    results = [{"table": row.table, "words": row.words, "promised": row.promised, **asdict(cell)} for row, cell in made]
    (options.out / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    table = _table(made, count, time.monotonic() - began)
    (options.out / "table.md").write_text(table, encoding="utf-8")
    print(table)
    sys.exit(any(_broken(row, cell) for row, cell in made) and not options.fast)


def _simulate(count: int, number: int) -> Cell:
    row = list(rows())[number]
    return row.simulate((SEED, number), count if row.table == "repeated" else count // QUICK)


def _broken(row: Row, cell: Cell) -> bool:
    return row.promised and not PROMISED[0] <= cell.covered <= PROMISED[1]


def _table(made: Sequence[tuple[Row, Cell]], count: int, seconds: float) -> str:
    lines = [
        "# Coverage of the 95 % interval",
        "",
        f"{count} runs a cell, {count // QUICK} of a quick one; seed {SEED}; Python {platform.python_version()}, "
        f"{seconds:.0f} s. A promise that was not kept is bold.",
    ]
    for table, heads in HEADS.items():
        of_table = [(row, cell) for row, cell in made if row.table == table]
        titles = [*heads, *FURTHER]
        lines += ["", f"## {table[0].upper()}{table[1:]}", "", f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
        lines += [f"| {' | '.join(_words(row, cell))} |" for row, cell in of_table]
    return "\n".join(lines) + "\n"


def _words(row: Row, cell: Cell) -> list[str]:
    covered = f"**{cell.covered:.1%}**" if _broken(row, cell) else f"{cell.covered:.1%}"
    promised = f"{PROMISED[0]:.0%} to {PROMISED[1]:.0%}" if row.promised else "no"
    shares = [f"{cell.met:.0%}", f"{cell.half_width:.2%}", f"{cell.trend:.1%}", f"{cell.correlation:.1%}"]
    return [*row.words, covered, promised, f"{cell.passes:.1f}", *shares]


if __name__ == "__main__":
    main()
