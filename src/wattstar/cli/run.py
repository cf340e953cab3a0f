"""``wattstar run``: measure models, and add a record of each to the store."""

from __future__ import annotations

import math
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import click

from wattstar import registry
from wattstar.cli import results
from wattstar.cli.options import DEFAULT_STORE, FORMAT, INTERLEAVE, STORE, request_options
from wattstar.cli.output import as_csv, as_json
from wattstar.cli.planning import order_options, say_earlier, seated, work
from wattstar.cli.progress import shown
from wattstar.errors import GateFailed, JobsFailed, UsageError, WattstarError
from wattstar.measuring.isolation import Isolation, isolation, threads_of
from wattstar.measuring.nursery import Nursery
from wattstar.measuring.observer import Circumstances
from wattstar.measuring.outstanding import Member
from wattstar.measuring.plan import Planned
from wattstar.measuring.process import Start, alone
from wattstar.measuring.run import run
from wattstar.measuring.sitting import sit
from wattstar.publishing.rows import flat, status
from wattstar.records.codec import canonical, digest, encode
from wattstar.records.store import Store
from wattstar.records.words import printable
from wattstar.types import Job, Record

Results = list[Member]


@click.command("run")
@request_options
@click.option(
    "--jobs-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Exactly the jobs that wattstar plan --jobs-file wrote.",
)
@order_options
@INTERLEAVE
@STORE
@FORMAT
@click.option("--timeout", type=float, default=600.0, show_default=True,
              help="Seconds without a sign of life after which a job is given up.")  # fmt: skip
@click.option(
    "--isolate", is_flag=True, help="Keep models and meters on CPU cores of their own (Linux, from 4 cores on)."
)
def command(out: Path, style: str, timeout: float, isolate: bool, interleave: int | None, **words: Any) -> None:
    """Measure the energy of models, and add a record of each to the store."""
    if not 0 < timeout < math.inf:
        raise UsageError(f"--timeout is {timeout:g}; it must be more than 0, and finite.")
    apart = isolation() if isolate else None
    planned = work(words, Store(out))
    if planned.note:
        click.echo(planned.note, err=True)
    refused = _refusals(planned.cells)
    if interleave is None:
        earlier = planned.outstanding.earlier
        say_earlier(len(earlier), len(planned.outstanding.missing))
        found = measure(planned.outstanding.missing, Store(out), timeout, apart)
    else:
        groups, earlier = seated(planned, resume=words["resume"])
        say_earlier(len(earlier), sum(map(len, groups)))
        found = measure_in_turns(groups, interleave, Circumstances(Store(out), timeout, isolation=apart))
    _show(found, earlier, style)
    _say_where(found, Store(out), sum(cell.skipped for cell in planned.cells))
    _end(found, refused, planned.cells)


def measure(cells: Sequence[Planned], store: Store, timeout: float, apart: Isolation | None = None) -> Results:
    """Run the jobs; Ctrl-C and a polite kill end the present one in an orderly way."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    found: Results = []
    jobs = [cell.job for cell in cells if cell.job]
    with shown(jobs) as show, threads_of(apart), _starting(jobs) as start:
        circumstances = Circumstances(store, timeout, show.watch, start, apart)
        for record in registry.launcher("local").launch(jobs, partial(run, circumstances=circumstances)):
            show.ended(record)
            found.append(_ended(record))
    return found


def measure_in_turns(groups: Sequence[Sequence[Planned]], seed: int, circumstances: Circumstances) -> Results:
    """Run the jobs of each group in turns, one group after the other; Ctrl-C ends the present one."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    found: Results = []
    jobs = [[cell.job for cell in group if cell.job] for group in groups]
    with shown([job for group in jobs for job in group]) as show, threads_of(circumstances.isolation):
        for group in jobs:
            for record in sit(group, seed, replace(circumstances, watch=show.watch)):
                show.ended(record)
                found.append(_ended(record))
    return found


def _ended(record: Record) -> Member:
    if record.failure:
        click.echo(printable(f"wattstar: {record.job.task} {record.job.model.id}: {_why(record)}"), err=True)
    return digest(canonical(record)), record


@contextmanager
def _starting(jobs: Sequence[Job]) -> Iterator[Start]:
    """How workers are started: those of several jobs from one process that has imported what they need."""
    if len(jobs) < 2 or not hasattr(os, "fork"):
        yield alone
        return
    modules = {name.replace("-", "_") for job in jobs for name in registry.backend(job.backend).requires}
    with Nursery(sorted(modules)) as nursery:
        yield nursery.start


def _refusals(cells: list[Planned]) -> list[Planned]:
    """Say what is refused, before anything is loaded; cells that may be skipped are, the others count as failed."""
    for cell in cells:
        if cell.refused:
            word = "skipped" if cell.skipped else "refused"
            click.echo(
                printable(f"wattstar: {word}: {cell.request.task} {cell.model}: {_said(cell.refused)}"), err=True
            )
    failed = [cell for cell in cells if cell.refused and not cell.skipped]
    codes = {cell.refused.exit_code for cell in failed if cell.refused}
    if len(failed) == len(cells) and len(codes) == 1:
        sys.exit(codes.pop())
    return failed


def _show(found: Results, earlier: Sequence[Member], style: str) -> None:
    """What was measured now, and what was not because it had been before."""
    before = [id for id, _ in earlier]
    every = [*earlier, *found]
    if style == "json":
        as_json([{"id": id, "earlier": id in before, "record": encode(record)} for id, record in every])
    elif style == "csv":
        as_csv([{**flat(id, record), "earlier": id in before} for id, record in every])
    else:
        results.show(every, before)


def _say_where(found: Results, store: Store, skipped: int) -> None:
    kinds = [status(record) for _, record in found]
    counts = ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))
    more = f"; {skipped} jobs were skipped" if skipped else ""
    total = sum(1 for _ in store.entries())
    click.echo(f"{len(found)} records added to {store.folder} ({counts or 'none'}), {total} in all{more}.", err=True)
    if found:
        where = "" if store.folder == DEFAULT_STORE else f" -o {store.folder}"
        words = (f"show {found[-1][0][:12]}{where}", f"rate{where}", f"list{where}", "doctor")
        click.echo("next: " + " · ".join(f"wattstar {word}" for word in words), err=True)


def _end(found: Results, refused: list[Planned], cells: list[Planned]) -> None:
    """The exit code: one job ends with its own, several with 5 if any failed; a failed gate is 4."""
    failed = [record for _, record in found if record.failure]
    if len(cells) == 1 and failed:
        sys.exit(failed[0].failure.exit_code if failed[0].failure and failed[0].failure.reason in _ENVIRONMENT else 5)
    if failed or refused:
        raise JobsFailed(f"{len(failed) + len(refused)} of {len(cells)} jobs failed.", ["the reasons stand above"])
    invalid = [record for _, record in found if status(record) == "invalid"]
    if invalid:
        raise GateFailed(
            f"{len(invalid)} of {len(found)} records are invalid and will not be rated.", ["wattstar show ID"]
        )


_ENVIRONMENT = ("model", "environment", "meter", "samples")
"""Failures whose exit code is that of the error behind them."""


def _why(record: Record) -> str:
    failure = record.failure
    assert failure is not None
    lines = [f"failed ({failure.reason}): {failure.message}", *(f"  → {cure}" for cure in failure.cures)]
    return "\n".join(lines + [f"  | {line}" for line in failure.stderr[-5:]])


def _said(error: WattstarError | None) -> str:
    assert error is not None
    return "\n".join([error.message, *(f"  → {cure}" for cure in error.cures)])
