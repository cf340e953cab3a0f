"""Lists the plug-ins of one kind, without importing what they need."""

from __future__ import annotations

from wattstar import registry
from wattstar.cli.output import as_csv, as_json, table


def show(kind: str, style: str) -> None:
    """Print name, help and origin of each."""
    rows = [
        {kind.removesuffix("s"): name, "what it is": plug_in.help, "from": plug_in.package}
        for name, plug_in in registry.plug_ins(kind).items()
    ]
    if style == "json":
        as_json(rows)
    elif style == "csv":
        as_csv(rows)
    else:
        table(f"{len(rows)} {kind}", rows)
