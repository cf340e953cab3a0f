"""Models whose weights come inside pinned Python packages: ``catalogue.toml``, typed."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import distribution
from pathlib import Path

from wattstar.errors import ModelUnavailable
from wattstar.registry import versions


@dataclass(frozen=True)
class Entry:
    """One model of the catalogue; the fields are explained at the head of ``catalogue.toml``."""

    id: str
    package: str
    version: str
    path: str
    format: str
    licence: str
    install: str
    base_model: str | None = None
    quantization: str | None = None
    convert: str | None = None
    also: tuple[str, ...] = ()
    sha256: str | None = None
    hub: bool = True

    @property
    def revision(self) -> str:
        """The pin: ``name==version``."""
        return f"{self.package}=={self.version}"


@cache
def catalogue() -> Mapping[str, Entry]:
    """All entries, by id."""
    tables = tomllib.loads((Path(__file__).parent / "catalogue.toml").read_text(encoding="utf-8"))
    return {id: Entry(id=id, **{**table, "also": tuple(table.get("also", ()))}) for id, table in tables.items()}


def installed(entry: Entry) -> bool:
    """Whether every package the model is made of is installed, in the pinned version."""
    return not absent(entry)


def absent(entry: Entry) -> tuple[str, ...]:
    """The pins (``name==version``) that are not met here."""
    pins = (entry.revision, *entry.also)
    found = versions(pin.partition("==")[0] for pin in pins)
    return tuple(pin for pin in pins if found.get(pin.partition("==")[0]) != pin.partition("==")[2])


def package_path(entry: Entry) -> Path:
    """Where the package's own files lie; raises ``ModelUnavailable`` with the pip line."""
    lacking = absent(entry)
    if lacking:
        message = f"{entry.id} comes in a package that is not installed: {', '.join(lacking)}."
        raise ModelUnavailable(message, [entry.install])
    path = Path(str(distribution(entry.package).locate_file(entry.path)))
    if not path.exists():
        raise ModelUnavailable(
            f"The package {entry.revision} lacks {entry.path}.", [f"{entry.install} --force-reinstall"]
        )
    return path
