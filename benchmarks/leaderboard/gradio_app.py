"""The rows of a leaderboard's data file as a table of gradio; prints its port. Runs in an environment of its own."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import gradio  # type: ignore[import-not-found, unused-ignore]

COLUMNS = ("rank", "model", "stars", "wh_per_1000_queries", "quality", "parameters", "seconds_per_query", "precision",
           "engine", "status")  # fmt: skip


def main(file: Path) -> None:
    """Serve until killed."""
    [group] = [one for one in json.loads(file.read_text())["groups"] if one["given_stores"]]
    rows = [list(row) for row in zip(*(group["columns"][name] for name in COLUMNS), strict=True)]
    with gradio.Blocks(analytics_enabled=False) as blocks:
        gradio.Dataframe(rows, headers=list(COLUMNS), interactive=False, show_search="search")
    _, address, _ = blocks.launch(server_name="127.0.0.1", prevent_thread_lock=True, quiet=True)
    print(address, flush=True)
    blocks.block_thread()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
