"""Which samples of a batch can share a forward without padding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Places = tuple[tuple[int, ...], ...]
"""Per group: which samples of the batch are in it."""


def alike(keys: Sequence[Any]) -> Places:
    """The places of equal keys together, in order of first appearance."""
    found: dict[Any, list[int]] = {}
    for place, key in enumerate(keys):
        found.setdefault(key, []).append(place)
    return tuple(tuple(places) for places in found.values())


def in_order(places: Places, rows: Sequence[Sequence[Any]]) -> list[Any]:
    """What was found for each group's samples, in the order of the batch."""
    found = {place: row for group, of in zip(places, rows, strict=True) for place, row in zip(group, of, strict=True)}
    return [found[place] for place in range(len(found))]
