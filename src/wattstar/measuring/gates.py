"""What makes a record invalid or needs saying: small pure functions, each with its reason."""

from __future__ import annotations

import math
from collections.abc import Sequence

from wattstar.types import Boundary, Finding, Pass, Severity


def unreadable_samples(sentences: Sequence[str], asked: int) -> list[Finding]:
    """Every sample that was asked must have been served."""
    if not sentences:
        return []
    listed = "; ".join(sentences)
    message = f"{len(sentences)} of {asked} samples could not be decoded and were not served: {listed}"
    return [Finding("samples", Severity.INVALID, message)]


def readings(passes: Sequence[Pass]) -> list[Finding]:
    """A reading is a positive, finite number."""
    return [
        Finding("reading", Severity.INVALID, f"pass {counted.index}: {reading.domain} read {reading.joules} J")
        for counted in passes
        for reading in counted.energy
        if not (math.isfinite(reading.joules) and reading.joules > 0)
    ]


def coverage(late: Sequence[tuple[int, str]]) -> list[Finding]:
    """Every meter must speak until a pass has ended."""
    return [
        Finding("coverage", Severity.INVALID, f"pass {index}: {domain} stopped changing before the pass ended (stuck?)")
        for index, domain in late
    ]


def figure(passes: Sequence[Pass], rated: Boundary | None) -> list[Finding]:
    """There must be a boundary to rate."""
    if passes and rated is None:
        domains = sorted({reading.domain for counted in passes for reading in counted.energy})
        message = f"no boundary is complete: only {', '.join(domains) or 'nothing'} was read in every pass"
        return [Finding("boundary", Severity.INVALID, message)]
    return []


def phases(passes: Sequence[Pass], names: Sequence[str]) -> list[Finding]:
    """A phase that cannot be told apart is said to be unknown."""
    absent = [name for name in names if any(name not in counted.phases for counted in passes)]
    if not absent:
        return []
    return [Finding("phases", Severity.NOTE, f"no energy of its own for: {', '.join(absent)}")]
