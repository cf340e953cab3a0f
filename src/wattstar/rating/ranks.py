"""Places as ranges: two energies whose difference is not shown share their places."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence

from wattstar.rating.comparisons import REPRODUCIBILITY
from wattstar.rating.moments import Z_975, standard_error
from wattstar.types import Interval

Place = tuple[int, int]
"""The best and the worst that it can be."""


def ranks(intervals: Sequence[Interval], between: float = REPRODUCIBILITY) -> list[Place | None]:
    """Of each among all, in the order given; None where its own interval is not known.

    ``between`` is the standard deviation between sittings, or cards, as a share: see ``comparisons``.
    """
    field = Field(intervals, between)
    return [field.place(interval, itself=True) for interval in intervals]


class Field:
    """Energies that others are ranked among."""

    def __init__(self, intervals: Sequence[Interval], between: float) -> None:
        """Sorted once, so that only neighbours have to be compared."""
        known = [(interval, standard_error(interval)) for interval in intervals]
        self.sorted = sorted((math.log(interval.mid), error) for interval, error in known if error is not None)
        self.unknown = len(known) - len(self.sorted)
        self.greatest = max((error for _, error in self.sorted), default=0.0)
        self.sittings = 2 * between**2

    def place(self, interval: Interval, *, itself: bool = False) -> Place | None:
        """Best and worst place: after all that are shown to take less, before all that are shown to take more.

        Two differ by what is shown if |Δ ln| > 1.96 √(u₁² + u₂² + 2 b²): both standard errors and what two sittings
        differ by. One whose interval is not known is shown to differ from none; None where it is this one, or all of
        the field. ``itself``: it is one of the field.
        """
        error = standard_error(interval)
        if error is None or not self.sorted:
            return None
        x = math.log(interval.mid)
        reach = self._reach(error, self.greatest)
        first = bisect_left(self.sorted, x - reach, key=lambda each: each[0])
        last = bisect_left(self.sorted, math.nextafter(x + reach, math.inf), key=lambda each: each[0])
        near = self.sorted[first:last]
        less = first + sum(x - other > self._reach(error, their) for other, their in near)
        more = len(self.sorted) - last + sum(other - x > self._reach(error, their) for other, their in near)
        others = len(self.sorted) + self.unknown - itself
        return less + 1, others - more + 1

    def _reach(self, one: float, other: float) -> float:
        return Z_975 * math.sqrt(one**2 + other**2 + self.sittings)
