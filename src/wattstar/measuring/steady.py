"""When warm-up may end: the same work, done in rounds, has stopped changing its time and its power.

A line is laid through the last four rounds, by least squares, once through their seconds and once through their watts.
Warm-up goes on while either drifts by more than 1 % from the first of them to the last and the drift is more than
chance (two-sided t test, 10 %: noise must not keep a machine warming up, and warming up is smooth). Rounds of equal
work are compared because batches differ. (Georges et al., OOPSLA 2007, wait until the last iterations scatter by less
than 2 %; a noisy machine never gets there, and a slow drift does too early.)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from wattstar.measuring.timeline import best
from wattstar.types import Procedure, Reading, WarmUp

ROUNDS = 4
"""So many last rounds are looked at."""
ROUNDS_A_PASS = 5
"""A round lasts so small a part of ``Procedure.pass_seconds``, and at least one batch."""
MOST_DRIFT = 0.01
STUDENT_T_95 = 2.920
"""Two-sided 90 % quantile of Student's t for ``ROUNDS`` − 2 degrees of freedom."""
SHARE_OF_ERROR, SHARE_OF_QUICK_ERROR = 0.25, 1.0
"""Of the asked error, what stamps and steps at the edges of a pass may make of it; a quick run knows the samples that
it does not serve less well than that."""
LONGEST, LONGEST_QUICK = 6.0, 12.0
"""For that a pass becomes so many times ``Procedure.pass_seconds`` at most; a quick one is short, a counter's steps are
not."""


@dataclass(frozen=True)
class Round:
    """The same work as every other round of one warm-up."""

    seconds: float
    energy: tuple[Reading, ...]
    """One reading a domain."""

    @property
    def joules(self) -> float | None:
        """Of the devices that are rated: GPUs where one is read, else all; None where nothing sensible was read."""
        found = sum(reading.joules for reading in _rated(self.energy))
        return found if 0 < found < math.inf else None


def judged(rounds: Sequence[Round], seconds: float) -> WarmUp:
    """What is known of a warm-up that has lasted for so many seconds."""
    last = rounds[-ROUNDS:]
    watts = [each.joules / each.seconds for each in last if each.joules is not None]
    series = [[each.seconds for each in last]] + ([watts] if len(watts) == len(last) else [])
    if len(last) < ROUNDS:
        return WarmUp(seconds, len(rounds), steady=False, drift=None)
    lines = [line(values) for values in series if any(values)]
    steady = all(abs(drift) <= MOST_DRIFT or abs(drift) <= STUDENT_T_95 * error for drift, error in lines)
    return WarmUp(seconds, len(rounds), steady, max((drift for drift, _ in lines), key=abs, default=None))


def line(values: Sequence[float]) -> tuple[float, float]:
    """The drift from first to last along the line through the values, and its standard error: shares of the mean."""
    mean, middle, last = fmean(values), (len(values) - 1) / 2, len(values) - 1
    squares = sum((i - middle) ** 2 for i in range(len(values)))
    slope = sum((i - middle) * (value - mean) for i, value in enumerate(values)) / squares
    residual = sum((value - mean - slope * (i - middle)) ** 2 for i, value in enumerate(values))
    return slope * last / mean, math.sqrt(residual / (len(values) - 2) / squares) * last / mean


def pass_seconds(last: Round, procedure: Procedure) -> float:
    """How long a pass must last so that its edges are known well enough; where the passes are fixed, as asked.

    What its edges leave open does not grow with a window: u·Pmax/4 each at the most, u being the counter's step.
    """
    if procedure.passes == procedure.most_passes or not last.joules:
        return procedure.pass_seconds
    bound = sum(reading.bound for reading in _rated(last.energy))
    whole = procedure.subset is None
    share, times = (SHARE_OF_ERROR, LONGEST) if whole else (SHARE_OF_QUICK_ERROR, LONGEST_QUICK)
    needed = bound / (share * procedure.target_error * last.joules / last.seconds)
    return min(max(procedure.pass_seconds, needed), times * procedure.pass_seconds)


def _rated(energy: Sequence[Reading]) -> tuple[Reading, ...]:
    found = best(energy)
    return tuple(reading for reading in found if reading.domain.startswith("gpu:")) or found
