"""The first page: ten tasks on one scale."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from wattstar.publishing.site import words
from wattstar.publishing.site.axis import decades
from wattstar.publishing.site.board import Board, Field, Group, Row
from wattstar.publishing.site.page import Options, Page
from wattstar.publishing.site.paths import task as path


@dataclass(frozen=True)
class Card:
    """A task in one line."""

    path: str
    field: Field
    sentence: str
    groups: tuple[Group, ...]
    """Alike in all but the size class, so that they stand on one strip."""
    rows: tuple[Row, ...]
    """Theirs, least energy first."""
    best: Row | None
    """The least energy of a model that knows something; None where there is none."""
    others: tuple[tuple[str, Group], ...]
    """The first group of the given stores, with its page, where it is not on the strip."""


def pages(board: Board, options: Options) -> Iterator[Page]:
    """One."""
    cards = [_card(field) for field in board.fields]
    yield Page(
        path="",
        kind="home",
        title=options.title,
        description="Which AI model takes the least energy for a task: a thousand queries each, and how sure it is.",
        context={
            "cards": cards,
            "axis": decades(row.wh_per_1000.mid for card in cards for row in card.rows),
        },
    )


def _card(field: Field) -> Card:
    groups = alike(field.groups)
    rows = sorted((row for group in groups for row in group.rows), key=lambda row: row.wh_per_1000.mid)
    best = next((row for row in rows if row.weights != "random"), None)
    own = next((group for group in field.groups if group.own and group not in groups), None)
    others = ((path(field, own), own),) if own else ()
    return Card(path(field, field.groups[0] if field.groups else None), field, words.of(field.task)["sentence"],
                groups, tuple(rows), best, others)  # fmt: skip


def alike(groups: Sequence[Group]) -> tuple[Group, ...]:
    """The first group, and those that differ from it in the size class alone."""
    if not groups:
        return ()
    first = groups[0]
    return tuple(
        group
        for group in groups
        if (group.own is None) == (first.own is None)
        and replace(group.conditions, size_class=None) == replace(first.conditions, size_class=None)
    )
