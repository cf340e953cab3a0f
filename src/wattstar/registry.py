"""Finds plug-ins: a file in a folder of this package, or another package's entry point; imports one when it is used."""

from __future__ import annotations

import ast
import difflib
import importlib
import importlib.util
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, entry_points, version
from pathlib import Path
from typing import Any, cast

from wattstar.errors import MissingPackage, UnknownName, UsageError
from wattstar.types import Backend, Launcher, Meter, Task

PROTOCOLS: Mapping[str, type] = {"tasks": Task, "backends": Backend, "meters": Meter, "launchers": Launcher}
KINDS = tuple(PROTOCOLS)


@dataclass(frozen=True)
class PlugIn:
    """A plug-in that was found, not imported."""

    kind: str
    name: str
    module: str
    package: str
    """The distribution it comes from."""
    help: str


@cache
def plug_ins(kind: str) -> Mapping[str, PlugIn]:
    """All plug-ins of one of ``KINDS``, by name."""
    found: dict[str, PlugIn] = {}
    for plug_in in [*_own(kind), *_others(kind)]:
        if plug_in.name in found:
            raise UsageError(
                f"Two packages offer {kind} {plug_in.name!r}: {found[plug_in.name].package} and {plug_in.package}.",
                [f"pip uninstall {plug_in.package}"],
            )
        found[plug_in.name] = plug_in
    return found


def task(name: str) -> Task:
    """The task of this name."""
    return cast(Task, _load("tasks", name))


def backend(name: str) -> Backend:
    """The backend of this name."""
    return cast(Backend, _load("backends", name))


def meter(name: str) -> Meter:
    """The meter of this name; ``NAME=ARGUMENT`` is the meter NAME."""
    return cast(Meter, _load("meters", name.partition("=")[0]))


def launcher(name: str) -> Launcher:
    """The launcher of this name."""
    return cast(Launcher, _load("launchers", name))


def unknown(what: str, name: str, known: Iterable[str]) -> UnknownName:
    """The error for a name that is not among the known ones, with the nearest as a suggestion."""
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return UnknownName(f"There is no {what} {name!r}.{hint}", [f"known: {', '.join(known) or 'none'}"])


def missing(requires: Iterable[str]) -> tuple[str, ...]:
    """Those of the distributions that are not installed."""
    return tuple(name for name in requires if _version(name) is None)


def require(what: str, requires: Iterable[str]) -> None:
    """Raise ``MissingPackage`` with the pip line unless all the distributions are installed."""
    absent = missing(requires)
    if absent:
        raise MissingPackage(f"{what} needs {', '.join(absent)}.", [f"pip install {' '.join(absent)}"])


def versions(requires: Iterable[str]) -> dict[str, str]:
    """Installed distributions and their versions; absent ones are left out."""
    found = {name: _version(name) for name in requires}
    return {name: number for name, number in sorted(found.items()) if number is not None}


def _own(kind: str) -> list[PlugIn]:
    files = sorted((Path(__file__).parent / kind).glob("[!_]*.py"))
    return [
        PlugIn(kind, file.stem.replace("_", "-"), f"wattstar.{kind}.{file.stem}", "wattstar", first_line(file))
        for file in files
    ]


def _others(kind: str) -> list[PlugIn]:
    found = sorted(entry_points(group=f"wattstar.{kind}"), key=lambda entry: entry.name)
    return [
        PlugIn(kind, entry.name, entry.value, entry.dist.name if entry.dist else "?", _help(entry.value))
        for entry in found
    ]


def _load(kind: str, name: str) -> Any:
    known = plug_ins(kind)
    if name not in known:
        raise unknown(kind.removesuffix("s"), name, known)
    plug_in = known[name]
    try:
        module = importlib.import_module(plug_in.module)
    except ImportError as error:
        raise MissingPackage(
            f"The {kind.removesuffix('s')} {name!r} of the package {plug_in.package} cannot be imported: {error}.",
            [f"pip install --force-reinstall {plug_in.package}", f"pip uninstall {plug_in.package}"],
        ) from error
    absent = [word for word in _members(PROTOCOLS[kind]) if not hasattr(module, word)]
    if absent:
        raise MissingPackage(
            f"The {kind.removesuffix('s')} {name!r} of the package {plug_in.package} lacks {', '.join(absent)}: "
            "it was made for another version of wattstar.",
            [f"pip install --upgrade {plug_in.package}", f"pip uninstall {plug_in.package}"],
        )
    return module


@cache
def _members(protocol: type) -> list[str]:
    """What a plug-in of this Protocol has to have."""
    functions = [name for name, value in vars(protocol).items() if callable(value) and not name.startswith("_")]
    return [*protocol.__annotations__, *functions]


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _help(module: str) -> str:
    try:
        specification = importlib.util.find_spec(module)
    except ImportError:
        return ""
    if specification is None or specification.origin is None:
        return ""
    return first_line(Path(specification.origin))


def first_line(file: Path) -> str:
    """Of a module's docstring; the module is not imported."""
    docstring = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return docstring.partition("\n")[0].rstrip(".")
