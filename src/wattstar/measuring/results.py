"""From what is known of an attempt to its record; what follows from marks and timelines is worked out here alone."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import wattstar
from wattstar import registry
from wattstar.measuring import choosing, figures, gates, machine, net, phase_gates, phases, spoilers
from wattstar.measuring.attempt import (
    IDLE,
    STAGES,
    Attempt,
    counted_windows,
    served,
    span,
    window_of,
    windows_of,
)
from wattstar.measuring.queries import units
from wattstar.measuring.steady import Round, judged
from wattstar.measuring.stopping import passes_needed
from wattstar.measuring.timeline import Domain, best, readings
from wattstar.records import tables
from wattstar.records.codec import decode, job_id
from wattstar.records.store import Store
from wattstar.types import (
    SCHEMA_VERSION,
    Boundary,
    Figure,
    Finding,
    Job,
    Level,
    Loaded,
    Mark,
    Pass,
    PhaseEnergy,
    Procedure,
    Quality,
    Reading,
    Record,
    Stage,
    WarmUp,
    Window,
)

LIVE = frozenset({"samples", "coverage", "sensor", "not read", "conditions"})
"""Gates that saw something nobody can see again in what was kept."""
NAMING = frozenset({"neighbours"})
"""Gates whose words name what only they have seen."""


@dataclass(frozen=True)
class Results:
    """What follows from what was told, in a record's fields of the same names: ``verify`` works it out again."""

    passes: tuple[Pass, ...]
    stages: tuple[Stage, ...]
    warm_up: WarmUp | None
    phases: tuple[PhaseEnergy, ...]
    figures: tuple[Figure, ...]
    rated: Boundary | None
    findings: tuple[Finding, ...] = ()


def fold(attempt: Attempt, store: Store) -> Record:
    """Everything in one record, its tables written first."""
    done = attempt.done or {}
    loaded = decode(Loaded, done["loaded"]) if done else None
    attempt.left_out = _left_out(attempt.job)
    found = results(attempt)
    return Record(
        schema_version=SCHEMA_VERSION,
        wattstar=wattstar.__version__,
        job=attempt.job,
        job_id=job_id(attempt.job),
        status=attempt.status,
        started=attempt.started.isoformat(timespec="milliseconds"),
        seconds=max(time.monotonic() - attempt.began, span(attempt.marks)),
        machine=machine.describe(loaded.packages if loaded else {}),
        loaded=loaded,
        passes=found.passes,
        stages=found.stages,
        figures=found.figures,
        rated=found.rated,
        quality=decode(Quality, done["quality"]) if done.get("quality") else None,
        findings=found.findings,
        failure=attempt.failure,
        timelines=store.add_table("timelines", tables.timelines_to_parquet(attempt.timelines)),
        marks=store.add_table("marks", tables.marks_to_parquet(attempt.marks)),
        states=store.add_table("states", tables.states_to_parquet(attempt.states)) if attempt.states else None,
        samples=store.add_table("samples", tables.samples_to_parquet(attempt.rows)) if attempt.rows else None,
        sampling=attempt.sampling,
        sensors=attempt.profiles,
        warm_up=found.warm_up,
        phases=found.phases,
        environment=attempt.environment and replace(attempt.environment, state=dict(attempt.around.before)),
        sitting=attempt.sitting,
    )


def results(attempt: Attempt) -> Results:
    """Everything that can be worked out, from the complete timelines; depends on nothing but the attempt."""
    domains = [Domain(timeline) for timeline in attempt.timelines]
    passes = tuple(counted(told, attempt.marks, domains) for told in attempt.passes)
    stages = _stages(attempt, domains)
    idle = net.rests(stages, domains)
    made = net.with_net(figures_of(passes, attempt), passes, idle)
    found = Results(
        passes=passes,
        stages=stages,
        warm_up=_warm_up(attempt, domains),
        phases=_phases(passes, attempt),
        figures=made,
        rated=figures.rated(made),
    )
    of_net = [*net.findings(made, found.rated, passes, idle), *net.shared(made, found.rated, attempt.sitting)]
    return replace(found, findings=(*_findings(attempt, found), *of_net))


def counted(told: Pass, marks: Sequence[Mark], domains: Sequence[Domain]) -> Pass:
    """A pass, its energy and that of its blocks worked out from what the meters have said by now."""
    own = [mark for mark in marks if mark.pass_index == told.index]
    windows = counted_windows(own)
    return replace(
        told,
        window=window_of(own, "pass"),
        energy=readings(domains, windows),
        blocks=tuple(replace(block, energy=readings(domains, [block.window])) for block in told.blocks),
        windows=tuple(windows) if len(windows) > 1 else (),
    )


def needed(passes: Sequence[Pass], procedure: Procedure) -> int:
    """How many passes there will be: fixed once, when the pilot is through."""
    boundary = figures.rated(figures.figures(passes, procedure))
    if boundary is None:
        return len(passes)
    values = [figures.per_query(counted, boundary) for counted in passes]
    return passes_needed(values, procedure, figures.per_query_of_blocks(passes, boundary))


def figures_of(passes: Sequence[Pass], attempt: Attempt) -> tuple[Figure, ...]:
    """What the passes say, and the samples beside them."""
    known = figures.Queries(units(attempt.rows, attempt.job.controls.batch_size), attempt.subset)
    return figures.figures(passes, attempt.job.procedure, known)


def _warm_up(attempt: Attempt, domains: Sequence[Domain]) -> WarmUp | None:
    """Judged once more, when all that meters had to say of its last round was said."""
    if attempt.warm_up is None:
        return None
    began = next(mark.time for mark in attempt.marks if mark.name == "warm_up")
    windows = windows_of(attempt.marks, "round")[: attempt.warm_up.rounds]
    rounds = [Round((window.end - window.begin) / 1e9, readings(domains, [window])) for window in windows]
    return judged(rounds, (windows[-1].end - began) / 1e9)


def _stages(attempt: Attempt, domains: Sequence[Domain]) -> tuple[Stage, ...]:
    names = {mark.name for mark in attempt.marks}
    windows = {name: window_of(attempt.marks, name) for name in STAGES if {name, name + "_end"} <= names}
    return tuple(Stage(name, window, _energy(name, domains, window)) for name, window in windows.items())


def _energy(name: str, domains: Sequence[Domain], window: Window) -> tuple[Reading, ...]:
    """An estimate knows the work of a process, and nothing of what a machine draws at rest."""
    found = readings(domains, [window])
    return tuple(reading for reading in found if not (name in IDLE and reading.plausible_factor))


def _phases(passes: Sequence[Pass], attempt: Attempt) -> tuple[PhaseEnergy, ...]:
    """What each phase took in the passes that were finished."""
    windows = phases.windows(attempt.marks, passes, phases.phases_of(attempt.job))
    return phases.split(attempt.timelines, passes, windows)


def _findings(attempt: Attempt, found: Results) -> list[Finding]:
    names = [phase.name for phase in phases.phases_of(attempt.job)]
    windows = [counted.window for counted in found.passes]
    unreadable = (attempt.done or {}).get("unreadable", ())
    return [
        *gates.unreadable_samples(unreadable, served(attempt.job.procedure)),
        *gates.coverage(attempt.late),
        *gates.readings(found.passes),
        *gates.limits(found.passes, attempt.timelines),
        *gates.cross_check([counted.energy for counted in found.passes]),
        *gates.jumps(attempt.timelines, windows),
        *gates.falls(attempt.timelines, windows),
        *gates.steady_work(attempt.timelines, windows),
        *gates.stalls(attempt.marks),
        *gates.states(attempt.states, windows),
        *gates.gaps(attempt.sampling, windows),
        *gates.warm_up(found.warm_up),
        *gates.trend(found.passes, found.rated),
        *gates.correlation(found.passes, found.rated),
        *gates.caveats(best(found.passes[0].energy) if found.passes else (), attempt.caveats),
        *gates.left_out(attempt.left_out),
        *gates.figure(found.passes, found.rated),
        *phase_gates.unknown(found.passes, names, found.phases),
        *phase_gates.unconfirmed(found.phases, names[0], phase_gates.alone(found.stages, attempt.marks)),
        *gates.scatter(found.figures, found.rated),
        *gates.neighbours(found.passes, attempt.around.neighbours),
        *spoilers.spoilers(attempt.around, attempt.states, windows, attempt.job.model.device == "cpu"),
    ]


def _left_out(job: Job) -> Sequence[str]:
    """Of a job whose meters were not all asked for by name."""
    asked = [name for name in job.meters if registry.meter(name).affinity().level is Level.ASKED]
    gpu = job.model.device != "cpu"
    return () if asked else tuple(choosing.left_out(choosing.affinities(), job.meters, gpu))
