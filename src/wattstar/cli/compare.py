"""``wattstar compare``: how many times more energy one model takes than another for the same queries."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from wattstar.cli.options import FORMAT, STORE, request_options
from wattstar.cli.output import (
    as_csv,
    as_json,
    broken,
    folded,
    number,
    quality,
    table,
    time_per_query,
    variant,
    watt_hours,
)
from wattstar.cli.planning import work
from wattstar.cli.run import measure
from wattstar.errors import JobsFailed, UsageError
from wattstar.measuring.outstanding import Member, id_of
from wattstar.rating import compare
from wattstar.rating.populations import figure
from wattstar.records.codec import encode
from wattstar.records.store import Store
from wattstar.types import Comparison, Record, Verdict


@click.command("compare")
@click.argument("records", nargs=-1, metavar="[ID ID …]")
@request_options
@STORE
@FORMAT
@click.option("--timeout", type=float, default=600.0, show_default=True,
              help="Seconds without a sign of life after which a job is given up.")  # fmt: skip
def command(records: tuple[str, ...], out: Path, style: str, timeout: float, **words: Any) -> None:
    """Compare records of the store by the beginnings of their ids, or models by task and names.

    A model that has no record of these very words yet is measured first:
    wattstar compare -t text-classification -m ONE -m OTHER
    """
    store = Store(out)
    members = [store.find(id) for id in records] if records else _measured(words, store, timeout)
    if len(members) < 2:
        raise UsageError("There are less than two to compare.", ["name another record, or -m another model"])
    thriftiest = min(members, key=_energy)
    others = [member for member in members if member is not thriftiest]
    found = [compare(thriftiest, other) for other in others]
    if style == "json":
        as_json([encode(comparison) for comparison in found])
    elif style == "csv":
        as_csv([_flat(comparison) for comparison in found])
    else:
        _show(members, found)


def _measured(words: dict[str, Any], store: Store, timeout: float) -> list[Member]:
    """The newest record that counts of each planned job; what has none is measured now."""
    planned = work(words, store)
    for cell in planned.cells:
        if cell.refused:
            raise cell.refused
    known = {record.job_id: (id, record) for id, record in planned.outstanding.earlier}
    if planned.outstanding.missing:
        made = measure(planned.outstanding.missing, store, timeout)
        known |= {record.job_id: (id, record) for id, record in made if figure(record) is not None}
    asked = {id_of(cell): cell.model for cell in planned.cells}
    absent = [model for id, model in asked.items() if id not in known]
    if absent:
        raise JobsFailed(
            f"Not measured, or invalid: {', '.join(absent)}.", ["the reasons stand above", "wattstar list"]
        )
    return [known[id] for id in asked]


def _energy(member: Member) -> float:
    made = figure(member[1])
    return made.wh_per_1000.mid if made else float("inf")


def _show(members: list[Member], found: list[Comparison]) -> None:
    known = dict(members)
    rows = [_row(record) for _, record in sorted(members, key=_energy)]
    table(f"{members[0][1].job.task}: the same queries", rows, right=("Wh/1,000 queries", "time/query"))
    for comparison in found:
        folded(_sentence(comparison, known))
        if comparison.differs:
            folded(f"  not alike: {'; '.join(comparison.differs)}")
    note = (
        "unpaired: the interval contains both records' repeatability and what two sittings differ by, not what an "
        "estimate may be wrong by"
    )
    folded(note)


def _row(record: Record) -> dict[str, str]:
    return {
        "model": broken(variant(record)),
        "Wh/1,000 queries": watt_hours(figure(record)),
        "time/query": time_per_query(record),
        "quality": quality(record),
    }


def _sentence(comparison: Comparison, known: dict[str, Record]) -> str:
    thrifty, greedy = (known[id] for id in comparison.records)
    ratio = comparison.ratio
    if ratio.low is None or ratio.high is None:
        times, span = number(ratio.mid), "one pass: no interval"
    else:
        times, span = number(ratio.mid), f"95 %: {number(ratio.low)} … {number(ratio.high)}"
    if comparison.verdict is Verdict.DIFFERENT or ratio.low is None:
        text = f"{variant(greedy)} takes {times} times the energy of {variant(thrifty)} ({span})"
    else:
        text = f"No difference shown between {variant(greedy)} and {variant(thrifty)}: ratio {times} ({span})"
    if comparison.gain is None or greedy.quality is None:
        return text + "; their quality cannot be compared."
    better = (comparison.gain.mid > 0) == greedy.quality.higher_is_better
    word = "as good" if comparison.gain.mid == 0 else "better" if better else "worse"
    return f"{text} and is {word}: {greedy.quality.name} {comparison.gain.mid:+.2f} (n {greedy.quality.n})."


def _flat(comparison: Comparison) -> dict[str, Any]:
    thrifty, other = comparison.records
    return {
        "thriftier": thrifty,
        "other": other,
        "ratio": comparison.ratio.mid,
        "ratio_low": comparison.ratio.low,
        "ratio_high": comparison.ratio.high,
        "pairs": comparison.pairs,
        "verdict": str(comparison.verdict),
        "gain": comparison.gain.mid if comparison.gain else None,
    }
