"""Conversions that are done once: from what a package holds to files a backend can load."""

from __future__ import annotations

import importlib
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, cast

from wattstar.models.packages import Entry, catalogue, package_path
from wattstar.registry import require, unknown


class Conversion(Protocol):
    """A module of this folder that makes one model's files ready."""

    version: int
    """Raised when the files come out different, so that they are made again."""
    requires: Sequence[str]
    """Distributions to pip-install, beside the packages with the weights."""

    def convert(self, entry: Entry, target: Path) -> None:
        """Write the files into an empty folder."""


def prepare(id: str) -> Path:
    """Make the model's files ready and return their folder; a second call does no work.

    Raises ``UnknownName`` for a model that is not in the catalogue, ``ModelUnavailable`` where its package is not
    installed and ``MissingPackage`` where the conversion needs more.
    """
    entry = catalogue().get(id)
    if entry is None:
        raise unknown("model to prepare", id, catalogue())
    if entry.convert is None:
        return package_path(entry)
    target = _target(entry)
    if not target.is_dir():
        package_path(entry)
        conversion = _conversion(entry)
        require(f"Preparing {id}", conversion.requires)
        _write(conversion, entry, target)
    return target


def is_prepared(entry: Entry) -> bool:
    """Whether the conversion was done."""
    return entry.convert is None or _target(entry).is_dir()


def recipe_name(entry: Entry) -> str:
    """Which conversion made the files, with its version."""
    return f"{entry.convert}-{_conversion(entry).version}"


def _conversion(entry: Entry) -> Conversion:
    return cast(Conversion, importlib.import_module(f"wattstar.models.{entry.convert}"))


def _target(entry: Entry) -> Path:
    from platformdirs import user_cache_path

    name = f"{entry.package}-{entry.version}-{recipe_name(entry)}"
    return user_cache_path("wattstar") / "models" / entry.id.replace("/", "--") / name


def _write(conversion: Conversion, entry: Entry, target: Path) -> None:
    """Write beside the target, then rename: a folder of that name is always whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=".preparing-", dir=target.parent))
    try:
        conversion.convert(entry, scratch)
        scratch.chmod(0o755)
        try:
            os.rename(scratch, target)
        except OSError:
            # Another process was faster; its folder is as good as ours.
            if not target.is_dir():
                raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
