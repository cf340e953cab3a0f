"""Every figure, worked out again from timelines and marks by the very functions that made it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from wattstar.measuring.checks.differences import differences
from wattstar.measuring.evidence import Evidence
from wattstar.measuring.results import LIVE, NAMING, needed
from wattstar.records.codec import encode
from wattstar.types import Finding, Pass, Status


def readings(evidence: Evidence) -> Iterator[str]:
    """Windows and joules, bounds and methods of passes, blocks and stages, and how the warm-up went."""
    record, found = evidence.record, evidence.again
    yield from differences(encode(list(record.passes)), encode(list(found.passes)), "pass")
    yield from differences(encode(list(record.stages)), encode(list(found.stages)), "stage")
    yield from differences(encode(record.warm_up), encode(found.warm_up), "warm-up")


def figures(evidence: Evidence) -> Iterator[str]:
    """Energy per 1,000 queries on each boundary, with its intervals, which is rated, and what phases take of it."""
    record, found = evidence.record, evidence.again
    yield from differences(encode(list(record.phases)), encode(list(found.phases)), "phase")
    yield from differences(encode(list(record.figures)), encode(list(found.figures)), "figure")
    yield from differences(record.rated, found.rated, "rated")


def findings(evidence: Evidence) -> Iterator[str]:
    """What gates see in what is kept they have said; beside that only what could be seen while it was measured."""
    yield from _silent(evidence)
    written = Counter(map(_comparable, evidence.record.findings))
    seen = Counter(map(_comparable, evidence.again.findings))
    yield from (f"not written, but seen again: {_sentence(found)}" for found in seen - written)
    for found in written - seen:
        if found.gate not in LIVE:
            yield f"written, but not seen again: {_sentence(found)}"


def _as_many(evidence: Evidence) -> Iterator[str]:
    """The pilot fixes the number of passes; it saw no more of its last edge than there was to be seen then."""
    procedure, passes = evidence.record.job.procedure, evidence.again.passes
    if procedure.passes >= procedure.most_passes or len(passes) < procedure.passes:
        return
    if procedure.passes < 2 or procedure.target_error <= 0:
        yield f"a pilot of {procedure.passes} and a target of {procedure.target_error:g} tell no number of passes"
        return
    nearly = (replace(procedure, target_error=procedure.target_error * share) for share in (0.99, 1.01))
    most, least = (needed(passes[: procedure.passes], each) for each in nearly)
    if evidence.record.sitting is not None:  # of which each has as many as the one that scatters most
        most = procedure.most_passes
    if not least <= len(passes) <= most:
        yield f"complete, with {len(passes)} passes; the pilot asks for {least}"


def _silent(evidence: Evidence) -> Iterator[str]:
    """Meters that did not speak all through a pass, where nothing says so."""
    said = [found.message for found in evidence.record.findings if found.gate == "coverage"]
    for counted in evidence.again.passes:
        read = {reading.domain for reading in counted.energy}
        silent = {line.domain for line in evidence.timelines} - read
        unsaid = [domain for domain in sorted(silent) if not any(_says(words, counted, domain) for words in said)]
        if unsaid:
            yield f"pass {counted.index}: {', '.join(unsaid)} not read from begin to end, and no finding says so"


def _says(words: str, counted: Pass, domain: str) -> bool:
    return words.startswith(f"pass {counted.index}: {domain} ")


def status(evidence: Evidence) -> Iterator[str]:
    """Complete is what has passes, a loaded model and no failure; everything else says why it is not."""
    record = evidence.record
    if record.status is Status.COMPLETE:
        fewest, most = record.job.procedure.passes, record.job.procedure.most_passes
        if record.failure is not None:
            yield f"complete, with the failure {record.failure.reason}"
        if record.loaded is None:
            yield "complete, without a loaded model"
        if not fewest <= len(record.passes) <= most:
            yield f"complete, with {len(record.passes)} passes; the procedure asks for {fewest} to {most}"
        yield from (f"complete, without its {kind}" for kind in ("timelines", "marks", "samples")
                    if getattr(record, kind) is None)  # fmt: skip
        yield from _as_many(evidence)
    elif record.failure is None:
        yield f"{record.status}, and no failure says why"
    elif (record.status is Status.INTERRUPTED) != (record.failure.reason == "interrupted"):
        yield f"{record.status}, with the failure {record.failure.reason}"


def _comparable(found: Finding) -> Finding:
    """Without words that nobody can find again."""
    return replace(found, message="others were busy") if found.gate in NAMING else found


def _sentence(found: Finding) -> str:
    return f"{found.severity}: {found.gate}: {found.message}"
