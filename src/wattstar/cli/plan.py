"""``wattstar plan``: what would run, what is refused and why, and what it takes."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from wattstar import registry
from wattstar.cli.options import FORMAT, STORE, request_options
from wattstar.cli.output import as_csv, as_json, number, table
from wattstar.cli.planning import Work, order_options, say_earlier, work
from wattstar.errors import JobsFailed, UnfitEnvironment
from wattstar.measuring import jobs_file, machine
from wattstar.measuring.estimates import Amount, Estimate, Known, estimate, is_open, known
from wattstar.measuring.outstanding import id_of
from wattstar.measuring.plan import Planned
from wattstar.measuring.trials import tried
from wattstar.records.codec import encode
from wattstar.records.store import Store
from wattstar.records.words import printable
from wattstar.types import Job

Units = tuple[tuple[float, str, float], ...]
SECONDS: Units = ((7200.0, "h", 3600.0), (120.0, "min", 60.0), (0.0, "s", 1.0))
JOULES: Units = ((3.6e6, "kWh", 3.6e6), (0.0, "Wh", 3600.0))
BYTES: Units = ((1e9, "GB", 1e9), (1e6, "MB", 1e6), (1e3, "kB", 1e3), (0.0, "B", 1.0))
"""From which amount on, the word, and how much one is; largest first."""
UNKNOWN = "–"
COLUMNS = ("time", "a pass", "energy", "memory", "to fetch")
FEW = 3
SILENCE = 600.0
"""Seconds without a sign of life after which a trial is given up."""


@click.command("plan")
@request_options
@order_options
@click.option("--probe", is_flag=True, help="Load each model that nothing is known of, and serve a few batches.")
@click.option("--jobs-file", "target", type=click.Path(path_type=Path), metavar="FILE",
              help="Write the resolved jobs, for wattstar run --jobs-file FILE.")  # fmt: skip
@STORE
@FORMAT
def command(out: Path, style: str, probe: bool, target: Path | None, **words: Any) -> None:
    """Say what ``run`` with the same words would do, and what it takes. Loads no model, but for --probe."""
    planned = work(words, Store(out))
    jobs = [cell.job for cell in planned.cells if cell.job]
    seen = known(planned.records, machine.describe({}))
    if probe:
        _try(jobs, seen)
    if target is not None:
        jobs_file.write(target, jobs)
    estimates = {id_of(cell): estimate(cell.job, seen) for cell in planned.cells if cell.job}
    if style == "json":
        there = {record.job_id: id for id, record in planned.outstanding.earlier}
        as_json([_full(cell, estimates, there) for cell in planned.cells])
    elif style == "csv":
        as_csv([_flat(cell, estimates) for cell in planned.cells])
    else:
        _show(planned, estimates)
    say_earlier(len(planned.outstanding.earlier), len(planned.outstanding.missing))
    if jobs:
        _say_sum([estimates[id_of(cell)] for cell in planned.outstanding.missing])
    elif style == "human":
        raise JobsFailed("Nothing would run.", ["the reasons stand above"])


def _try(jobs: list[Job], seen: Known) -> None:
    """A trial that fails costs no other; it is said, and nothing is estimated from it."""
    left = [job for job in jobs if is_open(job, seen)]
    for i, job in enumerate(left, 1):
        if not is_open(job, seen):  # tried with one before
            continue
        click.echo(f"[{i}/{len(left)}] {job.task} {job.model.id}: a trial", err=True)
        try:
            tried(job, SILENCE)
        except UnfitEnvironment as error:
            lines = [f"wattstar: {error.message}", *(f"  → {cure}" for cure in error.cures)]
            click.echo(printable("\n".join(lines)), err=True)


def _show(planned: Work, estimates: dict[str, Estimate]) -> None:
    count = len(planned.outstanding.missing)
    there = {record.job_id for _, record in planned.outstanding.earlier}
    rows = [_row(cell, estimates[id_of(cell)], id_of(cell) in there) for cell in planned.cells if cell.job]
    if rows:
        table(f"{count} of {len(planned.cells)} jobs would run", rows, right=COLUMNS, note=_sources(estimates))
    refused = dict.fromkeys((_name(cell), _why(cell)) for cell in planned.cells if cell.refused)
    if refused:
        table("would not run", [{"job": name, "why": why} for name, why in refused])
    jobs = [cell.job for cell in planned.cells if cell.job]
    # Of one job it is worth telling; of many it would fill the screen.
    others = _refusals(jobs[0]) if len(jobs) == 1 else []
    if others:
        table("backends that were not chosen", others)


def _row(cell: Planned, made: Estimate, there: bool) -> dict[str, str]:
    assert cell.job is not None, "of jobs only"
    lines = [_name(cell), _how(cell.job), *["in the store already"] * there]
    return {
        "job": "\n".join(lines),
        "time": _said(made.seconds, SECONDS),
        "a pass": _said(made.pass_seconds, SECONDS),
        "energy": _said(made.joules, JOULES),
        "memory": _said(made.memory_bytes, BYTES),
        "to fetch": _said(made.fetched_bytes, BYTES),
    }


def _name(cell: Planned) -> str:
    return f"{cell.request.task} {cell.model}"


def _why(cell: Planned) -> str:
    assert cell.refused is not None
    return "\n→ ".join([f"{'skipped' if cell.skipped else 'refused'}: {cell.refused.message}", *cell.refused.cures])


def _how(job: Job) -> str:
    """``transformers on cpu, hub``, and what sets the jobs of a grid apart."""
    model, size = job.model, job.controls.batch_size
    apart = [*[f"batch size {size}"] * (size != 1), *[model.dtype] * (model.dtype != "float32")]
    options = [f"{name}={value}" for name, value in model.options.items() if name != "recipe"]
    where = "random" if model.weights == "random" else str(model.source)
    return ", ".join([f"{job.backend} on {model.device}", where, *apart, *options])


def _said(amount: Amount | None, units: Units) -> str:
    """``~ 40 s``, ``≥ 40 s``, ``40 … 110 s``, each in the unit that suits; a dash where nothing is known."""
    if amount is None:
        return UNKNOWN
    _, word, size = next(unit for unit in units if (amount.high or amount.low) >= unit[0])
    low, high = _rounded(amount.low / size), None if amount.high is None else _rounded(amount.high / size)
    if high is None:
        return f"≥ {low} {word}"
    about = "" if low == "0" else "~ "
    return f"{about}{low} {word}" if low == high else f"{low} … {high} {word}"


def _rounded(value: float) -> str:
    """Two digits; no estimate is worth more."""
    if value >= 10 or value == 0:
        return f"{value:,.0f}"
    return number(float(f"{value:.2g}")).rstrip("0").rstrip(".")


def _sources(estimates: dict[str, Estimate]) -> str:
    """Where the numbers come from, each source once."""
    kinds = {"time, pass and energy": "seconds", "memory": "memory_bytes", "to fetch": "fetched_bytes"}
    lines = []
    for title, name in kinds.items():
        amounts = [getattr(made, name) for made in estimates.values()]
        sources = list(dict.fromkeys(amount.source for amount in amounts if amount))
        few = [*sources[:FEW], *[f"{len(sources) - FEW} more, see --format json"] * (len(sources) > FEW)]
        lines += [f"{title}: {'; '.join(few)}"] if few else []
    return "\n".join(lines)


def _flat(cell: Planned, estimates: dict[str, Estimate]) -> dict[str, Any]:
    """One row, with units in the names; unknown is empty."""
    made = estimates[id_of(cell)] if cell.job else None
    amounts = {field.name: getattr(made, field.name, None) for field in fields(Estimate)}
    row: dict[str, Any] = {
        "task": cell.request.task,
        "model": cell.model,
        "how": _how(cell.job) if cell.job else _why(cell),
    }
    for name, amount in amounts.items():
        row |= {f"{name}_low": amount and amount.low, f"{name}_high": amount and amount.high}
    return row


def _full(cell: Planned, estimates: dict[str, Estimate], there: dict[str, str]) -> dict[str, Any]:
    if cell.job is None:
        assert cell.refused is not None
        refused = {
            "message": cell.refused.message,
            "cures": list(cell.refused.cures),
            "exit_code": cell.refused.exit_code,
        }
        return {"task": cell.request.task, "model": cell.model, "job": None, "refused": refused}
    id = id_of(cell)
    return {
        "job_id": id,
        "job": encode(cell.job),
        "estimate": encode(estimates[id]),
        "earlier": there.get(id),
        "refused": None,
    }


def _say_sum(estimates: list[Estimate]) -> None:
    highs = [made.seconds.high for made in estimates]
    high = None if None in highs else sum(each for each in highs if each is not None)
    seconds = Amount(sum(made.seconds.low for made in estimates), high, "")
    known = [made.joules.low for made in estimates if made.joules]
    energy = f"; energy {_said(Amount(sum(known), None, ''), JOULES)}" if known else ""
    click.echo(f"in all {_said(seconds, SECONDS)}{energy}", err=True)


def _refusals(job: Job) -> list[dict[str, str]]:
    """Why each other backend cannot serve the model."""
    task = registry.task(job.task)
    reasons = {name: registry.backend(name).refuses(job.model, task) for name in registry.plug_ins("backends")}
    return [{"backend": name, "why not": reason} for name, reason in sorted(reasons.items()) if reason is not None]
