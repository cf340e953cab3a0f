"""What programs get of the board: columnar JSON and its schema. A download of a page's view is such a document too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wattstar.publishing.site import paths, text
from wattstar.publishing.site.board import Board, Field, Group, Row
from wattstar.publishing.site.columns import COLUMNS, SCHEMA, Column, columnar
from wattstar.publishing.site.page import Options

KINDS = {
    **dict.fromkeys(("text", "model"), "string"),
    **dict.fromkeys(("rank", "stars", "count", "whole"), "integer"),
    "flag": "boolean",
}
"""Kinds of columns whose values are no fractions, and what JSON Schema calls them."""


def kind(column: Column) -> str:
    """Of its values, as JSON Schema says it."""
    return KINDS.get(column.kind, "number")


def index(board: Board, options: Options) -> dict[str, Any]:
    """Where everything lies; paths are below the site's own folder."""
    return {
        "schema": SCHEMA,
        "title": options.title,
        "editions": [
            {"name": one.name, "title": one.title, "foreign": one.foreign, "changes": list(one.changes)}
            for one in board.editions
        ],
        "files": {"schema": paths.SCHEMA, "parquet": paths.PARQUET, "feed": paths.FEED},
        "tasks": [
            {
                "task": field.task,
                "title": field.title,
                "data": paths.data(field.task),
                "page": paths.task(field),
                "groups": len(field.groups),
                "rows": sum(len(group.rows) for group in field.groups),
            }
            for field in board.fields
        ],
    }


def task(field: Field) -> dict[str, Any]:
    """All that is known of a task: one group for each set of conditions under which rows compare."""
    return {
        "schema": SCHEMA,
        "task": field.task,
        "title": field.title,
        "groups": [{**about(field, group), "columns": columnar(group.rows)} for group in field.groups],
    }


def about(field: Field, group: Group) -> dict[str, Any]:
    """A group without its rows: no number stands without these."""
    conditions, population, edition = group.conditions, group.population, group.edition
    return {
        "group": group.slug,
        "name": group.name,
        "page": paths.task(field, group),
        "given_stores": group.own is not None,
        "conditions": {
            "size_class": conditions.size_class,
            "hardware": conditions.hardware,
            "boundary": str(conditions.boundary),
            "method": conditions.method,
            "work": conditions.work,
            "procedure": conditions.procedure,
        },
        "stars": {
            "edition": edition.name if edition else None,
            "foreign": edition.foreign if edition else None,
            "grade": str(population.grade),
            "families": population.families,
            "cuts_wh": list(population.cuts) if population.cuts else None,
            "reason": population.reason,
            "removed": list(population.removed),
            "doubts": list(population.doubts),
        },
        "quality": {"name": group.quality_name, "higher_is_better": group.higher_is_better}
        if group.quality_name
        else None,
    }


def width(row: Row) -> str:
    """How sure its energy is: ``± 1.4 %``, or of an estimate ``×/÷ 2``, the range that it is plausibly in."""
    if row.plausible is None or not row.plausible.low:
        return text.half_width(row.wh_per_1000)
    return f"×/÷ {text.number(row.plausible.mid / row.plausible.low).removesuffix('.00')}"


def schema() -> Mapping[str, Any]:
    """Of a task's document, as JSON Schema 2020-12."""
    word, words, maybe = {"type": "string"}, _list({"type": "string"}), {"type": ["string", "null"]}
    number = {"type": "number", "exclusiveMinimum": 0}
    conditions = {name: word for name in ("hardware", "boundary", "method", "work", "procedure")}
    stars = {
        "edition": maybe,
        "foreign": {**maybe, "description": "The procedure or tool whose figures made the cuts; null: wattstar's own."},
        "grade": word,
        "families": {"type": "integer", "minimum": 0},
        "cuts_wh": {"anyOf": [_list(number), {"type": "null"}],
                    "description": "Upper Wh per 1,000 queries of 5, 4, 3 and 2 stars."},
        "reason": {**maybe, "description": "Why there are no stars."},
        "removed": words,
        "doubts": words,
    }  # fmt: skip
    columns = {
        column.name: {**_list({"type": [kind(column), "null"]}), "description": _about(column)} for column in COLUMNS
    }
    columns["wh_per_1000_queries"]["items"] = number
    group = {
        "group": word,
        "name": word,
        "page": {**word, "description": "Path below the site's own folder."},
        "given_stores": {"type": "boolean", "description": "Whether the rows are records of the given stores."},
        "conditions": _object({**conditions, "size_class": maybe}),
        "stars": _object(stars),
        "quality": {"anyOf": [_object({"name": word, "higher_is_better": {"type": "boolean"}}), {"type": "null"}]},
        "columns": {**_object(columns), "description": "One list each, all as long; a place in them is a row."},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Energy of AI models for one task",
        "description": "Energies of two groups do not compare: something of their conditions differs.",
        **_object({"schema": {"const": SCHEMA}, "task": word, "title": word, "groups": _list(_object(group))}),
    }


def _about(column: Column) -> str:
    return f"{column.label}: {column.help}."


def _list(items: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": sorted(properties),
        "additionalProperties": False,
    }
