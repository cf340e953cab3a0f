"""The page that compares two to four models; which ones lies in the address."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wattstar.publishing.site import paths
from wattstar.publishing.site.board import Board, Field
from wattstar.publishing.site.page import Options, Page
from wattstar.publishing.site.text import capital


def pages(board: Board, options: Options) -> Iterator[Page]:
    """One. It reads what it compares from the pages of the tasks, so that nothing stands in two places."""
    fields = [field for field in board.fields if field.groups]
    yield Page(
        path=paths.COMPARE,
        kind="compare",
        title="Compare models",
        description="How many times the energy one model takes of another, how sure that is, and what is not alike.",
        context={"fields": [(capital(field.title), paths.task(field), field) for field in fields]},
        data={"tasks": [_task(field) for field in fields]},
        section=paths.COMPARE,
    )


def _task(field: Field) -> dict[str, Any]:
    return {
        "task": field.task,
        "title": capital(field.title),
        "groups": [
            {
                "group": group.slug,
                "name": group.name + (f", class {size}" if (size := group.conditions.size_class) else ""),
                "path": paths.task(field, group),
                "rows": len(group.rows),
                "own": group.own is not None,
            }
            for group in field.groups
        ],
    }
