"""The manifest: what came from where, under which licence."""

from __future__ import annotations

import json
from dataclasses import asdict

from .edition import Samples

EDITION = "mini-2"


def manifest(parts: list[Samples]) -> str:
    """``manifest.toml``, with the rows counted, not claimed."""
    lines = ["# Written by scripts/mini_edition; do not edit.", f'edition = "{EDITION}"']
    for part in parts:
        names = [row["source"] for row in part.rows]
        if set(names) != {source.name for source in part.sources}:
            raise SystemExit(f"{part.task}: the sources described are not those of the rows")
        for source in part.sources:
            facts = {"task": part.task, **asdict(source), "rows": names.count(source.name)}
            facts["note"] = facts.pop("note")
            # JSON's strings and numbers are valid TOML.
            entry = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in facts.items()]
            lines += ["", "[[sources]]", *entry]
    return "\n".join(lines) + "\n"
