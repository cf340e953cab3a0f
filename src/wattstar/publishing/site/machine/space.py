"""``README.md``: what makes the folder a static Space of the Hugging Face Hub."""

from __future__ import annotations

import json
from collections.abc import Iterator

from wattstar.publishing.site.board import Board
from wattstar.publishing.site.page import Options


def files(board: Board, options: Options) -> Iterator[tuple[str, bytes]]:
    """One. Its head is YAML, in which a JSON string is a string."""
    title = json.dumps(" ".join(options.title.split()))
    yield (
        "README.md",
        f"""---
title: {title}
emoji: 🌿
colorFrom: green
colorTo: gray
sdk: static
app_file: index.html
pinned: false
short_description: Energy of AI models for a thousand queries
---

A static site that `wattstar leaderboard build` wrote: no server, no tracking, no request to anyone else. Its first page
is `index.html`; `data/index.json` names its data, and `data/api/` explains them.
""".encode(),
    )
