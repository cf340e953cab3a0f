"""One attempt, watched: listens to the worker, reads the meters, and keeps what a record is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from wattstar import registry
from wattstar.measuring.attempt import STAGES, Attempt, blocks_of, window_of, windows_of
from wattstar.measuring.isolation import Isolation, kept_apart
from wattstar.measuring.process import Start, Worker, alone
from wattstar.measuring.results import counted, needed
from wattstar.measuring.room import Room
from wattstar.measuring.sampler import Sampler
from wattstar.measuring.steady import Round, judged, pass_seconds
from wattstar.measuring.timeline import Domain, readings
from wattstar.records.codec import canonical
from wattstar.records.store import Store, append
from wattstar.types import Failure, Job, Mark, Pass, Scope


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


@dataclass(frozen=True)
class Scene:
    """What is there while a worker works."""

    worker: Worker
    sampler: Sampler
    folder: Path


class Observer:
    """Listens to the worker, reads the meters, and keeps what an attempt is made of."""

    def __init__(self, attempt: Attempt, circumstances: Circumstances) -> None:
        self.attempt, self.job, self._circumstances = attempt, attempt.job, circumstances
        self._rounds: list[Round] = []
        self._wanted = attempt.job.procedure.passes
        self._hear: Mapping[str, Callable[[dict[str, Any], Scene], None]] = {
            "mark": self._mark, "round": self._round, "pass": self._pass,
            "row": self._row, "failed": self._failed, "done": self._done,
        }  # fmt: skip

    def follow(self, folder: Path) -> None:
        """Listen to the worker until it has nothing more to say."""
        with self.scene(folder) as scene:
            for what, content in scene.worker.messages():
                self.hear(what, content, scene)

    def hear(self, what: str, content: dict[str, Any], scene: Scene) -> None:
        """One message of the worker."""
        self._hear[what](content, scene)

    @contextmanager
    def scene(self, folder: Path) -> Iterator[Scene]:
        """Start the worker and the meters; what they have seen is in the attempt when it is left."""
        # A worker that idles is silent by order.
        silence = self._circumstances.silence + self.job.procedure.idle_seconds
        with (
            Worker(folder, silence, self._circumstances.start) as worker,
            kept_apart(self._circumstances.isolation, worker.pid) as apart,
            self._sampler(worker, folder) as sampler,
        ):
            self._room = Room(worker.pid, apart)
            try:
                yield Scene(worker, sampler, folder)
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

    def _mark(self, content: dict[str, Any], scene: Scene) -> None:
        self.attempt.marks.append(Mark(**content))
        if content["name"] in (*STAGES, "pass"):
            self._circumstances.watch(Progress(self.job, content["name"], len(self.attempt.passes)))
        self._room.hear(self.attempt.marks[-1])

    def _round(self, content: dict[str, Any], scene: Scene) -> None:
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

    def _pass(self, content: dict[str, Any], scene: Scene) -> None:
        """Work out the pass, keep it on the disk, and decide whether there is to be another."""
        pilot = self.job.procedure.passes
        ahead = len(self.attempt.passes) + 1 < pilot
        if ahead:  # whatever this one was, there is another: the device need not wait
            scene.worker.say("again")
        self.keep(content, scene)
        if len(self.attempt.passes) == pilot:
            self._wanted = needed(self.attempt.passes, self.job.procedure)
        if not ahead:
            scene.worker.say("again" if len(self.attempt.passes) < self._wanted else "enough")

    def keep(self, content: dict[str, Any], scene: Scene) -> None:
        """Work out the pass that has just ended, and write it down."""
        self.attempt.passes.append(self._worked_out(content, scene.sampler))
        append(scene.folder / "journal.jsonl", canonical(self.attempt.passes[-1]).decode())

    def _row(self, content: dict[str, Any], scene: Scene) -> None:
        self.attempt.rows.append(content)

    def _failed(self, content: dict[str, Any], scene: Scene) -> None:
        self.attempt.failure = Failure(**{**content, "cures": tuple(content["cures"])})

    def _done(self, content: dict[str, Any], scene: Scene) -> None:
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
