"""Whether a record convinces: everything in it that follows from something else is worked out again and compared.

Nothing is believed because it is signed: a digest names bytes, and who changes bytes can name them anew. What counts is
that energy follows from timelines and marks, work from the samples, and findings from all of these. What nothing
follows from (the machine's name, the model's size, what the command was) is not, and cannot be, checked.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wattstar.errors import UnfitEnvironment, UnknownName, UsageError, VerificationFailed
from wattstar.measuring.checks import again, answers, meters, moments, turns
from wattstar.measuring.evidence import Evidence, gather
from wattstar.records.codec import canonical, digest, job_id, record
from wattstar.records.store import Store
from wattstar.types import Record

CHECKS: Mapping[str, Callable[[Evidence], Iterator[str]]] = {
    "timelines": meters.timelines,
    "methods": meters.methods,
    "power limits": meters.limits,
    "marks": moments.marks,
    "batches": moments.batches,
    "attempt": moments.attempt,
    "sitting": turns.sitting,
    "status": again.status,
    "readings": again.readings,
    "figures": again.figures,
    "findings": again.findings,
    "idle": meters.idle,
    "samples": answers.samples,
    "times": answers.times,
    "counts": answers.counts,
    "quality": answers.quality,
}
"""In this order, after those of the file itself. Each yields one sentence for each thing that is wrong."""

NEED_TIMELINES = ("status", "readings", "figures", "findings")


@dataclass(frozen=True)
class Check:
    """One thing that must be so, and whether it is."""

    name: str
    says: str
    """What must be so."""
    problems: tuple[str, ...] = ()
    not_made: str | None = None
    """Why it could not be checked here."""


@dataclass(frozen=True)
class Verdict:
    """What verifying one record came to."""

    file: Path
    record: Record | None
    """None: not even that can be read."""
    checks: tuple[Check, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing was found to be wrong."""
        return not any(check.problems for check in self.checks)


def verify(file: Path) -> Verdict:
    """Check one record's file, with the tables of the store that it lies in; ``UsageError`` where it cannot be read."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.", ["wattstar list"]) from error
    checks = [_named(file, data)]
    record = None
    try:
        record = _parsed(data)
        checks.append(Check("schema", SCHEMA))
        checks.append(_spelled(record, data))
        checks.append(_job(record))
        evidence = gather(record, Store(file.parent.parent))
        checks.append(Check("tables", TABLES))
    except VerificationFailed as error:
        name, says = ("schema", SCHEMA) if record is None else ("tables", TABLES)
        return Verdict(file, record, (*checks, Check(name, says, (error.message,))))
    return Verdict(file, record, (*checks, *_checked(evidence)))


SCHEMA = "It is a record of the present schema."
TABLES = "Its tables are there, and their bytes are those that it names."


def _named(file: Path, data: bytes) -> Check:
    problem = f"the sha256 of its bytes is {digest(data)}" if digest(data) != file.stem else ""
    return Check("id", "Its name is the sha256 of its bytes.", (problem,) if problem else ())


def _parsed(data: bytes) -> Record:
    try:
        parsed: Any = json.loads(data)
    except ValueError as error:
        raise VerificationFailed(f"not JSON: {error}") from error
    return record(parsed)


def _spelled(record: Record, data: bytes) -> Check:
    problem = ("the same values have another spelling",) if canonical(record) != data else ()
    return Check("spelling", "Its JSON is canonical, so that one record has one id.", problem)


def _job(record: Record) -> Check:
    again = job_id(record.job)
    problem = (f"written {record.job_id[:12]}, the job's is {again[:12]}",) if again != record.job_id else ()
    return Check("job", "Its job_id is the sha256 of its job.", problem)


def _checked(evidence: Evidence) -> Iterator[Check]:
    """All of ``CHECKS``; those that need timelines only while these are sound."""
    sound = True
    for name in CHECKS:
        check = _made(name, evidence) if sound or name not in NEED_TIMELINES else _left(name)
        sound = sound and not (name == "timelines" and check.problems)
        yield check


def _made(name: str, evidence: Evidence) -> Check:
    """One check; what this machine lacks for it is said, and is no fault of the record."""
    problems: list[str] = []
    try:
        problems.extend(CHECKS[name](evidence))
    except (UnknownName, UnfitEnvironment) as error:
        if not problems:
            return Check(name, _says(name), not_made=error.message)
    except (VerificationFailed, UsageError) as error:
        problems.append(error.message)
    return Check(name, _says(name), tuple(problems))


def _left(name: str) -> Check:
    return Check(name, _says(name), not_made="the timelines are not sound")


def _says(name: str) -> str:
    """The first line of the check's docstring."""
    return (CHECKS[name].__doc__ or "").partition("\n")[0]
