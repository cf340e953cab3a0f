"""Prints rows: a table for people, JSON or CSV for programs."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Mapping, Sequence
from typing import Any

import click

from wattstar.rating.populations import figure
from wattstar.records.store import Store
from wattstar.records.units import COUNTED, per_unit
from wattstar.records.words import number as number
from wattstar.records.words import printable as printable
from wattstar.types import Approach, Figure, Interval, Record, Severity, Weights

LONG_ID = 26


def table(title: str, rows: Sequence[Mapping[str, str]], right: Sequence[str] = (), note: str = "",
          to_standard_error: bool = False) -> None:  # fmt: skip
    """One table; the columns in ``right`` are numbers."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(stderr=to_standard_error)
    made = Table(
        title=Text(printable(title), style="bold"),
        title_justify="left",
        box=SIMPLE_HEAD,
        show_header=any(name.strip() for name in rows[0]) if rows else False,
        show_edge=False,
        padding=(0, 1, 0, 0),
        header_style="dim",
    )
    for name in rows[0] if rows else ():
        style = "green" if name == "stars" else ""
        made.add_column(name, justify="right" if name in right else "left", style=style, overflow="fold")
    for row in rows:
        made.add_row(*(Text(printable(value)) for value in row.values()))
    console.print(made)
    if note:
        console.print(Text(printable(note), style="dim"))
    console.print()


def broken(model: str) -> str:
    """A long id on two lines, publisher first, where the terminal is narrow."""
    narrow = shutil.get_terminal_size().columns < 100
    return model.replace("/", "/\n", 1) if narrow and len(model) > LONG_ID else model


def folded(text: str) -> None:
    """A sentence, folded at its words on a terminal."""
    from rich.console import Console
    from rich.text import Text

    console = Console()
    console.print(Text(printable(text)), soft_wrap=not console.is_terminal)


def undamaged(store: Store) -> list[tuple[str, Record]]:
    """The records of a store, oldest first; those that are damaged are said on standard error."""
    entries = list(store.entries())
    for entry in entries:
        if entry.problem:
            click.echo(printable(f"wattstar: record {entry.id[:12]} cannot be used: {entry.problem}"), err=True)
    return [(entry.id, entry.record) for entry in entries if entry.record]


def as_json(value: Any) -> None:
    """JSON on standard output."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))


def as_csv(rows: Sequence[Mapping[str, Any]]) -> None:
    """CSV on standard output; unknown is empty."""
    text = io.StringIO()
    if rows:
        writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    click.echo(text.getvalue(), nl=False)


def flat(name: str, record: Record) -> dict[str, Any]:
    """A record as one row, with units in the names."""
    made = figure(record)
    interval = made.wh_per_1000 if made else Interval(None, float("nan"), None)
    plausible = made.plausible if made and made.plausible else None
    net = made.net_wh_per_1000 if made else None
    joules = {one.unit: one.joules.mid for one in per_unit(record)}
    return {
        "record": name,
        "task": record.job.task,
        "model": record.job.model.id,
        "weights": str(record.job.model.weights),
        "status": status(record),
        "boundary": str(made.boundary) if made else None,
        "method": str(made.method) if made else None,
        "wh_per_1000_queries": interval.mid if made else None,
        "wh_per_1000_queries_low": interval.low,
        "wh_per_1000_queries_high": interval.high,
        "plausible_low_wh": plausible.low if plausible else None,
        "plausible_high_wh": plausible.high if plausible else None,
        "net_wh_per_1000_queries": net.mid if net else None,
        **{f"joules_per_{unit.replace(' ', '_')}": joules.get(unit) for unit in ("query", *COUNTED)},
        "seconds_per_1000_queries": seconds_per_query(record) * 1000 if record.passes else None,
        "passes": len(record.passes),
        "samples": record.job.procedure.samples,
        "quality": record.quality.name if record.quality else None,
        "quality_value": record.quality.value if record.quality else None,
        "quality_rows": record.quality.n if record.quality else None,
        "backend": record.job.backend,
        "device": record.job.model.device,
        "dtype": record.job.model.dtype,
        "batch_size": record.job.controls.batch_size,
        "started": record.started,
    }


def variant(record: Record) -> str:
    """The model's id, and what sets this run of it apart from the plain one."""
    model, seed = record.job.model, record.job.controls.seed
    zero_shot = ["zero-shot"] * (model.approach is Approach.ZERO_SHOT)
    apart = [*zero_shot, *[model.dtype] * (model.dtype != "float32"), *[f"seed {seed}"] * (seed != 0)]
    return " ".join([model.id, *apart, *(f"{key}={value}" for key, value in model.options.items() if key != "recipe")])


def status(record: Record) -> str:
    """``complete``, ``invalid``, ``failed`` or ``interrupted``."""
    if record.status == "complete" and any(finding.severity is Severity.INVALID for finding in record.findings):
        return "invalid"
    return str(record.status)


def seconds_per_query(record: Record) -> float:
    """Mean over the counted passes."""
    windows = [window for counted in record.passes for window in counted.windows or (counted.window,)]
    total = sum(window.end - window.begin for window in windows) / 1e9
    return total / sum(counted.queries for counted in record.passes)


def watt_hours(made: Figure | None) -> str:
    """``0.0123 ± 1.4 %``: three significant digits, and the interval's half-width in per cent."""
    if made is None:
        return "–"
    return f"{number(made.wh_per_1000.mid)} ± {half_width(made.wh_per_1000)}"


def half_width(interval: Interval) -> str:
    """``1.4 %`` of the mid value; ``? %`` where it is not known."""
    if interval.high is None or interval.mid <= 0:
        return "? %"
    share = (interval.high - interval.mid) / interval.mid * 100
    return f"{share:.{0 if share >= 9.95 else 1}f} %"


def time_per_query(record: Record) -> str:
    """With the unit that suits."""
    if not record.passes:
        return "–"
    seconds = seconds_per_query(record)
    return f"{number(seconds)} s" if seconds >= 1 else f"{number(seconds * 1000)} ms"


def quality(record: Record) -> str:
    """``accuracy 0.93 (n 120)``, or why there is none."""
    if record.quality is None:
        return quality_value(record)
    return f"{record.quality.name} {quality_value(record)}"


def quality_value(record: Record) -> str:
    """``0.93 (n 120)``, or why there is none."""
    if record.job.model.weights is Weights.RANDOM:
        return "random"
    if record.quality is None:
        return "–"
    return f"{record.quality.value:.2f} (n {record.quality.n})"
