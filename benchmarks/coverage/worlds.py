"""What disturbs simulated runs: noise of which the mean of a pass has deviation 1, and drift."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy

MOMENTS = 64
"""Of a pass, in which correlated noise is drawn."""

Shape = tuple[int, int, int]
"""Runs, passes of each, blocks of each."""
Draw = Callable[[Any, Shape], Any]
"""(generator, shape) → an array."""


@dataclass(frozen=True)
class World:
    """What the noise is like, and whether the interval is promised to cover there."""

    draw: Draw
    promised: bool
    drift: float = 0.0
    """From the first pass to the fourth, as a share of the mean; truth is the first pass."""


def white(generator: Any, shape: Shape) -> Any:
    """Blocks know nothing of each other."""
    return generator.standard_normal(shape) * shape[2] ** 0.5


def heavy(generator: Any, shape: Shape) -> Any:
    """Blocks know nothing of each other, and some are far off: Student's t with 3 degrees of freedom."""
    return generator.standard_t(3, shape) * (shape[2] / 3) ** 0.5


def shared(generator: Any, shape: Shape, share: float) -> Any:
    """A share of the variance of a pass lies in all of its blocks alike."""
    alike = generator.standard_normal((*shape[:2], 1)) * share**0.5
    return alike + white(generator, shape) * (1 - share) ** 0.5


def correlated(generator: Any, shape: Shape, time: float) -> Any:
    """Noise that forgets itself within ``time`` passes (Ornstein-Uhlenbeck), passes without a gap between them."""
    runs, passes, blocks = shape
    keep = numpy.exp(-1 / (MOMENTS * time))
    steps = generator.standard_normal((passes * MOMENTS, runs)) * (1 - keep**2) ** 0.5
    steps[0] /= (1 - keep**2) ** 0.5
    for moment in range(1, len(steps)):
        steps[moment] += keep * steps[moment - 1]
    edges = [round(i * MOMENTS / blocks) for i in range(blocks)]
    lengths = numpy.diff([*edges, MOMENTS]).reshape(1, 1, -1)
    means = numpy.add.reduceat(steps.T.reshape(runs, passes, MOMENTS), edges, axis=2) / lengths
    return means / (2 * time * (1 - time * (1 - numpy.exp(-1 / time)))) ** 0.5


WORLDS: Mapping[str, World] = {
    "independent": World(white, True),
    "heavy tails": World(heavy, True),
    "half shared by the blocks of a pass": World(partial(shared, share=0.5), True),
    **{
        f"correlated over {time:g} of a pass": World(partial(correlated, time=time), True)
        for time in (0.05, 0.1, 0.2, 0.3)
    },
    "all shared by the blocks of a pass": World(partial(shared, share=1.0), False),
    **{f"correlated over {time:g} passes": World(partial(correlated, time=time), False) for time in (1, 3)},
    **{f"drift of {drift:.0%} in four passes": World(white, False, drift) for drift in (0.01, 0.02, 0.05, 0.10)},
}
