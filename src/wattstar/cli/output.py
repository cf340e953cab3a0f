"""Prints rows: a table for people, JSON or CSV for programs."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Any

import click

from wattstar.publishing.words import cells
from wattstar.records.store import Store
from wattstar.records.units import seconds_per_query
from wattstar.records.words import number as number
from wattstar.records.words import printable as printable
from wattstar.types import Approach, Figure, Interval, Record, Weights

LONG_ID = 26
NARROW = 21
"""What a column of names has at least, on a terminal of 80 columns."""


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
    """A long id on several lines, publisher first, broken at its hyphens, where the terminal is narrow."""
    if shutil.get_terminal_size().columns >= 100 or len(model) <= LONG_ID:
        return model
    publisher, slash, rest = model.partition("/")
    return "\n".join([*wrap(publisher + slash, NARROW), *wrap(rest, NARROW)])


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
    """CSV on standard output; unknown is empty, and no text is taken for a formula."""
    text = io.StringIO()
    if rows:
        writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(map(cells, rows))
    click.echo(text.getvalue(), nl=False)


def variant(record: Record) -> str:
    """The model's id, and what sets this run of it apart from the plain one."""
    model, seed = record.job.model, record.job.controls.seed
    zero_shot = ["zero-shot"] * (model.approach is Approach.ZERO_SHOT)
    apart = [*zero_shot, *[model.dtype] * (model.dtype != "float32"), *[f"seed {seed}"] * (seed != 0)]
    return " ".join([model.id, *apart, *(f"{key}={value}" for key, value in model.options.items() if key != "recipe")])


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
