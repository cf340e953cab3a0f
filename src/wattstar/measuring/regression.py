"""Which part of a counter's steps each phase of the work drew: least squares, in plain Python.

A step of a counter lasts longer than a phase and holds a mixture of them, another one each time. The energy of step i
is taken to be Σ Pₖ·xᵢₖ, the power of each phase times the time it was on, L seconds earlier where the counter is late
by L. Level and drift are not asked of the steps: each pass has a line of its own (Frisch, Waugh and Lovell: both sides
are freed of it), so that a slow ramp goes into no phase, and the level is set by the passes' energy, which the phases
together must have. What remains to be found is how much more each phase draws than the last one.

Three things would make a false number firm, and are guarded against:

- stamps are not exact, so that times in phase are not either. What that does to the normal equations is known, as is
  the variance of a stamp (δ²/12 for a gap of δ), and set right; where the mixture hardly varies by more than stamps
  alone would make it, nothing is said;
- residuals are alike from step to step, and errors allow for it (Newey and West);
- the lag is fitted too: what the powers are at every other lag that the steps allow (95 %) is inside the interval.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from wattstar.measuring.algebra import Matrix, Singular, Vector, check, dot, golden, line, solve, variance_of_sum
from wattstar.measuring.mixture import Parts, Steps, Whole
from wattstar.records.intervals import student
from wattstar.types import Interval

LAGS_TRIED = (9, 41)
"""At least and at most so many, evenly spread, at first; three in the shortest phase."""
HALVINGS = 4
"""Between a lag that the steps allow and one that they do not."""
CHI_SQUARE_95 = 3.841
"""95 % quantile for 1 degree of freedom."""
LEAST_VARIATION = 5.0
"""The mixture must vary by so many times the variance that stamps alone would make."""
BLURRED = 0.5
"""Share of that variance by which inexact stamps make contrasts smaller. They are as likely to be anywhere in the work
as exact ones, so that times in phase vary as they would without; but they go less with the steps' energy, because the
time in phase C before a stamp that is inexact by ε is on average C + C″·var(ε)/2."""
ROUNDING = 1e-9
"""Share of a column's squares that is taken for nothing."""
FEWEST_DEGREES = 10
"""Of freedom; below that nothing is said."""


@dataclass(frozen=True)
class Fit:
    """What the steps say of all phases."""

    phases: tuple[Interval, ...]
    """Watts of each, 95 %."""
    lag: float
    """Seconds."""


@dataclass(frozen=True)
class _Normal:
    """The normal equations at one lag."""

    lag: float
    matrix: Matrix
    right: Vector

    @property
    def contrasts(self) -> Vector:
        """Watts of each phase above the last one."""
        return solve(self.matrix, self.right)

    def less(self, matrix: Matrix, times: float) -> _Normal:
        """Without so many times this part of the matrix."""
        pairs = zip(self.matrix, matrix, strict=True)
        return _Normal(self.lag, [[a - times * b for a, b in zip(*pair, strict=True)] for pair in pairs], self.right)

    def spread(self, powers: Vector, squares: float) -> float:
        """The sum of squared residuals; ``squares`` without any phase."""
        contrasts = [power - powers[-1] for power in powers[:-1]]
        explained = 2 * dot(contrasts, self.right) - dot(contrasts, [dot(row, contrasts) for row in self.matrix])
        return max(squares - explained, 0.0)


def fit(steps: Steps, parts: Parts, whole: Whole, lags: tuple[float, float]) -> Fit:
    """Watts of each phase (those of ``parts``, then of what is left); ``Singular`` where the steps cannot say."""
    if not parts.on:
        power, half = whole.joules / whole.duration, 1.96 * whole.error / whole.duration
        return Fit((Interval(max(power - half, 0.0), power, power + half),), lags[0])
    return _Regression(steps, parts, whole).fit(lags)


class _Regression:
    """The steps of one counter, freed of a line for each pass."""

    def __init__(self, steps: Steps, parts: Parts, whole: Whole) -> None:
        self.steps, self.parts, self.whole = steps, parts, whole
        self._lines = [line(stamps) for stamps in steps.stamps]
        self.drawn = self._freed(steps.drawn)
        self.squares = dot(self.drawn, self.drawn)
        self.degrees = len(self.drawn) - 2 * len(self._lines) - len(parts.on) - 1
        self._tried: dict[float, _Normal] = {}

    def fit(self, lags: tuple[float, float]) -> Fit:
        if self.degrees < FEWEST_DEGREES:
            raise Singular
        best = self._best(*lags)
        stamps = self._of_stamps(best.lag)
        squares = sum((late - early) ** 2 for run in self.steps.stamps for early, late in pairwise(run))
        check(best.less(stamps, LEAST_VARIATION).matrix, ROUNDING * squares)
        clean = best.less(stamps, BLURRED)
        errors, inflation = self._errors(clean)
        mid, raw = _bounded(clean, self.whole), _bounded(best, self.whole)
        allowed = self._allowed(best, inflation)
        others = [_bounded(normal.less(stamps, BLURRED), self.whole) for normal in allowed]
        found = []
        for phase, (power, error) in enumerate(zip(mid, errors, strict=True)):
            half = student(self.degrees) * math.hypot(error, self.whole.error / self.whole.duration)
            # In one run stamps do anything between nothing and twice what they do on average.
            half += abs(power - raw[phase])
            shifts = [other[phase] - power for other in others]
            low = power - math.hypot(half, min([0.0, *shifts]))
            high = power + math.hypot(half, max([0.0, *shifts]))
            found.append(Interval(max(low, 0.0), power, max(min(high, self.whole.most[phase]), power)))
        return Fit(tuple(found), best.lag)

    def _columns(self, lag: float) -> list[Vector]:
        """Seconds of each phase in each step, freed of the lines."""
        seen = [self.parts.until([moment - lag for moment in stamps]) for stamps in self.steps.stamps]
        return [
            self._freed([[late - early for early, late in pairwise(phase)] for phase in phases])
            for phases in zip(*seen, strict=True)
        ]

    def _freed(self, runs: Sequence[Vector]) -> Vector:
        """What a level and a drift of each pass do not explain."""
        freed: Vector = []
        for run, (level, drift) in zip(runs, self._lines, strict=True):
            a, b = dot(level, run), dot(drift, run)
            freed += [value - a * x - b * y for value, x, y in zip(run, level, drift, strict=True)]
        return freed

    def _normal(self, lag: float) -> _Normal:
        if lag not in self._tried:
            columns = self._columns(lag)
            matrix = [[dot(one, other) for other in columns] for one in columns]
            self._tried[lag] = _Normal(lag, matrix, [dot(column, self.drawn) for column in columns])
        return self._tried[lag]

    def _spread(self, lag: float) -> float:
        normal = self._normal(lag)
        try:
            return normal.spread(_bounded(normal, self.whole), self.squares)
        except Singular:
            return self.squares

    def _best(self, low: float, high: float) -> _Normal:
        """The lag at which the phases explain most."""
        count = min(max(math.ceil(3 * (high - low) / self.parts.shortest), LAGS_TRIED[0]), LAGS_TRIED[1])
        grid = [low + (high - low) * i / count for i in range(count + 1)] if high > low else [low]
        best = min(grid, key=self._spread)
        step = (high - low) / count
        narrowed = golden(self._spread, max(best - step, low), min(best + step, high)) if step else best
        return self._normal(min([best, narrowed], key=self._spread))

    def _allowed(self, best: _Normal, inflation: float) -> list[_Normal]:
        """The lags whose residuals are not larger than chance allows, 95 %, out to where they become too large."""
        most = self._spread(best.lag) * (1 + CHI_SQUARE_95 * inflation / self.degrees)
        for one, other in list(pairwise(sorted(self._tried))):
            inside, outside = sorted((one, other), key=self._spread)
            if self._spread(inside) <= most < self._spread(outside):
                for _ in range(HALVINGS):
                    middle = (inside + outside) / 2
                    inside, outside = (middle, outside) if self._spread(middle) <= most else (inside, middle)
        return [normal for lag, normal in self._tried.items() if self._spread(lag) <= most]

    def _of_stamps(self, lag: float) -> Matrix:
        """What stamps alone would make of the normal equations: a phase that is on at a stamp has the stamp's error."""
        shares = [seconds / self.whole.duration for seconds in self.whole.seconds[:-1]]
        matrix = [[0.0] * len(shares) for _ in shares]
        for stamps, variances in zip(self.steps.stamps, self.steps.variances, strict=True):
            passed = self.parts.passed([stamp - lag for stamp in stamps])
            for i, (place, variance) in enumerate(zip(passed, variances, strict=True)):
                weight = variance * (1 if i in (0, len(stamps) - 1) else 2)
                errors = [on[place] - share for on, share in zip(self.parts.on, shares, strict=True)]
                for k, one in enumerate(errors):
                    for j, other in enumerate(errors):
                        matrix[k][j] += weight * one * other
        return matrix

    def _errors(self, normal: _Normal) -> tuple[Vector, float]:
        """Standard errors of the phases' powers, and how far likeness of neighbours inflates their squares, at most."""
        columns = self._columns(normal.lag)
        rows, contrasts = list(zip(*columns, strict=True)), normal.contrasts
        residuals = [value - dot(contrasts, row) for value, row in zip(self.drawn, rows, strict=True)]
        errors, inflation = [], 1.0
        for phase in range(len(columns) + 1):
            weights = solve(normal.matrix, self.whole.row(phase))
            scores = [residual * dot(weights, row) for residual, row in zip(residuals, rows, strict=True)]
            alike, independent = variance_of_sum(scores), dot(scores, scores)
            errors.append(math.sqrt(alike * len(scores) / self.degrees))
            inflation = max(inflation, alike / independent if independent else 1.0)
        return errors, inflation


def _bounded(normal: _Normal, whole: Whole) -> Vector:
    """Watts of each phase, none below nothing or above the most: one that would be is held there, the worst first."""
    held: dict[int, float] = {}
    while True:
        powers = whole.powers(_constrained(normal, whole, held))
        wrong = {k: max(-power, power - whole.most[k]) for k, power in enumerate(powers) if k not in held}
        worst = max(wrong, key=lambda k: wrong[k], default=None)
        if worst is None or wrong[worst] <= 0:
            return [held.get(k, power) for k, power in enumerate(powers)]
        held[worst] = 0.0 if powers[worst] < 0 else whole.most[worst]
        if len(held) == len(powers):
            raise Singular


def _constrained(normal: _Normal, whole: Whole, held: dict[int, float]) -> Vector:
    """The contrasts with some phases' powers given, by Lagrange's multipliers."""
    rows = [whole.row(phase) for phase in held]
    level = whole.joules / whole.duration
    size = len(normal.right)
    # Multipliers are scaled like the rest, so that one measure of nothing does for both.
    scale = max(normal.matrix[k][k] for k in range(size))
    matrix = [[*normal.matrix[k], *(scale * row[k] for row in rows)] for k in range(size)]
    matrix += [[*(scale * value for value in row), *([0.0] * len(rows))] for row in rows]
    right = [*normal.right, *(scale * (power - level) for power in held.values())]
    return solve(matrix, right)[:size]
