"""Plays a recorded timeline back as if it were live, for demonstrations and for tests of analysis.

The joules may once have been measured, but of other work at another time. Of the work that runs now they say nothing,
so the method is ``modelled`` with a plausible range of ×/÷ 2, whatever the recording's was: it stands in no column
beside measurements, earns no official star, and is refused where a measurement is asked for. The range is a mark, not
a claim.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from wattstar.errors import MeterUnavailable
from wattstar.types import Affinity, Level, Method, Reader, Scope

requires: tuple[str, ...] = ()  # pyarrow comes with wattstar itself
method = Method.MODELLED
plausible_factor: float | None = 2.0
gain: float | None = None
argument: str | None = "a Parquet file of timelines (STORE/timelines/…)"
confirmed = True

COLUMNS = {"domain": "string", "meter": "string", "method": "string", "time": "int64", "joules": "double"}
"""Those of a store's timelines that are needed here."""
PERIOD_SECONDS = 0.005
"""Counters of GPUs step every 20 to 100 ms: few recorded stamps lie closer together than two reads."""
CURE = "name a file of a store: --meter replay=results/timelines/DIGEST.parquet"


@dataclass(frozen=True)
class Recording:
    """What one meter once said of one domain."""

    domain: str
    times: Sequence[int]
    """Nanoseconds."""
    joules: Sequence[float]

    def at(self, moment: int) -> tuple[int, float] | None:
        """The last stamp up to a moment, and its total; None before the first."""
        index = bisect_right(self.times, moment) - 1
        return (self.times[index], self.joules[index]) if index >= 0 else None


def affinity() -> Affinity:
    """Plays only what was named."""
    return Affinity(Level.ASKED, ("system", "gpu:0", "cpu:0", "dram:0"), "a recording, which is no measurement of now")


@contextmanager
def reader(scope: Scope) -> Iterator[Reader]:
    """Begin now; raises ``MeterUnavailable`` where the file cannot be played, and in the end when it is over."""
    recordings = load(scope.argument)
    first = min(line.times[0] for line in recordings)
    last = max(line.times[-1] for line in recordings)
    shift = time.monotonic_ns() - first

    def read() -> Mapping[str, tuple[int, float]]:
        moment = time.monotonic_ns() - shift
        if moment > last:
            message = f"The recording {scope.argument!r} was over after {(last - first) / 1e9:g} s."
            raise MeterUnavailable(message, ["measure something shorter, or play a longer recording"])
        seen = {line.domain: line.at(moment) for line in recordings}
        return {domain: (found[0] + shift, found[1]) for domain, found in seen.items() if found is not None}

    yield Reader(read, PERIOD_SECONDS)


def load(file: str) -> list[Recording]:
    """One recording a domain, of the best method that saw it; ``MeterUnavailable`` where one cannot be played."""
    groups: dict[tuple[int, str, str], list[Any]] = {}
    for row in _rows(file):
        groups.setdefault((list(Method).index(Method(row["method"])), row["meter"], row["domain"]), []).append(row)
    best: dict[str, Recording] = {}
    for (_, _, domain), rows in sorted(groups.items(), key=lambda group: group[0]):
        found = Recording(domain, [row["time"] for row in rows], [row["joules"] for row in rows])
        if any(late <= early for early, late in pairwise(found.times)):
            raise MeterUnavailable(f"The times of {domain} in {file!r} do not increase.", [CURE])
        if any(late < early for early, late in pairwise(found.joules)):
            raise MeterUnavailable(f"The joules of {domain} in {file!r} decrease.", [CURE])
        best.setdefault(domain, found)
    if not best:
        raise MeterUnavailable(f"There is nothing in {file!r}.", [CURE])
    return list(best.values())


def _rows(file: str) -> list[dict[str, Any]]:
    import pyarrow
    import pyarrow.parquet

    schema = pyarrow.schema([(name, pyarrow.type_for_alias(kind)) for name, kind in COLUMNS.items()])
    try:
        with open(file, "rb") as opened:  # pyarrow itself would take an address, and fetch it
            table = pyarrow.parquet.read_table(opened)
        if missing := [name for name in COLUMNS if name not in table.column_names]:
            message = f"{file!r} has no column {', '.join(missing)}: it is no table of timelines."
            raise MeterUnavailable(message, [CURE])
        table = table.select(list(COLUMNS)).cast(schema)
    except (OSError, pyarrow.ArrowException) as error:
        raise MeterUnavailable(f"{file!r} cannot be played: {error}.", [CURE]) from error
    if any(column.null_count for column in table.columns):
        raise MeterUnavailable(f"{file!r} has rows with something missing.", [CURE])
    rows: list[dict[str, Any]] = table.to_pylist()
    if unknown := {row["method"] for row in rows} - set(Method):
        raise MeterUnavailable(f"{file!r} has unknown methods: {', '.join(sorted(unknown))}.", [CURE])
    return rows
