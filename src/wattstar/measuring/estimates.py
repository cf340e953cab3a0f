"""What a job will take, from what is known: the same job, the same work in another procedure, a trial, or its size."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from wattstar import models
from wattstar.measuring import trials
from wattstar.measuring.outstanding import Member, counts, is_like
from wattstar.measuring.steady import ROUNDS, ROUNDS_A_PASS, Round, pass_seconds
from wattstar.measuring.timeline import best, total
from wattstar.records.codec import job_id
from wattstar.types import Job, Machine, Procedure, Reading, Record

PROCESS_SECONDS = 5.0
"""What a worker takes at the least to import its libraries and load a small model."""
Range = tuple[float, float]
"""Least and most."""
IDLE = ("idle_before", "idle_after")


@dataclass(frozen=True)
class Amount:
    """An estimate: from ``low`` to ``high``; one number where they are equal, at least ``low`` where high is None."""

    low: float
    high: float | None
    source: str
    """Where it comes from, in words."""


@dataclass(frozen=True)
class Estimate:
    """What one job will take; None is not known."""

    seconds: Amount
    pass_seconds: Amount | None
    """One pass: short work is repeated inside it."""
    joules: Amount | None
    """Of all that the meters read, from loading to the last idle second."""
    memory_bytes: Amount | None
    """On the device that the model runs on."""
    fetched_bytes: Amount | None
    """Still to be fetched from the Hub."""


@dataclass(frozen=True)
class Known:
    """What was measured on hardware like this machine's."""

    machine: Machine
    same: Mapping[str, Member]
    """By job."""
    alike: Mapping[str, Member]
    """By job, whatever its procedure was."""


def known(records: Iterable[Member], machine: Machine) -> Known:
    """Of records, oldest first, those that count; the newest of several."""
    found = [(id, record) for id, record in records if record.passes and counts(record) and is_like(record, machine)]
    same = {record.job_id: (id, record) for id, record in found}
    alike = {_whatever(record.job): (id, record) for id, record in found}
    return Known(machine, same, alike)


def estimate(job: Job, known: Known) -> Estimate:
    """The best that can be said; each amount says where it comes from."""
    trial = _trial(job, known)
    size = models.size(job.model)
    memory = Amount(size.weights, None, "the weights alone") if size.weights is not None else None
    if trial and trial.memory_bytes:
        memory = Amount(trial.memory_bytes, trial.memory_bytes, _of_trial(trial))
    fetched = Amount(size.fetched, size.fetched, "sizes of files") if size.fetched is not None else None
    seconds, each, joules = _work(job, known, trial)
    return Estimate(seconds, each, joules, memory, fetched)


def is_open(job: Job, known: Known) -> bool:
    """Whether nothing like the job was measured or tried, so that a trial would tell more."""
    return job_id(job) not in known.same and _whatever(job) not in known.alike and _trial(job, known) is None


def _trial(job: Job, known: Known) -> trials.Trial | None:
    found = trials.kept(job)
    return found if found and is_like(found.record, known.machine) else None


def _work(job: Job, known: Known, trial: trials.Trial | None) -> tuple[Amount, Amount | None, Amount | None]:
    """Seconds of the job, seconds of a pass, joules."""
    if job_id(job) in known.same:
        return _seen(*known.same[job_id(job)])
    if _whatever(job) in known.alike:
        id, record = known.alike[_whatever(job)]
        return _scaled(job, Pace(record), f"record {id[:12]}, of another procedure")
    if trial and trial.record.passes:
        return _scaled(job, Pace(trial.record), _of_trial(trial))
    return _least(job.procedure)


def _least(procedure: Procedure) -> tuple[Amount, Amount | None, None]:
    """Nothing is known of the model: what the procedure takes however fast it is."""
    source = "the procedure alone"
    seconds = PROCESS_SECONDS + 2 * procedure.idle_seconds + procedure.passes * procedure.pass_seconds
    each = Amount(procedure.pass_seconds, None, source) if procedure.pass_seconds else None
    return Amount(seconds, None, source), each, None


def _seen(id: str, record: Record) -> tuple[Amount, Amount, Amount | None]:
    source = f"record {id[:12]}, of the same job"
    lengths = [(counted.window.end - counted.window.begin) / 1e9 for counted in record.passes]
    mean = sum(lengths) / len(lengths)
    parts = [stage.energy for stage in record.stages] + [counted.energy for counted in record.passes]
    read = [joules for part in parts if (joules := _joules(part)) is not None]
    energy = Amount(sum(read), sum(read) if len(read) == len(parts) else None, source) if read else None
    return Amount(record.seconds, record.seconds, source), Amount(mean, mean, source), energy


class Pace:
    """How fast and at what cost a record's queries were answered, and what came before and after them."""

    def __init__(self, record: Record) -> None:
        """Of a record that has passes."""
        self.last = record.passes[-1]
        queries = sum(counted.queries for counted in record.passes)
        seconds = sum(_length(counted.window.begin, counted.window.end) for counted in record.passes)
        self.query_seconds = seconds / queries
        read = [joules for counted in record.passes if (joules := _joules(counted.energy)) is not None]
        self.query_joules = sum(read) / queries if len(read) == len(record.passes) else None
        self._stages = {stage.name: stage for stage in record.stages}
        self.samples = record.job.procedure.samples
        staged = sum(self.seconds(name) for name in self._stages)
        self.process_seconds = max(0.0, record.seconds - staged - seconds)

    def seconds(self, stage: str) -> float:
        """Of a stage; 0 where there was none."""
        found = self._stages.get(stage)
        return _length(found.window.begin, found.window.end) if found else 0.0

    def joules(self, stage: str) -> float | None:
        """Of a stage; None where no meter read it."""
        found = self._stages.get(stage)
        return _joules(found.energy) if found else None

    @property
    def idle_watts(self) -> float | None:
        """Of the idle stages that were read; None where none was."""
        read = [(joules, self.seconds(name)) for name in IDLE if (joules := self.joules(name)) is not None]
        return sum(joules for joules, _ in read) / sum(seconds for _, seconds in read) if read else None


def _scaled(job: Job, pace: Pace, source: str) -> tuple[Amount, Amount, Amount | None]:
    """The work of another procedure at the pace that was seen; how many passes it takes is not known before."""
    procedure = job.procedure
    samples = procedure.subset or procedure.samples
    sweep = samples * pace.query_seconds
    last = Round(_length(pace.last.window.begin, pace.last.window.end), best(pace.last.energy))
    repeats = max(1, math.ceil(pass_seconds(last, procedure) / sweep))
    warm_low, warm_high = _warm_up(procedure, sweep, job.controls.batch_size * pace.query_seconds)
    # Each pass has an uncounted batch before and after it.
    queries = repeats * samples + 2 * job.controls.batch_size
    busy = (
        warm_low + procedure.passes * queries * pace.query_seconds,
        warm_high + procedure.most_passes * queries * pace.query_seconds,
    )
    # Part of it is done once, however many samples there are.
    prepared = min(1.0, samples / pace.samples), max(1.0, samples / pace.samples)
    around = pace.process_seconds + pace.seconds("load") + 2 * procedure.idle_seconds
    low, high = (around + some * pace.seconds("preprocess") + work for some, work in zip(prepared, busy, strict=True))
    each = Amount(repeats * sweep, repeats * sweep, source)
    return Amount(low, high, source), each, _energy(pace, procedure, (prepared, busy), source)


def _energy(pace: Pace, procedure: Procedure, work: tuple[Range, Range], source: str) -> Amount | None:
    """Joules; ``work``: how many times the samples that were prepared, and busy seconds."""
    if pace.query_joules is None:
        return None
    watts, before = pace.query_joules / pace.query_seconds, pace.joules("load") or 0.0
    unread = bool(procedure.idle_seconds) and pace.idle_watts is None
    rest = 2 * procedure.idle_seconds * (pace.idle_watts or 0.0)
    low, high = (
        before + some * (pace.joules("preprocess") or 0.0) + rest + seconds * watts
        for some, seconds in zip(*work, strict=True)
    )
    return Amount(low, None if unread else high, source + "; without what is drawn at rest" * unread)


def _warm_up(procedure: Procedure, sweep: float, batch: float) -> tuple[float, float]:
    """Seconds: every sample once, then rounds until they are steady, one of which runs while the last is judged."""
    each = max(procedure.pass_seconds / ROUNDS_A_PASS, batch)
    least = sweep + min(ROUNDS * each, procedure.warm_up_seconds) + each
    return least, max(least, procedure.warm_up_seconds + 2 * each)


def _whatever(job: Job) -> str:
    """The same for all procedures."""
    return job_id(replace(job, procedure=Procedure(edition="", digest="", samples=0)))


def _of_trial(trial: trials.Trial) -> str:
    return f"a trial of {trial.record.job.procedure.samples} samples"


def _joules(energy: Iterable[Reading]) -> float | None:
    found = best(energy)
    return total(found) if found else None


def _length(begin: int, end: int) -> float:
    """Seconds."""
    return (end - begin) / 1e9
