"""The nouns that the parts of the edition share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Row = dict[str, Any]
"""One line of ``<task>.jsonl``."""


@dataclass(frozen=True)
class Source:
    """Where rows come from: an entry of the manifest."""

    name: str
    origin: str
    licence: str
    notice: str
    """A file in the edition's ``notices/``."""
    note: str = ""
    kind: str = "real"


@dataclass(frozen=True)
class Samples:
    """All rows of one task, with the media they name."""

    task: str
    sources: tuple[Source, ...]
    rows: list[Row]
    files: Mapping[str, bytes] = field(default_factory=dict)
    """By path inside the edition."""


def row(name: str, source: str, target: object, **inputs: object) -> Row:
    """A row; the order of its keys is the order in the file."""
    return {"id": name, "source": source, "input": inputs, "target": target}
