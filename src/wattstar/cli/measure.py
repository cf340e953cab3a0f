"""``wattstar measure``: the energy of any command."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence

import click

from wattstar.cli.output import as_csv, as_json, number, table
from wattstar.measuring.measure import Measurement, measure_command
from wattstar.measuring.timeline import total
from wattstar.records.codec import encode
from wattstar.types import Method, Reading


@click.command("measure", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option(
    "--meter", "meters", multiple=True, help="See: wattstar meters; may be repeated. Left out: all that read."
)
@click.option("--require-measured", is_flag=True, help="Take no estimates; fail where there is nothing else.")
@click.option("--format", "style", type=click.Choice(["human", "json", "csv"]), default="human",
              help="human goes to standard error, so that the command's output stays whole.")  # fmt: skip
@click.argument("words", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- COMMAND…")
def command(meters: tuple[str, ...], require_measured: bool, style: str, words: tuple[str, ...]) -> None:
    """Run COMMAND, say what it took, and end with its exit code."""
    if hasattr(signal, "SIGCHLD"):  # ignored by some who start us: an exit code would then be lost
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    found = measure_command(words, meters, require_measured)
    if style == "json":
        as_json(
            {
                "window": encode(found.window),
                "exit_code": found.exit_code,
                "energy": [encode(part) for part in found.energy],
                "not_read": list(found.left_out),
                "notes": [encode(note) for note in found.notes],
            }
        )
    elif style == "csv":
        as_csv([encode(part) for part in found.energy])
    else:
        _show(found)
    code = found.exit_code or 0
    sys.exit(code if code >= 0 else 128 - code)


def _show(found: Measurement) -> None:
    """What was measured and what was estimated stand apart, each with a sum of its own."""
    if found.measured:
        _table(f"measured: {number(total(found.measured))} J in {number(found.seconds)} s", found.measured, found)
    if found.shares:
        title = f"too short to be measured, shares of the counters' steps: {number(total(found.shares))} J"
        _table(f"{title} in {number(found.seconds)} s", found.shares, found)
    if found.estimated:
        title = f"estimated, not measured: {number(total(found.estimated))} J in {number(found.seconds)} s"
        _table(title, found.estimated, found)
    if not found.energy:
        click.echo(f"{number(found.seconds)} s, and no meter read all of it", err=True)
    for note in found.notes:
        click.echo(f"{note.severity}: {note.message}", err=True)
    for sentence in found.left_out:
        click.echo(f"not read: {sentence}", err=True)


def _table(title: str, energy: Sequence[Reading], found: Measurement) -> None:
    rows = [_row(reading, found.seconds) for reading in energy]
    table(title, rows, right=("joules", "watts"), to_standard_error=True)


def _row(reading: Reading, seconds: float) -> dict[str, str]:
    return {
        "domain": reading.domain,
        "joules": number(reading.joules),
        "how sure": _sure(reading),
        "watts": number(reading.joules / seconds),
        "method": f"{reading.method} by {reading.meter}",
    }


def _sure(reading: Reading) -> str:
    if reading.plausible_factor:
        low, high = reading.joules / reading.plausible_factor, reading.joules * reading.plausible_factor
        return f"plausibly {number(low)} … {number(high)} J (range, not 95 %)"
    if reading.method is Method.SAMPLED:
        return f"± {number(reading.bound)} J, if the load is no faster than the sensor"
    bound = f"± {number(reading.bound)} J at most" if reading.bound else "exact"
    return bound + (f"; its sensor ± {reading.gain:.0%}" if reading.gain else "")
