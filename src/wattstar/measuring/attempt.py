"""What is known of one attempt at a job, and how it becomes a record."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import wattstar
from wattstar import registry, testsets
from wattstar.measuring import choosing, figures, gates, machine, net, phase_gates, phases, spoilers
from wattstar.measuring.queries import units
from wattstar.measuring.room import Around
from wattstar.measuring.timeline import Domain, best, readings
from wattstar.records import tables
from wattstar.records.codec import decode, job_id
from wattstar.records.store import Store
from wattstar.types import (
    SCHEMA_VERSION,
    Block,
    Failure,
    Figure,
    Finding,
    Job,
    Level,
    Loaded,
    Mark,
    Observation,
    Pass,
    PhaseEnergy,
    Procedure,
    Quality,
    Reading,
    Record,
    Sampling,
    SensorProfile,
    Stage,
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
    around: Around = field(default_factory=Around)

    @property
    def status(self) -> Status:
        """Complete only if the worker said its last word."""
        if self.failure and self.failure.reason == "interrupted":
            return Status.INTERRUPTED
        return Status.COMPLETE if self.done else Status.FAILED


def fold(attempt: Attempt, store: Store) -> Record:
    """Everything in one record, its tables written first."""
    done = attempt.done or {}
    stages = _stages(attempt)
    idle = net.rests(stages, [Domain(timeline) for timeline in attempt.timelines])
    made = net.with_net(figures_of(attempt), attempt.passes, idle)
    boundary = figures.rated(made)
    split = _phases(attempt)
    loaded = decode(Loaded, done["loaded"]) if done else None
    return Record(
        schema_version=SCHEMA_VERSION,
        wattstar=wattstar.__version__,
        job=attempt.job,
        job_id=job_id(attempt.job),
        status=attempt.status,
        started=attempt.started.isoformat(timespec="milliseconds"),
        seconds=time.monotonic() - attempt.began,
        machine=machine.describe(loaded.packages if loaded else {}),
        loaded=loaded,
        passes=tuple(attempt.passes),
        stages=stages,
        figures=made,
        rated=boundary,
        quality=decode(Quality, done["quality"]) if done.get("quality") else None,
        findings=(*_findings(attempt, made, split), *net.findings(made, boundary, attempt.passes, idle)),
        failure=attempt.failure,
        timelines=store.add_table("timelines", tables.timelines_to_parquet(attempt.timelines)),
        marks=store.add_table("marks", tables.marks_to_parquet(attempt.marks)),
        states=store.add_table("states", tables.states_to_parquet(attempt.states)) if attempt.states else None,
        samples=store.add_table("samples", tables.samples_to_parquet(attempt.rows)) if attempt.rows else None,
        sampling=attempt.sampling,
        sensors=attempt.profiles,
        warm_up=attempt.warm_up,
        phases=split,
    )


def _stages(attempt: Attempt) -> tuple[Stage, ...]:
    domains = [Domain(timeline) for timeline in attempt.timelines]
    names = {mark.name for mark in attempt.marks}
    windows = {name: window_of(attempt.marks, name) for name in STAGES if {name, name + "_end"} <= names}
    return tuple(Stage(name, window, _energy(name, domains, window)) for name, window in windows.items())


def _energy(name: str, domains: Sequence[Domain], window: Window) -> tuple[Reading, ...]:
    """An estimate knows the work of a process, and nothing of what a machine draws at rest."""
    found = readings(domains, [window])
    return tuple(reading for reading in found if not (name in IDLE and reading.plausible_factor))


def _phases(attempt: Attempt) -> tuple[PhaseEnergy, ...]:
    """What each phase took in the passes that were finished."""
    windows = phases.windows(attempt.marks, attempt.passes, phases.phases_of(attempt.job))
    return phases.split(attempt.timelines, attempt.passes, windows)


def figures_of(attempt: Attempt) -> tuple[Figure, ...]:
    """What the passes say, and the samples beside them."""
    known = figures.Queries(units(attempt.rows, attempt.job.controls.batch_size), attempt.subset)
    return figures.figures(attempt.passes, attempt.job.procedure, known)


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


def _findings(attempt: Attempt, made: Sequence[Figure], split: Sequence[PhaseEnergy]) -> list[Finding]:
    done = attempt.done or {}
    names = [phase.name for phase in phases.phases_of(attempt.job)]
    rated = figures.rated(made)
    windows = [counted.window for counted in attempt.passes]
    return [
        *gates.unreadable_samples(done.get("unreadable", ()), served(attempt.job.procedure)),
        *gates.coverage(attempt.late),
        *gates.readings(attempt.passes),
        *gates.limits(attempt.passes, attempt.timelines),
        *gates.cross_check([counted.energy for counted in attempt.passes]),
        *gates.jumps(attempt.timelines, windows),
        *gates.falls(attempt.timelines, windows),
        *gates.steady_work(attempt.timelines, windows),
        *gates.stalls(attempt.marks),
        *gates.states(attempt.states, windows),
        *gates.gaps(attempt.sampling, windows),
        *gates.warm_up(attempt.warm_up),
        *gates.trend(attempt.passes, rated),
        *gates.correlation(attempt.passes, rated),
        *gates.caveats(best(attempt.passes[0].energy) if attempt.passes else (), attempt.caveats),
        *gates.left_out(_left_out(attempt.job)),
        *gates.figure(attempt.passes, rated),
        *phase_gates.unknown(attempt.passes, names, split),
        *phase_gates.unconfirmed(split, names[0], phase_gates.alone(_stages(attempt), attempt.marks)),
        *gates.scatter(made, rated),
        *gates.neighbours(attempt.passes, attempt.around.neighbours),
        *spoilers.spoilers(attempt.around, attempt.states, windows, attempt.job.model.device == "cpu"),
    ]


def _left_out(job: Job) -> Sequence[str]:
    """Of a job whose meters were not all asked for by name."""
    asked = [name for name in job.meters if registry.meter(name).affinity().level is Level.ASKED]
    gpu = job.model.device != "cpu"
    return () if asked else tuple(choosing.left_out(choosing.affinities(), job.meters, gpu))


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
