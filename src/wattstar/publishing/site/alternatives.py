"""Which other model to take: thriftier ones of the same task, under the same conditions."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from dataclasses import dataclass

from wattstar.publishing.site.board import Group, Row

MOST = 3
WORTH = 0.9
"""What takes more than this share of the energy is not worth a change."""


@dataclass(frozen=True)
class Alternative:
    """A model that takes less."""

    row: Row
    why: str
    share: float
    """Of the other's energy."""
    sure: bool
    """Whether that it takes less is shown by both intervals; else an interval is not known."""


class Alternatives:
    """Of the rows of one group; made once, so that a row's are found without looking at all others."""

    def __init__(self, group: Group) -> None:
        """Sort them out by family, and by what each quality costs at least."""
        self.group = group
        known = [row for row in group.rows if row.weights != "random"]
        self.least = known[0] if known else None
        self.families: dict[str, list[Row]] = defaultdict(list)
        for row in known:
            self.families[row.family].append(row)
        self.front: list[tuple[float, Row]] = []
        """Quality, as more is better, ascending; each with the thriftiest row that has it, or more."""
        for row in known:
            good = self._good(row)
            if good is not None and (not self.front or good > self.front[-1][0]):
                self.front.append((good, row))

    def of(self, row: Row) -> list[Alternative]:
        """At most three that take less, each for a reason of its own, the most alike first."""
        found: dict[str, Alternative] = {}
        offered = [(self._as_good(row), f"at least as good: {self.group.quality_name}"),
                   (self._sibling(row), "of the same family"),
                   (self.least, "the least of all")]  # fmt: skip
        for other, why in offered:
            if other is not None and self._less(other, row) and other.model not in found:
                share = other.wh_per_1000.mid / row.wh_per_1000.mid
                found[other.model] = Alternative(other, why, share, other.rating.rank is not None)
        return list(found.values())[:MOST]

    def _sibling(self, row: Row) -> Row | None:
        """The most alike that is worth a change."""
        family = self.families[row.family]
        first = bisect_right(family, WORTH * row.wh_per_1000.mid, key=lambda other: other.wh_per_1000.mid)
        return next((family[place] for place in range(first - 1, -1, -1) if self._less(family[place], row)), None)

    def _as_good(self, row: Row) -> Row | None:
        good = self._good(row)
        if good is None or row.weights == "random":
            return None
        place = bisect_left(self.front, good, key=lambda each: each[0])
        return self.front[place][1] if place < len(self.front) else None

    def _good(self, row: Row) -> float | None:
        if row.quality is None:
            return None
        return row.quality if self.group.higher_is_better else -row.quality

    @staticmethod
    def _less(other: Row, row: Row) -> bool:
        """Worth a change, and shown: the other's places lie before all of its. Without intervals energy decides."""
        if other.model == row.model or other.wh_per_1000.mid > WORTH * row.wh_per_1000.mid:
            return False
        if other.rating.rank is None or row.rating.rank is None:
            return True
        return other.rating.rank[1] < row.rating.rank[0]
