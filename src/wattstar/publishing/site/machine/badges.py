"""``badges/TASK/MODEL.json``: what https://img.shields.io/endpoint draws a badge from; a record's is drawn here too."""

from __future__ import annotations

import json
from collections.abc import Iterator

from wattstar.publishing.label.badge import badge
from wattstar.publishing.label.facts import By, Claims, facts
from wattstar.publishing.site import document, paths, text
from wattstar.publishing.site.board import Board, Group, Row
from wattstar.publishing.site.columns import measured
from wattstar.publishing.site.page import Options
from wattstar.types import Standing

COLOURS = {5: "0b6e4f", 4: "3f7d20", 3: "8a6d00", 2: "b35309", 1: "b3261e", None: "5f6b6a"}
"""By stars; the words say the same, and white on each of them has a contrast of 4.5 at least."""


def files(board: Board, options: Options) -> Iterator[tuple[str, bytes]]:
    """One for each model and task."""
    found: dict[str, tuple[Group, Row]] = {}
    for group in board.groups:
        for row in group.rows:
            path = paths.badge(row.model, group.task)
            if path not in found or _weight(group, row) > _weight(*found[path]):
                found[path] = group, row
    for path, (group, row) in found.items():
        yield path, (json.dumps(endpoint(row), ensure_ascii=False, sort_keys=True) + "\n").encode()
        if row.record:
            claims = Claims(By(group.edition)) if group.edition else Claims()
            yield paths.drawn(path), badge(facts(row.source, board.records[row.source].record, claims)).encode()


def _weight(group: Group, row: Row) -> tuple[bool, str, float]:
    """Of several rows of a model: by an edition before by none, then the newest; never the one that looks best."""
    return group.edition is not None, row.date, row.wh_per_1000.mid


def endpoint(row: Row) -> dict[str, str | int]:
    """``0.202 Wh/1k ± 2.0 % · NVIDIA H100 · 4/5 indicative``. Its keys are shields.io's, which knows no others."""
    rating = row.rating
    energy = f"{text.number(row.wh_per_1000.mid)} Wh/1k {document.width(row)}"
    words = [energy, row.hardware]
    if measured(row) == "estimated":
        words.insert(0, "estimated")
    if rating.stars is not None:
        least, most = rating.span or (rating.stars, rating.stars)
        mark = "" if rating.standing is Standing.OFFICIAL else f" {rating.standing}"
        words.append(f"{least if least == most else f'{least}–{most}'}/5{mark}")
    return {
        "schemaVersion": 1,
        "label": "AI energy",
        "message": " · ".join(words),
        "color": COLOURS[rating.stars if rating.standing is Standing.OFFICIAL else None],
    }
