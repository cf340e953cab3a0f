"""By rank, one vote a family: a fifth of the market has each star, however far apart they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from wattstar.rating.moments import Moments, no_stars
from wattstar.rating.schemes import Scale
from wattstar.types import Entry

ROUNDING = 1e-9
"""Of sums of votes."""


def scale(entries: Sequence[Entry], moments: Moments) -> Scale:
    """The least energies that a fifth, two, three and four fifths of all votes do not exceed; a family shares one."""
    reason = no_stars(moments)
    if reason is not None:
        return Scale(None, reason)
    members = Counter(entry.family for entry in entries)
    cuts: list[float] = []
    votes = 0.0
    for entry in sorted(entries, key=lambda entry: entry.wh_per_1000.mid):
        votes += 1 / members[entry.family]
        while len(cuts) < 4 and votes >= (len(cuts) + 1) * len(members) / 5 - ROUNDING:
            cuts.append(entry.wh_per_1000.mid)
    return Scale(tuple(cuts))
