"""How well the energy of prefill and decode is told apart, beside two plainer ways, in worlds whose energy is known.

python benchmarks/phases/run.py --seeds 300 | tee benchmarks/phases/output/phases.md
"""

from __future__ import annotations

import argparse
import time
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from statistics import fmean, median

from tests.simulators.phases import PHASES, Seen, World, simulate

from wattstar.measuring.phases import split
from wattstar.measuring.timeline import Domain
from wattstar.types import Pass

HARD = World(lag=0.03, gap=(0.003, 120.0), ramp=0.1, jitter=0.01)
WORLDS: Mapping[str, World] = {
    "ideal": World(),
    "ideal, batches of unlike length (1 %)": World(jitter=0.01),
    "lag 30 ms, gaps 3 ms, ramp ±10 %": HARD,
    "the same, power unlike from batch to batch (2 %)": replace(HARD, unrest=0.02),
    "the same, 180 queries": replace(HARD, unrest=0.02, queries=45),
    "the same, counter steps every 20 ms": replace(HARD, unrest=0.02, step=0.02, queries=100),
    "prefill and decode of one power": replace(HARD, watts=(400.0, 400.0), gap=(0.0, 0.0)),
    "a batch lasts as long as a step": World(seconds=(0.02, 0.08), jitter=0.0005),
    "a batch lasts almost as long as a step (+0.05 %)": World(seconds=(0.02, 0.08005)),
}
LONG = World(lag=0.03, gap=(0.003, 120.0), ramp=0.1, jitter=0.01, queries=670)
"""Ten minutes."""


WAYS = ("**wattstar**", "second run, subtracted", "interpolated")
"""Only the first knows of a gap."""


@dataclass
class Column:
    """Relative errors of one way for one phase."""

    errors: list[float] = field(default_factory=list)
    held: list[bool] = field(default_factory=list)
    """Whether the interval held the truth."""
    halves: list[float] = field(default_factory=list)

    def text(self, seeds: int) -> str:
        """Of a row of the table."""
        if not self.errors:
            return f"– | – | – | – | – | {seeds} of {seeds}"
        sizes = sorted(map(abs, self.errors))
        shares = [f"{value:.2%}" for value in (median(sizes), sizes[int(0.95 * (len(sizes) - 1))], sizes[-1])]
        covered = f"± {median(self.halves):.2%} | {fmean(self.held):.1%}" if self.held else "– | –"
        return f"{' | '.join(shares)} | {covered} | {seeds - len(self.errors)} of {seeds}"


def regressed(seen: Seen) -> dict[str, tuple[float, float, float]]:
    """Joules of each phase with their interval, as wattstar works them out."""
    queries = sum(counted.queries for counted in seen.passes)
    found = {each.name: each.wh_per_1000 for each in split([seen.line], seen.passes, seen.windows)}
    per_query = {name: (part.low or 0.0, part.mid, part.high or 0.0) for name, part in found.items()}
    return {name: (low * 3.6 * queries, mid * 3.6 * queries, high * 3.6 * queries)
            for name, (low, mid, high) in per_query.items()}  # fmt: skip


def interpolated(seen: Seen) -> dict[str, float]:
    """Every window of a phase read straight off the timeline, with straight lines between the stamps."""
    plain = replace(seen.line, lag=None)
    readings = {name: Domain(plain).reading(seen.windows[name]) for name in PHASES}
    return {name: reading.joules for name, reading in readings.items() if reading}


def subtracted(seen: Seen, prefill: Seen) -> dict[str, float]:
    """A second run that only prefills, in a window of its own, and what is left: differences of two plain reads."""
    whole = sum(_plain(seen, counted) for counted in seen.passes)
    alone = sum(_plain(prefill, counted) for counted in prefill.passes)
    return {"prefill": alone, "decode": whole - alone}


def _plain(seen: Seen, counted: Pass) -> float:
    """What the counter shows when the window ends less what it shows when it begins."""
    begin, end = (bisect_right(seen.line.times, edge) - 1 for edge in (counted.window.begin, counted.window.end))
    return seen.line.joules[end] - seen.line.joules[begin]


def only_prefill(world: World) -> World:
    """The run before: as many queries in one window, while the device is still as it is when the ramp begins."""
    watts = (world.watts[0] * (1 - world.ramp), 0.0)
    return replace(world, seconds=(world.seconds[0], 0.0), watts=watts, ramp=0.0, passes=1,
                   queries=world.passes * world.queries)  # fmt: skip


def compare(name: str, world: World, seeds: int) -> list[str]:
    """Rows of one world."""
    columns: dict[tuple[str, str], Column] = defaultdict(Column)
    for seed in range(seeds):
        seen = simulate(world, seed)
        plainer = {
            WAYS[1]: subtracted(seen, simulate(only_prefill(world), seed)),
            WAYS[2]: interpolated(seen),
        }
        for phase in PHASES:
            truth = seen.joules[phase]
            for way, joules in plainer.items():
                columns[phase, way].errors.append(joules[phase] / truth - 1)
        for phase, (low, mid, high) in regressed(seen).items():
            column, truth = columns[phase, WAYS[0]], seen.joules[phase]
            column.errors.append(mid / truth - 1)
            column.held.append(low <= truth <= high)
            column.halves.append((high - low) / 2 / truth)
    phases = (*PHASES, *["gap"] * bool(world.gap[0]))
    return [
        f"| {name} | {phase} | {way} | {columns[phase, way].text(seeds)} |"
        for phase in phases
        for way in WAYS[: len(WAYS) if phase in PHASES else 1]
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=300)
    seeds = parser.parse_args().seeds
    print(f"{seeds} runs of each world; 1,000 queries (4 passes of 250) where no other number is given\n")
    print(
        "| world | phase | way | error: median | 95th percentile | worst | interval | holds the truth | nothing said |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for name, world in WORLDS.items():
        print("\n".join(compare(name, world, seeds)), flush=True)
    seen = simulate(LONG, 1)
    took = []
    for _ in range(5):
        began = time.process_time()
        split([seen.line], seen.passes, seen.windows)
        took.append(time.process_time() - began)
    batches = sum(map(len, seen.windows.values())) // 2
    print(f"\n{len(seen.line.times):,} steps and {batches:,} batches take {median(took):.2f} s of a core (median of 5)")


if __name__ == "__main__":
    main()
