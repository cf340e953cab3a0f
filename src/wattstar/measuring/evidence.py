"""A record and its tables, read back from their files: what ``verify`` works everything out from again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from typing import Any

from wattstar.errors import VerificationFailed
from wattstar.measuring.attempt import Attempt, blocks_of, counted_windows, subset_of, windows_of
from wattstar.measuring.results import Results, results
from wattstar.measuring.room import Around
from wattstar.measuring.work import arranged
from wattstar.records import tables
from wattstar.records.store import Store
from wattstar.testsets import Subset
from wattstar.types import Mark, Observation, Pass, Record, Timeline


@dataclass(frozen=True)
class Row:
    """What is kept of one sample; see ``records.tables.SAMPLE``."""

    id: str
    source: str
    seconds: float
    counts: Mapping[str, int]
    output: Any
    target: Any


@dataclass(frozen=True)
class Arrangement:
    """Of one pass."""

    order: Sequence[int]
    """Place → batch of samples, as they lie in the samples table."""
    blocks: Sequence[range]
    """Places."""


@dataclass(frozen=True)
class Evidence:
    """What a record rests on."""

    record: Record
    timelines: Sequence[Timeline]
    marks: Sequence[Mark]
    states: Sequence[Observation]
    rows: Sequence[Row]
    partners: Sequence[Record] = ()
    """Of its sitting, as far as they are in the same store."""

    @cached_property
    def again(self) -> Results:
        """What follows from the tables, whatever is written of it; ``VerificationFailed`` where marks are missing."""
        record = self.record
        self._check_rounds()
        attempt = Attempt(
            job=record.job,
            marks=list(self.marks),
            passes=[self._told(counted) for counted in record.passes],
            rows=[vars(row) for row in self.rows],
            subset=self.subset,
            timelines=self.timelines,
            states=self.states,
            sampling=record.sampling,
            warm_up=record.warm_up,
            environment=record.environment,
            sitting=record.sitting,
            around=Around(before=record.environment.state if record.environment else {}),
        )
        return results(attempt)

    @cached_property
    def subset(self) -> Subset | None:
        """The samples that stand for all, where a part does; ``UnfitEnvironment`` where the test set is missing."""
        return subset_of(self.record.job)

    def of(self, counted: Pass) -> list[Mark]:
        """The marks of one pass."""
        return [mark for mark in self.marks if mark.pass_index == counted.index]

    def batches(self, counted: Pass) -> list[int]:
        """How many samples the batches of one sweep hold: all as many, the last one what is left.

        ``VerificationFailed`` where that is no work.
        """
        size = self.record.job.controls.batch_size
        if min(size, counted.repeats, counted.queries) < 1:
            words = f"{counted.queries} queries in batches of {size}, {counted.repeats} times over"
            raise VerificationFailed(f"pass {counted.index}: {words}, are no work")
        full, rest = divmod(counted.queries // counted.repeats, size)
        return [size] * full + [rest] * (rest > 0)

    def _check_rounds(self) -> None:
        """The warm-up was judged by all its rounds but the one that ran meanwhile."""
        if self.record.warm_up is None:
            return
        ended = len(windows_of(self.marks, "round"))
        judged, least = self.record.warm_up.rounds, ended - 1 if self.record.loaded else 1
        if not any(mark.name == "warm_up" for mark in self.marks) or not max(least, 1) <= judged <= ended:
            raise VerificationFailed(f"warm-up: {judged} rounds are written, {ended} were marked")

    def arrangement(self, counted: Pass) -> Arrangement:
        """Which batch was served in which place of a pass, from the windows that its marks lie in.

        ``VerificationFailed`` where marks are missing.
        """
        marks = self.of(counted)
        if not {"pass", "pass_end"} <= {mark.name for mark in marks}:
            raise VerificationFailed(f"pass {counted.index}: marks are missing")
        begun = [mark.time for mark in marks if mark.name == "batch"]
        windows = counted_windows(marks)
        order: list[int] = []
        blocks: list[range] = []
        before = 0
        for window in windows:
            count = sum(window.begin <= time < window.end for time in begun) // max(counted.repeats, 1)
            own, parts = arranged(count, counted.repeats, self.record.job.procedure, len(windows))
            blocks += [range(len(order) + part.start, len(order) + part.stop) for part in parts]
            order += [before + number for number in own]
            before += count
        if before != len(self.batches(counted)) or len(order) != len(begun):
            raise VerificationFailed(f"pass {counted.index}: its marks are not those of its queries")
        return Arrangement(order, blocks)

    def _told(self, counted: Pass) -> Pass:
        """The pass as its worker told it; where its blocks lie follows from its batches."""
        sizes, found = self.batches(counted), self.arrangement(counted)
        told = [
            {
                "first": block.start,
                "queries": sum(sizes[found.order[place]] for place in block),
                "work": self._work([found.order[place] for place in block], sizes),
            }
            for block in found.blocks
        ]
        return replace(counted, energy=(), blocks=blocks_of(self.of(counted), told, ()))

    def _work(self, batches: Sequence[int], sizes: Sequence[int]) -> float | None:
        """Mean of the samples in these batches, where a subset stands for all."""
        if self.subset is None:
            return None
        edges = list(accumulate(sizes, initial=0))
        rows = [row for batch in batches for row in self.rows[edges[batch] : edges[batch + 1]]]
        works = {sample.id: work for sample, work in zip(self.subset.samples, self.subset.works, strict=True)}
        known = [works[row.id] for row in rows if row.id in works]
        return sum(known) / len(known) if known else None


def gather(record: Record, store: Store) -> Evidence:
    """Read the record's tables; ``VerificationFailed`` names one that is missing, changed, or of other columns."""
    found = {kind: _table(record, kind, store) for kind in ("timelines", "marks", "states", "samples")}
    return Evidence(
        record,
        timelines=_read("timelines", tables.timelines_from_parquet, found),
        marks=_read("marks", tables.marks_from_parquet, found),
        states=_read("states", tables.states_from_parquet, found),
        rows=_read("samples", _rows, found),
        partners=_partners(record, store),
    )


def _partners(record: Record, store: Store) -> list[Record]:
    if record.sitting is None:
        return []
    return [
        other
        for _, other in store.records()
        if other.sitting and other.sitting.id == record.sitting.id and other.job_id != record.job_id
    ]


def _table(record: Record, kind: str, store: Store) -> bytes | None:
    name = getattr(record, kind)
    return None if name is None else store.table(kind, name)


def _read(kind: str, reader: Any, found: Mapping[str, bytes | None]) -> Any:
    data = found[kind]
    if data is None:
        return []
    try:
        return reader(data)
    except VerificationFailed as error:
        raise VerificationFailed(f"{kind}: {error.message}") from error


def _rows(data: bytes) -> list[Row]:
    return [_row(row) for row in tables.samples_from_parquet(data)]


def _row(row: Mapping[str, Any]) -> Row:
    try:
        parsed = {name: json.loads(row[name]) for name in ("counts", "output", "target")}
    except ValueError as error:
        raise VerificationFailed(f"sample {row['id']}: not JSON: {error}") from error
    if not isinstance(parsed["counts"], dict):
        raise VerificationFailed(f"sample {row['id']}: its counts are no table of numbers")
    return Row(**{**row, **parsed})
