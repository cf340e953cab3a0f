"""The published JSON Schema is the one that records are written by."""

import json
from pathlib import Path

from wattstar.records.codec import schema

PUBLISHED = Path(__file__).parents[2] / "schema" / "record.json"


def test_the_published_schema_is_up_to_date():
    assert json.loads(PUBLISHED.read_text(encoding="utf-8")) == schema(), "run: make schema"


def test_the_published_schema_explains_its_fields():
    reading = schema()["$defs"]["Reading"]["properties"]
    assert "joules" in reading["bound"]["description"]
