"""Which energies may be compared, and the populations that they make."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import fields

from wattstar.errors import UsageError
from wattstar.rating.classes import TASKS, need_of, size_class
from wattstar.rating.moments import moments
from wattstar.rating.schemes import STANDARD, scheme
from wattstar.types import (
    Conditions,
    Controls,
    Entry,
    Figure,
    Grade,
    Population,
    Procedure,
    Record,
    Severity,
    Status,
)

GRADES = ((50, Grade.FULL), (20, Grade.STANDARD), (8, Grade.PROVISIONAL))
"""Families a population needs for each grade."""
CAPS = ("prompt_tokens", "input_tokens", "audio_seconds")
"""Controls that are a limit, not an amount."""

Member = tuple[str, Record]
"""A record and its id."""


def figure(record: Record) -> Figure | None:
    """The figure that is rated; None for a record that must not be: failed, invalid, without a boundary or an energy.

    Records may come from elsewhere: a figure of 0 would win every ranking, and one below has no logarithm.
    """
    invalid = any(finding.severity is Severity.INVALID for finding in record.findings)
    if record.status is not Status.COMPLETE or invalid:
        return None
    made = next((made for made in record.figures if made.boundary is record.rated), None)
    return made if made is not None and 0 < made.wh_per_1000.mid < math.inf else None


def conditions(record: Record, made: Figure) -> Conditions:
    """What must be equal for the record's figure to be compared with another one's."""
    job = record.job
    procedure = job.procedure
    return Conditions(
        task=job.task,
        size_class=size_class(need) if job.task in TASKS and (need := need_of(record)) else None,
        hardware=hardware(record),
        boundary=made.boundary,
        method=f"{made.method}: {', '.join(made.coverage or job.meters)}",
        work=work(job.controls),
        procedure=f"test set {procedure.edition} ({procedure.digest[:8]}), {_served(procedure)}, "
        f"{_stopping(procedure)} of ≥ {procedure.pass_seconds:g} s",
    )


def hardware(record: Record) -> str:
    """The processor's name, or the cards' where one of them served."""
    kind = record.job.model.device.partition(":")[0]
    gpus = sorted({gpu.name for gpu in record.machine.gpus})
    return f"{record.machine.cpu if kind == 'cpu' else ', '.join(gpus)} ({kind})"


def _served(procedure: Procedure) -> str:
    if procedure.subset is None:
        return f"{procedure.samples} samples"
    return f"a subset of {procedure.subset} for {procedure.samples} samples"


def _stopping(procedure: Procedure) -> str:
    """How many passes, or what decides it."""
    if procedure.passes >= procedure.most_passes:
        return f"{procedure.passes} passes"
    return f"{procedure.passes} to {procedure.most_passes} passes for ± {100 * procedure.target_error:g} %"


def work(controls: Controls) -> str:
    """The controls that apply, in words."""
    caps = (*CAPS, "new_tokens") if controls.stops_early else CAPS
    return ", ".join(
        f"{field.name.replace('_', ' ')} {'≤ ' if field.name in caps else ''}"
        f"{value if isinstance(value, str) else format(value, 'g')}"
        for field in fields(controls)
        if field.name not in ("seed", "stops_early") and (value := getattr(controls, field.name)) is not None
    )


def entry(name: str, record: Record, made: Figure) -> Entry:
    """What a population keeps of a record."""
    return Entry(
        model=record.job.model.id,
        family=record.job.model.family or record.job.model.id,
        wh_per_1000=made.wh_per_1000,
        source=name,
        date=record.started[:10],
    )


def newest(records: Iterable[Member]) -> dict[Conditions, list[Member]]:
    """Records that may be rated, by what must be equal; of several attempts at one job the newest counts."""
    found: dict[Conditions, dict[str, Member]] = defaultdict(dict)
    for name, record in records:
        made = figure(record)
        if made is not None:
            found[conditions(record, made)][record.job_id] = (name, record)
    return {group: list(found[group].values()) for group in sorted(found, key=str)}


def populations(records: Iterable[Member], scheme: str = STANDARD) -> list[tuple[Population, list[Member]]]:
    """The populations of the records, each with its members."""
    found = []
    for group, members in newest(records).items():
        made = [(name, record, figure(record)) for name, record in members]
        entries = [entry(name, record, counted) for name, record, counted in made if counted is not None]
        found.append((population(group, entries, scheme), members))
    return found


def population(group: Conditions, entries: Sequence[Entry], scheme_name: str = STANDARD) -> Population:
    """Average, deviation and cuts of energies under equal conditions; ``UsageError`` where one is no energy."""
    _check(entries)
    found = moments(entries)
    scale = scheme(scheme_name)(entries, found)
    grade = next((word for least, word in GRADES if found.families >= least), Grade.NONE)
    return Population(
        conditions=group,
        entries=tuple(sorted(entries, key=lambda entry: (entry.wh_per_1000.mid, entry.model))),
        families=found.families,
        removed=found.removed,
        fences=found.fences,
        mean=found.mean,
        deviation=found.deviation,
        cuts=scale.cuts,
        grade=grade if scale.cuts else Grade.NONE,
        reason=scale.reason,
    )


def _check(entries: Sequence[Entry]) -> None:
    if not entries:
        raise UsageError("A population needs at least one energy.", ["wattstar run -t TASK -m MODEL"])
    for each in entries:
        if not 0 < each.wh_per_1000.mid < math.inf:
            message = f"{each.model}: {each.wh_per_1000.mid} Wh per 1,000 queries is no energy that can be rated."
            raise UsageError(message, [f"leave it out; it is of {each.source}"])
