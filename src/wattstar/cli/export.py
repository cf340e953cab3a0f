"""``wattstar export``: records in the formats of other tools."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from wattstar.cli.options import DEFAULT_STORE
from wattstar.cli.output import undamaged
from wattstar.errors import StoreUnusable, UsageError
from wattstar.publishing import exports
from wattstar.publishing.exports import Exported, Facts, File
from wattstar.publishing.grids import grid
from wattstar.rating.populations import Member
from wattstar.records.store import Store
from wattstar.records.words import printable

RELATIONSHIPS = ("first_party", "third_party", "collaborative", "other")
INFRASTRUCTURES = ("publicCloud", "privateCloud", "onPremise", "other")


class _WithFormats(click.Command):
    """Its help ends with the formats, read without importing them."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """A line each."""
        with formatter.section("Formats"):
            formatter.write_dl(sorted(exports.helps().items()))


@click.command("export", cls=_WithFormats)
@click.argument("records", nargs=-1, metavar="[ID|STORE]…")
@click.option("--to", "format_name", required=True, metavar="FORMAT", help="See below.")
@click.option("--out", "-o", metavar="FILE|FOLDER/",
              help="A file, or a folder (with / at its end) for several. Left out: what is printed.")  # fmt: skip
@click.option("--store", type=click.Path(path_type=Path), default=DEFAULT_STORE, show_default=True,
              help="Where records are named by the beginnings of their ids.")  # fmt: skip
@click.option("--grid", "grid_word", metavar="COUNTRY|NUMBER", help="FR, France or world; or grams of CO2e per kWh.")
@click.option("--publisher", help="Who publishes this.")
@click.option("--relationship", type=click.Choice(RELATIONSHIPS), help="Of the publisher to the model.")
@click.option("--infrastructure", type=click.Choice(INFRASTRUCTURES), help="Where it ran.")
@click.option("--dataset", metavar="ORG/NAME", help="Of the benchmark on the Hub.")
@click.option("--url", help="Where the record can be read.")
def command(records: tuple[str, ...], format_name: str, out: str | None, store: Path, **words: Any) -> None:
    """Write records in a format of another tool: all of a STORE, or those whose ids begin so.

    Nothing is filled in that is not known: it is left out, and what a format cannot do without is asked for.
    """
    word = words.pop("grid_word")
    facts = Facts(made=datetime.now(UTC), grid=None if word is None else grid(word), **words)
    found = [member for one in records or (str(store),) for member in _named(one, store)]
    made = exports.export(format_name, list(dict(found).items()), facts)
    for sentence in made.left_out:
        click.echo(printable(f"wattstar: left out: {sentence}"), err=True)
    if out is None:
        _print(made, format_name)
    else:
        for file, target in _targets(made, out):
            _write(file, target)


def _named(word: str, store: Path) -> Iterator[Member]:
    """The records of a folder, or the one whose id begins so."""
    path = Path(word)
    if path.is_dir() or path == store:
        yield from undamaged(Store(path))
    elif path.parent != Path() or path.suffix:
        raise UsageError(f"There is no store {word}.", ["wattstar list -o STORE"])
    else:
        yield Store(store).find(word)


def _print(made: Exported, format_name: str) -> None:
    if len(made.files) > 1:
        raise UsageError(f"{format_name} makes {len(made.files)} files of these.", ["-o FOLDER/", "name one record"])
    [file] = made.files
    if sys.stdout.isatty() and b"\0" in file.data:
        raise UsageError(f"{format_name} is no text.", [f"-o {file.name}"])
    click.echo(file.data, nl=False)


def _targets(made: Exported, out: str) -> list[tuple[File, Path]]:
    """Where each file goes."""
    if Path(out).is_dir() or out.endswith(os.sep):
        return [(file, Path(out) / file.name) for file in made.files]
    if len(made.files) > 1:
        raise UsageError(f"These make {len(made.files)} files, and {out} is no folder.", [f"-o {out}{os.sep}"])
    return [(made.files[0], Path(out))]


def _write(file: File, target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.data)
    except OSError as error:
        raise StoreUnusable(f"{target} cannot be written: {error.strerror}.", ["another place: -o FILE"]) from error
    click.echo(f"wattstar: {target}", err=True)
