"""Bulk data as Parquet: timelines, marks and one row per sample. Schemas are explicit, so that no column is lost."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from wattstar.errors import VerificationFailed
from wattstar.types import Interval, Mark, Method, Observation, Timeline

TIMELINE = {
    "domain": "string",
    "meter": "string",
    "method": "string",
    "plausible_factor": "double",
    "most_watts": "double",
    "lag_low": "double",
    "lag": "double",
    "lag_high": "double",
    "quantum": "double",
    "gain": "double",
    "time": "int64",
    "joules": "double",
    "gap": "int64",
}
MARK = {"name": "string", "time": "int64", "pass_index": "int32", "batch": "int32"}
STATE = {"time": "int64", "domain": "string", "name": "string", "value": "double"}
SAMPLE = {
    "id": "string",
    "source": "string",
    "seconds": "double",
    "counts": "string",
    "output": "string",
    "target": "string",
}
"""seconds: of the sample's batch divided by the batch's samples, mean over passes. counts, output, target: JSON."""


LAG = ("lag_low", "lag", "lag_high")
MAY_BE_NULL = frozenset({"plausible_factor", "most_watts", *LAG, "gain", "pass_index", "batch"})
WHOLE = ("domain", "meter", "method", "plausible_factor", "most_watts", *LAG, "quantum", "gain")
"""Columns that are the same in every row of one timeline."""


def timelines_to_parquet(timelines: Iterable[Timeline]) -> bytes:
    """One row per stamp."""
    columns: dict[str, list[Any]] = {name: [] for name in TIMELINE}
    for line in timelines:
        for name, value in _whole(line).items():
            columns[name].extend([value] * len(line.times))
        columns["time"].extend(line.times)
        columns["joules"].extend(line.joules)
        columns["gap"].extend(line.gaps or [0] * len(line.times))
    return _write(columns, TIMELINE)


def timelines_from_parquet(data: bytes) -> list[Timeline]:
    """The timelines, in the order in which they were written."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in _read(data, TIMELINE):
        groups.setdefault(tuple(row[name] for name in WHOLE), []).append(row)
    return [_timeline(dict(zip(WHOLE, key, strict=True)), rows) for key, rows in groups.items()]


def _whole(line: Timeline) -> dict[str, Any]:
    lag = line.lag
    parts = (lag.low, lag.mid, lag.high) if lag else (None, None, None)
    known = dict(zip(LAG, parts, strict=True))
    return {name: known[name] if name in LAG else getattr(line, name) for name in WHOLE}


def _timeline(whole: dict[str, Any], rows: Sequence[Mapping[str, Any]]) -> Timeline:
    low, mid, high = (whole.pop(name) for name in LAG)
    if whole["method"] not in list(Method):
        raise VerificationFailed(f"There is no method {whole['method']!r}.")
    return Timeline(
        **whole | {"method": Method(whole["method"])},
        lag=None if mid is None else Interval(low, mid, high),
        times=[row["time"] for row in rows],
        joules=[row["joules"] for row in rows],
        gaps=[row["gap"] for row in rows],
    )


def marks_to_parquet(marks: Sequence[Mark]) -> bytes:
    """One row per mark."""
    return _write({name: [getattr(mark, name) for mark in marks] for name in MARK}, MARK)


def marks_from_parquet(data: bytes) -> list[Mark]:
    """The marks, in order."""
    return [Mark(**row) for row in _read(data, MARK)]


def states_to_parquet(states: Sequence[Observation]) -> bytes:
    """One row per observation."""
    return _write({name: [getattr(seen, name) for seen in states] for name in STATE}, STATE)


def states_from_parquet(data: bytes) -> list[Observation]:
    """The observations, in order."""
    return [Observation(**row) for row in _read(data, STATE)]


def samples_to_parquet(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """One row per sample."""
    return _write({name: [row[name] for row in rows] for name in SAMPLE}, SAMPLE)


def samples_from_parquet(data: bytes) -> list[dict[str, Any]]:
    """The rows, in order; counts, output and target are JSON still."""
    return _read(data, SAMPLE)


def _write(columns: Mapping[str, Sequence[Any]], types: Mapping[str, str]) -> bytes:
    import pyarrow
    import pyarrow.parquet

    schema = pyarrow.schema([(name, pyarrow.type_for_alias(kind)) for name, kind in types.items()])
    arrays = [pyarrow.array(columns[name], type=schema.field(name).type) for name in types]
    sink = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_arrays(arrays, schema=schema), sink, compression="zstd")
    return sink.getvalue()


def _read(data: bytes, types: Mapping[str, str]) -> list[dict[str, Any]]:
    """``VerificationFailed`` where it is no Parquet file with just these columns."""
    import pyarrow
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.read_table(io.BytesIO(data))
    except (pyarrow.ArrowException, OSError) as error:
        raise VerificationFailed(f"Not a Parquet file: {str(error).splitlines()[0]}") from error
    found = {field.name: str(field.type) for field in table.schema}
    if found != dict(types):
        wrong = sorted(set(found.items()) ^ set(types.items()))
        raise VerificationFailed(f"Columns that are not as they should be: {', '.join(name for name, _ in wrong)}")
    empty = [name for name in types if name not in MAY_BE_NULL and table.column(name).null_count]
    if empty:
        raise VerificationFailed(f"Columns with gaps: {', '.join(empty)}")
    return table.to_pylist()  # type: ignore[no-any-return]
