"""The energy labels of a board's records, as files of the site, or inside the single file."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from wattstar.errors import UsageError
from wattstar.publishing.label.card import svg
from wattstar.publishing.label.facts import By, Claims, address, facts
from wattstar.publishing.site import paths
from wattstar.publishing.site.board import Board
from wattstar.publishing.site.page import Options

MOST = 300
"""Labels are drawn for so many records, the newest ones: each takes as long as twenty pages of records."""


@dataclass(frozen=True)
class Label:
    """Where a record's label is."""

    path: str
    """Of its file; empty in the single file."""
    source: Callable[[], str]
    """In the single file: the drawing itself, as an address."""


def chosen(board: Board) -> list[str]:
    """The records that get one: those with a place on the board, the newest first."""
    found = {(row.date, row.source) for group in board.groups for row in group.rows if row.record}
    return [name for _, name in sorted(found, reverse=True)[:MOST]]


def labels(board: Board, options: Options) -> Mapping[str, Label]:
    """By record."""
    return {
        name: Label("" if options.single_file else paths.label(name), partial(_inline, board, name, options))
        for name in chosen(board)
    }


def drawn(board: Board, name: str, options: Options) -> str:
    """The label of a record by the newest edition: what ``wattstar label --edition`` draws of it."""
    by = By(board.editions[0]) if board.editions else None
    return svg(facts(name, board.records[name].record, Claims(by, site=site(options))))


def site(options: Options) -> str | None:
    """The address that labels name; None where the site has none, or one that is too long for a QR code."""
    if options.address is None:
        return None
    try:
        address("0" * 64, options.address)
    except UsageError:
        return None
    return options.address


def _inline(board: Board, name: str, options: Options) -> str:
    drawing = drawn(board, name, options).encode()
    return "data:image/svg+xml;base64," + base64.b64encode(drawing).decode()
