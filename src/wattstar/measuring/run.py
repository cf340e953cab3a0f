"""One job → one record: a worker in its own process, meters in this one, a journal on the disk."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from wattstar import registry
from wattstar.errors import Interrupted, MeterUnavailable, StoreUnusable, WattstarError
from wattstar.measuring import environment
from wattstar.measuring.attempt import (
    STAGES,
    Attempt,
    blocks_of,
    subset_of,
    window_of,
    windows_of,
)
from wattstar.measuring.isolation import Isolation, kept_apart
from wattstar.measuring.process import Start, Worker, WorkerLost, alone
from wattstar.measuring.results import counted, fold, needed
from wattstar.measuring.room import Room
from wattstar.measuring.sampler import Sampler
from wattstar.measuring.steady import Round, judged, pass_seconds
from wattstar.measuring.timeline import Domain, readings
from wattstar.records.codec import canonical, job_id
from wattstar.records.store import Store, append
from wattstar.types import Failure, Job, Mark, Pass, Record, Scope, Status


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
    start: Start = alone
    """How a worker is started."""
    isolation: Isolation | None = None
    """Which CPUs are whose; None: the system decides."""


def run(job: Job, circumstances: Circumstances) -> Record:
    """Measure the job and add its record to the store, whatever happens; ``Interrupted`` after Ctrl-C."""
    store = circumstances.store
    attempt = Attempt(job, environment=environment.describe(job))
    observer = _Observer(attempt, circumstances)
    folder = store.job_folder(job_id(job))
    append(folder / "job.json", canonical(job).decode())
    try:
        attempt.subset = subset_of(job)
        # A worker that idles is silent by order.
        observer.follow(folder, circumstances.silence + job.procedure.idle_seconds)
    except WorkerLost as lost:
        attempt.failure = lost.failure
    except KeyboardInterrupt:
        attempt.failure = Failure("interrupted", _stopped(attempt), ("the same command again",), exit_code=130)
    except StoreUnusable:
        raise
    except WattstarError as error:
        reason = "meter" if isinstance(error, MeterUnavailable) else "environment"
        attempt.failure = Failure(reason, error.message, error.cures, exit_code=error.exit_code)
    with _undisturbed():
        record = fold(attempt, store)
        store.add(record)
        store.clear(folder)
    if record.status is Status.INTERRUPTED:
        raise Interrupted(_stopped(attempt), [f"wattstar list -o {store.folder}"])
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


@dataclass(frozen=True)
class _Scene:
    """What is there while a worker works."""

    worker: Worker
    sampler: Sampler
    folder: Path


class _Observer:
    """Listens to the worker, reads the meters, and keeps what an attempt is made of."""

    def __init__(self, attempt: Attempt, circumstances: Circumstances) -> None:
        self.attempt, self.job, self._circumstances = attempt, attempt.job, circumstances
        self._rounds: list[Round] = []
        self._wanted = attempt.job.procedure.passes

    def follow(self, folder: Path, silence: float) -> None:
        """Listen to the worker until it has nothing more to say."""
        hear: Mapping[str, Callable[[dict[str, Any], _Scene], None]] = {
            "mark": self._mark, "round": self._round, "pass": self._pass,
            "row": self._row, "failed": self._failed, "done": self._done,
        }  # fmt: skip
        with (
            Worker(folder, silence, self._circumstances.start) as worker,
            kept_apart(self._circumstances.isolation, worker.pid) as apart,
            self._sampler(worker, folder) as sampler,
        ):
            scene = _Scene(worker, sampler, folder)
            self._room = Room(worker.pid, apart)
            try:
                for what, content in worker.messages():
                    hear[what](content, scene)
            finally:
                self.attempt.timelines = sampler.timelines()
                self.attempt.states = [*sampler.states(), *self._room.seen]
                self.attempt.sampling = replace(sampler.sampling(), parent_share=self._room.parent_share)
                self.attempt.around = self._room.leave()
                self.attempt.profiles = sampler.profiles()
                self.attempt.caveats = sampler.caveats()

    def _sampler(self, worker: Worker, folder: Path) -> Sampler:
        meters = {name: registry.meter(name) for name in self.job.meters}
        return Sampler(meters, Scope(worker.pid, self.job.model.device, str(folder)))

    def _mark(self, content: dict[str, Any], scene: _Scene) -> None:
        self.attempt.marks.append(Mark(**content))
        if content["name"] in (*STAGES, "pass"):
            self._circumstances.watch(Progress(self.job, content["name"], len(self.attempt.passes)))
        self._room.hear(self.attempt.marks[-1])

    def _round(self, content: dict[str, Any], scene: _Scene) -> None:
        """Judge the warm-up, and say how long a pass is to be when it is over."""
        began = next(mark.time for mark in self.attempt.marks if mark.name == "warm_up")
        window = windows_of(self.attempt.marks, "round")[content["index"]]
        scene.sampler.cover(window.end)
        energy = readings([Domain(timeline) for timeline in scene.sampler.timelines(began)], [window])
        self._rounds.append(Round((window.end - window.begin) / 1e9, energy))
        self.attempt.warm_up = found = judged(self._rounds, (window.end - began) / 1e9)
        if found.steady or found.seconds >= self.job.procedure.warm_up_seconds:
            scene.worker.say(f"enough {pass_seconds(self._rounds[-1], self.job.procedure):.3f}")
        else:
            scene.worker.say("again")

    def _pass(self, content: dict[str, Any], scene: _Scene) -> None:
        """Work out the pass, keep it on the disk, and decide whether there is to be another."""
        pilot = self.job.procedure.passes
        ahead = len(self.attempt.passes) + 1 < pilot
        if ahead:  # whatever this one was, there is another: the device need not wait
            scene.worker.say("again")
        self.attempt.passes.append(self._worked_out(content, scene.sampler))
        append(scene.folder / "journal.jsonl", canonical(self.attempt.passes[-1]).decode())
        if len(self.attempt.passes) == pilot:
            self._wanted = needed(self.attempt.passes, self.job.procedure)
        if not ahead:
            scene.worker.say("again" if len(self.attempt.passes) < self._wanted else "enough")

    def _row(self, content: dict[str, Any], scene: _Scene) -> None:
        self.attempt.rows.append(content)

    def _failed(self, content: dict[str, Any], scene: _Scene) -> None:
        self.attempt.failure = Failure(**{**content, "cures": tuple(content["cures"])})

    def _done(self, content: dict[str, Any], scene: _Scene) -> None:
        self.attempt.done = content
        scene.sampler.cover(max(mark.time for mark in self.attempt.marks))

    def _worked_out(self, content: Mapping[str, Any], sampler: Sampler) -> Pass:
        """The energy of the pass that has just ended."""
        index = content["index"]
        marks = [mark for mark in self.attempt.marks if mark.pass_index == index]
        window = window_of(marks, "pass")
        late = set(sampler.cover(window.end))
        domains = [Domain(timeline) for timeline in sampler.timelines()]
        told = Pass(
            index=index,
            window=window,
            repeats=content["repeats"],
            queries=content["queries"],
            energy=(),
            counts=content["counts"],
            foreign_cpu=self._room.share,
            blocks=blocks_of(marks, content["blocks"], ()),
        )
        found = counted(told, marks, domains)
        late |= {domain.timeline.domain for domain in domains} - {reading.domain for reading in found.energy}
        self.attempt.late.extend((index, domain) for domain in sorted(late))
        return found


def _stopped(attempt: Attempt) -> str:
    """What a user is told after Ctrl-C."""
    return f"Stopped by the user; {len(attempt.passes)} finished passes are kept."
