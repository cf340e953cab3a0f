"""The nouns of the leaderboard: what its pages show, worked out before any page is made.

A ``Board`` holds a ``Field`` for each task; a field holds ``Group``s, one for each population; a group holds ``Row``s.
Energies of two groups are never in one ranking: something of their ``Conditions`` differs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from wattstar.records.store import Store
from wattstar.types import Conditions, Edition, Interval, Method, Population, Rating, Record


@dataclass(frozen=True)
class Kept:
    """A record, and the store it lies in, for its timelines and samples."""

    record: Record
    store: Store


@dataclass(frozen=True)
class Row:
    """One line of a leaderboard: a model as it was run once. None: not known."""

    id: str
    """Of the record, else of the published figure; unique on the board."""
    model: str
    family: str
    wh_per_1000: Interval
    rating: Rating
    date: str
    """ISO 8601, as exactly as it is known."""
    hardware: str
    source: str
    """A record's id, or where the figure was published."""
    record: bool
    """Whether it is one of the given stores; else it was published elsewhere."""
    plausible: Interval | None = None
    """Of a modelled energy: a range, not 95 %."""
    method: Method | None = None
    """How the energy was read; None: its publisher does not say."""
    quality: float | None = None
    parameters: int | None = None
    precision: str | None = None
    engine: str | None = None
    approach: str | None = None
    weights: str | None = None
    batch: int | None = None
    seconds: float | None = None
    """A query."""
    licence: str | None = None
    status: str = "published"
    """``published`` elsewhere, or ``self-reported``, …"""
    doubts: tuple[str, ...] = ()
    published_stars: int | None = None
    """As its source gives them, by the source's own rule."""


@dataclass(frozen=True)
class Group:
    """Rows that may be ranked together, least energy first."""

    task: str
    slug: str
    """Of the group's own page among those of its task."""
    name: str
    """In a few words, what sets it apart from other groups of its task, but for the size class."""
    population: Population
    edition: Edition | None
    """Whose stars they are; None: those that the rows give each other."""
    rows: tuple[Row, ...]
    quality_name: str | None = None
    """None: no row has a quality, or they do not have the same."""
    higher_is_better: bool = True
    own: Conditions | None = None
    """Of records of the given stores; None: the rows were published elsewhere."""

    @property
    def conditions(self) -> Conditions:
        """What is equal of all its rows."""
        return self.own or self.population.conditions


@dataclass(frozen=True)
class Field:
    """One task, and all that is known of it."""

    task: str
    title: str
    groups: tuple[Group, ...]
    """Published ones first, each with the most rows before those with less."""


@dataclass(frozen=True)
class Board:
    """All that the site shows."""

    fields: tuple[Field, ...]
    editions: tuple[Edition, ...]
    """Newest first."""
    records: Mapping[str, Kept]
    """Every undamaged record of the stores by its id, invalid ones too."""
    problems: Mapping[str, str]
    """Damaged records by their file's name, and what is wrong with them."""

    def rows(self, model: str) -> list[tuple[Group, Row]]:
        """Everything known of one model, by task."""
        return [(group, row) for group in self.groups for row in group.rows if row.model == model]

    @property
    def groups(self) -> list[Group]:
        """Of all tasks."""
        return [group for field in self.fields for group in field.groups]

    @property
    def models(self) -> list[str]:
        """Every name, once, in alphabetical order."""
        names = {row.model for group in self.groups for row in group.rows}
        return sorted(
            names | {kept.record.job.model.id for kept in self.records.values()}, key=lambda n: (n.lower(), n)
        )
