"""What programs can read: files, their columns, the feed, badges and embedding, explained."""

from __future__ import annotations

from collections.abc import Iterator

from wattstar.publishing.site import document, paths
from wattstar.publishing.site.board import Board
from wattstar.publishing.site.columns import COLUMNS, SCHEMA
from wattstar.publishing.site.page import Options, Page


def pages(board: Board, options: Options) -> Iterator[Page]:
    """One; none in a single file, which has no other files beside it."""
    if options.single_file:
        return
    rows = [(group, row) for group in board.groups for row in group.rows]
    example = next(((paths.badge(row.model, group.task), row.model, group.task) for group, row in rows), None)
    yield Page(
        path=paths.API,
        kind="api",
        title="Data for programs",
        description="The leaderboard as JSON and Parquet, a feed of new records, badges, and a table to embed.",
        context={
            "columns": [(column, document.kind(column)) for column in COLUMNS],
            "schema": SCHEMA,
            "places": paths,
            "example": example,
            "tasks": [(field.task, paths.data(field.task), paths.task(field)) for field in board.fields],
        },
        section="data/",
    )
