"""The columns of a leaderboard, for the table, the downloads and the scripts alike: each is said once, here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from wattstar.publishing.site.board import Group, Row

SCHEMA = 1
"""Of the columnar JSON."""


@dataclass(frozen=True)
class Column:
    """One fact of every row."""

    name: str
    """In data files, with its unit."""
    label: str
    kind: str
    """How it is drawn and sorted: ``text``, ``model``, ``stars``, ``energy``, ``count``, ``seconds``, ``number``
    (three digits), ``whole``, ``rank``, ``flag``."""
    of: Callable[[Row], Any]
    help: str
    shown: bool = False
    """From the start; the others can be picked."""
    facet: bool = False
    """Rows can be filtered by its values."""
    listed: bool = True
    """In the table; else only in data."""
    digits: int = 5
    """Significant ones of a fraction in data: more than is measured, a third of the bytes of all that a float has."""


def _span(row: Row, end: int) -> int | None:
    return row.rating.span[end] if row.rating.span else None


def _rank(row: Row, end: int) -> int | None:
    return row.rating.rank[end] if row.rating.rank else None


COLUMNS: tuple[Column, ...] = (
    Column("id", "Row", "text", lambda row: row.id, "Of the published figure, or the first digits of the record's id",
           listed=False),
    Column("rank", "Place", "rank", lambda row: _rank(row, 0),
           "Places are ranges: models whose difference is not shown share them", shown=True),
    Column("rank_to", "Worst place", "whole", lambda row: _rank(row, 1), "The worst place it can have", listed=False),
    Column("model", "Model", "model", lambda row: row.model, "As its publisher names it", shown=True),
    Column("stars", "Stars", "stars", lambda row: row.rating.stars, "Five for the least energy", shown=True),
    Column("stars_from", "Least stars", "whole", lambda row: _span(row, 0), "Where two are likely", listed=False),
    Column("stars_to", "Most stars", "whole", lambda row: _span(row, 1), "Where two are likely", listed=False),
    Column("standing", "Standing", "text", lambda row: str(row.rating.standing), "Of the stars", listed=False),
    Column("wh_per_1000_queries", "Wh per 1,000 queries", "energy", lambda row: row.wh_per_1000.mid,
           "Gross; the line is its 95 % interval, or, dashed, an estimate's plausible range", shown=True),
    Column("wh_low", "from", "number", lambda row: row.wh_per_1000.low, "95 % interval", listed=False),
    Column("wh_high", "to", "number", lambda row: row.wh_per_1000.high, "95 % interval", listed=False),
    Column("plausible_low_wh", "plausibly from", "number", lambda row: row.plausible.low if row.plausible else None,
           "A range, not 95 %", listed=False),
    Column("plausible_high_wh", "plausibly to", "number", lambda row: row.plausible.high if row.plausible else None,
           "A range, not 95 %", listed=False),
    Column("quality", "Quality", "number", lambda row: row.quality, "On the same queries", shown=True, digits=4),
    Column("parameters", "Parameters", "count", lambda row: row.parameters, "As loaded", shown=True),
    Column("seconds_per_query", "Time per query", "seconds", lambda row: row.seconds, "Mean", shown=True, digits=4),
    Column("hardware", "Hardware", "text", lambda row: row.hardware, "Where it ran", facet=True),
    Column("precision", "Precision", "text", lambda row: row.precision, "Of weights and arithmetic",
           shown=True, facet=True),
    Column("engine", "Engine", "text", lambda row: row.engine, "What served it", facet=True),
    Column("batch", "Batch", "whole", lambda row: row.batch, "Queries served together"),
    Column("approach", "Approach", "text", lambda row: row.approach, "Trained for it, or asked in words", facet=True),
    Column("weights", "Weights", "text", lambda row: row.weights, "random: true size, no knowledge", facet=True),
    Column("method", "Energy", "text", lambda row: measured(row), "Measured, or estimated", facet=True),
    Column("passes", "Passes", "whole", lambda row: row.passes, "Counted; what the interval is of"),
    Column("pilot_passes", "Pilot passes", "whole", lambda row: row.pilot, "Their scatter gives the interval",
           listed=False),
    Column("machine", "Machine", "text", lambda row: row.machine, "Tells two machines of a kind apart", listed=False),
    Column("licence", "Licence", "text", lambda row: row.licence, "Of the model", facet=True),
    Column("status", "Status", "text", lambda row: row.status, "Who stands for the figure", shown=True, facet=True),
    Column("date", "Date", "text", lambda row: row.date, "Of the measurement"),
    Column("published_stars", "Stars as published", "whole", lambda row: row.published_stars,
           "By their source's own rule"),
    Column("family", "Family", "text", lambda row: row.family, "Base model, else publisher"),
    Column("record", "Record", "flag", lambda row: row.record, "Of the given stores, where id names it", listed=False),
    Column("source", "Source", "text", lambda row: None if row.record else row.source, "Where it was published",
           listed=False),
    Column("doubts", "Doubts", "text", lambda row: " ".join(row.doubts) or None, "Against it", listed=False),
)  # fmt: skip


def measured(row: Row) -> str:
    """``measured`` or ``estimated``; a figure published elsewhere was measured there."""
    return "estimated" if row.method == "modelled" else "measured"


def columnar(rows: Sequence[Row]) -> dict[str, list[Any]]:
    """Column → values, row by row; unknown is None, fractions have the column's ``digits``."""
    return {column.name: [_short(column.of(row), column.digits) for row in rows] for column in COLUMNS}


def _short(value: Any, digits: int) -> Any:
    return float(f"{value:.{digits}g}") if isinstance(value, float) else value


def known(group: Group) -> list[Column]:
    """Those of which at least one row of the group knows something, in order."""
    return [column for column in COLUMNS if any(column.of(row) is not None for row in group.rows)]
