"""Formats that records are written in for other tools: a file each, whose name is the format's.

A file fits ``Format``; the first line of its docstring is its help. Adding one edits nothing else. No field is filled
with what is not known: it is left out, and where a format cannot do without, ``needs`` names what has to be told.
"""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol, cast

from wattstar import registry
from wattstar.errors import UsageError
from wattstar.publishing.figures import why_not
from wattstar.publishing.grids import Grid
from wattstar.publishing.words import file_name
from wattstar.rating.populations import Member, figure


class Holds(StrEnum):
    """What one file of a format has room for."""

    RECORDS = "any records"
    MODEL = "records of one model"
    RECORD = "one record"


@dataclass(frozen=True)
class Facts:
    """What no record knows; None: not known."""

    made: datetime
    """The moment of the export, UTC."""
    publisher: str | None = None
    """Who publishes it."""
    relationship: str | None = None
    """Of the publisher to the model: ``first_party``, ``third_party``, ``collaborative``, ``other``."""
    infrastructure: str | None = None
    """``publicCloud``, ``privateCloud``, ``onPremise``, ``other``."""
    dataset: str | None = None
    """Id of the benchmark's data set on the Hub."""
    url: str | None = None
    """Where the record can be read."""
    grid: Grid | None = None


class Format(Protocol):
    """A file of this folder."""

    suffix: str
    holds: Holds
    figures_only: bool
    """Whether a record without an energy that counts has no place in it."""
    needs: tuple[str, ...]
    """Fields of ``Facts`` that it cannot do without."""

    def write(self, records: Sequence[Member], facts: Facts) -> bytes:
        """One file."""


@dataclass(frozen=True)
class File:
    """One that was made."""

    name: str
    data: bytes


@dataclass(frozen=True)
class Exported:
    """What came of an export."""

    files: tuple[File, ...]
    left_out: tuple[str, ...]
    """Records without an energy, each with the reason, in a sentence."""


def helps() -> dict[str, str]:
    """Of all formats the names, and what each is; none is imported."""
    found = sorted(Path(__path__[0]).glob("[!_]*.py"))
    return {file.stem.replace("_", "-"): registry.first_line(file) for file in found}


def export_format(name: str) -> Format:
    """The format of this name; ``UnknownName`` with a suggestion."""
    if name not in helps():
        raise registry.unknown("format", name, helps())
    return cast(Format, importlib.import_module(f"{__name__}.{name.replace('-', '_')}"))


def export(name: str, records: Sequence[Member], facts: Facts) -> Exported:
    """Records in a format, in as few files as it allows; ``UsageError`` where nothing can be written, or not without
    a fact that is not known."""
    made = export_format(name)
    missing = [fact for fact in made.needs if getattr(facts, fact) is None]
    if missing:
        raise UsageError(
            f"{name} has fields for what no record knows: {', '.join(missing)}.", [_cures()[fact] for fact in missing]
        )
    kept = [member for member in records if figure(member[1]) is not None or not made.figures_only]
    left_out = [f"record {id[:12]} has no energy: {why_not(found)}" for id, found in records if (id, found) not in kept]
    if not kept:
        raise UsageError(
            f"There is nothing to write: {'; '.join(left_out) or 'no records'}.", ["see what there is: wattstar list"]
        )
    files = _apart([(group[0][0], _file(made, group, facts)) for group in _groups(made.holds, kept)])
    return Exported(files, tuple(left_out))


def _cures() -> dict[str, str]:
    return {
        "publisher": "--publisher 'Your organisation'",
        "relationship": "--relationship first_party|third_party|collaborative|other: of the publisher to the model",
        "infrastructure": "--infrastructure publicCloud|privateCloud|onPremise|other",
        "dataset": "--dataset ORG/NAME: the benchmark's data set on the Hub, which has an eval.yaml",
    }


def _groups(holds: Holds, records: Sequence[Member]) -> list[list[Member]]:
    """What goes into one file."""
    groups: dict[str, list[Member]] = {}
    for id, record in records:
        key = {Holds.RECORDS: "", Holds.MODEL: record.job.model.id, Holds.RECORD: id}[holds]
        groups.setdefault(key, []).append((id, record))
    return list(groups.values())


def _file(made: Format, group: Sequence[Member], facts: Facts) -> File:
    id, record = group[0]
    stem = {Holds.RECORDS: "wattstar", Holds.MODEL: file_name(record.job.model.id), Holds.RECORD: id[:12]}[made.holds]
    return File(stem + made.suffix, made.write(group, facts))


def _apart(files: Sequence[tuple[str, File]]) -> tuple[File, ...]:
    """Two models may come to one file name; then the record's id stands before it."""
    often = Counter(file.name for _, file in files)
    return tuple(replace(file, name=f"{id[:12]}-{file.name}") if often[file.name] > 1 else file for id, file in files)
