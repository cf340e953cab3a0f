"""Writes the published JSON Schema of a record to ``schema/record.json``."""

from __future__ import annotations

import json
from pathlib import Path

from wattstar.records.codec import schema

TARGET = Path(__file__).parent.parent / "schema" / "record.json"


def text() -> str:
    """The file's content."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(text(), encoding="utf-8")
