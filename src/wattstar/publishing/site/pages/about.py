"""Where the figures come from, and what speaks against them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from wattstar.publishing.site.board import Board
from wattstar.publishing.site.page import Options, Page
from wattstar.rating.populations import figure


def pages(board: Board, options: Options) -> Iterator[Page]:
    """One."""
    populations = board.editions[0].populations if board.editions else ()
    doubts = Counter(doubt for population in populations for doubt in population.doubts)
    yield Page(
        path="data/",
        kind="data",
        title="About the data",
        description="Where the figures come from, and what speaks against them.",
        context={
            "doubts": [doubt for doubt, _ in doubts.most_common()],
            "doubt_counts": doubts,
            "counted": sum(figure(kept.record) is not None for kept in board.records.values()),
            "random": sum(row.weights == "random" for group in board.groups for row in group.rows),
        },
        section="data/",
    )
