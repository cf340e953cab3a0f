"""The energy items of the EU's Model Documentation Form (general-purpose AI, Annex XI), in Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wattstar.publishing.exports import Facts, Holds
from wattstar.publishing.exports._facts import setting
from wattstar.publishing.figures import RANGE, is_estimate, published, spread
from wattstar.publishing.words import markdown
from wattstar.rating.populations import Member
from wattstar.records.words import number
from wattstar.types import Figure

suffix = ".gpai.md"
holds = Holds.RECORD
figures_only = True
needs = ()

ITEMS = (
    ("Amount of energy used for training", "N/A (not measured)"),
    ("Measurement methodology (training)", "N/A (not measured)"),
    ("Benchmarked amount of computation used for inference", "N/A (floating-point operations were not counted)"),
    ("Measurement methodology (inference)", "N/A (floating-point operations were not counted)"),
)
"""Of the form of 10 July 2025 (Code of Practice, transparency chapter), section energy consumption, and what a record
can say of each: it holds the energy of queries, for which the form has no item."""
SHOWN = ("method", "boundary", "coverage", "passes", "hardware", "backend", "dtype", "quantization", "weights", "work",
         "samples", "subset", "test_set", "test_set_sha256", "revision", "wattstar", "record")  # fmt: skip


def write(records: Sequence[Member], facts: Facts) -> bytes:
    """The form's items, then the measured energy as a voluntary annex."""
    [member] = records
    return ("\n".join(_lines(member)) + "\n").encode()


def _lines(member: Member) -> Iterator[str]:
    _, record = member
    made = published(*member)
    yield f"# Energy consumption of {markdown(record.job.model.id)}\n"
    yield "| item of the Model Documentation Form (AI Act, Annex XI, 1(2)(e)) | answer |\n|---|---|"
    yield from (f"| {item} | {answer} |" for item, answer in ITEMS)
    yield f"\n## Voluntary annex: {'estimated' if is_estimate(made) else 'measured'} energy of inference\n"
    if is_estimate(made):
        yield "**An estimate**: modelled, not measured.\n"
    yield "| | |\n|---|---|"
    yield f"| task | {markdown(record.job.task)} |"
    yield f"| energy | {number(made.wh_per_1000.mid)} Wh per 1,000 queries |"
    yield f"| sure to | {_spread(made)} |"
    known = setting(member)
    yield from (f"| {key.replace('_', ' ')} | {markdown(str(known[key]))} |" for key in SHOWN if key in known)
    yield "\nThis page states measurements. It is no statement that any obligation is met."


def _spread(made: Figure) -> str:
    interval, _ = spread(made)
    if interval.low is None or interval.high is None:
        return "not known"
    ends = f"{number(interval.low)} … {number(interval.high)} Wh per 1,000 queries"
    return f"{ends} ({RANGE})" if made.plausible else f"{ends} (95 %, repeatability on this machine)"
