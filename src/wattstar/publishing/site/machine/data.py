"""``data/*.json``: every row, by task, as columns; an index, and the schema."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from wattstar.publishing.site import document, paths
from wattstar.publishing.site.board import Board
from wattstar.publishing.site.page import Options

LINKS = ((paths.INDEX, "application/json", "Where all data lies"),)


def files(board: Board, options: Options) -> Iterator[tuple[str, bytes]]:
    """One a task, also of those of which nothing is known: their groups are an empty list."""
    yield paths.INDEX, _json(document.index(board, options), indent=1)
    yield paths.SCHEMA, _json(document.schema(), indent=1)
    for field in board.fields:
        yield paths.data(field.task), _json(document.task(field))


def _json(value: Any, indent: int | None = None) -> bytes:
    """Not-a-number is refused."""
    separators = None if indent else (",", ":")
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent, separators=separators, sort_keys=True)
    return text.encode() + b"\n"
