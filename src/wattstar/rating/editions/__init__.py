"""Dated, frozen populations: folders beside this file, or anywhere else, each with a digest of what it says."""

from __future__ import annotations

import json
import math
from functools import cache
from pathlib import Path
from typing import Any

from wattstar import registry
from wattstar.errors import UsageError, VerificationFailed
from wattstar.records.codec import decode, digest, encode, parsed
from wattstar.types import Edition

SHIPPED = Path(__file__).parent
FILE = "edition.json"
SUM = "edition.json.sha256"
"""As ``sha256sum`` writes and checks it: against accidents, and against a change that nobody announced."""
COMPACT = 4
"""Depth from which a value stands on one line: an energy a line makes differences readable."""


def names() -> list[str]:
    """Of the editions that ship with this package, oldest first."""
    return sorted(file.parent.name for file in SHIPPED.glob(f"*/{FILE}"))


def load(name: str) -> Edition:
    """An edition that ships, or one in a folder; ``VerificationFailed`` where it was edited or is none."""
    if name in names():
        return _read(SHIPPED / name)
    folder = Path(name)
    if not (folder / FILE).is_file():
        raise registry.unknown("edition", name, [*names()])
    return _read(folder.resolve())


def is_shipped(edition: Edition) -> bool:
    """Whether it is one of this package, unchanged."""
    return edition.name in names() and load(edition.name) == edition


def write(edition: Edition, folder: Path) -> None:
    """Freeze it; ``UsageError`` where the folder holds one already."""
    if (folder / FILE).exists():
        raise UsageError(f"{folder} holds an edition, and editions are frozen.", ["another folder: --out"])
    folder.mkdir(parents=True, exist_ok=True)
    text = _text(encode(edition)) + "\n"
    (folder / FILE).write_text(text, encoding="utf-8")
    (folder / SUM).write_text(f"{digest(text.encode())}  {FILE}\n", encoding="utf-8")


@cache
def _read(folder: Path) -> Edition:
    data = (folder / FILE).read_bytes()
    known = (folder / SUM).read_text(encoding="utf-8").split() if (folder / SUM).is_file() else []
    ours = folder.parent == SHIPPED
    cure = "pip install --force-reinstall wattstar" if ours else "build it again: wattstar edition build"
    if digest(data) not in known:
        raise VerificationFailed(f"The edition in {folder} is not what {SUM} says: it was edited.", [cure])
    try:
        edition = decode(Edition, parsed(data))
    except (ValueError, VerificationFailed) as error:
        raise VerificationFailed(f"The edition in {folder} cannot be read: {error}.", [cure]) from error
    for entry in (entry for each in edition.populations for entry in each.entries):
        if not 0 < entry.wh_per_1000.mid < math.inf:
            message = f"The edition in {folder} holds no energy for {entry.model}: {entry.wh_per_1000.mid} Wh."
            raise VerificationFailed(message, [cure])
    return edition


def _text(value: Any, depth: int = 0) -> str:
    """JSON, indented down to the depth from which each value has its line."""
    if depth >= COMPACT or not isinstance(value, dict | list) or not value:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    edge = "\n" + " " * depth
    if isinstance(value, dict):
        lines = [f"{json.dumps(name)}: {_text(part, depth + 1)}" for name, part in value.items()]
        return "{" + edge + " " + f",{edge} ".join(lines) + edge + "}"
    return "[" + edge + " " + f",{edge} ".join(_text(part, depth + 1) for part in value) + edge + "]"
