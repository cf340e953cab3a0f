"""What the shipped editions hold: the stars that were published, and each population's average, deviation and cuts."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from wattstar.rating.editions import load, names
from wattstar.rating.moments import LEAST_FAMILIES, moments
from wattstar.rating.schemes import STANDARD, scheme
from wattstar.rating.schemes import names as schemes
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
    mean: float | None
    """Geometric, Wh per 1,000 queries, one vote a family. None for one family."""
    factor: float | None
    """exp of the deviation of ln: typically so many times more, or less, than the mean. None for one family."""
    cuts: tuple[float, ...] | None
    """Wh per 1,000 queries; of the deviation scheme, were there families enough. None for one family."""
    grade: Grade
    reason: str | None
    given: Mapping[str, tuple[int, ...] | None]
    """Scheme → how many models would have 5, 4, 3, 2 and 1 stars, were there families enough; None: for one family."""


def boards() -> list[Board]:
    """Every published star of the latest edition, which holds all, worked out again from the energies alone."""
    tables: dict[tuple[str, str | None], list[Entry]] = defaultdict(list)
    for entry in chain.from_iterable(each.entries for each in load(names()[-1]).populations):
        if entry.published_stars is not None:
            tables[entry.source, entry.published_class].append(entry)
    return [Board(*of, len(entries), tuple(_wrong(entries))) for of, entries in sorted(tables.items(), key=str)]


def _wrong(entries: Sequence[Entry]) -> Iterator[str]:
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
    given = {name: _as_if_enough(population, name) for name in schemes()}
    return Field(
        conditions=population.conditions,
        models=len(population.entries),
        families=population.families,
        spread=max(energies) / min(energies),
        mean=None if mean is None else math.exp(mean),
        factor=None if deviation is None else math.exp(deviation),
        cuts=given[STANDARD],
        grade=population.grade,
        reason=population.reason,
        given={name: _counts(energies, cuts) if cuts else None for name, cuts in given.items()},
    )


def _as_if_enough(population: Population, name: str) -> tuple[float, ...] | None:
    """A scheme's cuts, as if the families were not too few: what the rule would say, had it enough to go by."""
    made = moments(population.entries)
    enough = LEAST_FAMILIES if 1 < made.families < LEAST_FAMILIES else made.families
    return scheme(name)(population.entries, replace(made, families=enough)).cuts


def _counts(energies: Sequence[float], cuts: Sequence[float]) -> tuple[int, ...]:
    counts = Counter(stars(energy, cuts) for energy in energies)
    return tuple(counts[star] for star in (5, 4, 3, 2, 1))
