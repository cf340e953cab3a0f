"""Studies: which simple step saves how much, at what loss of quality. None was run yet."""

from __future__ import annotations

from collections.abc import Iterator

from wattstar.publishing.site.board import Board
from wattstar.publishing.site.page import Options, Page


def pages(board: Board, options: Options) -> Iterator[Page]:
    """One, so that who looks for them learns that there are none."""
    yield Page(
        path="study/",
        kind="study",
        title="Studies",
        description="Which simple step saves how much energy, at what loss of quality.",
        section="study/",
    )
