"""Which jobs of a plan can be measured in turns, and at which sitting they have been."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from wattstar.errors import UsageError
from wattstar.measuring.outstanding import Member, counts, id_of, is_like
from wattstar.measuring.plan import LEAST_SUBSET, Planned
from wattstar.types import LEAST_PAIRS, Job, Machine, Procedure


def sittings(cells: Sequence[Planned]) -> list[tuple[Planned, ...]]:
    """The jobs of one task, device and procedure together; ``UsageError`` where one is alone, or cannot be paired."""
    found: dict[object, list[Planned]] = defaultdict(list)
    for cell in cells:
        if cell.job is not None:
            _check(cell.job.procedure)
            found[_occasion(cell.job)].append(cell)
    for cell, *others in found.values():
        if not others:
            message = f"{cell.request.task} {cell.model} has no other model to take turns with."
            cures = ["-m ANOTHER, for the same task, device, samples and meters", "leave --interleave out"]
            raise UsageError(message, cures)
    return [tuple(together) for together in found.values()]


def sat(together: Sequence[Planned], records: Iterable[Member], machine: Machine) -> tuple[Member, ...] | None:
    """Of the newest sitting, on hardware like this machine's, where each of these jobs has a record that counts."""
    wanted = [id_of(cell) for cell in together]
    found: dict[str, dict[str, Member]] = defaultdict(dict)
    for id, record in records:
        if record.sitting is not None and counts(record) and is_like(record, machine):
            found[record.sitting.id][record.job_id] = (id, record)
    whole = [members for members in found.values() if set(wanted) <= set(members)]
    newest = max(whole, key=lambda members: members[wanted[0]][1].started, default=None)
    return tuple(newest[job] for job in wanted) if newest else None


def _occasion(job: Job) -> object:
    """What jobs of one sitting have in common."""
    return job.task, job.model.device, job.procedure, job.meters


def _check(procedure: Procedure) -> None:
    if procedure.subset is not None:
        raise UsageError(
            "--interleave pairs whole passes, and --quick serves a part of the samples.",
            [f"--samples {LEAST_SUBSET}, which --quick serves all", "leave --quick out"],
        )
    if procedure.most_passes < LEAST_PAIRS:
        raise UsageError(
            f"A comparison takes {LEAST_PAIRS} pairs of passes at least, not {procedure.most_passes}.",
            [f"--passes {LEAST_PAIRS}", "leave --passes out"],
        )
