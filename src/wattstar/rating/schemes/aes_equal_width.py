"""As AI Energy Score's board does: five bands of equal width between the least and the most energy."""

from __future__ import annotations

import math
from collections.abc import Sequence

from wattstar.rating.moments import Moments
from wattstar.rating.schemes import Scale
from wattstar.types import Entry


def scale(entries: Sequence[Entry], moments: Moments) -> Scale:
    """The cuts by which stars are those of ``5 - min(4, floor(5 * (e - least) / (most - least)))``, to the last bit.

    The board publishes no formula; this one gives every star that it has published. An energy on the edge of two bands
    has the worse star there, while one on a cut has the better one here: a cut is the greatest number below the edge.
    Families, fences and least numbers are unknown to that rule: one entry sets the scale of all others.
    """
    energies = [entry.wh_per_1000.mid for entry in entries]
    least, most = min(energies), max(energies)
    if least == most:
        return Scale(None, "all take the same")
    return Scale(tuple(_last_of(band, least, most) for band in range(4)))


def _last_of(band: int, least: float, most: float) -> float:
    """The greatest number in the band: the edge as it is worked out, and from there by the smallest steps there are."""

    def beyond(energy: float) -> bool:
        return math.floor(5 * (energy - least) / (most - least)) > band

    edge = least + (band + 1) * (most - least) / 5
    while beyond(edge):
        edge = math.nextafter(edge, -math.inf)
    while not beyond(math.nextafter(edge, math.inf)):
        edge = math.nextafter(edge, math.inf)
    return edge
