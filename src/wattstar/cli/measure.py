"""``wattstar measure``: the energy of any command."""

from __future__ import annotations

import sys

import click

from wattstar.cli.output import as_csv, as_json, number, table
from wattstar.measuring.measure import Measurement, measure_command
from wattstar.records.codec import encode
from wattstar.types import Reading


@click.command("measure", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option(
    "--meter", "meters", multiple=True, help="See: wattstar meters; may be repeated. Left out: all that read."
)
@click.option("--require-measured", is_flag=True, help="Fail where energy could only be estimated.")
@click.option("--format", "style", type=click.Choice(["human", "json", "csv"]), default="human",
              help="human goes to standard error, so that the command's output stays whole.")  # fmt: skip
@click.argument("words", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- COMMAND…")
def command(meters: tuple[str, ...], require_measured: bool, style: str, words: tuple[str, ...]) -> None:
    """Run COMMAND, say what it took, and end with its exit code."""
    found = measure_command(words, meters, require_measured)
    if style == "json":
        energy = [encode(part) for part in found.energy]
        as_json({"window": encode(found.window), "exit_code": found.exit_code, "energy": energy})
    elif style == "csv":
        as_csv([encode(part) for part in found.energy])
    else:
        _show(found)
    code = found.exit_code or 0
    sys.exit(code if code >= 0 else 128 - code)


def _show(found: Measurement) -> None:
    rows = [_row(reading, found.seconds) for reading in found.energy]
    title = f"{number(found.seconds)} s" + (
        f", {number(found.joules)} J in all" if rows else ", and no meter read all of it"
    )
    table(title, rows, right=("joules", "watts"), to_standard_error=True)


def _row(reading: Reading, seconds: float) -> dict[str, str]:
    factor = reading.plausible_factor
    sure = f"± {number(reading.bound)} J at most" if reading.bound else "exact"
    if factor:
        low, high = number(reading.joules / factor), number(reading.joules * factor)
        sure = f"plausibly {low} … {high} J (range, not 95 %)"
    return {
        "domain": reading.domain,
        "joules": number(reading.joules),
        "how sure": sure,
        "watts": number(reading.joules / seconds),
        "method": f"{reading.method} by {reading.meter}",
    }
