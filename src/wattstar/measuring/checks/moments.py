"""When what happened: every pass, batch and stage lies where its marks say, inside the attempt, and in order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import pairwise

from wattstar.measuring.attempt import STAGES, counted_windows
from wattstar.measuring.evidence import Evidence
from wattstar.types import Mark, Pass, Window

TURN = ("window", "window_end")
"""Marks of a part of a pass, numbered like a batch."""


def marks(evidence: Evidence) -> Iterator[str]:
    """Time goes on from mark to mark, and each thing that began once has ended once."""
    if any(late.time < early.time for early, late in pairwise(evidence.marks)):
        early, late = next((a, b) for a, b in pairwise(evidence.marks) if b.time < a.time)
        yield f"the mark {_named(late)} lies before {_named(early)}, after which it was set"
    told = {counted.index for counted in evidence.record.passes}
    for name in STAGES:
        yield from _paired(name, [mark for mark in evidence.marks if mark.name in (name, name + "_end")])
    begun = {mark.pass_index for mark in evidence.marks if mark.name == "pass_end"} - {None}
    if complete(evidence) and begun != told:
        yield f"passes {_listed(begun)} were marked, passes {_listed(told)} are written"
    if [counted.index for counted in evidence.record.passes] != list(range(len(told))):
        yield "passes are not numbered 0, 1, 2, … in order"


def batches(evidence: Evidence) -> Iterator[str]:
    """In each pass lie all batches of all repeats, one after another."""
    for counted in evidence.record.passes:
        found = evidence.of(counted)
        yield from (f"pass {counted.index}: {words}" for words in _pass(counted, found))
        served, per_sweep = sum(mark.name == "batch" for mark in found), len(evidence.batches(counted))
        if served != counted.repeats * per_sweep:
            size = evidence.record.job.controls.batch_size
            yield (
                f"pass {counted.index}: {served} batches were marked; {counted.queries} queries in batches of {size}, "
                f"{counted.repeats} times over, are {counted.repeats * per_sweep}"
            )


def attempt(evidence: Evidence) -> Iterator[str]:
    """All of it happened within the seconds that the attempt took, one thing after another."""
    record = evidence.record
    try:
        if datetime.fromisoformat(record.started).tzinfo is None:
            yield f"{record.started} has no time zone"
    except ValueError:
        yield f"{record.started!r} is no time"
    times = [mark.time for mark in evidence.marks]
    span = (max(times) - min(times)) / 1e9 if times else 0.0
    if span > record.seconds:
        yield f"the marks span {span:.3f} s, the attempt took {record.seconds:.3f} s"
    windows = sorted(
        [*((f"pass {counted.index}", counted.window) for counted in record.passes),
         *((stage.name, stage.window) for stage in record.stages)],
        key=lambda named: named[1].begin,
    )  # fmt: skip
    yield from (f"{name} ends before it begins" for name, window in windows if window.end < window.begin)
    for (early, one), (late, other) in pairwise(windows):
        if other.begin < one.end:
            yield f"{late} begins before {early} has ended"


def complete(evidence: Evidence) -> bool:
    """Whether the worker said its last word."""
    return evidence.record.loaded is not None


def _pass(counted: Pass, found: Sequence[Mark]) -> Iterator[str]:
    """``found``: its marks."""
    if not {"pass", "pass_end"} <= {mark.name for mark in found}:
        yield "it does not begin and end"
        return
    yield from _paired("pass", [mark for mark in found if mark.batch is None])
    by_batch: dict[int, list[Mark]] = {}
    for mark in found:
        if mark.batch is not None and mark.name not in TURN:
            by_batch.setdefault(mark.batch, []).append(mark)
    if list(by_batch) != list(range(len(by_batch))):
        yield "its batches are not numbered 0, 1, 2, … in order"
    windows = {number: _window(of) for number, of in by_batch.items()}
    broken = [number for number, window in windows.items() if window is None]
    yield from (f"batch {number} does not begin and end once, its other marks between" for number in broken)
    turns = counted_windows(found)
    if any(late.begin < early.end for early, late in pairwise(turns)):
        yield "its windows overlap"
    yield from _disorder(turns, {number: window for number, window in windows.items() if window})


def _disorder(turns: Sequence[Window], windows: Mapping[int, Window]) -> Iterator[str]:
    for number, window in windows.items():
        if not any(turn.begin <= window.begin <= window.end <= turn.end for turn in turns):
            yield f"batch {number} does not lie inside it"
    for (early, one), (late, other) in pairwise(windows.items()):
        if other.begin < one.end:
            yield f"batch {late} begins before batch {early} has ended"


def _window(of: Sequence[Mark]) -> Window | None:
    """Of a batch's marks: from its begin, which is the first, to its end, which is the last."""
    names = [mark.name for mark in of]
    if names[0] != "batch" or names[-1] != "batch_end" or len(set(names)) < len(names):
        return None
    if any(late.time < early.time for early, late in pairwise(of)):
        return None
    return Window(of[0].time, of[-1].time)


def _paired(name: str, found: Sequence[Mark]) -> Iterator[str]:
    names = [mark.name for mark in found]
    if names not in ([], [name], [name, name + "_end"]):
        yield f"the marks of {name} are {', '.join(names)}"


def _named(mark: Mark) -> str:
    parts = [f"pass {mark.pass_index}"] * (mark.pass_index is not None) + [f"batch {mark.batch}"] * (
        mark.batch is not None
    )
    return f"{mark.name} ({', '.join(parts)})" if parts else mark.name


def _listed(indexes: object) -> str:
    assert isinstance(indexes, set)
    return ", ".join(map(str, sorted(indexes))) or "none"
