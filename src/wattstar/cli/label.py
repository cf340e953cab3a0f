"""``wattstar label``: a record's energy label, and whether a label is what its record gives."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import click

from wattstar.cli.options import DEFAULT_STORE, SCHEME
from wattstar.errors import UsageError, VerificationFailed
from wattstar.publishing.label.badge import badge
from wattstar.publishing.label.card import svg
from wattstar.publishing.label.checking import differences
from wattstar.publishing.label.embedding import embedded
from wattstar.publishing.label.facts import By, Claims, Facts, facts, site
from wattstar.publishing.label.pages import html, markdown
from wattstar.publishing.label.prints import printed
from wattstar.rating import editions
from wattstar.rating.schemes import STANDARD
from wattstar.records.store import Store
from wattstar.records.words import printable
from wattstar.types import Record

FORMATS = ("svg", "png", "pdf", "html", "markdown")
SUFFIXES = {".svg": "svg", ".png": "png", ".pdf": "pdf", ".html": "html", ".htm": "html", ".md": "markdown"}
MOST_BYTES = 1_000_000
"""Of a file that may be a label."""
STORE = click.option("--out", type=click.Path(path_type=Path), default=DEFAULT_STORE, show_default=True,
                     help="The store: a folder of records.")  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """What a label is to say beyond its record: from the flags, or from what a label carries."""

    edition: str | None = None
    scheme: str = STANDARD
    site: str | None = None
    verified: bool = False
    reproduced_by: str | None = None
    superseded_by: str | None = None


class _Group(click.Group):
    """``label RECORD`` is ``label draw RECORD``: no id begins like ``verify``, ids are hexadecimal."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, "--help", "-h"):
            args = ["draw", *args]
        return super().parse_args(ctx, args)


@click.group("label", cls=_Group, no_args_is_help=True)
def command() -> None:
    """Draw the label of a record, or verify one.

    \b
    wattstar label RECORD -o label.svg      the same as: wattstar label draw RECORD …
    wattstar label verify label.svg
    """


@command.command("draw")
@click.argument("record", metavar="RECORD")
@click.option("-o", "--file", type=click.Path(path_type=Path), help="Where to. Left out: standard output.")
@STORE
@click.option("--format", "style", type=click.Choice(FORMATS), help="Left out: by the file's ending, else svg.")
@click.option("--badge", "small", is_flag=True, help="One line, 20 pixels high.")
@click.option("--edition", metavar="NAME", help="That gives the stars; left out: no stars. See: wattstar edition list.")
@SCHEME
@click.option("--site", help="Address of a leaderboard that has the record, for the QR code.")
@click.option("--verified", is_flag=True, help="Work the record out again first, and say so.")
@click.option("--reproduced-by", metavar="RECORD", help="One of the same job, made later, that agrees.")
@click.option("--superseded-by", metavar="RECORD", help="A newer one of the same job.")
def draw(record: str, file: Path | None, out: Path, style: str | None, small: bool, **words: str | bool | None) -> None:
    """Draw the label of the record whose id starts with RECORD."""
    style = style or SUFFIXES.get(file.suffix.lower() if file else ".svg")
    if style is None:
        raise UsageError(f"{file}: no format is known by this ending.", [f"--format {'|'.join(FORMATS)}"])
    if small and style in ("html", "markdown"):
        raise UsageError("A badge is drawn as svg, png or pdf.", ["wattstar label RECORD --badge -o badge.svg"])
    store = Store(out)
    name, found = store.find(record)
    said = _facts(name, found, Asked(**words), store)  # type: ignore[arg-type]
    _write(file, _made(said, style, small))


@command.command("verify")
@click.argument("file", type=click.Path(path_type=Path))
@STORE
@click.option("--edition", metavar="FOLDER", help="Where the edition is that gave the stars, if none that ships.")
def verify(file: Path, out: Path, edition: str | None) -> None:
    """Work the label in FILE out again from the record it names. Exit 6 says that it is another one."""
    document = _read(file)
    carried = embedded(document)
    store = Store(out)
    name, found = store.find(carried.record)
    problems = differences(document, carried, _facts(name, found, _carried(carried, edition), store))
    for problem in problems:
        click.echo(printable(f"WRONG: {problem}"))
    if problems:
        raise VerificationFailed(f"{file} is not what its record gives.", [f"wattstar label {name[:12]} -o {file}"])
    click.echo(printable(f"OK: every byte of {file} follows from record {name[:12]} ({carried.model})."))


def _carried(label: Facts, edition: str | None) -> Asked:
    """What has to be asked for to get this label again."""
    by = label.status_by
    return Asked(
        edition=edition or label.edition,
        scheme=label.scheme or STANDARD,
        site=site(label.address),
        verified=label.status == "verified",
        reproduced_by=by if label.status == "reproduced" else None,
        superseded_by=by if label.status == "superseded" else None,
    )


def _facts(name: str, record: Record, asked: Asked, store: Store) -> Facts:
    if asked.verified:
        _verify(store.file(name))
    claims = Claims(
        by=By(editions.load(asked.edition), asked.scheme) if asked.edition else None,
        site=asked.site,
        verified=asked.verified,
        reproduced_by=store.find(asked.reproduced_by) if asked.reproduced_by else None,
        superseded_by=store.find(asked.superseded_by) if asked.superseded_by else None,
    )
    return facts(name, record, claims)


def _verify(file: Path) -> None:
    from wattstar.measuring.verify import verify

    if not verify(file).holds:
        raise VerificationFailed(f"The record {file.stem[:12]} does not add up.", [f"wattstar verify {file}"])


def _made(said: Facts, style: str, small: bool) -> bytes:
    if style == "html":
        return html(said).encode()
    if style == "markdown":
        return markdown(said).encode()
    drawing = (badge if small else svg)(said)
    if style == "svg":
        return drawing.encode()
    return printed(drawing, "png" if style == "png" else "pdf", f"Energy label of {printable(said.model)}")


def _write(file: Path | None, data: bytes) -> None:
    if file is None:
        if data[:1] != b"<" and sys.stdout.isatty():
            raise UsageError("A picture is no text for a terminal.", ["name a file: -o label.png"])
        click.echo(data, nl=False)
        return
    try:
        file.write_bytes(data)
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}.", ["name another file: -o"]) from error
    click.echo(printable(f"wattstar: {file}"), err=True)


def _read(file: Path) -> str:
    try:
        data = file.read_bytes()[: MOST_BYTES + 1]
        if len(data) > MOST_BYTES:
            raise UsageError(f"{file} is too large for a label.")
        return data.decode()
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        message = f"{file} is no SVG or HTML; a PNG or PDF only names its record, in its QR code."
        raise UsageError(message, ["wattstar label verify label.svg"]) from error
