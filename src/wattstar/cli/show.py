"""``wattstar show``: one record."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import click

from wattstar.cli.options import FORMAT, STORE
from wattstar.cli.output import as_csv, half_width, number, quality, table, time_per_query, watt_hours
from wattstar.publishing.rows import flat, status
from wattstar.rating.classes import TASKS, need_of, published_class, size_class
from wattstar.records.codec import canonical
from wattstar.records.store import Store
from wattstar.records.units import PerUnit, per_unit
from wattstar.records.words import printable
from wattstar.types import Interval, Reading, Record, Sitting, WarmUp, Window

SHARES = "~ is modelled: an estimate, or a window that is too short for the meter"
MODELLED_SHARES = "modelled shares of the passes' energy, never rated; ~ of an estimate, whose own range is wider"


@click.command("show")
@click.argument("record", metavar="ID")
@STORE
@FORMAT
def command(record: str, out: Path, style: str) -> None:
    """Show the record whose id starts with ID. With --format json its very bytes, whose sha256 is the id."""
    name, found = Store(out).find(record)
    if style == "json":
        click.echo(canonical(found), nl=False)
    elif style == "csv":
        as_csv([flat(name, found)])
    else:
        _show(name, found)


def _show(name: str, record: Record) -> None:
    click.echo(f"record {name}\n")
    table(
        f"{record.job.model.id} · {record.job.task}",
        [{"": key, " ": value} for key, value in _facts(record).items()],
    )
    _units(record)
    rows = [_row(f"pass {counted.index + 1}", _seconds(counted.window), counted.energy) for counted in record.passes]
    rows += [_row(stage.name.replace("_", " "), _seconds(stage.window), stage.energy) for stage in record.stages]
    columns = list(dict.fromkeys(column for row in rows for column in row))
    if rows:
        full = [{column: row.get(column, "–") for column in columns} for row in rows]
        table("joules by window", full, right=columns[1:], note=SHARES)
    if phases := _phases(record):
        table("phases", phases, right=list(phases[0])[2:], note=MODELLED_SHARES)
    for finding in record.findings:
        click.echo(printable(f"{finding.severity}: {finding.gate}: {finding.message}"))


def _facts(record: Record) -> dict[str, str]:
    job = record.job
    facts = {"status": status(record)}
    for made in record.figures:
        rated = ", rated" if made.boundary is record.rated else ""
        text = f"{watt_hours(made)} Wh per 1,000 queries ({made.method}{rated}, {made.passes} passes)"
        if made.plausible:
            text += (
                f", plausibly {number(made.plausible.low or 0)} … {number(made.plausible.high or 0)} (range, not 95 %)"
            )
        facts[str(made.boundary)] = text
        if made.net_wh_per_1000:
            net = made.net_wh_per_1000
            facts[f"{made.boundary}, net"] = f"{number(net.mid)} ± {half_width(net)} Wh per 1,000 queries above idle"
    return facts | {
        "time per query": time_per_query(record),
        "work per query": ", ".join(f"{value:.1f} {name.replace('_', ' ')}" for name, value in _work(record).items()),
        "quality": quality(record),
        "model": f"{job.model.revision[:48]} ({job.model.source}), {job.model.weights} weights, {job.model.dtype}"
        + (f", {job.model.quantization}" if job.model.quantization else ""),
        "parameters": f"{record.loaded.parameters:,}" if record.loaded and record.loaded.parameters else "unknown",
        **_size_class(record),
        "served by": f"{job.backend} on {job.model.device}, batch {job.controls.batch_size}",
        "samples": f"{job.procedure.samples} of edition {job.procedure.edition} ({job.procedure.digest[:12]})",
        "machine": f"{record.machine.cpu}, {record.machine.cores} cores, {record.machine.memory_bytes / 1e9:.0f} GB"
        + "".join(f", {gpu.name}" for gpu in record.machine.gpus),
        "meters": ", ".join(job.meters) + _sampling(record),
        "warm-up": _warm_up(record.warm_up),
        **({"sitting": _sitting(record.sitting)} if record.sitting else {}),
        "started": f"{record.started}, took {record.seconds:.1f} s",
        "failure": f"{record.failure.reason}: {record.failure.message}" if record.failure else "none",
    }


def _sitting(found: Sitting) -> str:
    others = len(found.jobs) - 1
    return f"in turns with {others} other{'s' * (others > 1)}, in the order of seed {found.seed}"


def _size_class(record: Record) -> dict[str, str]:
    need = need_of(record) if record.job.task in TASKS else None
    if need is None or record.loaded is None or record.loaded.parameters is None:
        return {}
    theirs = published_class(record.loaded.parameters)
    text = f"{size_class(need)}: weights {need.weights / 1e9:.3g} GB, cache {need.cache / 1e9:.2g} GB"
    return {"size class": f"{text}; by AI Energy Score's formula {theirs}"}


def _warm_up(found: WarmUp | None) -> str:
    if found is None:
        return "none"
    drift = "" if found.drift is None else f", {found.drift:+.1%} over the last ones"
    return f"{found.seconds:.1f} s, {found.rounds} rounds{drift}: {'steady' if found.steady else 'not steady'}"


def _sampling(record: Record) -> str:
    """What reading them cost, and whether the sensors were probed."""
    text = ""
    if record.sampling:
        longest = max(record.sampling.longest_gaps.values(), default=0.0)
        text += f"; reading took {record.sampling.cpu_share:.1%} of a core, longest pause {longest * 1e3:.0f} ms"
        if record.sampling.parent_share is not None:
            text += f"; with all else in their process {record.sampling.parent_share:.1%}"
    return text + "".join(f"; {sensor.meter} of {sensor.name} probed {sensor.made[:10]}" for sensor in record.sensors)


def _work(record: Record) -> dict[str, float]:
    queries = sum(counted.queries for counted in record.passes)
    names = record.passes[0].counts if record.passes else ()
    return {name: sum(counted.counts[name] for counted in record.passes) / queries for name in names}


def _units(record: Record) -> None:
    """Joules of a query and of its parts, on the boundary that is rated."""
    made = next((made for made in record.figures if made.boundary is record.rated), None)
    rows = [_unit(one) for one in per_unit(record)]
    if rows and made:
        unsure = "; a range as wide as that above holds here too" if made.plausible else ""
        note = f"gross, all phases together, on {made.boundary}, {made.method}{unsure}"
        table("joules per unit of work", rows, right=("J", "±", "per query"), note=note)


def _unit(one: PerUnit) -> dict[str, str]:
    count = "" if one.unit == "query" else number(one.per_query)
    return {"unit": one.unit, "J": number(one.joules.mid), "±": half_width(one.joules), "per query": count}


def _phases(record: Record) -> list[dict[str, str]]:
    """Where there are several, each phase of each domain."""
    readings = [reading for counted in record.passes for reading in counted.energy]
    estimates = {reading.domain for reading in readings if reading.plausible_factor}
    estimates -= {reading.domain for reading in readings if not reading.plausible_factor}
    whole: dict[str, float] = defaultdict(float)
    for each in record.phases:
        whole[each.domain] += each.seconds
    rows = [
        {
            "phase": each.name,
            "domain": each.domain,
            "time": f"{each.seconds / whole[each.domain]:.1%}",
            "watts": "~" * (each.domain in estimates) + number(each.watts.mid),
            "Wh per 1,000 queries": "~" * (each.domain in estimates) + number(each.wh_per_1000.mid),
            "95 %": _edges(each.wh_per_1000),
        }
        for each in record.phases
    ]
    return rows if len({each.name for each in record.phases}) > 1 else []


def _edges(interval: Interval) -> str:
    if interval.low is None or interval.high is None:
        return "?"
    return f"{number(interval.low)} … {number(interval.high)}"


def _row(what: str, seconds: str, energy: Sequence[Reading]) -> dict[str, str]:
    marked = {r.domain: f"{'~' if r.method == 'modelled' else ''}{number(r.joules)}" for r in energy}
    return {"window": what, "seconds": seconds} | marked


def _seconds(window: Window) -> str:
    return f"{(window.end - window.begin) / 1e9:.2f}"
