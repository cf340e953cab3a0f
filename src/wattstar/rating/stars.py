"""One to five stars from the average and deviations of a population."""

from __future__ import annotations

from collections.abc import Sequence

from wattstar.rating.populations import figure, unofficial
from wattstar.types import Interval, Population, Rating, Record


def stars(wh_per_1000: float, cuts: Sequence[float]) -> int:
    """Five up to the first cut, …, one beyond the last; equality goes to the better star."""
    return 5 - sum(wh_per_1000 > cut for cut in cuts)


def span(interval: Interval, cuts: Sequence[float]) -> tuple[int, int]:
    """Least and most stars within the interval; from one pass, whose interval is unknown, all of them."""
    if interval.low is None or interval.high is None:
        return (1, 5)
    return (stars(interval.high, cuts), stars(interval.low, cuts))


def rate(population: Population, members: Sequence[tuple[str, Record]]) -> list[Rating]:
    """The members' places, least energy first."""
    made = [(name, record, figure(record)) for name, record in members]
    cuts = population.cuts
    ratings = [
        Rating(
            record=name,
            model=record.job.model.id,
            wh_per_1000=found.wh_per_1000,
            stars=stars(found.wh_per_1000.mid, cuts) if cuts else None,
            span=span(found.wh_per_1000, cuts) if cuts else None,
            unofficial=unofficial(record),
        )
        for name, record, found in made
        if found is not None
    ]
    return sorted(ratings, key=lambda rating: rating.wh_per_1000.mid)
