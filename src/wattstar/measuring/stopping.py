"""How many passes are enough, and how sure their mean is: pure functions of the passes' and their blocks' energies.

Stein's two-stage rule (Annals of Mathematical Statistics 16, 1945, 243-258): a pilot tells the scatter s₀, from which
the number of passes follows once, N = ⌈(t·s₀/d)²⌉ for a half width d; the interval is mean ± t·s₀/√N, with t of the
pilot's degrees of freedom. It covers exactly where passes are independent and normal. Where they are correlated s₀ is
too small, and the blocks inside the passes tell so: the standard error is the larger of the two.
``benchmarks/coverage`` shows what both cover together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, stdev

from wattstar.measuring.series import Blocks, Scatter, scatter_of
from wattstar.types import Interval, Procedure


def passes_needed(pilot: Sequence[float], procedure: Procedure, blocks: Blocks = ()) -> int:
    """Fixed once, by the passes of the pilot: so many that the half width is ``target_error``, or as many as may be.

    ``pilot`` and ``blocks``: joules of a query. ``statistics.StatisticsError`` where a pilot of one is to tell.
    """
    if procedure.passes >= procedure.most_passes:
        return procedure.passes
    needed = math.ceil((scatter(pilot, blocks, len(pilot)).reach / procedure.target_error) ** 2)
    return min(max(needed, procedure.passes), procedure.most_passes)


def pilot_of(procedure: Procedure, passes: int) -> int:
    """How many of the first passes tell the scatter: where their number was fixed, all of them."""
    return passes if procedure.passes >= procedure.most_passes else min(procedure.passes, passes)


def repeatability(values: Sequence[float], blocks: Blocks, pilot: int) -> Interval:
    """Mean of the passes with its 95 % interval: this sitting, this machine, these samples.

    ``values`` and ``blocks``: joules of a query in each pass. The first ``pilot`` passes tell the scatter of passes,
    all blocks that of blocks. From one pass the interval is unknown.
    """
    mid = fmean(values)
    if len(values[:pilot]) < 2:
        return Interval(None, mid, None)
    half = mid * scatter(values, blocks, pilot).reach / math.sqrt(len(values))
    return Interval(mid - half, mid, mid + half)


def target_met(interval: Interval, target_error: float) -> bool | None:
    """Whether the half width is at most this share of the mean; None where the interval is unknown."""
    if interval.low is None or interval.high is None:
        return None
    return (interval.high - interval.low) / 2 <= target_error * interval.mid


def scatter(values: Sequence[float], blocks: Blocks, pilot: int) -> Scatter:
    """That of the pilot's passes, or that of the blocks where it is larger, each with its own degrees of freedom."""
    first = values[:pilot]
    of_passes = Scatter(stdev(first) / fmean(values), len(first) - 1)
    of_blocks = scatter_of(blocks)
    return of_blocks if of_blocks and of_blocks.deviation > of_passes.deviation else of_passes
