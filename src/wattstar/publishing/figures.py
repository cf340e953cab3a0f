"""The figure that is published of a record, or why there is none."""

from __future__ import annotations

from wattstar.errors import UsageError
from wattstar.rating.populations import figure
from wattstar.types import Figure, Interval, Method, Record, Severity

CONFIDENCE, RANGE = "95 %", "range, not 95 %"


def published(name: str, record: Record) -> Figure:
    """The figure that is rated; ``UsageError`` says why there is none."""
    made = figure(record)
    if made is None:
        raise UsageError(
            f"Record {name[:12]} has no energy to work with: {why_not(record)}.",
            [f"wattstar show {name[:12]}", "name another record: wattstar list"],
        )
    return made


def why_not(record: Record) -> str:
    """Why a record has no figure, in a few words."""
    if record.failure is not None:
        return record.failure.reason
    reasons = [finding.gate for finding in record.findings if finding.severity is Severity.INVALID]
    return f"invalid ({', '.join(dict.fromkeys(reasons))})" if reasons else str(record.status)


def is_estimate(made: Figure) -> bool:
    """Whether it was modelled: it is marked wherever it stands."""
    return made.method is Method.MODELLED


def spread(made: Figure) -> tuple[Interval, str]:
    """The figure with what it may be wrong by, and what that is: an interval, or an estimate's range."""
    if made.plausible is not None:
        return made.plausible, RANGE
    return made.wh_per_1000, CONFIDENCE
