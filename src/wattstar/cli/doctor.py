"""``wattstar doctor``: what this machine can measure, and the cure for what it cannot."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import asdict

import click

from wattstar import registry
from wattstar.cli.options import FORMAT
from wattstar.cli.output import as_csv, as_json, number, table
from wattstar.measuring import machine, spoilers
from wattstar.measuring.choosing import affinities
from wattstar.measuring.room import state
from wattstar.measuring.sensors import Sensor, sensors
from wattstar.measuring.surroundings import Neighbours
from wattstar.types import Affinity, Finding, Level

WORDS = {
    Level.ABSENT: "not here",
    Level.CLOSED: "closed",
    Level.ASKED: "if asked",
    Level.ESTIMATE: "estimate",
    Level.REAL: "yes",
}
NO_NOISE = 1e-3
"""Watts: less is rounding."""
SECONDS_FOR_OTHERS = 0.5
"""At least so long others are watched."""
UNCONFIRMED = "not yet confirmed on hardware: tried on a simulator of its interface only"


@click.command("doctor")
@FORMAT
def command(style: str) -> None:
    """Look at meters and packages for two seconds; change nothing. Best while nothing else runs."""
    others = Neighbours(os.getpid())
    known, needs, (found, refused) = affinities(), _needs(), sensors()
    room = state()
    spoiling = [*spoilers.conditions(room), *_busy(others)]
    if style == "json":
        meters = [_meter(name, affinity) for name, affinity in known.items()]
        seen = {"sensors": [asdict(sensor) for sensor in found], "refused": [asdict(one) for one in refused]}
        spoils = [{"what": one.gate, "message": one.message} for one in spoiling]
        as_json({"meters": meters, "packages": needs, **seen, "room": room, "spoils": spoils})
    elif style == "csv":
        as_csv([_meter(name, affinity) for name, affinity in known.items()])
    else:
        _show(known, needs, found, spoiling)
        for one in refused:
            click.echo(f"{one.meter} cannot be read after all: {one.message}")


def _show(
    known: Mapping[str, Affinity], needs: list[dict[str, str]], found: list[Sensor], spoiling: list[Finding]
) -> None:
    here = machine.describe({})
    gpus = ", ".join(gpu.name for gpu in here.gpus) or "no NVIDIA GPU"
    click.echo(f"{here.cpu}, {here.cores} cores, {here.memory_bytes / 1e9:.0f} GB, {gpus}, {here.system}\n")
    if found:
        _show_sensors(found)
    table("meters", [_short(name, known[name]) for name in sorted(known, key=lambda name: -known[name].level)])
    for name, affinity in known.items():
        if affinity.level is Level.CLOSED:
            click.echo(f"{name} is closed: {affinity.reason}\n  → {affinity.cure}\n")
    absent = [row for row in needs if row["ready"] == "no"]
    if absent:
        table("packages that are not installed", absent)
    if spoiling:
        table("what would spoil a measurement now", [{"": one.gate, " ": one.message} for one in spoiling])
    click.echo(_verdict(known))


def _show_sensors(found: list[Sensor]) -> None:
    rows = [_row(sensor) for sensor in found]
    table("read now, for two seconds", rows, right=("every", "resolution", "at rest", "noise", "cross-check"))
    for sensor in found:
        if sensor.caveat:
            click.echo(f"{sensor.domain} by {sensor.meter}: {sensor.caveat}")
    unconfirmed = sorted({sensor.meter for sensor in found if not registry.meter(sensor.meter).confirmed})
    if unconfirmed:
        click.echo(f"{', '.join(unconfirmed)}: {UNCONFIRMED}")
    click.echo()


def _busy(others: Neighbours) -> list[Finding]:
    """Who else is at work."""
    time.sleep(SECONDS_FOR_OTHERS)
    return spoilers.busy(others.share(), others.named(), "now")


def _verdict(known: Mapping[str, Affinity]) -> str:
    real = sorted({domain for found in known.values() if found.level is Level.REAL for domain in found.domains})
    if real:
        return f"This machine can measure {', '.join(real)}."
    closed = [name for name, found in known.items() if found.level is Level.CLOSED]
    cure = f" Measuring needs the cure of {' or '.join(closed)}." if closed else ""
    return f"This machine can only estimate; its results are marked and unofficial.{cure}"


def _row(sensor: Sensor) -> dict[str, str]:
    """Cross-check: what this meter reads over what the counter of the same domain reads; 1 is agreement."""
    return {
        "domain": sensor.domain,
        "by": f"{sensor.meter} ({sensor.method})",
        "every": f"{sensor.update_seconds * 1000:.0f} ms",
        "resolution": f"{number(sensor.step_joules)} J",
        "at rest": f"{number(sensor.watts)} W",
        "noise": f"{sensor.noise_watts:.2g} W" if sensor.noise_watts > NO_NOISE else "0 W",
        "cross-check": "–" if sensor.ratio is None else f"{sensor.ratio:.3f}",
    }


def _short(name: str, found: Affinity) -> dict[str, str]:
    """One line where that is possible; what is closed is told below, where a cure can be copied."""
    what = f"{found.reason} → {found.cure}" if found.level is Level.ABSENT and found.cure else found.reason
    return {"meter": name, "reads": WORDS[found.level], "what it reads, or why not and the cure": what}


def _reads(name: str, found: Affinity) -> dict[str, str]:
    cure = "" if found.level in (Level.REAL, Level.ASKED) else found.cure or ""
    return {"meter": name, "reads": WORDS[found.level], "what": found.reason, "cure": cure}


def _meter(name: str, found: Affinity) -> dict[str, object]:
    return {**_reads(name, found), "domains": ", ".join(found.domains), "confirmed": registry.meter(name).confirmed}


def _needs() -> list[dict[str, str]]:
    rows = []
    for kind in ("backends", "tasks"):
        for name in registry.plug_ins(kind):
            requires = registry.backend(name).requires if kind == "backends" else registry.task(name).requires
            absent = registry.missing(requires)
            cure = f"pip install {' '.join(absent)}" if absent else ""
            rows.append({"what": f"{kind.removesuffix('s')} {name}", "ready": "no" if absent else "yes", "cure": cure})
    return rows
