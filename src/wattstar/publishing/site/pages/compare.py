"""The page that compares two to four models; which ones lies in the address."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations
from typing import Any

from wattstar.errors import UsageError
from wattstar.publishing.site import paths
from wattstar.publishing.site.board import Board, Field, Row
from wattstar.publishing.site.page import Options, Page
from wattstar.publishing.site.text import capital
from wattstar.rating.comparisons import compare, paired


def pages(board: Board, options: Options) -> Iterator[Page]:
    """One. It reads what it compares from the pages of the tasks, so that nothing stands in two places."""
    fields = [field for field in board.fields if field.groups]
    yield Page(
        path=paths.COMPARE,
        kind="compare",
        title="Compare models",
        description="How many times the energy one model takes of another, how sure that is, and what is not alike.",
        context={"fields": [(capital(field.title), paths.task(field), field) for field in fields]},
        data={
            "tasks": [_task(field) for field in fields],
            "paired": paired_ratios(board),
            "examples": [_example(field) for field in fields if len(field.groups[0].rows) > 1],
        },
        section=paths.COMPARE,
    )


def paired_ratios(board: Board) -> list[dict[str, Any]]:
    """Of records that were measured in turns, in one sitting: pairs tell more than two intervals do."""
    found = []
    for group in board.groups:
        sittings: dict[str, list[Row]] = defaultdict(list)
        for row in group.rows:
            sitting = board.records[row.source].record.sitting if row.record else None
            if sitting is not None:
                sittings[sitting.id].append(row)
        for rows in sittings.values():
            found += [each for one, other in combinations(rows, 2) if (each := _pair(board, one, other))]
    return found


def _pair(board: Board, one: Row, other: Row) -> dict[str, Any] | None:
    """The thriftier row's id, the other's, and their ratio; None where their passes do not alternate, or one has no
    energy that counts."""
    members = [(row.source, board.records[row.source].record) for row in (one, other)]
    if not paired(members[0][1], members[1][1]):
        return None
    try:
        made = compare(*members)
    except UsageError:
        return None
    ids = {row.source: row.id for row in (one, other)}
    ratio = made.ratio
    return {"rows": [ids[name] for name in made.records], "ratio": [ratio.low, ratio.mid, ratio.high],
            "pairs": made.pairs}  # fmt: skip


def _example(field: Field) -> dict[str, Any]:
    """The model of the least energy beside the one in the middle: where to begin when nothing was chosen."""
    group = field.groups[0]
    pair = (group.rows[0], group.rows[max(1, len(group.rows) // 2)])
    return {
        "task": field.task,
        "title": capital(field.title),
        "group": group.slug,
        "rows": [row.id for row in pair],
        "models": [row.model.rpartition("/")[2] for row in pair],
    }


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
