"""``wattstar prepare``: turn packaged weights into the files that a backend reads, once."""

from __future__ import annotations

import os
import sys

import click

from wattstar import models
from wattstar.errors import JobsFailed, WattstarError


@click.command("prepare")
@click.argument("ids", nargs=-1, metavar="[MODEL]…")
@click.option("--optional", is_flag=True, help="Skip what cannot be had, with a line.")
def command(ids: tuple[str, ...], optional: bool) -> None:
    """Prepare the models named, or all that need it. Prepared twice is no work."""
    if not sys.stderr.isatty():
        os.environ.setdefault("TQDM_DISABLE", "1")  # a library's bar, which would fill a log file
    wanted = ids or tuple(entry.id for entry in models.catalogue().values() if entry.convert)
    failed = 0
    for name in wanted:
        click.echo(f"preparing {name} …", err=True)
        try:
            models.prepare(name)
        except WattstarError as error:
            if len(wanted) == 1 and not optional:
                raise
            failed += 1
            click.echo("\n  → ".join([f"wattstar: skipped: {error.message}", *error.cures]), err=True)
    if failed and not optional:
        raise JobsFailed(f"{failed} of {len(wanted)} models could not be prepared.", ["the reasons stand above"])
