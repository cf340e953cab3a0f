"""Pages of words: method, how to submit, questions; a template each."""

from __future__ import annotations

from collections.abc import Iterator

from wattstar.publishing.site.board import Board
from wattstar.publishing.site.page import Options, Page

PROSE = (
    ("method", "Method", "How the energy of a query is measured, and how a star is given."),
    ("submit", "Submit", "How to measure a model of your own and put it on the leaderboard."),
    ("faq", "Questions", "What people ask, and words for a call for tenders."),
)
"""Path and template, title, description."""


def pages(board: Board, options: Options) -> Iterator[Page]:
    """One for each."""
    for name, title, description in PROSE:
        yield Page(f"{name}/", name, title, description, section=f"{name}/")
