"""``wattstar leaderboard``: a static site of records and editions. A file here is a command."""

from __future__ import annotations

import importlib
import pkgutil

import click


@click.group("leaderboard")
def command() -> None:
    """Build the Green AI Leaderboard as a static site, look at it, put it somewhere."""


for found in pkgutil.iter_modules(__path__):
    command.add_command(importlib.import_module(f"{__name__}.{found.name}").command)
