"""Bulk data as Parquet: timelines, marks and one row per sample. Schemas are explicit, so that no column is lost."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from wattstar.types import Mark, Method, Timeline

TIMELINE = {
    "domain": "string",
    "meter": "string",
    "method": "string",
    "plausible_factor": "double",
    "time": "int64",
    "joules": "double",
}
MARK = {"name": "string", "time": "int64", "pass_index": "int32", "batch": "int32"}
SAMPLE = {
    "id": "string",
    "source": "string",
    "seconds": "double",
    "counts": "string",
    "output": "string",
    "target": "string",
}
"""seconds: of the sample's batch divided by the batch's samples, mean over passes. counts, output, target: JSON."""


def timelines_to_parquet(timelines: Iterable[Timeline]) -> bytes:
    """One row per stamp."""
    columns: dict[str, list[Any]] = {name: [] for name in TIMELINE}
    for line in timelines:
        count = len(line.times)
        for name, value in (
            ("domain", line.domain),
            ("meter", line.meter),
            ("method", str(line.method)),
            ("plausible_factor", line.plausible_factor),
        ):
            columns[name].extend([value] * count)
        columns["time"].extend(line.times)
        columns["joules"].extend(line.joules)
    return _write(columns, TIMELINE)


def timelines_from_parquet(data: bytes) -> list[Timeline]:
    """The timelines, in the order in which they were written."""
    rows: dict[tuple[str, str, str, float | None], tuple[list[int], list[float]]] = {}
    for row in _read(data):
        key = (row["domain"], row["meter"], row["method"], row["plausible_factor"])
        times, joules = rows.setdefault(key, ([], []))
        times.append(row["time"])
        joules.append(row["joules"])
    return [
        Timeline(domain, meter, Method(method), times, joules, factor)
        for (domain, meter, method, factor), (times, joules) in rows.items()
    ]


def marks_to_parquet(marks: Sequence[Mark]) -> bytes:
    """One row per mark."""
    return _write({name: [getattr(mark, name) for mark in marks] for name in MARK}, MARK)


def marks_from_parquet(data: bytes) -> list[Mark]:
    """The marks, in order."""
    return [Mark(**row) for row in _read(data)]


def samples_to_parquet(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """One row per sample."""
    return _write({name: [row[name] for row in rows] for name in SAMPLE}, SAMPLE)


def _write(columns: Mapping[str, Sequence[Any]], types: Mapping[str, str]) -> bytes:
    import pyarrow
    import pyarrow.parquet

    schema = pyarrow.schema([(name, pyarrow.type_for_alias(kind)) for name, kind in types.items()])
    arrays = [pyarrow.array(columns[name], type=schema.field(name).type) for name in types]
    sink = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_arrays(arrays, schema=schema), sink, compression="zstd")
    return sink.getvalue()


def _read(data: bytes) -> list[dict[str, Any]]:
    import pyarrow.parquet

    return pyarrow.parquet.read_table(io.BytesIO(data)).to_pylist()  # type: ignore[no-any-return]
