"""``wattstar reproduce``: the job of a record measured again, and both figures side by side."""

from __future__ import annotations

import math
from pathlib import Path

import click

from wattstar.cli.options import FORMAT, STORE
from wattstar.cli.output import as_csv, as_json, number, quality, table, time_per_query, watt_hours
from wattstar.cli.run import measure
from wattstar.errors import GateFailed, JobsFailed, UsageError, VerificationFailed
from wattstar.measuring.plan import Planned
from wattstar.measuring.reproduce import changes, require
from wattstar.measuring.verify import verify
from wattstar.publishing.rows import flat
from wattstar.rating.comparisons import reproduction, same_machine
from wattstar.rating.populations import figure
from wattstar.records.store import Store
from wattstar.types import Interval, Record, Request

Member = tuple[str, Record]


@click.command("reproduce")
@click.argument("record", metavar="ID|FILE")
@STORE
@FORMAT
@click.option("--timeout", type=float, default=600.0, show_default=True,
              help="Seconds without a sign of life after which the job is given up.")  # fmt: skip
def command(record: str, out: Path, style: str, timeout: float) -> None:
    """Measure the job of a record again, exactly as it was, and say whether both figures agree.

    What differs from then is said before. Exit 6 says that the figures differ by more than both intervals and what two
    sittings, or two cards, differ by.
    """
    if not 0 < timeout < math.inf:
        raise UsageError(f"--timeout is {timeout:g}; it must be more than 0, and finite.")
    then = _record(record, Store(out))
    for words in changes(then[1]) or ("nothing that is known of this machine has changed",):
        click.echo(f"wattstar: {words}", err=True)
    require(then[1].job)
    again = _measured(then[1], Store(out), timeout)
    ratio = reproduction(then[1], again[1])
    if style == "json":
        as_json(_full(then, again, ratio))
    elif style == "csv":
        as_csv([flat(*then), flat(*again)])
    else:
        _show(then, again, ratio)
    if _agree(ratio) is False:
        raise VerificationFailed("The record was not reproduced.", ["what has changed stands above"])


def _record(word: str, store: Store) -> Member:
    """The record, which must add up and have a figure: else there is nothing to be reproduced."""
    file = Path(word) if Path(word).is_file() else store.file(word)
    verdict = verify(file)
    if verdict.record is None or not verdict.holds:
        raise VerificationFailed(f"The record {file.stem[:12]} does not add up.", [f"wattstar verify {file}"])
    if figure(verdict.record) is None:
        message = f"The record {file.stem[:12]} has no figure that counts."
        raise UsageError(message, [f"wattstar show {file.stem[:12]} -o {file.parent.parent}"])
    return file.stem, verdict.record


def _measured(then: Record, store: Store, timeout: float) -> Member:
    job = then.job
    cell = Planned(Request(job.task, (job.model.id,)), job.model.id, job)
    [(name, record)] = measure([cell], store, timeout)
    if record.failure:
        raise JobsFailed("The job failed this time.", ["the reason stands above"])
    if figure(record) is None:
        raise GateFailed("This time the record is invalid.", [f"wattstar show {name[:12]} -o {store.folder}"])
    return name, record


def _agree(ratio: Interval) -> bool | None:
    """Whether 1 is inside; None where the interval is not known."""
    if ratio.low is None or ratio.high is None:
        return None
    return ratio.low <= 1 <= ratio.high


def _show(then: Member, again: Member, ratio: Interval) -> None:
    rows = [_row(what, *member) for what, member in (("then", then), ("again", again))]
    table(f"{then[1].job.task} {then[1].job.model.id}", rows, right=("Wh/1,000 queries", "time/query"))
    between = "two sittings" if same_machine(then[1], again[1]) else "two cards or machines"
    if ratio.low is None or ratio.high is None:
        click.echo(f"again / then is {number(ratio.mid)}; whether they agree cannot be told from a single pass.")
        return
    verdict = "They agree" if _agree(ratio) else "They do not agree"
    span = f"95 %: {number(ratio.low)} … {number(ratio.high)}"
    click.echo(f"{verdict}: again / then is {number(ratio.mid)} ({span}, repeatability and what {between} differ by).")


def _row(what: str, name: str, record: Record) -> dict[str, str]:
    made = figure(record)
    assert made is not None, "asked before"
    return {
        "": what,
        "record": name[:12],
        "Wh/1,000 queries": watt_hours(made),
        "method": f"{made.boundary} {made.method}",
        "time/query": time_per_query(record),
        "quality": quality(record),
    }


def _full(then: Member, again: Member, ratio: Interval) -> dict[str, object]:
    return {
        "then": flat(*then),
        "again": flat(*again),
        "changes": list(changes(then[1])),
        "ratio": {"low": ratio.low, "mid": ratio.mid, "high": ratio.high},
        "same_machine": same_machine(then[1], again[1]),
        "agree": _agree(ratio),
    }
