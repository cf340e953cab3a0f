"""A page for every record: all its figures, when power was drawn, under which circumstances, and how to check it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from wattstar.publishing.site import circumstances, evidence, labels, paths
from wattstar.publishing.site.board import Board, Field, Group, Kept, Row
from wattstar.publishing.site.commands import again
from wattstar.publishing.site.labels import Label
from wattstar.publishing.site.page import Options, Page
from wattstar.publishing.site.text import capital
from wattstar.rating.populations import figure
from wattstar.records.units import per_unit
from wattstar.types import Reading, Record, Severity, Window


@dataclass(frozen=True)
class Part:
    """A window of the run, in a line of a table."""

    name: str
    seconds: float
    queries: int | None
    foreign: float | None
    energy: Mapping[str, Reading]
    """Domain and meter → what was read."""
    bound: bool
    """Whether the readings' bounds are known to mean something: not of what is no counted pass."""


def pages(board: Board, options: Options) -> Iterator[Page]:
    """Of every undamaged one, invalid and failed ones too."""
    fields = {field.task: field for field in board.fields}
    rated = {row.source: (group, row) for group in board.groups for row in group.rows if row.record}
    drawings = labels.labels(board, options)
    for name, kept in board.records.items():
        yield _page(name, kept, rated.get(name), fields.get(kept.record.job.task), drawings.get(name))


def _page(name: str, kept: Kept, place: tuple[Group, Row] | None, field: Field | None, label: Label | None) -> Page:
    record = kept.record
    group, row = place or (None, None)
    return Page(
        path=paths.record(name),
        kind="record",
        title=f"{record.job.model.id} · record {name[:8]}",
        description=f"What was measured of {record.job.model.id} on {record.started[:10]}, and all that it rests on.",
        context={
            "id": name,
            "record": record,
            "group": group,
            "row": row,
            "field": field,
            "task_title": capital(field.title if field else record.job.task),
            "home": paths.task(field, group) if field else None,
            "figure": figure(record),
            "invalid": [each for each in record.findings if each.severity is Severity.INVALID],
            "units": per_unit(record),
            "label": label,
            "drawn": partial(evidence.drawn, kept),
            "parts": parts(record),
            "domains": domains(record),
            "phases": phases(record),
            "circumstances": circumstances.of(record),
            "again": again(record.job),
            "files": [("record, JSON", f"{paths.STORE}records/{name}.json"), *_tables(record)],
            "store": paths.STORE,
        },
    )


def _tables(record: Record) -> list[tuple[str, str]]:
    return [(f"{kind}, Parquet", f"{paths.STORE}{kind}/{digest}.parquet") for kind, digest in evidence.tables(record)]


def parts(record: Record) -> list[Part]:
    """The counted passes, then what was measured beside them."""
    passes = [
        Part(
            f"Pass {counted.index + 1}",
            sum(_seconds(window) for window in counted.windows or (counted.window,)),
            counted.queries,
            counted.foreign_cpu,
            _by_domain(counted.energy),
            True,
        )
        for counted in record.passes
    ]
    beside = [
        Part(capital(stage.name.replace("_", " ")), _seconds(stage.window), None, None, _by_domain(stage.energy), False)
        for stage in record.stages
    ]
    return passes + beside


def _seconds(window: Window) -> float:
    return (window.end - window.begin) / 1e9


def _by_domain(energy: tuple[Reading, ...]) -> dict[str, Reading]:
    return {f"{reading.domain} by {reading.meter}": reading for reading in energy}


def domains(record: Record) -> list[str]:
    """All that was read in some window, in the order in which it first was."""
    return list(dict.fromkeys(name for part in parts(record) for name in part.energy))


def phases(record: Record) -> list[dict[str, Any]]:
    """Where there are several: each of each domain, with its share of the time."""
    if len({each.name for each in record.phases}) < 2:
        return []
    whole: dict[str, float] = {}
    for each in record.phases:
        whole[each.domain] = whole.get(each.domain, 0.0) + each.seconds
    return [{"phase": each, "share": each.seconds / (whole[each.domain] or 1.0)} for each in record.phases]
