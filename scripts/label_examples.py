"""Draws docs/labels/ again: the label of each record there, by the edition that the page names.

python scripts/label_examples.py
"""

from __future__ import annotations

from pathlib import Path

from wattstar.publishing.label.badge import badge
from wattstar.publishing.label.card import svg
from wattstar.publishing.label.facts import By, Claims, facts
from wattstar.rating import editions
from wattstar.records.store import Store

FOLDER = Path(__file__).parent.parent / "docs" / "labels"
EDITION = "2025-12"
WITH_BADGE = "text-generation"


def main() -> None:
    """Write one SVG a task, and one badge."""
    for name, record in Store(FOLDER).records():
        said = facts(name, record, Claims(by=By(editions.load(EDITION))))
        (FOLDER / f"{said.task}.svg").write_text(svg(said), encoding="utf-8")
        if said.task == WITH_BADGE:
            (FOLDER / f"{said.task}-badge.svg").write_text(badge(said), encoding="utf-8")


if __name__ == "__main__":
    main()
