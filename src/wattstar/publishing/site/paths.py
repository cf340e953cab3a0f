"""Where things stand on the site: every page's path follows from what it shows."""

from __future__ import annotations

from wattstar.publishing.site.board import Field, Group
from wattstar.publishing.site.text import slug

COMPARE = "compare/"


def task(field: Field, group: Group | None = None) -> str:
    """Of a group's page; the first group's is the task's own."""
    home = f"tasks/{slug(field.task)}/"
    return home if group is None or group is field.groups[0] else f"{home}{group.slug}/"


def model(name: str) -> str:
    """All that is known of a model."""
    return f"models/{slug(name)}/"


def record(name: str) -> str:
    """One record, by its id."""
    return f"records/{name[:16]}/"
