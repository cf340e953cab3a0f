"""Where things stand on the site: every page's path follows from what it shows."""

from __future__ import annotations

from wattstar.publishing.site.board import DIGITS, Field, Group
from wattstar.publishing.site.text import slug

COMPARE = "compare/"
API = "data/api/"
INDEX = "data/index.json"
SCHEMA = "data/schema.json"
PARQUET = "leaderboard.parquet"
FEED = "feed.xml"
STORE = "store/"
"""The records, laid out as ``records.store`` does."""


def task(field: Field, group: Group | None = None) -> str:
    """Of a group's page; the first group's is the task's own."""
    home = f"tasks/{slug(field.task)}/"
    return home if group is None or group is field.groups[0] else f"{home}{group.slug}/"


def model(name: str) -> str:
    """All that is known of a model."""
    return f"models/{slug(name)}/"


def record(name: str) -> str:
    """One record, by its id."""
    return f"records/{name[:DIGITS]}/"


def label(name: str) -> str:
    """A record's energy label."""
    return f"labels/{name[:DIGITS]}.svg"


def data(task: str) -> str:
    """All rows of a task, as columns."""
    return f"data/{slug(task)}.json"


def badge(name: str, task: str) -> str:
    """What shields.io draws a model's badge from."""
    return f"badges/{slug(name)}/{slug(task)}.json"


def drawn(badge: str) -> str:
    """The badge itself, beside what shields.io draws it from."""
    return badge.removesuffix(".json") + ".svg"
