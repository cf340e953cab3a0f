"""By which of an edition's populations a record is rated."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from wattstar.rating.moments import moments
from wattstar.rating.populations import Member, newest, populations
from wattstar.rating.schemes import STANDARD, scheme
from wattstar.rating.standing import same_hardware
from wattstar.rating.stars import rate, unrated
from wattstar.types import Conditions, Edition, Population, Rating


@dataclass(frozen=True)
class Placed:
    """Records of equal conditions, and the population that they were rated by."""

    conditions: Conditions
    """The records' own."""
    population: Population | None
    """None: the edition knows nothing of their task."""
    ratings: tuple[Rating, ...]
    """Least energy first."""


def placed(records: Iterable[Member], edition: Edition | None = None, scheme_name: str = STANDARD) -> list[Placed]:
    """The records' stars by an edition, or (None) by the populations that they make themselves.

    Of several attempts at one job the newest counts; records without a figure that counts are left out. By an edition a
    star depends on nothing but the record and the edition.
    """
    if edition is None:
        found = populations(records, scheme_name)
        return [Placed(each.conditions, each, tuple(rate(each, members, scheme_name))) for each, members in found]
    return [_by(edition, ours, members, scheme_name) for ours, members in newest(records).items()]


def _by(edition: Edition, ours: Conditions, members: list[Member], scheme_name: str) -> Placed:
    population = nearest(edition, ours)
    if population is None:
        return Placed(ours, None, tuple(unrated(members, edition, scheme_name)))
    population = under(population, scheme_name)
    return Placed(ours, population, tuple(rate(population, members, scheme_name, edition)))


def nearest(edition: Edition, ours: Conditions) -> Population | None:
    """The population of the same task that has most in common, of equals the largest; None where the task has none."""
    known = [each for each in edition.populations if each.conditions.task == ours.task]
    return max(known, key=lambda each: (*_likeness(ours, each.conditions, edition), len(each.entries)), default=None)


def under(population: Population, scheme_name: str) -> Population:
    """A frozen population with the cuts of another scheme, which follow from its entries alone."""
    if scheme_name == STANDARD:
        return population
    scale = scheme(scheme_name)(population.entries, moments(population.entries))
    return replace(population, cuts=scale.cuts, reason=scale.reason, fresh_share=None)


def _likeness(ours: Conditions, theirs: Conditions, edition: Edition) -> tuple[bool, ...]:
    """What weighs most first."""
    hardware = same_hardware(ours.hardware, theirs.hardware, edition.foreign is not None)
    names = ("work", "size_class", "boundary", "method", "procedure")
    work, size_class, *rest = (getattr(ours, name) == getattr(theirs, name) for name in names)
    return work, size_class, hardware, *rest
