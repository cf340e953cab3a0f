"""What was asked and answered: rows of the samples table against the test set, the marks, the counts and the score."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import accumulate, pairwise

from wattstar import registry, testsets
from wattstar.errors import UnfitEnvironment, VerificationFailed
from wattstar.measuring.attempt import served as of_a_pass
from wattstar.measuring.checks.differences import alike, differences
from wattstar.measuring.checks.moments import complete
from wattstar.measuring.evidence import Evidence, Row
from wattstar.measuring.phases import phases_of
from wattstar.records.codec import encode
from wattstar.testsets.places import find
from wattstar.types import WRITING, Approach, Job, Kind, Output, Pass, Sample, Weights

MOST_VARIATION = 0.05
"""Of counts between passes, where the model itself decides when it has said enough: devices round differently."""


def samples(evidence: Evidence) -> Iterator[str]:
    """There is one row for each sample that was served, in the test set's order, with its target.

    ``UnfitEnvironment`` where the test set is not here.
    """
    if not complete(evidence):
        return
    rows = evidence.rows
    yield from _as_many(evidence)
    often = {name: count for name, count in Counter(row.id for row in rows).items() if count > 1}
    yield from (f"sample {name} has {count} rows" for name, count in often.items())
    known = _test_set(evidence.record.job)
    order = {name: place for place, name in enumerate(known)}
    places = [order[row.id] for row in rows if row.id in order]
    if places != sorted(places):
        yield "rows are not in the order in which the test set is served"
    for row in rows:
        yield from _row(row, known.get(row.id))


def times(evidence: Evidence) -> Iterator[str]:
    """What a sample took is its share of its batches' times; all samples together took no longer than the passes."""
    if not complete(evidence) or not evidence.record.passes:
        return
    took: dict[str, list[float]] = {row.id: [] for row in evidence.rows}
    for counted in evidence.record.passes:
        edges = list(accumulate(evidence.batches(counted), initial=0))
        groups = [evidence.rows[first:end] for first, end in pairwise(edges)]
        places = evidence.arrangement(counted).order
        for number, seconds in zip(places, _batches(evidence, counted), strict=False):
            for row in groups[number]:
                took[row.id].append(seconds / len(groups[number]))
    for row in evidence.rows:
        if took[row.id] and not alike(row.seconds, sum(took[row.id]) / len(took[row.id])):
            again = sum(took[row.id]) / len(took[row.id])
            yield f"sample {row.id} is written to have taken {row.seconds:.6g} s, its batches say {again:.6g} s"
    repeats = sum(counted.repeats for counted in evidence.record.passes)
    windows = [window for counted in evidence.record.passes for window in counted.windows or (counted.window,)]
    whole = sum(window.end - window.begin for window in windows) / 1e9
    if (asked := repeats * sum(row.seconds for row in evidence.rows)) > whole * (1 + 1e-9):
        yield f"samples are written to have taken {asked:.6g} s, the passes {whole:.6g} s"


def counts(evidence: Evidence) -> Iterator[str]:
    """The work of a pass is that of its samples, as often as they were served; the job's controls allow it."""
    if not complete(evidence):
        return
    passes, rows, job = evidence.record.passes, evidence.rows, evidence.record.job
    total: Counter[str] = Counter()
    for row in rows:
        total.update(row.counts)
    for counted in passes:
        where = f"pass {counted.index}"
        if counted.queries != len(rows) * counted.repeats:
            product = f"{len(rows)} samples, {counted.repeats} times over"
            yield f"{where}: {counted.queries} queries are written; {product}, are {len(rows) * counted.repeats}"
        again = {name: number * counted.repeats for name, number in total.items()}
        loosely = counted is not passes[-1] and _ends_itself(job)
        if not _same_counts(counted.counts, again, MOST_VARIATION if loosely else 0.0):
            yield f"{where}: counts {json.dumps(dict(counted.counts))}; its samples' are {json.dumps(again)}"
        if counted.foreign_cpu is not None and not 0 <= counted.foreign_cpu <= 1:
            yield f"{where}: other processes used {counted.foreign_cpu} of all cores"
    yield from (words for row in rows for words in _length(row, job))


def quality(evidence: Evidence) -> Iterator[str]:
    """The score is that of the written outputs; random weights have none.

    ``UnfitEnvironment`` where the score cannot be worked out here.
    """
    written, job = evidence.record.quality, evidence.record.job
    if not complete(evidence) or job.model.weights is Weights.RANDOM:
        if written is not None:
            yield "there is a score, and nothing that could have been scored"
        return
    task = registry.task(job.task)
    if task.output is Kind.IMAGE:
        raise UnfitEnvironment("images are not kept, only their digests")
    registry.require(f"The task {job.task!r}", task.requires)
    known = _test_set(job)
    asked = [known.get(row.id) or Sample(row.id, row.source, {}, row.target) for row in evidence.rows]
    again = task.score(asked, [Output(row.output, row.counts) for row in evidence.rows])
    if written is not None and again is not None:
        yield from differences(encode(written), encode(again), "")
    elif written is not again:
        names = ["none" if found is None else f"{found.name} {found.value:g}" for found in (written, again)]
        yield f"written {names[0]}, scored again {names[1]}"


def _as_many(evidence: Evidence) -> Iterator[str]:
    procedure, served = evidence.record.job.procedure, len(evidence.rows)
    asked = of_a_pass(procedure)
    missing = f"{asked - served} of {asked} samples could not be decoded"
    said = any(found.gate == "samples" and found.message.startswith(missing) for found in evidence.record.findings)
    if served != asked and not said:
        yield f"{served} rows of {asked} samples, and no finding says why"


def _test_set(job: Job) -> dict[str, Sample]:
    """The served samples by id, in order.

    ``UnfitEnvironment`` where they are not here, ``VerificationFailed`` where they cannot be.
    """
    procedure, task = job.procedure, registry.task(job.task)
    found = testsets.load(task, procedure.edition, procedure.samples)
    if found.digest != procedure.digest:
        message = f"the edition {procedure.edition} has the digest {found.digest[:12]} here"
        # One that ships with the package has one content for ever; one that was built may have been built anew.
        shipped = find(procedure.edition, task.tag).lock is None
        raise (VerificationFailed if shipped else UnfitEnvironment)(f"{message}, not {procedure.digest[:12]}")
    if procedure.subset is None:
        return {sample.id: sample for sample in found.samples}
    drawn = testsets.draw(found.samples, task, job.controls, procedure.subset)
    return {sample.id: sample for sample in drawn.samples}


def _row(row: Row, sample: Sample | None) -> Iterator[str]:
    if sample is None:
        yield f"sample {row.id} is not in the test set"
        return
    if row.source != sample.source:
        yield f"sample {row.id}: its source is written as {row.source!r}, in the test set it is {sample.source!r}"
    if row.target != json.loads(json.dumps(sample.target)):
        yield f"sample {row.id}: its target is written as {row.target!r}, in the test set it is {sample.target!r}"
    if not (math.isfinite(row.seconds) and row.seconds >= 0):
        yield f"sample {row.id} took {row.seconds} s"


def _batches(evidence: Evidence, counted: Pass) -> list[float]:
    """Seconds of each batch, in order."""
    found = evidence.of(counted)
    begins = [mark.time for mark in found if mark.name == "batch"]
    ends = [mark.time for mark in found if mark.name == "batch_end"]
    return [(end - begin) / 1e9 for begin, end in zip(begins, ends, strict=False)]


def _same_counts(written: Mapping[str, int], again: Mapping[str, int], variation: float) -> bool:
    if set(written) != set(again):
        return False
    return all(abs(written[name] - number) <= variation * number for name, number in again.items())


def _ends_itself(job: Job) -> bool:
    return job.controls.stops_early or job.controls.new_tokens is None or job.model.approach is Approach.ZERO_SHOT


def _length(row: Row, job: Job) -> Iterator[str]:
    """Where text is written: no more tokens than were asked for, and just so many where the end is not the model's."""
    asked, wrote = job.controls.new_tokens, row.counts.get("tokens_out")
    if asked is None or wrote is None or tuple(phases_of(job)) != WRITING:
        return
    if wrote > asked or (wrote < asked and not _ends_itself(job)):
        yield f"sample {row.id}: {wrote} tokens were written, {asked} were asked for"
