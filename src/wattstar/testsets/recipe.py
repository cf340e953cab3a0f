"""Recipes: which rows of which data sets a test set is made of. A lock is a recipe whose revisions are commits."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from wattstar.errors import UsageError
from wattstar.registry import unknown
from wattstar.types import Kind, Noun, Task

RECIPES = Path(__file__).parent / "recipes"
"""One folder an edition, one file a task."""

Value = str | int | float | bool
COLUMN = "a column, or a path into it such as answers.text, messages.1.content"


@dataclass(frozen=True)
class Target(Noun):
    """Where a source keeps its right answers, and what becomes of them."""

    column: str
    form: Literal["text", "texts", "number", "class", "index", "boxes"]
    """``texts``: a list of accepted answers or captions. ``class``: the name of a class. ``index``: its number, as
    the only member of a list. ``boxes``: the column holds objects, with ``label`` and ``box``."""
    label: str = "category"
    """Of an object: its class."""
    box: tuple[str, ...] = ("bbox",)
    """Of an object: where its four numbers are, in one column or in four."""
    layout: Literal["corners", "corner and size", "centre and size in shares"] = "corners"
    """Of the four numbers; in pixels but for shares of the image's width and height."""


@dataclass(frozen=True)
class Drawn(Noun):
    """What was found when rows were drawn from a source."""

    usable: int
    """Rows that could have been drawn, of which ``DataSource.rows`` were."""
    left_out: int
    """Rows that were looked at and cannot be used: empty, unreadable, too long, without a target, seen before."""
    shortest: float
    """Characters, pixels (width × height) or seconds, of the rows drawn."""
    median: float
    longest: float


@dataclass(frozen=True)
class DataSource(Noun):
    """A data set of the Hub, and what is taken from it."""

    name: str
    """In plain words: what its rows carry in ``source``."""
    id: str
    licence: str
    columns: Mapping[str, str]
    """Field of the task's input → column, or a path into one: ``answers.text``, ``messages.1.content``."""
    rows: int | None = None
    """So many are drawn; None: all, in their order."""
    target: Target | None = None
    labels: tuple[str, ...] = ()
    """Names of the classes, in the order of their numbers; left out: those that the data set itself declares."""
    where: Mapping[str, Value] = field(default_factory=dict)
    """Only rows with this value in that column."""
    most: Mapping[str, float] = field(default_factory=dict)
    """Only rows with no more than this in that column."""
    length: tuple[float, float] | None = None
    """Only rows between these: characters of all texts, pixels (width × height), or seconds."""
    config: str | None = None
    split: str = "train"
    revision: str = "main"
    files: str | None = None
    """A pattern: these files are the split, whatever the data set says of itself; of Parquet files only the columns
    that are needed are fetched."""
    closed: str | None = None
    """Why not everybody may have or use it."""
    absent: bool = False
    """The rows are not on the Hub at all: its fallback is always taken."""
    note: str = ""
    fallback: DataSource | None = None
    """Taken where this one is gated or gone; has as many rows."""
    stands_for: str | None = None
    """Of a fallback that was taken: instead of what, and why."""
    drawn: Drawn | None = None
    """Of a lock."""


@dataclass(frozen=True)
class Made(Noun):
    """How a lock's test set came out."""

    digest: str
    """Of the whole test set, as in ``Procedure.digest``."""
    rows: str
    """sha256 of the file of rows."""
    date: str
    """ISO 8601, UTC."""
    packages: Mapping[str, str]
    """Versions of what read, resampled and drew."""


@dataclass(frozen=True)
class Recipe(Noun):
    """A test set of one task, before or, as a lock, after it was built."""

    edition: str
    task: str
    """The task's tag."""
    sources: tuple[DataSource, ...]
    seed: int = 0
    pool: int = 5000
    """At most so many usable rows of a source are looked at."""
    note: str = ""
    made: Made | None = None
    """Of a lock."""


def recipe(edition: str, tag: str) -> Recipe:
    """The recipe that ships with this package; ``UnknownName`` where there is none."""
    if edition not in planned():
        raise unknown("recipe edition", edition, planned())
    file = RECIPES / edition / f"{tag}.toml"
    if not file.exists():
        raise unknown(f"recipe of edition {edition} for the task", tag, [path.stem for path in file.parent.iterdir()])
    return read(file)


def planned() -> list[str]:
    """Editions there are recipes of."""
    return sorted(folder.name for folder in RECIPES.iterdir() if folder.is_dir())


def read(file: Path) -> Recipe:
    """A recipe or a lock; ``UsageError`` says what is wrong with it."""
    from pydantic import TypeAdapter, ValidationError

    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
        made = TypeAdapter(Recipe).validate_python(data)
    except OSError as error:
        raise UsageError(f"The recipe {file} cannot be read: {error.strerror}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise UsageError(f"The recipe {file} is wrong at {where}: {first['msg']}.", ["see docs/testsets.md"]) from error
    except ValueError as error:
        raise UsageError(f"The recipe {file} is not TOML: {error}.") from error
    return made


def check(made: Recipe, task: Task) -> None:
    """Raise ``UsageError`` unless every source fills every field of the task's input, and the names are usable."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]*", made.edition):
        raise UsageError(f"{made.edition!r} is no name for an edition.", ["lower-case letters, digits, - . _"])
    if made.task != task.tag:
        raise UsageError(f"The recipe is for {made.task}, not for {task.tag}.", [f"wattstar testset build {made.task}"])
    wanted = {name for name, kind in task.inputs.items() if kind is not Kind.LABELS}
    for source in made.sources:
        for each in (source, source.fallback):
            if each is not None and set(each.columns) != wanted:
                message = f"The source {each.name!r} has columns for {', '.join(sorted(each.columns)) or 'nothing'}."
                raise UsageError(message, [f"{task.tag} needs {', '.join(sorted(wanted))}; each is {COLUMN}"])


def substitute(source: DataSource, reason: str) -> DataSource:
    """The source's fallback, which says what it stands for."""
    assert source.fallback is not None
    return replace(source.fallback, rows=source.rows, stands_for=f"{source.name} ({source.id}): {reason}")


def as_toml(made: Recipe) -> str:
    """The recipe as ``read`` reads it."""
    from pydantic import TypeAdapter

    data = TypeAdapter(Recipe).dump_python(made, mode="json", exclude_none=True, exclude_defaults=True)
    sources = data.pop("sources")
    blocks = [_lines(data), *(["", "[[sources]]", *_lines(source)] for source in sources)]
    return "\n".join(line for block in blocks for line in block) + "\n"


def _lines(values: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Dotted keys; JSON's strings, numbers and lists of them are valid TOML."""
    return list(_pairs(values, prefix))


def _pairs(values: Mapping[str, Any], prefix: str) -> Iterator[str]:
    for key, value in values.items():
        name = prefix + (key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key))
        if isinstance(value, Mapping):
            yield from _pairs(value, f"{name}.")
        else:
            yield f"{name} = {json.dumps(value, ensure_ascii=False)}"
