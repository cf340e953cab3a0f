"""Draws rows by length: ten strata of equal size, from each its share, by the hash of seed and content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

STRATA = 10


@dataclass(frozen=True)
class Candidate:
    """A row that may be drawn."""

    input: Mapping[str, Any]
    """Media left out."""
    target: Any
    length: float
    """Characters of all texts, pixels, or seconds."""
    media: Mapping[str, bytes]
    """Field → the source's bytes."""
    rank: str
    """sha256 of seed and content: the same row has the same rank in whatever order rows came."""


def rank(seed: int, input: Mapping[str, Any], target: Any, media: Mapping[str, bytes]) -> str:
    """Of a row, whatever its place."""
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in media.items()}
    text = json.dumps([seed, input, target, digests], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def draw(candidates: Sequence[Candidate], count: int) -> list[Candidate]:
    """So many, with the candidates' distribution of lengths; in the order of their ranks."""
    rows = sorted(candidates, key=lambda row: (row.length, row.rank))
    drawn: list[Candidate] = []
    for stratum in range(STRATA):
        begin, end = (len(rows) * edge // STRATA for edge in (stratum, stratum + 1))
        share = count * end // len(rows) - count * begin // len(rows)
        drawn += sorted(rows[begin:end], key=lambda row: row.rank)[:share]
    return sorted(drawn, key=lambda row: row.rank)
