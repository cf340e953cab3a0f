"""``wattstar backends``: what is here."""

from __future__ import annotations

import click

from wattstar.cli.options import FORMAT
from wattstar.cli.plug_ins import show


@click.command("backends")
@FORMAT
def command(style: str) -> None:
    """List the backends that are here, ours and those of other packages."""
    show("backends", style)
