"""wattstar's own command, and what its record says."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.cost_of_a_rating.watch import Spent
from benchmarks.cost_of_a_rating.works import EDITION, Work

from wattstar.records.store import Store
from wattstar.records.tables import marks_from_parquet
from wattstar.types import Interval, Record

WATTSTAR = (sys.executable, "-P", "-c", "from wattstar.cli import main; main(prog_name='wattstar')")
MOST_REPEATS = 100_000
"""Of the samples in one pass; more than there can be."""


class NoRecord(Exception):
    """A command gave no figure."""


def words(work: Work, samples: int, store: Path) -> list[str]:
    """The command: the whole procedure with ``--quick``; without idling, as the other two measure no idle power."""
    command = ["run", "--task", work.task, "--model", work.model, "--device", "cpu", "--out", str(store)]
    more = ["--edition", EDITION, "--samples", str(samples), "--quick", "--idle-seconds", "0"]
    return [*WATTSTAR, *command, *more]


def stamps(store: Path, samples: int) -> list[tuple[int, int, int]]:
    """(place, begin, end) of every batch of the last record's passes; batches hold one sample each, in turn.

    Between two passes places are left out: what is done there is no part of a pass.
    """
    record = last(store)
    if record.marks is None:
        raise NoRecord(f"the record has no marks: {record.failure}")
    found: dict[int, dict[str, int]] = defaultdict(dict)
    for mark in marks_from_parquet(Store(store).table("marks", record.marks)):
        if mark.pass_index is not None and mark.batch is not None:
            found[mark.pass_index * samples * MOST_REPEATS + mark.batch][mark.name] = mark.time
    whole = {place: times for place, times in found.items() if "batch_end" in times}
    return [(place, times["batch"], times["batch_end"]) for place, times in sorted(whole.items())]


def found(store: Path, spent: Spent) -> dict[str, Any]:
    """Figure, interval and stages of the last record."""
    record = last(store)
    figure = next((made for made in record.figures if made.boundary == record.rated), None)
    if figure is None:
        raise NoRecord(f"no figure (exit code {spent.code}): {record.failure or record.findings}")
    begins = {stage.name: (stage.window.begin - spent.began) / 1e9 for stage in record.stages}
    seconds = {stage.name: (stage.window.end - stage.window.begin) / 1e9 for stage in record.stages}
    return {
        "samples": record.job.procedure.samples,
        "subset": record.job.procedure.subset,
        "served": [counted.queries for counted in record.passes],
        "wh_per_1000": _written(figure.wh_per_1000),
        "half_width": half_width(figure.wh_per_1000),
        "target_met": figure.target_met,
        "warm_up": _warm_up(record),
        "stages": seconds,
        "stage_begins": begins,
        "first_query_seconds": (record.passes[0].window.begin - spent.began) / 1e9,
        "pass_seconds": [(one.window.end - one.window.begin) / 1e9 for one in record.passes],
        "parent_share": record.sampling.parent_share if record.sampling else None,
        "sampling_share": record.sampling.cpu_share if record.sampling else None,
        "findings": [f"{finding.severity}: {finding.message}" for finding in record.findings],
    }


def last(store: Path) -> Record:
    """The newest record."""
    records = [record for _, record in Store(store).records()]
    if not records:
        raise NoRecord(f"no record in {store}")
    return records[-1]


def half_width(interval: Interval) -> float | None:
    """Of the mean; None where it is not known."""
    if interval.low is None or interval.high is None:
        return None
    return (interval.high - interval.low) / 2 / interval.mid


def _written(interval: Interval) -> Mapping[str, float | None]:
    return {"low": interval.low, "mid": interval.mid, "high": interval.high}


def _warm_up(record: Record) -> Mapping[str, Any] | None:
    made = record.warm_up
    return None if made is None else {"seconds": made.seconds, "rounds": made.rounds, "steady": made.steady}
