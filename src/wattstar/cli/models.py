"""``wattstar models``: what can be measured without a network."""

from __future__ import annotations

import click

from wattstar import models
from wattstar.cli.options import FORMAT
from wattstar.cli.output import as_csv, as_json, table
from wattstar.models.packages import Entry, installed


@click.command("models")
@FORMAT
def command(style: str) -> None:
    """List the models that come in packages, and the architectures that can be built with random weights.

    Any other Hub id or folder can be measured too.
    """
    packaged = [
        {"model": entry.id, "weights": "pretrained", "from": entry.revision, "cure": _cure(entry)}
        for entry in models.catalogue().values()
    ]
    built = [
        {"model": known.id, "weights": "random", "from": f"{known.parameters_millions:g} M parameters", "cure": ""}
        for known in models.architectures().values()
    ]
    rows = packaged + built
    if style == "json":
        as_json(rows)
    elif style == "csv":
        as_csv(rows)
    else:
        table("models that need no network", rows)


def _cure(entry: Entry) -> str:
    return "" if installed(entry) else entry.install
