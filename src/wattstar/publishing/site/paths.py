"""Where things stand on the site: every page's path follows from what it shows.

What there may be thousands of is a file, not a folder with one file in it: folders are what takes long to write.
"""

from __future__ import annotations

from wattstar.publishing.site.board import DIGITS, Field, Group
from wattstar.publishing.site.text import slug

COMPARE = "compare/"
API = "data/api/"
INDEX = "data/index.json"
SCHEMA = "data/schema.json"
PARQUET = "leaderboard.parquet"
FEED = "feed.xml"
STYLE = "site.css"
STORE = "store/"
"""The records, laid out as ``records.store`` does."""


def task(field: Field, group: Group | None = None) -> str:
    """Of a group's page; the first group's is the task's own."""
    home = f"tasks/{slug(field.task)}/"
    return home if group is None or group is field.groups[0] else f"{home}{group.slug}/"


def model(name: str) -> str:
    """All that is known of a model."""
    return f"models/{slug(name)}.html"


def record(name: str) -> str:
    """One record, by its id."""
    return f"records/{name[:DIGITS]}.html"


def label(name: str) -> str:
    """A record's energy label."""
    return f"labels/{name[:DIGITS]}.svg"


def data(task: str) -> str:
    """All rows of a task, as columns."""
    return f"data/{slug(task)}.json"


def badge(name: str, task: str) -> str:
    """What shields.io draws a model's badge from."""
    return f"badges/{slug(task)}/{slug(name)}.json"


def drawn(badge: str) -> str:
    """The badge itself, beside what shields.io draws it from."""
    return badge.removesuffix(".json") + ".svg"


def file(path: str) -> str:
    """Of a page: a folder's is the ``index.html`` in it."""
    return path + "index.html" if not path or path.endswith("/") else path
