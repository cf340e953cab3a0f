"""``wattstar testset``: test sets of 1,000 rows, built by recipes from data sets of the Hub."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from wattstar import registry, testsets
from wattstar.cli.options import FORMAT
from wattstar.cli.output import as_csv, as_json, table
from wattstar.errors import UsageError
from wattstar.testsets import recipe
from wattstar.testsets.building import Order, build
from wattstar.testsets.cards import unit
from wattstar.testsets.places import CARD, find
from wattstar.types import Task

STANDARD = "standard-2026"
EDITION = click.option("--edition", default=STANDARD, show_default=True, help="Of the test sets.")
TASK = click.argument("task", metavar="TASK")


@click.group("testset")
def command() -> None:
    """Build, show, verify and push test sets of 1,000 rows.

    A recipe says which rows of which data sets; what was built lies in the user's cache, is found by run --edition, and
    is checked whenever it is loaded.
    """


@command.command("build")
@click.argument("tasks", nargs=-1, metavar="[TASK]…")
@EDITION
@click.option("--recipe", "--from-lock", "file", type=click.Path(path_type=Path),
              help="A recipe of your own, or the lock of a test set to be built again.")  # fmt: skip
@click.option("--open", "open_only", is_flag=True,
              help="Take the open substitute of every source that not everybody may have or use.")  # fmt: skip
@click.option("--replace", is_flag=True, help="Build again what was built.")
@FORMAT
def build_command(
    tasks: tuple[str, ...], edition: str, file: Path | None, open_only: bool, replace: bool, style: str
) -> None:
    """Fetch what the recipe names from the Hub, draw the rows, and freeze every revision into a lock.

    Built once: a second call does no work. Gated sources need hf auth login, or their substitute is taken, which is
    said here and in the data card.
    """
    if bool(tasks) == bool(file):
        cures = ["wattstar testset build TASK", "wattstar testset build --from-lock FILE", "wattstar tasks"]
        raise UsageError("Nothing to build: name tasks, or a recipe's or lock's file.", cures)
    _light()
    recipes = [recipe.read(file)] if file else [recipe.recipe(edition, registry.task(name).tag) for name in tasks]
    shown = []
    for made in recipes:
        task = registry.task(made.task)
        build(Order(made, task, open_only, replace), lambda line: click.echo(line, err=True))
        shown.append(_facts(task, made.edition))
    _print(shown, style)


@command.command("show")
@TASK
@EDITION
@FORMAT
def show_command(task: str, edition: str, style: str) -> None:
    """Show a test set's sources, licences, commits, lengths and digest."""
    _print([_facts(registry.task(task), edition)], style)


@command.command("verify")
@TASK
@EDITION
def verify_command(task: str, edition: str) -> None:
    """Work out the sha256 of every file and the digest again; exit 6 names what is not as it was built."""
    found = testsets.verify(registry.task(task), edition)
    lock = find(edition, registry.task(task).tag).lock
    said = "as it was built" if lock else "embedded, without a lock to compare with"
    click.echo(f"{edition} for {task}: {len(found.samples)} rows, digest {found.digest}: {said}")


@command.command("push")
@TASK
@EDITION
@click.option("--to", "repository", required=True, metavar="OWNER/NAME", help="A data set of the Hub.")
@click.option("--public", is_flag=True, help="Left out: a new repository is private, as licences of sources may ask.")
def push_command(task: str, edition: str, repository: str, public: bool) -> None:
    """Put a built test set on the Hub, after it was verified. Needs hf auth login."""
    from wattstar.testsets import hub

    place = find(edition, registry.task(task).tag)
    if place.lock is None:
        raise UsageError(f"The edition {edition!r} is part of this package and is not pushed.", ["--edition"])
    testsets.verify(registry.task(task), edition)
    _light()
    click.echo(hub.push(place.folder, repository, public=public))


def _light() -> None:
    """Of libraries: no import of torch, which builds nothing here, and no bars, which would fill a log file."""
    os.environ.setdefault("USE_TORCH", "0")
    if not sys.stderr.isatty():
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
        os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")


def _facts(task: Task, edition: str) -> dict[str, Any]:
    """What is known of a test set without decoding its media."""
    place = find(edition, task.tag)
    rows = place.rows()
    names = [row.source for row in rows]
    facts: dict[str, Any] = {"edition": edition, "task": task.tag, "folder": str(place.folder), "rows": len(rows)}
    counts = {name: names.count(name) for name in dict.fromkeys(names)}
    if place.lock is None:
        sources = [{"source": name, "rows": count} for name, count in counts.items()]
        return {**facts, "digest": testsets.load(task, edition).digest, "sources": sources}
    lock = recipe.read(place.lock)
    assert lock.made is not None
    sources = [_source(source, counts[source.name], unit(task)) for source in lock.sources]
    return {
        **facts,
        "digest": lock.made.digest,
        "built": lock.made.date,
        "card": str(place.folder / CARD),
        "lock": str(place.lock),
        "sources": sources,
    }


def _source(source: recipe.DataSource, count: int, measure: str) -> dict[str, Any]:
    assert source.drawn is not None
    return {
        "source": source.name,
        "rows": count,
        "usable": source.drawn.usable,
        f"shortest_{measure}": source.drawn.shortest,
        f"median_{measure}": source.drawn.median,
        f"longest_{measure}": source.drawn.longest,
        "licence": source.licence,
        "data_set": source.id,
        "commit": source.revision,
        "stands_for": source.stands_for,
    }


def _print(shown: Sequence[dict[str, Any]], style: str) -> None:
    if style == "json":
        as_json(shown if len(shown) > 1 else shown[0])
    elif style == "csv":
        as_csv([{"edition": facts["edition"], "task": facts["task"], "digest": facts["digest"], **source}
                for facts in shown for source in facts["sources"]])  # fmt: skip
    else:
        for facts in shown:
            _table(facts)


def _table(facts: dict[str, Any]) -> None:
    title = f"{facts['rows']:,} rows for {facts['task']} · edition {facts['edition']}"
    rows = [
        {name: _text(name, value) for name, value in source.items() if name not in _MORE} for source in facts["sources"]
    ]
    lengths = [name for name in rows[0] if name.startswith(("shortest", "median", "longest"))]
    note = f"digest {facts['digest']}\n{facts.get('card', facts['folder'])}"
    table(title, rows, right=["rows", "usable", *lengths], note=note)
    for source in facts["sources"]:
        if source.get("stands_for"):
            click.echo(f"{source['source']} was taken instead of {source['stands_for']}")


_MORE = ("commit", "stands_for", "usable")
"""Only in JSON, CSV and the card."""


def _text(name: str, value: Any) -> str:
    return f"{value:,.4g}" if isinstance(value, float) else str(value)
