"""Stores and editions → ``Board``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from wattstar import registry
from wattstar.publishing.site import text
from wattstar.publishing.site.board import Board, Field, Group, Kept, Row
from wattstar.rating import populations, rate
from wattstar.rating.populations import figure
from wattstar.records.store import Store
from wattstar.types import Edition, Entry, Interval, Population, Rating, Record, Standing, Weights


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
    groups = [*published(newest[:1]), *own(records)]
    return Board(_fields(groups), newest, dict(sorted(records.items())), problems)


def _fields(groups: Sequence[Group]) -> tuple[Field, ...]:
    """The ten tasks, whether or not anything is known of them, then those that only other machines know."""
    known = list(registry.plug_ins("tasks"))
    names = [*known, *sorted({group.task for group in groups} - set(known))]
    return tuple(Field(name, title(name), tuple(group for group in groups if group.task == name)) for name in names)


def title(task: str) -> str:
    """In plain words; the name itself where no such plug-in is installed."""
    return registry.task(task).title if task in registry.plug_ins("tasks") else task.replace("-", " ")


def published(editions: Sequence[Edition]) -> list[Group]:
    """The populations of editions: what others measured and published."""
    found = [(edition, population) for edition in editions for population in edition.populations]
    found.sort(key=lambda pair: (-len(pair[1].entries), str(pair[1].conditions)))
    return [_published(edition, population) for edition, population in found]


def _published(edition: Edition, population: Population) -> Group:
    conditions = population.conditions
    size = f"class {conditions.size_class}" if conditions.size_class else ""
    name = " · ".join(word for word in (conditions.hardware, size, population.entries[0].date) if word)
    slug = text.slug(f"{edition.name} {name} {conditions.work} {conditions.procedure}")
    rows = [_published_row(edition, population, entry, number) for number, entry in enumerate(population.entries)]
    return Group(conditions.task, slug, name, population, edition, tuple(rows))


def _published_row(edition: Edition, population: Population, entry: Entry, place: int) -> Row:
    stars = None if population.cuts is None else 5 - sum(entry.wh_per_1000.mid > cut for cut in population.cuts)
    name = text.slug(f"{entry.model} {place} {population.conditions}")
    rating = Rating(
        record=name,
        model=entry.model,
        wh_per_1000=entry.wh_per_1000,
        stars=stars,
        chances=None,
        span=None if stars is None else (stars, stars),
        rank=(place + 1, place + 1),
        standing=Standing.INDICATIVE if edition.foreign else Standing.OFFICIAL,
        reasons=(population.reason,) if population.reason else (),
        edition=edition.name,
        scheme="deviation",
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


def own(records: Mapping[str, Kept]) -> list[Group]:
    """The populations of the stores' records, those with the most models first."""
    found = [
        (population, rate(population, members), dict(members))
        for population, members in populations((name, kept.record) for name, kept in records.items())
    ]
    found.sort(key=lambda one: (-len(one[1]), str(one[0].conditions)))
    return [_own(*one) for one in found]


def _own(population: Population, ratings: Sequence[Rating], members: Mapping[str, Record]) -> Group:
    conditions = population.conditions
    qualities = {(q.name, q.higher_is_better) for record in members.values() if (q := record.quality)}
    name, higher = qualities.pop() if len(qualities) == 1 else (None, True)
    slug = text.slug(f"{conditions.hardware} {conditions}")
    rows = tuple(_own_row(conditions.hardware, rating, members[rating.record], name) for rating in ratings)
    return Group(conditions.task, slug, conditions.hardware, population, None, rows, name, higher)


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
        status="random weights" if job.model.weights is Weights.RANDOM else "self-reported",
        doubts=tuple(finding.message for finding in record.findings),
    )


def _seconds(record: Record) -> float | None:
    """Mean time of a query over the counted passes."""
    windows = [window for counted in record.passes for window in counted.windows or (counted.window,)]
    queries = sum(counted.queries for counted in record.passes)
    return sum(window.end - window.begin for window in windows) / 1e9 / queries if queries else None


def best(rows: Sequence[Row]) -> Row:
    """The one that takes the least energy."""
    return min(rows, key=lambda row: row.wh_per_1000.mid)


def extremes(rows: Sequence[Row]) -> Interval:
    """Least, middle and most energy."""
    energies = sorted(row.wh_per_1000.mid for row in rows)
    return Interval(energies[0], energies[len(energies) // 2], energies[-1])
