"""``wattstar plan``: what would run, what is refused and why, and how long it takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from wattstar import registry
from wattstar.cli.options import FORMAT, STORE, request_options, requests
from wattstar.cli.output import as_csv, as_json, table
from wattstar.errors import JobsFailed
from wattstar.measuring.plan import Planned, least_seconds, plan, seen_seconds
from wattstar.records.codec import encode, job_id
from wattstar.records.store import Store
from wattstar.types import Job, Record


@click.command("plan")
@request_options
@STORE
@FORMAT
def command(out: Path, style: str, **words: Any) -> None:
    """Say what ``run`` with the same words would do. Loads no model."""
    cells = plan(requests(words).requests)
    earlier = {record.job_id: record for _, record in Store(out).records()}
    if style == "json":
        as_json([_full(cell, earlier) for cell in cells])
        return
    rows = [_row(cell, earlier) for cell in cells]
    if style == "csv":
        as_csv(rows)
        return
    table(f"{sum(cell.job is not None for cell in cells)} of {len(cells)} jobs would run", rows, right=("time",))
    jobs = [cell.job for cell in cells if cell.job]
    # Of one job it is worth telling; of many it would fill the screen.
    refusals = _refusals(jobs) if len(jobs) == 1 else []
    if refusals:
        table("backends that were not chosen", refusals)
    seconds = sum(_seconds(cell.job, earlier)[0] for cell in cells if cell.job)
    if rows and not any(cell.job for cell in cells):
        raise JobsFailed("Nothing would run.", ["the reasons stand above"])
    click.echo(f"in all at least {seconds / 60:.1f} minutes; ~ is what the same job took before", err=True)


def _row(cell: Planned, earlier: dict[str, Record]) -> dict[str, str]:
    row = {"task": cell.request.task, "model": cell.model}
    if cell.job is None:
        assert cell.refused is not None
        word = "skipped" if cell.skipped else "refused"
        return {**row, "how": "\n→ ".join([f"{word}: {cell.refused.message}", *cell.refused.cures]), "time": ""}
    job = cell.job
    seconds, seen = _seconds(job, earlier)
    how = f"{job.backend} on {job.model.device}, {'random' if job.model.weights == 'random' else job.model.source}"
    return {**row, "how": how, "time": f"{'~' if seen else '≥'} {seconds:.0f} s"}


def _full(cell: Planned, earlier: dict[str, Record]) -> dict[str, Any]:
    if cell.job is None:
        assert cell.refused is not None
        refused = {
            "message": cell.refused.message,
            "cures": list(cell.refused.cures),
            "exit_code": cell.refused.exit_code,
        }
        return {"task": cell.request.task, "model": cell.model, "job": None, "refused": refused}
    seconds, seen = _seconds(cell.job, earlier)
    estimate = {"seconds": seconds, "from": "an earlier record" if seen else "the procedure's least"}
    return {"job_id": job_id(cell.job), "job": encode(cell.job), "estimate": estimate, "refused": None}


def _seconds(job: Job, earlier: dict[str, Record]) -> tuple[float, bool]:
    seen = seen_seconds(job, earlier)
    return (least_seconds(job), False) if seen is None else (seen, True)


def _refusals(jobs: list[Job]) -> list[dict[str, str]]:
    """Each different reason once."""
    found = {
        (name, reason): None
        for job in jobs
        for name in registry.plug_ins("backends")
        if (reason := registry.backend(name).refuses(job.model, registry.task(job.task))) is not None
    }
    return [{"backend": name, "why not": reason} for name, reason in sorted(found)]
