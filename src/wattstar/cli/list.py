"""``wattstar list``: the records of the store, and what was interrupted."""

from __future__ import annotations

from pathlib import Path

import click

from wattstar.cli.options import FORMAT, STORE
from wattstar.cli.output import as_csv, as_json, table, undamaged, variant, watt_hours
from wattstar.publishing.rows import flat, status
from wattstar.rating.populations import figure
from wattstar.records.store import Store
from wattstar.records.words import printable
from wattstar.types import Record


@click.command("list")
@STORE
@FORMAT
def command(out: Path, style: str) -> None:
    """List the records, oldest first; jobs without a record and damaged files are said on standard error."""
    store = Store(out)
    records = undamaged(store)
    for job in store.in_flight():
        what = "is running" if job.running else f"was killed; its journal is in {job.folder}"
        passes = f"{len(job.passes)} finished passes"
        click.echo(printable(f"wattstar: {job.job.task} {job.job.model.id} {what} ({passes})"), err=True)
    if style == "json":
        as_json([flat(name, record) for name, record in records])
    elif style == "csv":
        as_csv([flat(name, record) for name, record in records])
    elif records:
        rows = [_row(name, record) for name, record in records]
        table(f"{len(records)} records in {out}", rows, right=("Wh/1,000 queries",))
    else:
        click.echo(f"There are no records in {out}. Next: wattstar run -t TASK -m MODEL", err=True)


def _row(name: str, record: Record) -> dict[str, str]:
    made = figure(record)
    random = ", random weights" if record.job.model.weights == "random" else ""
    return {
        "record": name[:8],
        "started": record.started[5:16].replace("T", "\n"),
        "task and model": f"{record.job.task}{random}\n{variant(record)}",
        "status": status(record),
        "Wh/1,000 queries": f"{watt_hours(made)}\n{made.method}" if made else "–",
    }
