"""``wattstar doctor``: what this machine can measure, and the cure for what it cannot."""

from __future__ import annotations

import click

from wattstar import registry
from wattstar.cli.options import FORMAT
from wattstar.cli.output import as_csv, as_json, table
from wattstar.measuring import machine
from wattstar.types import Level

WORDS = {Level.ABSENT: "no", Level.ASKED: "if asked", Level.ESTIMATE: "estimate", Level.REAL: "yes"}


@click.command("doctor")
@FORMAT
def command(style: str) -> None:
    """Look at meters and packages; change nothing."""
    meters, needs = _meters(), _needs()
    if style == "json":
        as_json({"meters": meters, "packages": needs})
        return
    if style == "csv":
        as_csv([*meters])
        return
    found = machine.describe({})
    gpus = ", ".join(gpu.name for gpu in found.gpus) or "no NVIDIA GPU"
    click.echo(f"{found.cpu}, {found.cores} cores, {found.memory_bytes / 1e9:.0f} GB, {gpus}, {found.system}\n")
    table("energy", meters)
    table("packages", needs)
    real = any(row["reads"] == "yes" for row in meters)
    click.echo(
        "This machine can measure."
        if real
        else "This machine can only estimate; its results are marked and unofficial."
    )


def _meters() -> list[dict[str, str]]:
    rows = []
    for name in registry.plug_ins("meters"):
        affinity = registry.meter(name).affinity()
        row = {"meter": name, "reads": WORDS[affinity.level], "what": affinity.reason}
        rows.append(row | {"cure": "" if affinity.level is Level.REAL else affinity.cure or ""})
    return rows


def _needs() -> list[dict[str, str]]:
    rows = []
    for kind in ("backends", "tasks"):
        for name in registry.plug_ins(kind):
            requires = registry.backend(name).requires if kind == "backends" else registry.task(name).requires
            absent = registry.missing(requires)
            cure = f"pip install {' '.join(absent)}" if absent else ""
            rows.append({"what": f"{kind.removesuffix('s')} {name}", "ready": "no" if absent else "yes", "cure": cure})
    return rows
