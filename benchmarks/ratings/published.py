"""What the shipped editions hold: the stars that were published, and each population's average, deviation and cuts."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain

from wattstar.rating.editions import load, names
from wattstar.rating.moments import moments
from wattstar.rating.placing import under
from wattstar.rating.schemes import names as schemes
from wattstar.rating.schemes import scheme
from wattstar.rating.schemes.deviation import Z
from wattstar.rating.stars import stars
from wattstar.types import Conditions, Entry, Grade, Population

EQUAL_WIDTH = "aes-equal-width"


@dataclass(frozen=True)
class Board:
    """One table as it was published: of one file and size class."""

    source: str
    size_class: str | None
    models: int
    wrong: tuple[str, ...]
    """Rows whose published star is another one than the rule's, in words."""


@dataclass(frozen=True)
class Field:
    """One population of the first edition."""

    conditions: Conditions
    models: int
    families: int
    spread: float
    """The most over the least."""
    mean: float
    """Geometric, Wh per 1,000 queries, one vote a family."""
    factor: float | None
    """exp of the deviation of ln: typically so many times more, or less, than the mean. None for one family."""
    cuts: tuple[float, ...] | None
    """Wh per 1,000 queries; of the deviation scheme, whether or not there are families enough to use them."""
    grade: Grade
    reason: str | None
    given: Mapping[str, tuple[int, ...] | None]
    """Scheme → how many models have 5, 4, 3, 2 and 1 stars; None where the scheme gives none."""


def boards() -> list[Board]:
    """Every published star of the latest edition, which holds all, worked out again from the energies alone."""
    tables: dict[tuple[str, str | None], list[Entry]] = defaultdict(list)
    for entry in chain.from_iterable(each.entries for each in load(names()[-1]).populations):
        if entry.published_stars is not None:
            tables[entry.source, entry.published_class].append(entry)
    return [Board(*of, len(entries), tuple(_wrong(entries))) for of, entries in sorted(tables.items(), key=str)]


def _wrong(entries: list[Entry]) -> Iterator[str]:
    cuts = scheme(EQUAL_WIDTH)(entries, moments(entries)).cuts
    for entry in entries:
        energy = entry.wh_per_1000.mid
        ours = stars(energy, cuts) if cuts else None
        if ours != entry.published_stars:
            yield f"{entry.model}, {energy:g} Wh: published {entry.published_stars}, by the rule {ours}"


def fields() -> list[Field]:
    """The first edition's populations, in its order."""
    return [_field(each) for each in load(names()[0]).populations]


def _field(population: Population) -> Field:
    energies = [entry.wh_per_1000.mid for entry in population.entries]
    mean, deviation = population.mean, population.deviation
    made = moments(population.entries)
    cuts = None
    if mean is not None and deviation is not None:
        cuts = tuple(math.exp(mean + z * deviation) for z in Z)
    return Field(
        conditions=population.conditions,
        models=len(population.entries),
        families=population.families,
        spread=max(energies) / min(energies),
        mean=math.exp(mean) if mean is not None else math.exp(made.mean or 0),
        factor=math.exp(deviation) if deviation is not None else None,
        cuts=population.cuts or cuts,
        grade=population.grade,
        reason=population.reason,
        given={name: _given(under(population, name)) for name in schemes()},
    )


def _given(population: Population) -> tuple[int, ...] | None:
    if population.cuts is None:
        return None
    counts = Counter(stars(entry.wh_per_1000.mid, population.cuts) for entry in population.entries)
    return tuple(counts[star] for star in (5, 4, 3, 2, 1))
