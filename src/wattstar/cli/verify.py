"""``wattstar verify``: every figure of a record worked out again from its timelines and marks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from wattstar.cli.options import FORMAT, STORE
from wattstar.cli.output import as_csv, as_json
from wattstar.errors import UsageError, VerificationFailed
from wattstar.measuring.verify import Check, Verdict, verify
from wattstar.records.store import Store

MOST_PROBLEMS = 5
"""Of one check, that are shown; JSON has all."""


@click.command("verify")
@click.argument("records", nargs=-1, metavar="[RECORD|STORE|FILE]…")
@STORE
@FORMAT
def command(records: tuple[str, ...], out: Path, style: str) -> None:
    """Check records: one by the beginning of its id, those of a whole STORE, or a FILE in one; else all of --out.

    Everything that follows from timelines, marks, samples and states is worked out again and compared. Exit 6 says that
    something does not add up.
    """
    verdicts = [verify(file) for word in records or (str(out),) for file in _files(word, Store(out))]
    if style == "json":
        as_json([_full(verdict) for verdict in verdicts])
    elif style == "csv":
        as_csv([_flat(verdict, check) for verdict in verdicts for check in verdict.checks])
    else:
        for verdict in verdicts:
            _show(verdict, alone=len(verdicts) == 1)
    failed = sum(not verdict.holds for verdict in verdicts)
    if failed:
        raise VerificationFailed(f"{failed} of {len(verdicts)} records do not add up.", ["never rate or publish them"])
    if style == "human" and len(verdicts) > 1:
        click.echo(f"{len(verdicts)} records add up.")


def _files(word: str, store: Store) -> list[Path]:
    """What a word names: a file, a store's files, or the one record of the store whose id starts so."""
    path = Path(word)
    if path.is_file():
        return [path]
    if path.is_dir():
        files = Store(path).files()
        if not files:
            raise UsageError(f"There are no records in {path}.", ["wattstar verify -o STORE", "wattstar run"])
        return files
    if path.parent != Path() or path.suffix or word == str(store.folder):
        raise UsageError(f"There is no {path}.", ["wattstar verify -o STORE", "wattstar list"])
    return [store.file(word)]


def _show(verdict: Verdict, alone: bool) -> None:
    """All checks of the only record; of one among many a line, and what is wrong."""
    click.echo(_title(verdict))
    width = max(len(check.name) for check in verdict.checks)
    for check in verdict.checks:
        if alone or check.problems:
            for line in _lines(check):
                click.echo(f"  {line[0]:<{width}}  {line[1]}")


def _title(verdict: Verdict) -> str:
    record = verdict.record
    what = f"{record.job.task} {record.job.model.id}" if record else "cannot be read"
    left = sum(check.not_made is not None for check in verdict.checks)
    words = f"{len(verdict.checks) - left} checks" + (f", {left} not made here" if left else "")
    return f"{verdict.file.stem[:12]}  {'OK' if verdict.holds else 'WRONG'}  {what} ({words})"


def _lines(check: Check) -> list[tuple[str, str]]:
    if check.not_made is not None:
        return [(check.name, f"not checked: {check.not_made}")]
    if not check.problems:
        return [(check.name, f"OK: {check.says}")]
    shown = list(check.problems[:MOST_PROBLEMS])
    more = len(check.problems) - len(shown)
    shown += [f"… and {more} more"] * (more > 0)
    return list(zip([check.name, *[""] * len(shown)], (f"WRONG: {words}" for words in shown), strict=False))


def _full(verdict: Verdict) -> dict[str, Any]:
    return {
        "file": str(verdict.file),
        "id": verdict.file.stem,
        "holds": verdict.holds,
        "checks": [
            {"name": check.name, "says": check.says, "problems": list(check.problems), "not_made": check.not_made}
            for check in verdict.checks
        ],
    }


def _flat(verdict: Verdict, check: Check) -> dict[str, Any]:
    return {
        "record": verdict.file.stem,
        "check": check.name,
        "result": "not checked" if check.not_made else "wrong" if check.problems else "ok",
        "said": check.not_made or " · ".join(check.problems),
    }
