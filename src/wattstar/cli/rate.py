"""``wattstar rate``: give the store's models one to five stars."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from wattstar import registry
from wattstar.cli import results
from wattstar.cli.options import FORMAT, SCHEME, STORE
from wattstar.cli.output import as_csv, as_json, undamaged
from wattstar.errors import UsageError
from wattstar.publishing.rows import flat
from wattstar.rating import editions
from wattstar.rating.placing import Placed, placed
from wattstar.records.codec import encode
from wattstar.records.store import Store
from wattstar.types import Rating


@click.command("rate")
@STORE
@FORMAT
@click.option("-t", "--task", help="Only this one.")
@click.option("--edition", metavar="NAME", help="Whose cuts give the stars: see wattstar edition list, or a folder of "
              "one of your own. Left out: the populations that the store's own records make.")  # fmt: skip
@SCHEME
def command(out: Path, style: str, task: str | None, edition: str | None, scheme: str) -> None:
    """Rate every valid record among those it can be compared with."""
    if task is not None:
        registry.task(task)
    by = editions.load(edition) if edition else None
    records = [(name, record) for name, record in undamaged(Store(out)) if task in (None, record.job.task)]
    if not records:
        raise UsageError(f"There are no records in {out}.", ["wattstar run -t TASK -m MODEL", "another folder: --out"])
    if style == "human":
        results.show(records, edition=by, scheme=scheme)
        return
    found = placed(records, by, scheme)
    if style == "json":
        as_json([{"population": each.population and encode(each.population),
                  "ratings": [encode(rating) for rating in each.ratings]} for each in found])  # fmt: skip
        return
    known = dict(records)
    as_csv(
        [flat(rating.record, known[rating.record]) | _place(each, rating) for each in found for rating in each.ratings]
    )


def _place(each: Placed, rating: Rating) -> dict[str, Any]:
    least, most = rating.span or (None, None)
    best, worst = rating.rank or (None, None)
    chances = dict(zip((5, 4, 3, 2, 1), rating.chances or [None] * 5, strict=True))
    return {
        "stars": rating.stars,
        "stars_least": least,
        "stars_most": most,
        **{f"chance_of_{count}_stars": chance for count, chance in chances.items()},
        "rank_best": best,
        "rank_worst": worst,
        "standing": str(rating.standing),
        "reasons": "; ".join(rating.reasons),
        "edition": rating.edition,
        "scheme": rating.scheme,
        "families": each.population.families if each.population else None,
        "grade": str(each.population.grade) if each.population else None,
    }
