"""What a figure means per piece of work: a query, a token, an image, a second of audio."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from wattstar.types import Figure, Interval, Record

JOULES_PER_WATT_HOUR = 3600.0
COUNTED: Mapping[str, tuple[str, float]] = {
    "input token": ("tokens_in", 1.0),
    "output token": ("tokens_out", 1.0),
    "image": ("images", 1.0),
    "second of audio": ("audio_milliseconds", 1e-3),
}
"""Piece of work → what backends count of it (``Output.counts``), and how much of the piece one count is."""


@dataclass(frozen=True)
class PerUnit:
    """The rated gross energy, all phases together, over the pieces of work of one kind."""

    unit: str
    joules: Interval
    """Of one piece; as sure as the figure is, relatively: the work of the same samples is the same in every pass."""
    per_query: float
    """So many pieces a query."""


def queries(record: Record) -> int:
    """That were counted, in all passes."""
    return sum(counted.queries for counted in record.passes)


def seconds(record: Record) -> float:
    """Of the counted passes."""
    windows = [window for counted in record.passes for window in counted.windows or (counted.window,)]
    return sum(window.end - window.begin for window in windows) / 1e9


def seconds_per_query(record: Record) -> float:
    """Mean over the counted passes; at least one must be there."""
    return seconds(record) / queries(record)


def per_unit(record: Record) -> tuple[PerUnit, ...]:
    """A query first, then what was counted of it; nothing where the record has no figure."""
    made = next((figure for figure in record.figures if figure.boundary is record.rated), None)
    asked = queries(record)
    if made is None or not asked:
        return ()
    numbers = {"query": 1.0}
    for unit, (name, size) in COUNTED.items():
        number = sum(counted.counts.get(name, 0) for counted in record.passes) * size / asked
        # What some backend did not count is unknown, not nothing.
        if number and all(name in counted.counts for counted in record.passes):
            numbers[unit] = number
    return tuple(PerUnit(unit, _joules(made, number), number) for unit, number in numbers.items())


def _joules(made: Figure, per_query: float) -> Interval:
    scale = JOULES_PER_WATT_HOUR / 1000.0 / per_query
    whole = made.wh_per_1000
    low, high = (None if end is None else end * scale for end in (whole.low, whole.high))
    return Interval(low, whole.mid * scale, high)
