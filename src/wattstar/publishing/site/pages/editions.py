"""The editions that stars are given by, with what changed from one to the next."""

from __future__ import annotations

from collections.abc import Iterator

from wattstar.publishing.site.board import Board
from wattstar.publishing.site.page import Options, Page


def pages(board: Board, options: Options) -> Iterator[Page]:
    """One."""
    yield Page("editions/", "editions", "Editions", "The populations that stars are given by.", section="editions/")
