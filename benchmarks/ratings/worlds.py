"""Markets: where simulated models and their true energies come from."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wattstar.types import Boundary, Conditions, Entry, Interval

Z_975 = 1.959964
CONDITIONS = Conditions(
    task="simulated",
    size_class=None,
    hardware="simulated",
    boundary=Boundary.GPU,
    method="counter",
    work="simulated",
    procedure="simulated",
)
CENTRE = 10.0
"""Watt-hours per 1,000 queries of the market's middle; no scheme may depend on it."""


@dataclass(frozen=True)
class Market:
    """Where models' ln(energies) come from: a shape of deviation 1, stretched."""

    draw: Callable[[Any, int], Any]
    """(generator, count) → ln(energy) with mean 0 and standard deviation 1."""
    spread: float = 50.0
    """95 % of a log-normal market's energies lie within so many times."""

    @property
    def deviation(self) -> float:
        """Of ln(energy)."""
        return math.log(self.spread) / (2 * Z_975)

    def energies(self, generator: Any, count: int) -> list[float]:
        """So many models' true energies, Wh per 1,000 queries."""
        return [CENTRE * math.exp(self.deviation * x) for x in self.draw(generator, count)]


def log_normal(generator: Any, count: int) -> Any:
    """What energies in a task are close to."""
    return generator.standard_normal(count)


def uniform(generator: Any, count: int) -> Any:
    """As many models at every size, and none beyond."""
    return generator.uniform(-1, 1, count) * 3**0.5


def heavy(generator: Any, count: int) -> Any:
    """Some far off: Student's t with 3 degrees of freedom."""
    return generator.standard_t(3, count) / 3**0.5


def two_humps(generator: Any, count: int) -> Any:
    """Small models and large ones, little between: modes 3 apart of deviation 0.5, brought to deviation 1."""
    side = generator.choice((-1.5, 1.5), count)
    return (side + 0.5 * generator.standard_normal(count)) / (1.5**2 + 0.5**2) ** 0.5


MARKETS: Mapping[str, Market] = {
    "log-normal": Market(log_normal),
    "uniform": Market(uniform),
    "two humps": Market(two_humps),
    "heavy tails": Market(heavy),
}


def interval(energy: float, uncertainty: float) -> Interval:
    """A 95 % interval as records have it: the mean, plus and minus; ``uncertainty`` is a share of the energy."""
    half = Z_975 * uncertainty * energy
    return Interval(energy - half, energy, energy + half)


def entries(energies: Sequence[float], uncertainty: float = 0.01, family: str | None = None) -> tuple[Entry, ...]:
    """A model each; of a family each, or all of one."""
    return tuple(
        Entry(
            model=f"{family or f'maker{number}'}/model{number}",
            family=family or f"maker{number}",
            wh_per_1000=interval(energy, uncertainty),
            source="simulated",
            date="2026",
        )
        for number, energy in enumerate(energies)
    )
