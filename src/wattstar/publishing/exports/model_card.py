"""A section on energy for a model card, in Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wattstar.publishing.exports import Facts, Holds
from wattstar.publishing.figures import RANGE, is_estimate, published, spread
from wattstar.publishing.words import markdown
from wattstar.rating.populations import Member, hardware, work
from wattstar.records.words import number
from wattstar.types import Interval, Quality, Weights

suffix = ".card.md"
holds = Holds.MODEL
figures_only = True
needs = ()

HEAD = """\
## Energy

| task | Wh per 1,000 queries | sure to | boundary, method | hardware | quality |
|---|---:|---|---|---|---|"""
BOUNDS = "Gross energy of the queries alone: no loading, no machine at rest, no building. 95 % is of this machine."


def write(records: Sequence[Member], facts: Facts) -> bytes:
    """A row a record, then how each was measured; whatever a record says shows as it is written."""
    lines = [HEAD, *map(_row, records), ""]
    if any(is_estimate(published(*member)) for member in records):
        lines += ["~ **estimate**: modelled, not measured. Its range is plausible, and no 95 % interval.", ""]
    lines += [BOUNDS, ""]
    lines += [f"- {' · '.join(_facts(member, facts))}" for member in records]
    return ("\n".join(lines) + "\n").encode()


def _row(member: Member) -> str:
    _, record = member
    made = published(*member)
    interval, _ = spread(made)
    mark = "~" if is_estimate(made) else ""
    cells = [
        markdown(record.job.task),
        f"{mark}{number(made.wh_per_1000.mid)}",
        f"{_ends(interval)}{f' ({RANGE})' if made.plausible else ' (95 %)' if interval.low is not None else ''}",
        markdown(f"{made.boundary}, {made.method}"),
        markdown(hardware(record)),
        _quality(record.quality),
    ]
    return f"| {' | '.join(cells)} |"


def _ends(interval: Interval) -> str:
    if interval.low is None or interval.high is None:
        return "not known"
    return f"{number(interval.low)} … {number(interval.high)}"


def _quality(quality: Quality | None) -> str:
    if quality is None:
        return "–"
    direction = "higher" if quality.higher_is_better else "lower"
    return markdown(f"{quality.name} {number(quality.value)} (n {quality.n}, {direction} is better)")


def _facts(member: Member, facts: Facts) -> Iterator[str]:
    name, record = member
    job = record.job
    yield f"{markdown(job.task)}: model {markdown(job.model.id)} at {markdown(job.model.revision[:48])}"
    if job.model.weights is Weights.RANDOM:
        yield "**random weights**: of the model's size, not of its answers"
    yield markdown(f"{job.backend}, {job.model.quantization or job.model.dtype}, {work(job.controls)}")
    yield f"{job.procedure.samples} samples of {markdown(job.procedure.edition)}, {published(*member).passes} passes"
    yield f"{record.started[:10]}, wattstar {markdown(record.wattstar)}"
    yield f"record `{name}`" + (f" ({markdown(facts.url)})" if facts.url else "")
