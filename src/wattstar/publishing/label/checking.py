"""Whether a label is what its record gives: the facts, and every byte that is drawn of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import zip_longest

from wattstar import __version__
from wattstar.publishing.label.badge import HIGH, badge
from wattstar.publishing.label.card import svg
from wattstar.publishing.label.facts import Facts
from wattstar.publishing.label.pages import FIGURE, html
from wattstar.records.codec import encode


def differences(document: str, carried: Facts, made: Facts) -> list[str]:
    """What of the document is not as it is made now, in words; empty where it is the same to the byte.

    ``carried`` are the facts inside the document, ``made`` those that record, edition and evidence give.
    """
    return list(_facts(carried, made)) or list(_drawing(document, renderer(document)(made)))


def renderer(document: str) -> Callable[[Facts], str]:
    """What drew it, by its first line."""
    first = document.partition("\n")[0]
    if first == FIGURE:
        return html
    return badge if f'height="{HIGH}"' in first else svg


def _facts(carried: Facts, made: Facts) -> Iterator[str]:
    said, given = encode(carried), encode(made)
    for name in given:
        if said[name] != given[name]:
            yield f"{name}: it says {said[name]!r}, record and edition give {given[name]!r}"


def _drawing(document: str, drawn: str) -> Iterator[str]:
    if document == drawn:
        return
    lines = zip_longest(document.split("\n"), drawn.split("\n"))
    number = next(count for count, (one, other) in enumerate(lines, 1) if one != other)
    yield f"the drawing: line {number} is not as wattstar {__version__} draws these facts"
