"""By average and deviation of ln(energy), one vote a family: five equal shares of a log-normal market."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

from wattstar.rating.moments import Moments, no_stars
from wattstar.rating.schemes import Scale
from wattstar.types import Entry

Z = tuple(NormalDist().inv_cdf(share) for share in (0.2, 0.4, 0.6, 0.8))
"""−0.8416, −0.2533, 0.2533, 0.8416: the upper ends of 5, 4, 3 and 2 stars in deviations from the average."""


def scale(entries: Sequence[Entry], moments: Moments) -> Scale:
    """The cuts exp(mean + z · deviation)."""
    reason = no_stars(moments)
    if reason is not None or moments.mean is None or moments.deviation is None:
        return Scale(None, reason)
    return Scale(tuple(math.exp(moments.mean + z * moments.deviation) for z in Z))
