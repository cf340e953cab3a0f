"""``wattstar leaderboard build``: write the site."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import click

from wattstar.errors import UsageError
from wattstar.records.store import Store, disk
from wattstar.records.words import printable

DEFAULT = Path("dist")


@click.command("build")
@click.argument("stores", nargs=-1, metavar="[STORE]…", type=click.Path(path_type=Path))
@click.option("--out", "-o", type=click.Path(path_type=Path), default=DEFAULT, show_default=True,
              help="The folder; what an earlier build left in it is replaced.")  # fmt: skip
@click.option("--single-file", is_flag=True, help="One file that opens from disk, without a server.")
@click.option("--title", default="Green AI Leaderboard", show_default=True, help="Of the site.")
def command(stores: tuple[Path, ...], out: Path, single_file: bool, title: str) -> None:
    """Write the leaderboard of the shipped editions and the records of the STOREs.

    Nothing is sent anywhere: a folder of plain files, for any web server, a static Space or a USB stick.
    """
    from wattstar.publishing.site import Options, build, gather
    from wattstar.rating import editions

    for folder in stores:
        if not folder.is_dir():
            raise UsageError(f"There is no store {folder}.", ["wattstar run -t TASK -m MODEL --out FOLDER"])
    with uncollected():
        board = gather([Store(folder) for folder in stores], [editions.load(name) for name in editions.names()])
        for name, problem in board.problems.items():
            click.echo(printable(f"wattstar: record {name[:12]} is left out: {problem}"), err=True)
        files = build(board, Options(title=title, single_file=single_file))
    write(files, out)
    size = sum(map(len, files.values()))
    click.echo(f"{len(files)} files, {size / 1e6:.1f} MB, in {out}")
    click.echo(f"open {out / 'index.html'}" if single_file else f"look at it: wattstar leaderboard serve {out}")


@contextmanager
def uncollected() -> Iterator[None]:
    """Without looking for what may be let go, which took a tenth of the time: nothing of a board is before the end."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


MARK = ".wattstar-leaderboard"
"""The list of what a build wrote: so much, and no more, is removed by the next one."""


def write(files: Mapping[str, bytes], folder: Path) -> None:
    """All files, and none of an earlier build that is not among them; anything else in the folder is left alone."""
    with disk(folder):
        folder.mkdir(parents=True, exist_ok=True)
        mark = folder / MARK
        earlier = mark.read_text(encoding="utf-8").splitlines() if mark.exists() else []
        if not earlier and any(folder.iterdir()):
            raise UsageError(f"{folder} is not empty, and no leaderboard.", ["name another folder with --out"])
        mark.write_text("".join(f"{name}\n" for name in sorted({*earlier, *files})), encoding="utf-8")
        for parent in sorted({(folder / name).parent for name in files}):
            parent.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            (folder / name).write_bytes(data)
        for name in set(earlier) - set(files):
            _remove(folder, name)
        mark.write_text("".join(f"{name}\n" for name in files), encoding="utf-8")


def _remove(folder: Path, name: str) -> None:
    """A file of an earlier build, and the folders that it leaves empty; nothing outside, whatever the list says."""
    target = folder / name
    if not target.resolve().is_relative_to(folder.resolve()):
        return
    target.unlink(missing_ok=True)
    for parent in target.relative_to(folder).parents:
        if parent.parts and not any((folder / parent).iterdir()):
            (folder / parent).rmdir()
