"""``wattstar tasks``: what is here, and the work that each fixes."""

from __future__ import annotations

import click

from wattstar import registry
from wattstar.cli.options import FORMAT
from wattstar.cli.output import as_csv, as_json, table
from wattstar.rating.populations import work


@click.command("tasks")
@FORMAT
def command(style: str) -> None:
    """List the tasks that are here, ours and those of other packages, with their standard controls."""
    rows = [
        {"task": name, "what it is": plug_in.help, "standard controls": work(registry.task(name).controls)}
        | {"zero-shot": "yes" if registry.task(name).zero_shot else "", "from": plug_in.package}
        for name, plug_in in registry.plug_ins("tasks").items()
    ]
    if style == "json":
        as_json(rows)
    elif style == "csv":
        as_csv(rows)
    else:
        shown = [{name: value for name, value in row.items() if name not in ("from", "zero-shot")} for row in rows]
        note = "other controls: --control NAME=VALUE; ≤ is a limit, all else an amount"
        table(f"{len(rows)} tasks", shown, note=note)
