"""One job → one record: a worker in its own process, meters in this one, a journal on the disk."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import wattstar
from wattstar import registry
from wattstar.errors import Interrupted, StoreUnusable, WattstarError
from wattstar.measuring import figures, gates, machine
from wattstar.measuring.process import Worker, WorkerLost
from wattstar.measuring.sampler import Sampler
from wattstar.measuring.surroundings import Neighbours
from wattstar.measuring.timeline import Domain, readings
from wattstar.records import tables
from wattstar.records.codec import canonical, decode, job_id
from wattstar.records.store import Store, append
from wattstar.types import (
    SCHEMA_VERSION,
    Failure,
    Finding,
    Job,
    Loaded,
    Mark,
    Pass,
    Quality,
    Record,
    Scope,
    Stage,
    Status,
    Timeline,
    Window,
)

STAGES = ("load", "preprocess", "idle_before", "warm_up", "idle_after")


@dataclass(frozen=True)
class Progress:
    """How far a job is: of its passes, and inside the present stage or pass."""

    job: Job
    stage: str
    passes: int


@dataclass(frozen=True)
class Circumstances:
    """What is not part of the job's identity."""

    store: Store
    silence: float = 600.0
    """Seconds without a sign of life after which a worker is given up."""
    watch: Callable[[Progress], None] = lambda progress: None


def run(job: Job, circumstances: Circumstances) -> Record:
    """Measure the job and add its record to the store, whatever happens; ``Interrupted`` after Ctrl-C."""
    store = circumstances.store
    attempt = _Attempt(job, circumstances.watch)
    folder = store.job_folder(job_id(job))
    append(folder / "job.json", canonical(job).decode())
    try:
        # A worker that idles is silent by order.
        attempt.follow(folder, circumstances.silence + job.procedure.idle_seconds)
    except WorkerLost as lost:
        attempt.failure = lost.failure
    except KeyboardInterrupt:
        attempt.failure = Failure("interrupted", attempt.stopped(), ("the same command again",), exit_code=130)
    except StoreUnusable:
        raise
    except WattstarError as error:
        attempt.failure = Failure("meter", error.message, error.cures, exit_code=error.exit_code)
    with _undisturbed():
        record = attempt.record(store)
        store.add(record)
        store.clear(folder)
    if record.status is Status.INTERRUPTED:
        raise Interrupted(attempt.stopped(), [f"wattstar list -o {store.folder}"])
    return record


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Ctrl-C and a polite kill wait until the record is written; they reach the main thread only."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    waiting: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda number, frame: waiting.append(number)) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    for late in waiting:
        signal.raise_signal(late)


@dataclass
class _Attempt:
    """What is known so far."""

    job: Job
    watch: Callable[[Progress], None]
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    began: float = field(default_factory=time.monotonic)
    marks: list[Mark] = field(default_factory=list)
    passes: list[Pass] = field(default_factory=list)
    late: list[tuple[int, str]] = field(default_factory=list)
    rows: list[Mapping[str, Any]] = field(default_factory=list)
    done: Mapping[str, Any] | None = None
    failure: Failure | None = None
    timelines: Sequence[Timeline] = ()
    neighbours: Neighbours | None = None

    def follow(self, folder: Path, silence: float) -> None:
        """Listen to the worker until it has nothing more to say."""
        with Worker(folder, silence) as worker, self._sampler(worker, folder) as sampler:
            try:
                for what, content in worker.messages():
                    self._hear(what, content, worker, sampler, folder)
            finally:
                self.timelines = sampler.timelines()

    def _sampler(self, worker: Worker, folder: Path) -> Sampler:
        meters = {name: registry.meter(name) for name in self.job.meters}
        return Sampler(meters, Scope(worker.pid, self.job.model.device, str(folder)))

    def _hear(self, what: str, content: dict[str, Any], worker: Worker, sampler: Sampler, folder: Path) -> None:
        if what == "mark":
            self.marks.append(Mark(**content))
            if content["name"] in (*STAGES, "pass"):
                self.watch(Progress(self.job, content["name"], len(self.passes)))
            if content["name"] == "pass":
                self.neighbours = Neighbours(worker.pid)
        elif what == "pass":
            self.passes.append(self._pass(content, sampler))
            append(folder / "journal.jsonl", canonical(self.passes[-1]).decode())
            worker.say("again" if len(self.passes) < self.job.procedure.passes else "enough")
        elif what == "row":
            self.rows.append(content)
        elif what == "failed":
            self.failure = Failure(**{**content, "cures": tuple(content["cures"])})
        elif what == "done":
            self.done = content
            sampler.cover(max(mark.time for mark in self.marks))

    def _pass(self, content: Mapping[str, Any], sampler: Sampler) -> Pass:
        """Work out the energy of the pass that has just ended."""
        index = content["index"]
        marks = [mark for mark in self.marks if mark.pass_index == index]
        window = _window(marks, "pass")
        self.late.extend((index, domain) for domain in sampler.cover(window.end))
        domains = [Domain(timeline) for timeline in sampler.timelines()]
        task = registry.task(self.job.task)
        windows = phase_windows(marks, [(phase.name, phase.begins) for phase in task.phases])
        return Pass(
            index=index,
            window=window,
            repeats=content["repeats"],
            queries=content["queries"],
            energy=readings(domains, [window]),
            phases={name: found for name, parts in windows.items() if (found := readings(domains, parts))},
            counts=content["counts"],
            foreign_cpu=self.neighbours.share() if self.neighbours else None,
        )

    def stopped(self) -> str:
        """What a user is told after Ctrl-C."""
        return f"Stopped by the user; {len(self.passes)} finished passes are kept."

    def record(self, store: Store) -> Record:
        """Fold everything into the record, its tables written first."""
        done = self.done or {}
        made = figures.figures(self.passes)
        boundary = figures.rated(made)
        loaded = decode(Loaded, done["loaded"]) if done else None
        status = Status.COMPLETE if self.done else Status.FAILED
        if self.failure and self.failure.reason == "interrupted":
            status = Status.INTERRUPTED
        return Record(
            schema_version=SCHEMA_VERSION,
            wattstar=wattstar.__version__,
            job=self.job,
            job_id=job_id(self.job),
            status=status,
            started=self.started.isoformat(timespec="milliseconds"),
            seconds=time.monotonic() - self.began,
            machine=machine.describe(loaded.packages if loaded else {}),
            loaded=loaded,
            passes=tuple(self.passes),
            stages=self._stages(),
            figures=made,
            rated=boundary,
            quality=decode(Quality, done["quality"]) if done.get("quality") else None,
            findings=tuple(self._findings(done)),
            failure=self.failure,
            timelines=store.add_table("timelines", tables.timelines_to_parquet(self.timelines)),
            marks=store.add_table("marks", tables.marks_to_parquet(self.marks)),
            samples=store.add_table("samples", tables.samples_to_parquet(self.rows)) if self.rows else None,
        )

    def _stages(self) -> tuple[Stage, ...]:
        domains = [Domain(timeline) for timeline in self.timelines]
        names = {mark.name for mark in self.marks}
        windows = {name: _window(self.marks, name) for name in STAGES if {name, name + "_end"} <= names}
        return tuple(Stage(name, window, readings(domains, [window])) for name, window in windows.items())

    def _findings(self, done: Mapping[str, Any]) -> list[Finding]:
        names = [phase.name for phase in registry.task(self.job.task).phases]
        made = figures.figures(self.passes)
        rated = figures.rated(made)
        return [
            *gates.unreadable_samples(done.get("unreadable", ()), self.job.procedure.samples),
            *gates.coverage(self.late),
            *gates.readings(self.passes),
            *gates.limits(self.passes, {t.domain: t.most_watts for t in self.timelines if t.most_watts is not None}),
            *gates.cross_check(self.passes),
            *gates.figure(self.passes, rated),
            *gates.phases(self.passes, names),
            *gates.neighbours(self.passes),
            *gates.scatter(made, rated),
        ]


def phase_windows(marks: Sequence[Mark], phases: Sequence[tuple[str, str]]) -> dict[str, list[Window]]:
    """The windows of each phase over all batches of a pass; a phase that some batch does not mark is left out.

    ``phases``: (name, the mark it begins at), in order. A phase lasts until the next one or the end of its batch.
    """
    windows: dict[str, list[Window]] = {name: [] for name, _ in phases}
    batches: dict[int, dict[str, int]] = {}
    for mark in marks:
        if mark.batch is not None:
            batches.setdefault(mark.batch, {}).setdefault(mark.name, mark.time)
    begins = [begin for _, begin in phases] + ["batch_end"]
    for stamps in batches.values():
        for (name, begin), end in zip(phases, begins[1:], strict=True):
            if begin in stamps and end in stamps:
                windows[name].append(Window(stamps[begin], stamps[end]))
    return {name: parts for name, parts in windows.items() if len(parts) == len(batches)}


def _window(marks: Sequence[Mark], name: str) -> Window:
    begin = next(mark.time for mark in marks if mark.name == name)
    end = next(mark.time for mark in marks if mark.name == name + "_end")
    return Window(begin, end)
