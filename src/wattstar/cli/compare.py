"""``wattstar compare``: how many times more energy one model takes than another for the same queries."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from wattstar import registry
from wattstar.cli import verdicts
from wattstar.cli.options import FORMAT, INTERLEAVE, STORE, request_options
from wattstar.cli.output import as_csv, as_json
from wattstar.cli.planning import Work, seated, work
from wattstar.cli.run import measure, measure_in_turns
from wattstar.errors import JobsFailed, UnfitEnvironment, UnknownName, UsageError, VerificationFailed
from wattstar.measuring.observer import Circumstances
from wattstar.measuring.outstanding import Member, id_of
from wattstar.rating.comparisons import comparisons
from wattstar.rating.gains import Scores, scores
from wattstar.rating.populations import figure
from wattstar.records.answers import answers
from wattstar.records.codec import encode
from wattstar.records.store import Store
from wattstar.records.words import printable


@click.command("compare")
@click.argument("records", nargs=-1, metavar="[ID ID …]")
@request_options
@INTERLEAVE
@STORE
@FORMAT
@click.option("--timeout", type=float, default=600.0, show_default=True,
              help="Seconds without a sign of life after which a job is given up.")  # fmt: skip
def command(
    records: tuple[str, ...], out: Path, style: str, timeout: float, interleave: int | None, **words: Any
) -> None:
    """Compare records of the store by the beginnings of their ids, or models by task and names.

    A model that has no record of these very words yet is measured first:
    wattstar compare -t text-classification -m ONE -m OTHER

    With --interleave models are measured in turns. Only then are small differences told from what two sittings differ
    by anyway.
    """
    store = Store(out)
    if records and interleave is not None:
        raise UsageError(
            "Records that are there cannot be interleaved any more.",
            ["wattstar compare -t TASK -m ONE -m OTHER --interleave", "leave --interleave out"],
        )
    members = [store.find(id) for id in records] if records else _measured(words, store, timeout, interleave)
    if len(members) < 2:
        raise UsageError("There are less than two to compare.", ["name another record, or -m another model"])
    found = comparisons(members, _scores(members, store))
    known = dict(members)
    if style == "json":
        as_json([encode(comparison) for comparison in found])
    elif style == "csv":
        as_csv([verdicts.flat(comparison, known) for comparison in found])
    else:
        verdicts.show(members, found)


def _measured(words: dict[str, Any], store: Store, timeout: float, seed: int | None) -> list[Member]:
    """The newest record that counts of each planned job, or that of the sitting; what has none is measured now."""
    planned = work(words, store)
    for cell in planned.cells:
        if cell.refused:
            raise cell.refused
    known = _by_turns(planned, store, timeout, seed) if seed is not None else _each(planned, store, timeout)
    asked = {id_of(cell): cell.model for cell in planned.cells}
    absent = [model for id, model in asked.items() if id not in known]
    if absent:
        raise JobsFailed(
            f"Not measured, or invalid: {', '.join(absent)}.", ["the reasons stand above", "wattstar list"]
        )
    return [known[id] for id in asked]


def _each(planned: Work, store: Store, timeout: float) -> dict[str, Member]:
    found = list(planned.outstanding.earlier)
    if planned.outstanding.missing:
        found += measure(planned.outstanding.missing, store, timeout)
    return _counting(found)


def _by_turns(planned: Work, store: Store, timeout: float, seed: int) -> dict[str, Member]:
    groups, earlier = seated(planned)
    if len(groups) > 1:
        message = "These are jobs of several sittings: their tasks, devices, samples or meters differ."
        raise UsageError(message, ["compare what has one of each"])
    made = measure_in_turns(groups, seed, Circumstances(store, timeout)) if groups else []
    return _counting([*earlier, *made])


def _counting(members: Sequence[Member]) -> dict[str, Member]:
    return {record.job_id: (id, record) for id, record in members if figure(record) is not None}


def _scores(members: Sequence[Member], store: Store) -> dict[str, Scores]:
    """Of the records whose quality is known, sample by sample; what that cannot be worked out from here is said."""
    found: dict[str, Scores] = {}
    for id, record in members:
        if record.quality is None:
            continue
        try:
            task = registry.task(record.job.task)
            registry.require(f"The task {record.job.task!r}", task.requires)
            made = scores(answers(record, store), task)
        except (UnknownName, UnfitEnvironment, VerificationFailed) as error:
            click.echo(printable(f"wattstar: quality is not compared by sample: {error.message}"), err=True)
            continue
        if made is not None:
            found[id] = made
    return found
