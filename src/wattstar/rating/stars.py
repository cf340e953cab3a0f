"""One to five stars, how sure they are, and what they are worth."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from wattstar.rating.comparisons import BETWEEN_CARDS, REPRODUCIBILITY, same_machine
from wattstar.rating.moments import standard_error
from wattstar.rating.populations import Member, figure
from wattstar.rating.ranks import Field
from wattstar.rating.schemes import STANDARD
from wattstar.rating.standing import obstacles, standing
from wattstar.types import Edition, Figure, Interval, Population, Rating, Standing

FIRM = 0.8
"""A star stands alone from this chance on."""
ANY = (1, 5)


def stars(wh_per_1000: float, cuts: Sequence[float]) -> int:
    """Five up to the first cut, …, one beyond the last; equality goes to the better star."""
    return 5 - bisect_left(cuts, wh_per_1000)


def chances(interval: Interval, population: Population) -> tuple[float, ...] | None:
    """That the true energy earns 5, 4, 3, 2 and 1 stars by the population's cuts; None where no interval is known.

    The truth x = ln(energy) is drawn from the population N(m, s²) and measured with the standard error u, so that it
    lies in N((x + r²m)/(1 + r²), u²/(1 + r²)) with r = u/s: the normal posterior.
    """
    error, cuts = standard_error(interval), population.cuts
    if error is None or cuts is None:
        return None
    if error == 0:
        earned = stars(interval.mid, cuts)
        return tuple(float(earned == count) for count in (5, 4, 3, 2, 1))
    place, shrunk = math.log(interval.mid), 0.0
    if population.mean is not None and population.deviation:
        shrunk = (error / population.deviation) ** 2
        place = (place + shrunk * population.mean) / (1 + shrunk)
    root = error * math.sqrt(2 / (1 + shrunk))
    below = [math.erf((math.log(cut) - place) / root) / 2 for cut in cuts]
    return tuple(more - less for less, more in pairwise([-0.5, *below, 0.5]))


def span(chances: Sequence[float]) -> tuple[int, int]:
    """Least and most stars to show: the likeliest alone where it is firm, else the two likeliest neighbours."""
    best = max(range(5), key=chances.__getitem__)
    if chances[best] >= FIRM:
        return 5 - best, 5 - best
    first = max(range(4), key=lambda i: chances[i] + chances[i + 1])
    return 4 - first, 5 - first


def rate(
    population: Population, members: Sequence[Member], scheme: str = STANDARD, edition: Edition | None = None
) -> list[Rating]:
    """The records' places in a population, of an edition or (None) of the store's own records; least energy first."""
    alike = edition is None and all(same_machine(members[0][1], record) for _, record in members)
    field = Field([entry.wh_per_1000 for entry in population.entries], REPRODUCIBILITY if alike else BETWEEN_CARDS)
    sources = {entry.source for entry in population.entries}
    known = dict(members)
    ratings = []
    for bare in unrated(members, edition, scheme):
        record, found = known[bare.record], figure(known[bare.record])
        assert found is not None, "others are left out"
        refused = obstacles(record, found, population.conditions) if edition else ()
        if refused:
            ratings.append(replace(bare, reasons=refused))
            continue
        worth, reasons = standing(record, found, population.conditions, edition)
        rank = field.place(found.wh_per_1000, itself=bare.record in sources)
        ratings.append(_starred(replace(bare, standing=worth, reasons=reasons, rank=rank), found, population))
    return ratings


def unrated(members: Sequence[Member], edition: Edition | None, scheme: str) -> list[Rating]:
    """Without stars, since there is no population of the task; records without a figure that counts are left out."""
    made = [(name, record, found) for name, record in members if (found := figure(record)) is not None]
    return [
        Rating(
            record=name,
            model=record.job.model.id,
            wh_per_1000=found.wh_per_1000,
            stars=None,
            chances=None,
            span=None,
            rank=None,
            standing=Standing.UNOFFICIAL,
            reasons=(f"no population of {record.job.task}",),
            edition=edition.name if edition else None,
            scheme=scheme,
        )
        for name, record, found in sorted(made, key=lambda each: each[2].wh_per_1000.mid)
    ]


def _starred(rating: Rating, found: Figure, population: Population) -> Rating:
    """Of an estimate only its plausible range is known, of one pass not even an interval: neither has chances."""
    cuts = population.cuts
    if cuts is None:
        return replace(rating, reasons=(population.reason or "no cuts", *rating.reasons))
    sure = None if found.plausible else chances(found.wh_per_1000, population)
    shown = span(sure) if sure else ANY
    if found.plausible and found.plausible.low is not None and found.plausible.high is not None:
        shown = stars(found.plausible.high, cuts), stars(found.plausible.low, cuts)
    return replace(rating, stars=stars(found.wh_per_1000.mid, cuts), chances=sure, span=shown)
