"""A page for every group of comparable rows of a task; the first group's is the task's own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from wattstar import registry
from wattstar.publishing.grids import INTENSITY_SOURCE, grids
from wattstar.publishing.site import document, paths, words
from wattstar.publishing.site.axis import Axis, around
from wattstar.publishing.site.board import Board, Field, Group, Row
from wattstar.publishing.site.columns import COLUMNS, SCHEMA, Column, columnar, known
from wattstar.publishing.site.page import Options, Page
from wattstar.publishing.site.text import capital, number, parts
from wattstar.rating.populations import work
from wattstar.testsets.recipe import DataSource, planned, recipe
from wattstar.types import Boundary

BOUNDARIES = {
    Boundary.GPU: "energy of the graphics card",
    Boundary.CPU_DRAM: "energy of processor and memory",
    Boundary.GPU_CPU_DRAM: "energy of graphics card, processor and memory",
    Boundary.SYSTEM: "energy of the whole machine",
}


@dataclass(frozen=True)
class Zone:
    """Where on the axis so many stars are given, in per cent of its length."""

    stars: int
    begin: float
    width: float

    @property
    def middle(self) -> float:
        """For the word above it."""
        return round(self.begin + self.width / 2, 2)


def pages(board: Board, options: Options) -> Iterator[Page]:
    """Of every task, also of those of which nothing is known yet."""
    for field in board.fields:
        for group in field.groups or (None,):
            yield _page(board, field, group, options)


def _page(board: Board, field: Field, group: Group | None, options: Options) -> Page:
    title = capital(field.title)
    return Page(
        path=paths.task(field, group),
        kind="task",
        title=title if group is None or group is field.groups[0] else f"{title} · {group.name}{_class(group)}",
        description=f"The energy that models take for {field.title}: a thousand queries each, and how sure it is.",
        context={
            "field": field,
            "group": group,
            "words": words.of(field.task),
            "standard": _standard(field.task),
            "sources": _sources(field.task),
            "kinds": kinds(field),
            **(_of_group(group) if group else {}),
        },
        data=None if group is None else data(field, group, options),
    )


def _class(group: Group) -> str:
    return f" · class {group.conditions.size_class}" if group.conditions.size_class else ""


def _of_group(group: Group) -> dict[str, Any]:
    axis = around(group.rows)
    cuts = group.population.cuts
    columns = [column for column in known(group) if column.listed]
    return {
        "axis": axis,
        "ticks": axis.ticks,
        "cuts": cuts,
        "zones": zones(axis, cuts) if cuts else [],
        "places": max(len(parts(row.wh_per_1000.mid)[1]) for row in group.rows),
        "shortly": shortly(group.rows),
        "columns": columns,
        "boundary_words": BOUNDARIES[group.conditions.boundary],
        "estimated": _estimated(group.rows),
        "bare": all(row.wh_per_1000.high is None and row.plausible is None for row in group.rows),
    }


def kinds(field: Field) -> list[tuple[Group, list[tuple[str, Group]]]]:
    """The groups with their pages; those that differ in their size class alone together, after the first of them."""
    found: dict[object, list[tuple[str, Group]]] = {}
    for group in field.groups:
        kind = (group.own is None, replace(group.conditions, size_class=None))
        found.setdefault(kind, []).append((paths.task(field, group), group))
    return [(members[0][1], members) for members in found.values()]


def zones(axis: Axis, cuts: Sequence[float]) -> list[Zone]:
    """The stars along the axis; those that it does not reach are left out."""
    edges = [0.0, *(axis.at(cut) for cut in cuts), 100.0]
    found = zip((5, 4, 3, 2, 1), edges[:-1], edges[1:], strict=True)
    return [Zone(stars, begin, round(end - begin, 2)) for stars, begin, end in found if end - begin > 0.01]


def shortly(rows: Sequence[Row]) -> list[tuple[str, Row]]:
    """The least energy, the one in the middle, and the most: of models that know something, where there are any."""
    useful = [row for row in rows if row.weights != "random"] or rows
    found = [("Least energy", useful[0])]
    if len(useful) > 2:
        found.append(("In the middle", useful[len(useful) // 2]))
    if len(useful) > 1:
        found.append(("Most energy", useful[-1]))
    return found


def _estimated(rows: Sequence[Row]) -> str | None:
    """``×/÷ 2`` of the widest plausible range; None where all were measured."""
    factors = [row.plausible.mid / row.plausible.low for row in rows if row.plausible and row.plausible.low]
    return f"×/÷ {number(max(factors)).removesuffix('.00')}" if factors else None


def _standard(task: str) -> str | None:
    return work(registry.task(task).controls) if task in registry.plug_ins("tasks") else None


@cache
def _sources(task: str) -> Sequence[DataSource]:
    """Of the standard test set, where the task has one."""
    editions = planned()
    if task not in registry.plug_ins("tasks") or not editions:
        return ()
    return recipe(editions[-1], registry.task(task).tag).sources


def _shape(column: Column) -> dict[str, Any]:
    """Of a column, all but what works out its values."""
    return {name: value for name, value in vars(column).items() if name != "of"}


def data(field: Field, group: Group, options: Options) -> dict[str, Any]:
    """What the script needs of a group."""
    conditions = group.conditions
    return {
        "schema": SCHEMA,
        "task": group.task,
        "title": field.title,
        "about": document.about(field, group),
        "group": group.slug,
        "name": group.name,
        "conditions": {
            "hardware": conditions.hardware,
            "boundary": str(conditions.boundary),
            "method": conditions.method,
            "work": conditions.work,
            "procedure": conditions.procedure,
            "class": conditions.size_class,
            "edition": group.edition.name if group.edition else None,
            "families": group.population.families,
        },
        "pageRows": options.page_rows,
        "cuts": group.population.cuts,
        "qualityName": group.quality_name,
        "higherIsBetter": group.higher_is_better,
        "models": {name: paths.model(name) for name in sorted({row.model for row in group.rows})},
        "compare": paths.COMPARE,
        "shape": [_shape(column) for column in COLUMNS],
        "columns": columnar(group.rows),
        "grids": {"source": INTENSITY_SOURCE, "known": [[each.name, each.g_co2e_per_kwh] for each in grids()]},
    }
