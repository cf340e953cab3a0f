"""``leaderboard.parquet``: every row of every task with the conditions that it compares under."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

from wattstar.publishing.site import document, paths
from wattstar.publishing.site.board import Board
from wattstar.publishing.site.columns import COLUMNS, columnar
from wattstar.publishing.site.page import Options

LINKS = ((paths.PARQUET, "application/vnd.apache.parquet", "Every row of every task"),)
CONDITIONS = ("size_class", "boundary", "method", "work", "procedure")
"""Beside ``hardware``, which is a column; named ``compare_…``, as ``method`` is one too."""


def files(board: Board, options: Options) -> Iterator[tuple[str, bytes]]:
    """One."""
    import pyarrow as pa
    from pyarrow import parquet

    types = {"string": pa.string(), "boolean": pa.bool_(), "integer": pa.int64(), "number": pa.float64()}
    names = ["task", "group", "edition", "foreign", *(f"compare_{name}" for name in CONDITIONS)]
    shape = pa.schema(
        [(name, pa.string()) for name in names] + [(column.name, types[document.kind(column)]) for column in COLUMNS]
    )
    tables = [
        pa.table({**_shared(document.about(field, group), field.task, len(group.rows)), **columnar(group.rows)}, shape)
        for field in board.fields
        for group in field.groups
    ]
    sink = io.BytesIO()
    whole = pa.concat_tables(tables) if tables else shape.empty_table()
    parquet.write_table(whole, sink, compression="zstd")
    yield paths.PARQUET, sink.getvalue()


def _shared(about: dict[str, Any], task: str, rows: int) -> dict[str, list[Any]]:
    """What all rows of a group share, once for each."""
    shared = {
        "task": task,
        "group": about["group"],
        "edition": about["stars"]["edition"],
        "foreign": about["stars"]["foreign"],
        **{f"compare_{name}": about["conditions"][name] for name in CONDITIONS},
    }
    return {name: [value] * rows for name, value in shared.items()}
