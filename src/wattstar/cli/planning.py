"""From words to the jobs that are still to be measured: what ``plan``, ``run`` and ``compare`` have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from wattstar.cli.options import Command, requests
from wattstar.cli.output import undamaged
from wattstar.errors import UsageError
from wattstar.measuring import jobs_file, machine
from wattstar.measuring.outstanding import Member, Outstanding, once, outstanding, shuffled
from wattstar.measuring.plan import Planned, plan
from wattstar.measuring.seating import sat, sittings
from wattstar.records.store import Store

_OPTIONS = (
    click.option("--resume/--fresh", default=True,
                 help="Measure what has no record that counts in the store [default]; or all, once more."),
    click.option("--shuffle", type=int, is_flag=False, flag_value=0, metavar="[SEED]",
                 help="Measure in random order, so that drift does not fall on one model. The seed is 0 if left out."),
)  # fmt: skip


@dataclass(frozen=True)
class Work:
    """The cells of a plan, each once, in order, and what of them is still to be measured."""

    cells: list[Planned]
    outstanding: Outstanding
    records: list[Member]
    """All of the store that are not damaged, oldest first."""
    note: str = ""
    """Of the plan's author."""


def order_options(command: Command) -> Command:
    """Add the options that say which jobs are measured, and in which order."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def work(words: Mapping[str, Any], store: Store) -> Work:
    """Plan the words of a command line; duplicates, the order and what is there already are said on standard error.

    ``words`` are those of ``request_options``, and may be those of ``order_options`` and ``jobs_file``.
    """
    rest = dict(words)
    resume, seed, file = rest.pop("resume", True), rest.pop("shuffle", None), rest.pop("jobs_file", None)
    note, cells = ("", _of_file(file, rest)) if file else _of_words(rest)
    every, cells = len(cells), once(cells)
    if every > len(cells):
        click.echo(f"{every - len(cells)} jobs stand in the plan more than once, and are measured once.", err=True)
    if seed is not None:
        cells = shuffled(cells, seed)
        click.echo(f"The order was drawn with --shuffle {seed}.", err=True)
    records = undamaged(store)
    return Work(cells, outstanding(cells, records if resume else (), machine.describe({})), records, note)


def seated(planned: Work, *, resume: bool = True) -> tuple[list[tuple[Planned, ...]], tuple[Member, ...]]:
    """The groups of jobs that are still to be measured in turns, and the records of the others.

    ``UsageError`` where a job cannot be.
    """
    here = machine.describe({})
    groups = sittings(planned.cells)
    known = [sat(together, planned.records if resume else (), here) for together in groups]
    missing = [together for together, found in zip(groups, known, strict=True) if found is None]
    return missing, tuple(member for found in known for member in found or ())


def say_earlier(count: int, missing: int) -> None:
    """That so many jobs are not measured again, and how they would be."""
    if count:
        every, them = count + missing, "them" if count > 1 else "it"
        click.echo(f"{count} of {every} jobs are in the store already; --fresh measures {them} again.", err=True)


def _of_words(words: Mapping[str, Any]) -> tuple[str, list[Planned]]:
    made = requests(words)
    return made.note, plan(made.requests)


def _of_file(file: Path, words: Mapping[str, Any]) -> list[Planned]:
    options = click.get_current_context().command.params
    given = [option.opts[-1] for option in options if words.get(option.name or "") not in (None, False, ())]
    if given:
        message = f"A jobs file says all of its jobs; {', '.join(given)} cannot change them."
        raise UsageError(message, ["leave the others out"])
    return jobs_file.read(file)
