"""What of a plan is still to be measured, and in which order."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from wattstar.measuring.plan import Planned
from wattstar.records.codec import job_id
from wattstar.types import Machine, Record, Severity, Status

Member = tuple[str, Record]
"""A record with its id."""


@dataclass(frozen=True)
class Outstanding:
    """The jobs of a plan, each once, by what is known of them."""

    missing: tuple[Planned, ...]
    """To be measured, each from its beginning: what an interrupted attempt left is never gone on with."""
    earlier: tuple[Member, ...]
    """The newest record that counts, of each of the other jobs."""


def outstanding(cells: Sequence[Planned], records: Iterable[Member], machine: Machine) -> Outstanding:
    """Which jobs have no record that counts: a complete and valid one, made on hardware like this machine's."""
    known = {record.job_id: (id, record) for id, record in records if counts(record) and is_like(record, machine)}
    ids = {id_of(cell): cell for cell in cells if cell.job}
    missing = tuple(cell for id, cell in ids.items() if id not in known)
    return Outstanding(missing, tuple(known[id] for id in ids if id in known))


def counts(record: Record) -> bool:
    """Whether an attempt was completed and no gate made it invalid."""
    return record.status is Status.COMPLETE and all(found.severity is not Severity.INVALID for found in record.findings)


def is_like(record: Record, machine: Machine) -> bool:
    """Whether a record was made on the processor, or for a job of a GPU on the GPUs, that this machine has."""
    if record.job.model.device == "cpu":
        return record.machine.cpu == machine.cpu
    return {gpu.name for gpu in record.machine.gpus} == {gpu.name for gpu in machine.gpus}


def once(cells: Sequence[Planned]) -> list[Planned]:
    """Without the cells whose job stands in the plan before them."""
    found: dict[object, Planned] = {}
    for cell in cells:
        found.setdefault(id_of(cell) if cell.job else id(cell), cell)
    return list(found.values())


def shuffled(cells: Sequence[Planned], seed: int) -> list[Planned]:
    """In the order that this seed draws, on every machine alike: drift does then not fall on one model."""
    return random.Random(seed).sample(list(cells), len(cells))


def id_of(cell: Planned) -> str:
    """Of a cell that has a job."""
    assert cell.job is not None, "asked of jobs only"
    return job_id(cell.job)
