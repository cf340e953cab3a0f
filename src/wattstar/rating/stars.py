"""One to five stars from the average and deviations of a population."""

from __future__ import annotations

from collections.abc import Sequence

from wattstar.rating.populations import figure, unofficial
from wattstar.types import Population, Rating, Record


def stars(wh_per_1000: float, cuts: Sequence[float]) -> int:
    """Five up to the first cut, …, one beyond the last; equality goes to the better star."""
    return 5 - sum(wh_per_1000 > cut for cut in cuts)


def rate(population: Population, members: Sequence[tuple[str, Record]]) -> list[Rating]:
    """The members' places, least energy first."""
    made = [(name, record, figure(record)) for name, record in members]
    ratings = [
        Rating(
            record=name,
            model=record.job.model.id,
            wh_per_1000=found.wh_per_1000,
            stars=stars(found.wh_per_1000.mid, population.cuts) if population.cuts else None,
            unofficial=unofficial(record),
        )
        for name, record, found in made
        if found is not None
    ]
    return sorted(ratings, key=lambda rating: rating.wh_per_1000.mid)
