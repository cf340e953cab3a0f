"""What ratings are worth: published stars again, the first edition's averages, and simulations of what stars withstand.

python benchmarks/ratings/run.py --out benchmarks/ratings/output
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
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "src"))
sys.path.insert(0, str(ROOT))

from benchmarks.ratings import calibration, chart, claims, example, many, published, stability, tables  # noqa: E402
from benchmarks.ratings.worlds import MARKETS  # noqa: E402

from wattstar.rating.schemes import names as schemes  # noqa: E402

SEED = 20261126


@dataclass(frozen=True)
class Runs:
    """How much is simulated."""

    joining: int = 200
    """Populations that others join, by scheme and size."""
    fresh: int = 400
    """Pairs of populations, by scheme, market and size."""
    editions: int = 300
    """By world; each rates ``calibration.RATED`` models."""
    records: int = 1_000_000
    """That are rated for the time it takes."""


FAST = Runs(10, 10, 10, 20_000)
Simulation = Callable[[Sequence[int]], Any]
"""Seed → what came of it."""


def simulations(runs: Runs) -> Iterator[tuple[str, Simulation]]:
    """All of them, each with the name of its section."""
    for scheme in schemes():
        for size in stability.SIZES:
            yield "joining", partial(stability.joining, scheme=scheme, size=size, runs=runs.joining)
            for market in MARKETS:
                yield "fresh", partial(stability.fresh, scheme=scheme, market=market, size=size, runs=runs.fresh)
    for world in calibration.OFFERED:
        yield "calibration", partial(calibration.calibrated, world=world, editions=runs.editions)


def simulated(runs: Runs, processes: int | None) -> Mapping[str, list[Any]]:
    """What came of every simulation, by section, in order; each has its own seed: they do not depend on the machine."""
    made = list(simulations(runs))
    with ProcessPoolExecutor(processes) as pool:
        waiting = [pool.submit(simulate, (SEED, number)) for number, (_, simulate) in enumerate(made)]
        found: dict[str, list[Any]] = {section: [] for section, _ in made}
        for (section, _), each in zip(made, waiting, strict=True):
            found[section].append(each.result())
    return {**found, "joining": [cell for cells in found["joining"] for cell in cells]}


def main() -> None:
    """Work everything out and write it down; exit 1 where a promise was not kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=HERE / "output")
    parser.add_argument("--fast", action="store_true", help="tells nothing, but that it runs")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    options = parser.parse_args()
    runs = FAST if options.fast else Runs()
    began = time.monotonic()
    results = {
        "boards": published.boards(),
        "fields": published.fields(),
        "example": example.example(),
        "spreads": {task: list(claims.spreads(task)) for task in claims.CLAIMED},
        "zero_shot": list(claims.zero_shot()),
        **simulated(runs, options.processes),
        "many": many.rated(SEED, runs.records),
    }
    spent = os.times()
    processor = spent.user + spent.system + spent.children_user + spent.children_system
    about = (
        f"Seed {SEED}; Python {platform.python_version()}, {os.cpu_count()} cores; {time.monotonic() - began:.0f} s, "
        f"{processor:.0f} s of processor time."
    )
    options.out.mkdir(parents=True, exist_ok=True)
    table = "\n\n".join([f"# Ratings\n\n{about}", *tables.sections(results)]) + "\n"
    (options.out / "table.md").write_text(table, encoding="utf-8")
    (options.out / "results.json").write_text(json.dumps(results, indent=1, default=_plain) + "\n", encoding="utf-8")
    picture = chart.reliability(tables.promised(results), tables.ASKED, tables.KEPT)
    (options.out / "chances.svg").write_text(picture, encoding="utf-8")
    print(table)
    broken = [*tables.broken(results)]
    sys.exit("\n".join(broken) if broken and not options.fast else 0)


def _plain(noun: Any) -> Any:
    return asdict(noun)


if __name__ == "__main__":
    main()
