"""What the tasks are, in words for everybody: ``words.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

NAMES = ("sentence", "asked", "answer", "work", "phases", "quality")


@cache
def words() -> Mapping[str, Mapping[str, str]]:
    """Task → name → text."""
    return tomllib.loads(files("wattstar.publishing.site").joinpath("words.toml").read_text(encoding="utf-8"))


def of(task: str) -> Mapping[str, str]:
    """All that is said of a task; empty texts for one that another package brought."""
    return {
        **dict.fromkeys(NAMES, ""),
        "sentence": f"Models that do {task.replace('-', ' ')}.",
        **words().get(task, {}),
    }
