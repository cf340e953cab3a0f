"""Here, one job after the other, so that no job disturbs another's measurement."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from wattstar.types import Job, Record, RunFunction

requires: tuple[str, ...] = ()


def launch(jobs: Iterable[Job], run: RunFunction) -> Iterator[Record]:
    """Run the jobs in order."""
    for job in jobs:
        yield run(job)
