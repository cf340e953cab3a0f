"""Models of one sitting took turns: nothing of one happened while another was counted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from wattstar.errors import UnfitEnvironment
from wattstar.measuring.evidence import Evidence
from wattstar.measuring.sitting import expected
from wattstar.types import LEAST_PAIRS, Record, Status


def sitting(evidence: Evidence) -> Iterator[str]:
    """Passes of one sitting alternate as its seed has drawn it, and there are six pairs of them at least.

    ``UnfitEnvironment`` where the records of the others are not here.
    """
    record = evidence.record
    if record.sitting is None:
        return
    jobs = record.sitting.jobs
    if record.job_id not in jobs or len(set(jobs)) != len(jobs) or len(jobs) < 2:
        yield f"its sitting is of {len(set(jobs))} jobs, and it is {'one' if record.job_id in jobs else 'none'} of them"
        return
    if record.status is not Status.COMPLETE:
        return
    if len(record.passes) < LEAST_PAIRS:
        yield f"{len(record.passes)} passes, in a sitting there are {LEAST_PAIRS} at least"
    yield from _with(record, evidence.partners)


def _with(record: Record, partners: Sequence[Record]) -> Iterator[str]:
    assert record.sitting is not None, "asked before"
    everyone = [record, *partners]
    if any(partner.sitting != record.sitting for partner in partners):
        yield "another record says otherwise of the same sitting"
        return
    turns = sorted((counted.window.begin, counted.window.end, one.job_id) for one in everyone for counted in one.passes)
    for (_, end, early), (begin, _, late) in pairwise(turns):
        if begin < end:
            yield f"a pass of {late[:12]} begins before one of {early[:12]} has ended"
    missing = len(record.sitting.jobs) - len(everyone)
    if missing:
        raise UnfitEnvironment(f"{missing} of the sitting's {len(record.sitting.jobs)} records are not in this store")
    whole = all(one.status is Status.COMPLETE for one in everyone)
    if whole and [job for _, _, job in turns] != expected(record.sitting, len(record.passes)):
        yield f"passes did not alternate as the seed {record.sitting.seed} draws it"
