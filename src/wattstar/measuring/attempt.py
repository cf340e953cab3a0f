"""What is known of one attempt at a job, and where in time its parts lie."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from wattstar import registry, testsets
from wattstar.measuring import phase_gates
from wattstar.measuring.room import Around
from wattstar.measuring.timeline import Domain, readings
from wattstar.types import (
    Block,
    Environment,
    Failure,
    Job,
    Mark,
    Observation,
    Pass,
    Procedure,
    Sampling,
    SensorProfile,
    Sitting,
    Status,
    Timeline,
    WarmUp,
    Window,
)

IDLE = ("idle_before", "idle_after")
STAGES = ("load", "preprocess", "idle_before", "warm_up", phase_gates.FIRST, "idle_after")


@dataclass
class Attempt:
    """What is known so far."""

    job: Job
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    began: float = field(default_factory=time.monotonic)
    marks: list[Mark] = field(default_factory=list)
    passes: list[Pass] = field(default_factory=list)
    late: list[tuple[int, str]] = field(default_factory=list)
    rows: list[Mapping[str, Any]] = field(default_factory=list)
    done: Mapping[str, Any] | None = None
    failure: Failure | None = None
    timelines: Sequence[Timeline] = ()
    states: Sequence[Observation] = ()
    sampling: Sampling | None = None
    profiles: tuple[SensorProfile, ...] = ()
    warm_up: WarmUp | None = None
    subset: testsets.Subset | None = None
    """The samples that stand for all, where a part of them does."""
    caveats: Mapping[tuple[str, str], str] = field(default_factory=dict)
    left_out: Sequence[str] = ()
    """What is on the machine and was not read."""
    environment: Environment | None = None
    sitting: Sitting | None = None
    around: Around = field(default_factory=Around)

    @property
    def status(self) -> Status:
        """Complete only if the worker said its last word."""
        if self.failure and self.failure.reason == "interrupted":
            return Status.INTERRUPTED
        return Status.COMPLETE if self.done else Status.FAILED


def served(procedure: Procedure) -> int:
    """How many samples are served in a pass, once."""
    return procedure.samples if procedure.subset is None else procedure.subset


def subset_of(job: Job) -> testsets.Subset | None:
    """The samples that stand for all, where a part of them does."""
    if job.procedure.subset is None:
        return None
    task = registry.task(job.task)
    rows = testsets.load(task, job.procedure.edition, job.procedure.samples)
    return testsets.draw(rows.samples, task, job.controls, job.procedure.subset)


def blocks_of(marks: Sequence[Mark], told: Sequence[Mapping[str, Any]], domains: Sequence[Domain]) -> tuple[Block, ...]:
    """The parts of a pass: edge to edge inside each counted window; ``told`` by the worker.

    ``told``: of each the place of its ``first`` batch, its ``queries`` and their mean ``work``.
    """
    begins = {mark.batch: mark.time for mark in marks if mark.name == "batch"}
    edges = [begins[each["first"]] for each in told]
    found = []
    for whole in counted_windows(marks):
        inside = [moment for moment in edges if whole.begin <= moment < whole.end]
        found += [Window(begin, end) for begin, end in pairwise([whole.begin, *inside[1:], whole.end])]
    return tuple(
        Block(window, each["queries"], readings(domains, [window]), each["work"])
        for window, each in zip(found, told, strict=True)
    )


def counted_windows(marks: Sequence[Mark]) -> list[Window]:
    """Of the marks of one pass: its parts where the samples were on the device in turns, else all of it."""
    return windows_of(marks, "window") or [window_of(marks, "pass")]


def windows_of(marks: Sequence[Mark], name: str) -> list[Window]:
    """All windows of this name that have ended, in order."""
    begins = [mark.time for mark in marks if mark.name == name]
    ends = [mark.time for mark in marks if mark.name == name + "_end"]
    return [Window(begin, end) for begin, end in zip(begins, ends, strict=False)]


def window_of(marks: Sequence[Mark], name: str) -> Window:
    """From the mark of this name to the one that ends it."""
    begin = next(mark.time for mark in marks if mark.name == name)
    end = next(mark.time for mark in marks if mark.name == name + "_end")
    return Window(begin, end)


def span(marks: Sequence[Mark]) -> float:
    """Seconds from the first to the last; a simulated world may be ahead of the clock on the wall."""
    times = [mark.time for mark in marks]
    return (max(times) - min(times)) / 1e9 if times else 0.0
