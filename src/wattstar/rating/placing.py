"""By which of an edition's populations a record is rated."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from wattstar.rating.moments import moments
from wattstar.rating.populations import Member, conditions, figure, newest
from wattstar.rating.schemes import STANDARD, scheme
from wattstar.rating.standing import same_hardware
from wattstar.rating.stars import rate
from wattstar.types import Conditions, Edition, Population, Rating, Record

Placed = tuple[Population, list[Rating]]


def rate_by(
    edition: Edition, records: Iterable[Member], scheme_name: str = STANDARD
) -> tuple[list[Placed], list[Member]]:
    """The records' stars by an edition: its populations, each with the ratings that it gave; and other tasks' records.

    Of several attempts at one job the newest counts; records without a figure that counts are left out. A star depends
    on nothing but the record and the edition.
    """
    found: dict[int, list[Member]] = defaultdict(list)
    others = []
    for member in (member for group in newest(records).values() for member in group):
        index = nearest(edition, member[1])
        if index is None:
            others.append(member)
        else:
            found[index].append(member)
    placed = []
    for index in sorted(found):
        population = under(edition.populations[index], scheme_name)
        placed.append((population, rate(population, found[index], scheme_name, edition)))
    return placed, others


def nearest(edition: Edition, record: Record) -> int | None:
    """Index of the population of the record's task that has most in common with it; None where the task has none."""
    made = figure(record)
    if made is None:
        return None
    ours = conditions(record, made)
    known = [i for i, each in enumerate(edition.populations) if each.conditions.task == ours.task]
    return max(known, key=lambda i: _likeness(ours, edition.populations[i].conditions, edition), default=None)


def _likeness(ours: Conditions, theirs: Conditions, edition: Edition) -> tuple[bool, ...]:
    """What weighs most first; of equals the first population is taken."""
    hardware = same_hardware(ours.hardware, theirs.hardware, edition.foreign is not None)
    names = ("work", "size_class", "boundary", "method", "procedure")
    work, size_class, *rest = (getattr(ours, name) == getattr(theirs, name) for name in names)
    return work, size_class, hardware, *rest


def under(population: Population, scheme_name: str) -> Population:
    """A frozen population with the cuts of another scheme, which follow from its entries alone."""
    if scheme_name == STANDARD:
        return population
    scale = scheme(scheme_name)(population.entries, moments(population.entries))
    return replace(population, cuts=scale.cuts, reason=scale.reason)
