"""Resolved jobs as JSON lines: what one plan resolved, another run measures, exactly that.

::

    {"job": {…}, "job_id": "…", "schema_version": 2, "wattstar": "0.2.0"}
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from wattstar import __version__, registry, testsets
from wattstar.errors import StoreUnusable, UsageError, VerificationFailed, WattstarError
from wattstar.measuring import fit
from wattstar.measuring.choosing import choose
from wattstar.measuring.plan import Planned
from wattstar.records.codec import canonical, decode, job_id, parsed
from wattstar.types import READABLE_VERSIONS, SCHEMA_VERSION, Job, Noun, Request

AGAIN = "write it again: wattstar plan … --jobs-file FILE"


@dataclass(frozen=True)
class Line(Noun):
    """One job, and what it was when it was written."""

    schema_version: int
    wattstar: str
    job_id: str
    job: Job


def write(file: Path, jobs: Iterable[Job]) -> None:
    """One line a job, in this order; ``StoreUnusable`` where the file cannot be written."""
    lines = [canonical(Line(SCHEMA_VERSION, __version__, job_id(job), job)).decode() + "\n" for job in jobs]
    try:
        file.write_text("".join(lines), encoding="utf-8")
    except OSError as error:
        raise StoreUnusable(f"{file} cannot be written: {error.strerror}.", ["name another file"]) from error


def read(file: Path) -> list[Planned]:
    """The jobs of a file; what this machine cannot do is refused, cell by cell, as in a plan.

    Raises ``UsageError`` for a file that is none of ours or of another version, and ``VerificationFailed`` where a job
    is not the one that was written, or its samples are not those of the plan: nothing of such a file is run.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        what = error.strerror if isinstance(error, OSError) else "it is no text"
        raise UsageError(f"The jobs file {file} cannot be read: {what}.", ["check the path"]) from error
    jobs = [_job(line, f"{file}, line {number}") for number, line in enumerate(lines, 1) if line.strip()]
    if not jobs:
        raise UsageError(f"The jobs file {file} holds no job.", [AGAIN])
    return [_planned(job) for job in jobs]


def _job(text: str, where: str) -> Job:
    try:
        data = parsed(text)
    except ValueError as error:
        raise UsageError(f"{where}: not JSON: {error}.", [AGAIN]) from error
    version = data.get("schema_version") if isinstance(data, dict) else None
    if isinstance(version, int) and version not in READABLE_VERSIONS:
        message = f"{where}: written by wattstar {data.get('wattstar')}, whose jobs are of another form."
        raise UsageError(message, [AGAIN, f"use that version of wattstar; this is {__version__}"])
    try:
        line = decode(Line, data)
    except VerificationFailed as error:
        raise UsageError(f"{where}: {error.message}.", [AGAIN]) from error
    if job_id(line.job) != line.job_id:
        raise VerificationFailed(f"{where}: the job was changed after it was written.", [AGAIN])
    return line.job


def _planned(job: Job) -> Planned:
    request = Request(job.task, (job.model.id,))
    try:
        _check(job)
    except VerificationFailed:
        raise
    except WattstarError as error:
        return Planned(request, job.model.id, None, error)
    return Planned(request, job.model.id, job)


def _check(job: Job) -> None:
    """That the plug-ins are here, and the samples those of the plan; a worker checks the model's files."""
    task, backend = registry.task(job.task), registry.backend(job.backend)
    procedure = job.procedure
    if testsets.load(task, procedure.edition, procedure.samples).digest != procedure.digest:
        message = f"The samples of {job.task} in the edition {procedure.edition!r} are not those of the jobs file."
        raise VerificationFailed(message, [AGAIN])
    if reason := backend.refuses(job.model, task):
        raise UsageError(f"The backend {job.backend!r} cannot serve {job.model.id}: {reason}.", ["wattstar backends"])
    registry.require(f"The backend {job.backend!r}", backend.requires)
    choose(job.meters, require_measured=False)
    fit.check(job.model)
