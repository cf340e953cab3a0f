"""``wattstar doctor``: what this machine can measure, and the cure for what it cannot."""

from __future__ import annotations

from dataclasses import asdict

import click

from wattstar import registry
from wattstar.cli.options import FORMAT
from wattstar.cli.output import as_csv, as_json, number, table
from wattstar.measuring import machine
from wattstar.measuring.sensors import Sensor, sensors
from wattstar.types import Level

WORDS = {Level.ABSENT: "no", Level.ASKED: "if asked", Level.ESTIMATE: "estimate", Level.REAL: "yes"}


@click.command("doctor")
@FORMAT
def command(style: str) -> None:
    """Look at meters and packages for two seconds; change nothing. Best while nothing else runs."""
    meters, needs, found = _meters(), _needs(), sensors()
    if style == "json":
        as_json({"meters": meters, "packages": needs, "sensors": [asdict(sensor) for sensor in found]})
        return
    if style == "csv":
        as_csv([*meters])
        return
    here = machine.describe({})
    gpus = ", ".join(gpu.name for gpu in here.gpus) or "no NVIDIA GPU"
    click.echo(f"{here.cpu}, {here.cores} cores, {here.memory_bytes / 1e9:.0f} GB, {gpus}, {here.system}\n")
    table("energy", meters)
    if found:
        table(
            "what they read in two seconds", [_row(sensor) for sensor in found], right=("every", "least step", "power")
        )
    table("packages", needs)
    real = any(row["reads"] == "yes" for row in meters)
    click.echo(
        "This machine can measure."
        if real
        else "This machine can only estimate; its results are marked and unofficial."
    )


def _row(sensor: Sensor) -> dict[str, str]:
    """Cross-check: what this meter reads over what the counter of the same domain reads; 1 is agreement."""
    return {
        "domain": sensor.domain,
        "by": f"{sensor.meter} ({sensor.method})",
        "every": f"{sensor.update_seconds * 1000:.0f} ms",
        "least step": f"{number(sensor.step_joules)} J",
        "power": f"{number(sensor.watts)} ± {sensor.noise_watts:.2g} W"
        if sensor.noise_watts > 1e-3
        else f"{number(sensor.watts)} W",
        "cross-check": "–" if sensor.ratio is None else f"{sensor.ratio:.3f}",
    }


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
