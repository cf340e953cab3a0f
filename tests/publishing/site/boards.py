"""Boards for the tests of the leaderboard: an edition, and records that nobody ran."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.support import written
from wattstar.publishing.site import gather
from wattstar.publishing.site.board import Board
from wattstar.rating.populations import population
from wattstar.records.store import Store
from wattstar.types import Boundary, Conditions, Edition, Entry, Interval, Record

PUBLISHED = Conditions(
    task="text-classification",
    size_class=None,
    hardware="NVIDIA H100-80GB",
    boundary=Boundary.GPU,
    method="codecarbon",
    work="1,000 texts, batch 1",
    procedure="of somebody else",
)


def edition(names: Sequence[str] = (), task: str = "text-classification") -> Edition:
    """Twelve published energies, of a family each, from 0.1 Wh in steps of a half more; or these names'."""
    known = names or [f"publisher-{number}/model-{number}" for number in range(12)]
    entries = [
        Entry(name, name.partition("/")[0], Interval(None, 0.1 * 1.5**number, None), "a table", "2025-12")
        for number, name in enumerate(known)
    ]
    conditions = Conditions(**{**vars(PUBLISHED), "task": task})
    return Edition(
        "2025-12", "somebody else's figures", "somebody else", (population(conditions, entries),), ("First.",)
    )


def store(folder: Path, records: Sequence[tuple[str, Record]]) -> Store:
    """With these records in it."""
    made = Store(folder)
    for _, record in records:
        made.add(record)
    return made


def own(count: int = 3, **changes: Any) -> list[tuple[str, Record]]:
    """Records of as many models, from 0.2 Wh, each twice the one before."""
    return [written(0.2 * 2**number, f"own-{number}/model", spread=0.02, **changes) for number in range(count)]


def board(folder: Path, count: int = 3) -> Board:
    """An edition, and a store."""
    return gather([store(folder, own(count))], [edition()])
