"""Stores and editions → ``Board``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from wattstar import registry
from wattstar.publishing.site import text, words
from wattstar.publishing.site.board import Board, Field, Group, Kept, Row
from wattstar.rating.placing import Placed, placed
from wattstar.rating.populations import figure
from wattstar.rating.ranks import ranks
from wattstar.rating.schemes import STANDARD
from wattstar.rating.stars import stars
from wattstar.records.store import Store
from wattstar.types import (
    Conditions,
    Edition,
    Entry,
    Population,
    Rating,
    Record,
    Standing,
)


def gather(stores: Iterable[Store], editions: Sequence[Edition]) -> Board:
    """All that the stores and editions hold; damaged records are named in ``Board.problems``, not dropped."""
    records: dict[str, Kept] = {}
    problems: dict[str, str] = {}
    for store in stores:
        for entry in store.entries():
            if entry.record is None:
                problems[entry.id] = entry.problem or "it cannot be read"
            else:
                records.setdefault(entry.id, Kept(entry.record, store))
    newest = tuple(sorted(editions, key=lambda edition: edition.name, reverse=True))
    groups = [*published(newest[0] if newest else None), *own(records, newest[0] if newest else None)]
    return Board(_fields(groups), newest, dict(sorted(records.items())), problems)


def _fields(groups: Sequence[Group]) -> tuple[Field, ...]:
    """The ten tasks, whether or not anything is known of them, then those that only other machines know."""
    # In the order in which they are described: what most people look for comes first.
    described = list(words.words())
    known = sorted(
        registry.plug_ins("tasks"), key=lambda name: (described.index(name) if name in described else 99, name)
    )
    names = [*known, *sorted({group.task for group in groups} - set(known))]
    return tuple(Field(name, title(name), tuple(group for group in groups if group.task == name)) for name in names)


def title(task: str) -> str:
    """In plain words; the name itself where no such plug-in is installed."""
    return registry.task(task).title if task in registry.plug_ins("tasks") else task.replace("-", " ")


def published(edition: Edition | None) -> list[Group]:
    """The populations of an edition, what others measured: the largest first, classes of one kind together."""
    if edition is None:
        return []
    sizes: dict[Conditions, int] = {}
    for population in edition.populations:
        kind = _kind(population)
        sizes[kind] = max(sizes.get(kind, 0), len(population.entries))
    order = sorted(
        edition.populations,
        key=lambda each: (-sizes[_kind(each)], str(_kind(each)), each.conditions.size_class or ""),
    )
    return [_published(edition, population) for population in order]


def _kind(population: Population) -> Conditions:
    """What populations share that differ in their size class alone."""
    return replace(population.conditions, size_class=None)


def _published(edition: Edition, population: Population) -> Group:
    conditions = population.conditions
    dates = [entry.date for entry in population.entries]
    found = ranks([entry.wh_per_1000 for entry in population.entries])
    rows = tuple(
        _published_row(edition, population, entry, place)
        for entry, place in zip(population.entries, found, strict=True)
    )
    slug = text.slug(f"{conditions.size_class or ''} {conditions.work} {conditions}")
    return Group(
        conditions.task,
        slug,
        named(conditions, " to ".join(sorted({min(dates), max(dates)}))),
        population,
        edition,
        rows,
    )


def named(conditions: Conditions, date: str = "") -> str:
    """In a few words, what sets it apart from other groups of its task."""
    work = conditions.work.removeprefix("batch size 1").removeprefix(", ")
    return text.capital(", ".join(word for word in (work, date) if word) or conditions.hardware)


def _published_row(edition: Edition, population: Population, entry: Entry, place: tuple[int, int] | None) -> Row:
    earned = None if population.cuts is None else stars(entry.wh_per_1000.mid, population.cuts)
    name = text.slug(f"{entry.model} {entry.source} {entry.wh_per_1000.mid} {population.conditions}")
    rating = Rating(
        record=name,
        model=entry.model,
        wh_per_1000=entry.wh_per_1000,
        stars=earned,
        chances=None,
        span=None if earned is None else (earned, earned),
        rank=place,
        standing=Standing.INDICATIVE if edition.foreign else Standing.OFFICIAL,
        reasons=(population.reason,) if population.reason else (),
        edition=edition.name,
        scheme=STANDARD,
    )
    return Row(
        id=name,
        model=entry.model,
        family=entry.family,
        wh_per_1000=entry.wh_per_1000,
        rating=rating,
        date=entry.date,
        hardware=population.conditions.hardware,
        source=entry.source,
        record=False,
        doubts=entry.doubts,
        published_stars=entry.published_stars,
    )


def own(records: Mapping[str, Kept], edition: Edition | None) -> list[Group]:
    """The stores' records by what may be compared, most models first; starred by the edition where it can, else by
    each other."""
    members = [(name, kept.record) for name, kept in records.items()]
    by_edition = {each.conditions: each for each in placed(members, edition)} if edition else {}
    found = []
    for alone in placed(members):
        rated = by_edition.get(alone.conditions)
        if rated and rated.population and any(rating.stars for rating in rated.ratings):
            found.append(_own(rated, rated.population, records, edition))
        elif alone.population:
            found.append(_own(alone, alone.population, records, None))
    return sorted(found, key=lambda group: (-len(group.rows), str(group.population.conditions)))


def _own(made: Placed, population: Population, records: Mapping[str, Kept], edition: Edition | None) -> Group:
    conditions = made.conditions
    known = [(rating, records[rating.record].record) for rating in made.ratings]
    qualities = {(q.name, q.higher_is_better) for _, record in known if (q := record.quality)}
    name, higher = qualities.pop() if len(qualities) == 1 else (None, True)
    rows = tuple(_own_row(conditions.hardware, rating, record, name) for rating, record in known)
    slug = text.slug(f"{conditions.hardware} {conditions.work} {conditions}")
    return Group(conditions.task, slug, conditions.hardware, population, edition, rows, name, higher, own=conditions)


def _own_row(hardware: str, rating: Rating, record: Record, quality: str | None) -> Row:
    made = figure(record)
    assert made is not None, "only records with a figure are rated"
    job = record.job
    return Row(
        id=rating.record,
        model=job.model.id,
        family=job.model.family or job.model.id,
        wh_per_1000=made.wh_per_1000,
        rating=rating,
        date=record.started[:10],
        hardware=hardware,
        source=rating.record,
        record=True,
        plausible=made.plausible,
        method=made.method,
        quality=record.quality.value if record.quality and quality else None,
        parameters=record.loaded.parameters if record.loaded else None,
        precision=" ".join(word for word in (job.model.dtype, job.model.quantization) if word),
        engine=job.backend,
        approach=str(job.model.approach),
        weights=str(job.model.weights),
        batch=job.controls.batch_size,
        seconds=_seconds(record),
        status="self-reported",
        doubts=tuple(finding.message for finding in record.findings),
    )


def _seconds(record: Record) -> float | None:
    """Mean time of a query over the counted passes."""
    windows = [window for counted in record.passes for window in counted.windows or (counted.window,)]
    queries = sum(counted.queries for counted in record.passes)
    return sum(window.end - window.begin for window in windows) / 1e9 / queries if queries else None
