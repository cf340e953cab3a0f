"""``wattstar rate``: give the store's models one to five stars."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from wattstar import registry
from wattstar.cli import results
from wattstar.cli.options import FORMAT, STORE
from wattstar.cli.output import as_csv, as_json, flat, undamaged
from wattstar.errors import UsageError
from wattstar.rating import populations, rate
from wattstar.records.codec import encode
from wattstar.records.store import Store
from wattstar.types import Population, Rating


@click.command("rate")
@STORE
@FORMAT
@click.option("-t", "--task", help="Only this one.")
def command(out: Path, style: str, task: str | None) -> None:
    """Rate every valid record among those it can be compared with."""
    if task is not None:
        registry.task(task)
    records = [(name, record) for name, record in undamaged(Store(out)) if task in (None, record.job.task)]
    if not records:
        raise UsageError(f"There are no records in {out}.", ["wattstar run -t TASK -m MODEL", "another folder: --out"])
    if style == "human":
        results.show(records)
        return
    rated = [(population, rate(population, members)) for population, members in populations(records)]
    if style == "json":
        as_json([{"population": encode(p), "ratings": [encode(rating) for rating in ratings]} for p, ratings in rated])
        return
    known = dict(records)
    as_csv(
        [flat(rating.record, known[rating.record]) | _place(p, rating) for p, ratings in rated for rating in ratings]
    )


def _place(population: Population, rating: Rating) -> dict[str, Any]:
    least, most = rating.span or (None, None)
    return {
        "stars": rating.stars,
        "stars_least": least,
        "stars_most": most,
        "standing": str(rating.standing),
        "families": population.families,
        "grade": population.grade,
    }
