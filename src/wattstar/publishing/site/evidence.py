"""What lies beside a record in its store: the tables that its figures follow from, as drawings and as files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wattstar.errors import VerificationFailed
from wattstar.publishing.site.board import Kept
from wattstar.publishing.site.lanes import Lane, lanes
from wattstar.publishing.site.power import Chart, chart, whole
from wattstar.records.store import TABLES
from wattstar.records.tables import marks_from_parquet, timelines_from_parquet
from wattstar.types import Mark, Pass, Record, Timeline, Window

AROUND = 0.06
"""So much of a pass is drawn before and after it: what it lies in."""

DAMAGED = (
    "The timeline is not shown: its file is missing, was changed after it was written, or holds what no meter can "
    "have said. The figures of this record cannot be checked by it."
)


@dataclass(frozen=True)
class Drawn:
    """A record's power over time; or why there is none to be seen."""

    run: Chart | None
    counted: Pass | None
    """The pass whose energy is nearest to the mean."""
    close: Chart | None
    """It, and a little around it."""
    lanes: tuple[Lane, ...]
    missing: str | None


def drawn(kept: Kept) -> Drawn:
    """From the store's own files, which must be those that the record names."""
    record = kept.record
    if record.timelines is None:
        return Drawn(None, None, None, (), "This record has no timeline.")
    try:
        lines = timelines_from_parquet(kept.store.table("timelines", record.timelines))
        marks = marks_from_parquet(kept.store.table("marks", record.marks)) if record.marks else []
        return _drawn(record, lines, marks)
    except VerificationFailed:  # its words name folders of the machine that builds the site
        return Drawn(None, None, None, (), DAMAGED)


def _drawn(record: Record, lines: Sequence[Timeline], marks: Sequence[Mark]) -> Drawn:
    counted = typical(record)
    run = whole(record, lines)
    if counted is None or run is None:
        return Drawn(run, None, None, (), None if run else "No meter spoke twice.")
    air = round((counted.window.end - counted.window.begin) * AROUND)
    window = Window(counted.window.begin - air, counted.window.end + air)
    return Drawn(run, counted, chart(record, lines, window), tuple(lanes(record.job, counted, marks, window)), None)


def typical(record: Record) -> Pass | None:
    """The pass whose energy a query is nearest to the mean of all."""
    known = {each.index: joules_a_query(each) for each in record.passes if each.queries}
    mean = sum(known.values()) / len(known) if known else 0.0
    return min(
        (each for each in record.passes if each.index in known),
        key=lambda each: abs(known[each.index] - mean),
        default=None,
    )


def joules_a_query(counted: Pass) -> float:
    """Of all domains; for telling passes apart, not for a figure."""
    return sum(reading.joules for reading in counted.energy) / counted.queries


def tables(record: Record) -> Iterator[tuple[str, str]]:
    """Kind and digest of each table that the record names."""
    for kind in TABLES:
        digest = getattr(record, kind)
        if digest is not None:
            yield kind, digest
