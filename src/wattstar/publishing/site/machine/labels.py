"""``labels/RECORD.svg``, and ``r/RECORD/``, which is where the code on a label leads."""

from __future__ import annotations

from collections.abc import Iterator

from wattstar.publishing.label.facts import address
from wattstar.publishing.site import labels, paths
from wattstar.publishing.site.board import Board
from wattstar.publishing.site.page import Options

FORWARD = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Record</title>
<meta http-equiv="refresh" content="0; url=../../{path}">
<p><a href="../../{path}">The record</a></p></html>
"""


def files(board: Board, options: Options) -> Iterator[tuple[str, bytes]]:
    """One drawing a record; where the site knows its own address, also what leads from the code on it to its page."""
    site = labels.site(options)
    for name in labels.chosen(board):
        yield paths.label(name), labels.drawn(board, name, options).encode()
        if site is not None:
            short = address(name, site).rpartition("/r/")[2]
            yield f"r/{short}/index.html", FORWARD.format(path=paths.record(name)).encode()
