"""``wattstar leaderboard push``: put a site that was built on the Hub, as a static Space."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from wattstar.cli.leaderboard.build import DEFAULT, MARK
from wattstar.cli.options import FORMAT
from wattstar.cli.output import as_csv, as_json, table
from wattstar.errors import UsageError


@click.command("push")
@click.argument("space", metavar="ORG/SPACE")
@click.argument("folder", type=click.Path(path_type=Path), default=DEFAULT)
@click.option("--create", is_flag=True, help="Make the Space where there is none: public, unless --private.")
@click.option("--private", is_flag=True, help="A Space that is made is seen by its owners alone.")
@click.option("--dry-run", is_flag=True, help="Send nothing; list what would go.")
@FORMAT
def command(space: str, folder: Path, create: bool, private: bool, dry_run: bool, style: str) -> None:
    """Put the site in FOLDER on the Hub as the static Space ORG/SPACE. Needs hf auth login.

    What the build wrote goes, nothing else of the folder; what an earlier push left and the site no longer has is
    removed. Nobody's other Space is overwritten.
    """
    from wattstar.publishing.site.space import Built, Place, push

    if private and not create:
        raise UsageError("--private is for a Space that is made.", ["add --create"])
    mark = folder / MARK
    if not mark.exists():
        raise UsageError(f"There is no leaderboard in {folder}.", ["wattstar leaderboard build STORE"])
    files = tuple(mark.read_text(encoding="utf-8").splitlines())
    if "README.md" not in files:
        cures = ["wattstar leaderboard build STORE, without --single-file"]
        raise UsageError("A single file lacks the README.md that makes it a Space.", cures)
    built = Built(folder, files, MARK)
    sizes = built.sizes
    if dry_run:
        _list(space, sizes, style)
        return
    if not sys.stderr.isatty():
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    address = push(built, Place(space, create, private))
    if style == "human":
        click.echo(f"{len(sizes)} files, {_megabytes(sum(sizes.values()))}: {address}")
    else:
        (as_json if style == "json" else lambda value: as_csv([value]))(
            {"space": space, "address": address, "files": len(sizes), "bytes": sum(sizes.values())}
        )


def _list(space: str, sizes: dict[str, int], style: str) -> None:
    """Every file for programs; for people, those of one folder together."""
    rows = [{"file": name, "bytes": size} for name, size in sizes.items()]
    if style == "json":
        as_json({"space": space, "bytes": sum(sizes.values()), "files": rows})
        return
    if style == "csv":
        as_csv(rows)
        return
    folders: dict[str, list[int]] = {}
    for name, size in sizes.items():
        top, slash, _ = name.partition("/")
        folders.setdefault(top + slash, []).append(size)
    shown = [{"what": what, "files": f"{len(each):,}", "size": _megabytes(sum(each))} for what, each in folders.items()]
    note = f"{len(sizes):,} files, {_megabytes(sum(sizes.values()))}. Nothing was sent; without --dry-run it is."
    table(f"Would go to the Space {space}", shown, right=["files", "size"], note=note)


def _megabytes(size: int) -> str:
    """In a unit that suits."""
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.1f} kB"
