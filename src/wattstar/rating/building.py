"""Makes an edition: populations frozen at a date, each held near the one before, and what has changed."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from statistics import fmean

from wattstar.errors import UsageError
from wattstar.rating.populations import Member, population, populations
from wattstar.rating.schemes.deviation import Z
from wattstar.rating.stars import stars
from wattstar.types import Conditions, Edition, Entry, Population

DRIFT = 0.05
"""A cut may move by so much of the range of ln(energy) a year, so that no label is worthless overnight."""
DRAWS = 4000
"""Pairs of populations for the share of stars that another one would change."""


@dataclass(frozen=True)
class Group:
    """What a population is made of."""

    conditions: Conditions
    entries: tuple[Entry, ...]
    doubts: tuple[str, ...] = ()


def groups(records: Iterable[Member]) -> list[Group]:
    """Of a store: those that may be rated, and of several attempts at one job the newest."""
    return [Group(each.conditions, each.entries) for each, _ in populations(records)]


def build(naming: Edition, parts: Iterable[Group], before: Edition | None = None) -> Edition:
    """The edition with the name, title and origin of ``naming``, and these groups as its populations.

    A population whose conditions the edition before knows keeps its cuts near: each moves, on ln, by at most 5 % of the
    range of the earlier energies a year. ``UsageError`` where a group is empty or holds what is no energy.
    """
    known = {each.conditions: each for each in before.populations} if before else {}
    years = _years(before.name, naming.name) if before else 0.0
    made = []
    for group in parts:
        found = replace(population(group.conditions, group.entries), doubts=group.doubts)
        earlier = known.get(group.conditions)
        if earlier is not None and earlier.cuts and found.cuts:
            found = replace(found, cuts=_near(found.cuts, earlier.cuts, DRIFT * years * _range(earlier)))
        made.append(replace(found, fresh_share=fresh_share(found.families) if found.cuts else None))
    edition = replace(naming, populations=tuple(made))
    return replace(edition, changes=tuple(changes(before, edition)) if before else ("The first edition.",))


@cache
def fresh_share(families: int) -> float:
    """Of a population's stars, the share that another one of as many families of the same market would change.

    The mean over pairs of populations drawn from a log-normal market: stars of the one's members by the other's cuts.
    It depends on the number of families alone, since cuts move and stretch with the market. Always the same draws.
    """
    draw = random.Random(families).gauss
    changed = 0.0
    for _ in range(DRAWS):
        ours, others = ([draw(0, 1) for _ in range(families)] for _ in range(2))
        mine, theirs = (_cuts(values) for values in (ours, others))
        changed += sum(stars(value, mine) != stars(value, theirs) for value in ours) / families
    return round(changed / DRAWS, 3)


def _cuts(values: Sequence[float]) -> list[float]:
    mean = fmean(values)
    deviation = math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))
    return [mean + z * deviation for z in Z]


def changes(before: Edition, after: Edition) -> Iterator[str]:
    """A line for each population that came, went, or changed, and for each model whose stars moved."""
    old = {each.conditions: each for each in before.populations}
    new = {each.conditions: each for each in after.populations}
    for each in after.populations:
        if each.conditions not in old:
            yield f"{title(each.conditions)}: new, {len(each.entries)} models of {each.families} families."
    for each in before.populations:
        if each.conditions not in new:
            yield f"{title(each.conditions)}: gone."
        elif new[each.conditions] != each:
            yield from _changed(each, new[each.conditions])


def title(conditions: Conditions) -> str:
    """A population in few words."""
    size = f" {conditions.size_class}" if conditions.size_class else ""
    return f"{conditions.task}{size} on {conditions.hardware}, {conditions.work}"


def _changed(old: Population, new: Population) -> Iterator[str]:
    before, after = set(old.entries), set(new.entries)
    name = title(old.conditions)
    if before != after:
        yield f"{name}: {len(after - before)} energies came, {len(before - after)} went."
    if old.cuts and new.cuts and old.cuts != new.cuts:
        moved = ", ".join(f"{math.log(b / a):+.1%}" for a, b in zip(old.cuts, new.cuts, strict=True))
        yield f"{name}: the cuts of 5, 4, 3 and 2 stars moved by {moved}, on ln."
    if bool(old.cuts) != bool(new.cuts):
        yield f"{name}: {'stars at last' if new.cuts else f'no stars any more: {new.reason}'}."
    for each in new.entries if old.cuts and new.cuts else ():
        was, now = (stars(each.wh_per_1000.mid, cuts) for cuts in (old.cuts or (), new.cuts or ()))
        if each in before and was != now:
            yield f"{name}: {each.model} has {now} stars, had {was}."


def _near(cuts: Sequence[float], before: Sequence[float], most: float) -> tuple[float, ...]:
    pairs = zip(cuts, before, strict=True)
    return tuple(old * math.exp(min(max(math.log(new / old), -most), most)) for new, old in pairs)


def _range(population: Population) -> float:
    energies = [entry.wh_per_1000.mid for entry in population.entries if entry.model not in population.removed]
    return math.log(max(energies) / min(energies))


def _years(before: str, after: str) -> float:
    """Between two editions, from their names."""
    try:
        first, second = (date.fromisoformat(name if len(name) > 7 else f"{name}-01") for name in (before, after))
    except ValueError as error:
        message = f"An edition is named by its date, such as 2026-12 or 2026-12-01, not {before!r} and {after!r}."
        raise UsageError(message) from error
    if second <= first:
        raise UsageError(f"The edition {after} is not later than {before}.", ["name it by its date"])
    return (second - first).days / 365.25
