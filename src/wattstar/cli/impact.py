"""``wattstar impact``: what a year of a model's queries comes to."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from wattstar.cli.options import FORMAT, STORE
from wattstar.cli.output import as_csv, as_json, folded, number, table, variant
from wattstar.errors import UsageError
from wattstar.publishing.figures import CONFIDENCE, RANGE, is_estimate
from wattstar.publishing.grids import grid
from wattstar.publishing.impact import Amount, Assumptions, Hardware, Impact, Price, Saving, impact, saving
from wattstar.rating.populations import Member
from wattstar.records.store import Store
from wattstar.types import Figure, Interval, Verdict, Weights


@click.command("impact")
@click.argument("record", metavar="ID")
@click.option("--queries-per-day", type=float, default=1_000_000, show_default="1,000,000", metavar="N")
@click.option("--grid", "grid_word", metavar="COUNTRY|NUMBER",
              help="FR, FRA, France or world; or grams of CO2e per kWh. Left out: CO2e is not counted.")  # fmt: skip
@click.option("--pue", type=float, help="The building's energy over its computers'. Left out: only what was measured.")
@click.option("--price", help="Of a kWh, as 0.25EUR. Left out: cost is not counted.")
@click.option("--water", type=float, metavar="LITRES", help="Per kWh. Left out: of the country's power stations.")
@click.option("--hardware-kg", type=float, metavar="KG",
              help="CO2e of making what served the queries. Left out: not counted.")  # fmt: skip
@click.option("--hardware-years", type=float, default=5.0, show_default=True, help="That it serves.")
@click.option("--against", metavar="ID", help="Say what it saves against this record, too.")
@STORE
@FORMAT
def command(record: str, out: Path, style: str, against: str | None, **words: Any) -> None:
    """Say what a year of queries to the model of record ID comes to: electricity, CO2e, water, cost.

    Every amount names its assumption. What is not known is not counted; nobody is located.
    """
    store = Store(out)
    assumptions = _assumptions(words)
    one = store.find(record)
    made = impact(*one, assumptions)
    other = store.find(against) if against else None
    saved = saving(one, other, assumptions) if other else None
    if style == "json":
        as_json(_full(one, made, assumptions, saved))
    elif style == "csv":
        as_csv([*_rows(one, made), *(_saved_rows(one, saved) if saved else ())])
    else:
        _show(one, made, assumptions)
        if other and saved:
            _show_saving(one, other, saved)


def _assumptions(words: dict[str, Any]) -> Assumptions:
    return Assumptions(
        queries_per_day=words["queries_per_day"],
        grid=None if words["grid_word"] is None else grid(words["grid_word"]),
        pue=words["pue"],
        price=None if words["price"] is None else _price(words["price"]),
        water_l_per_kwh=words["water"],
        hardware=None if words["hardware_kg"] is None else Hardware(words["hardware_kg"], words["hardware_years"]),
    )


def _price(text: str) -> Price:
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]{3})\s*", text, re.ASCII)
    if found is None:
        raise UsageError(f"--price {text!r} is no amount with a currency.", ["--price 0.25EUR"])
    return Price(float(found[1]), found[2].upper())


def _show(one: Member, made: Impact, assumptions: Assumptions) -> None:
    name, record = one
    title = f"{variant(record)} · {record.job.task} · a year of {assumptions.queries_per_day:,.15g} queries a day"
    rows = [_row(amount, made) for amount in made.amounts]
    table(title, rows, right=("a year",), note=_note(name, made.made, record.job.model.weights))


def _row(amount: Amount, made: Impact) -> dict[str, str]:
    mark = "~" * amount.estimate
    return {
        "": amount.name,
        "a year": f"{mark}{long_number(amount.value.mid)} {amount.unit}" if amount.value else "–",
        made.kind: ends(amount.value) if amount.value else "",
        "from": amount.assumption,
    }


def _note(name: str, made: Figure, weights: Weights) -> str:
    lines = [
        f"from record {name[:12]}: {number(made.wh_per_1000.mid)} Wh per 1,000 queries, {made.boundary}, {made.method}",
        "the interval is the energy's alone; factors of grid, water and building have their own doubt",
    ]
    if made.plausible is not None:
        lines[-1] = f"~ modelled, not measured: {RANGE}; factors of grid, water and building have their own doubt"
    if weights is Weights.RANDOM:
        lines.append("random weights: of the model's size, not of its answers")
    return "\n".join(lines)


def _show_saving(one: Member, other: Member, saved: Saving) -> None:
    mine, theirs, ratio = variant(one[1]), variant(other[1]), saved.comparison.ratio
    if saved.comparison.verdict is not Verdict.DIFFERENT:
        text = f"{mine} against {theirs}: {saved.comparison.verdict}, ratio {number(ratio.mid)} ({ends(ratio)}, 95 %)."
        folded(text)
        return
    word = "saves" if saved.share.mid >= 0 else "takes more"
    mark = "~" * saved.estimate
    rows = [
        {
            "": amount.name,
            f"{word}, a year": f"{mark}{long_number(abs(value.mid))} {amount.unit}",
            CONFIDENCE: ends(_size(value)),
        }
        for amount in saved.amounts
        if (value := amount.value) is not None
    ]
    folded(f"{mine} {_share(saved)} {theirs}.")
    table("of a year's queries", rows, right=(f"{word}, a year",), note=_saving_note(saved))


def _share(saved: Saving) -> str:
    if saved.share.mid >= 0:
        return f"saves {number(100 * saved.share.mid)} % against"
    return f"takes {number(-100 * saved.share.mid)} % more than"


def _saving_note(saved: Saving) -> str:
    lines = ["the interval is the ratio's of both energies"]
    if saved.estimate:
        lines = [f"~ modelled: {lines[0]}, and holds nothing of what an estimate may be wrong by"]
    if saved.comparison.differs:
        lines.append(f"not alike: {'; '.join(saved.comparison.differs)}")
    return "\n".join(lines)


def _size(value: Interval) -> Interval:
    """Of a saving its size, so that no sign has to be read."""
    if value.mid >= 0:
        return value
    low, high = (None if end is None else -end for end in (value.high, value.low))
    return Interval(low, -value.mid, high)


def ends(interval: Interval) -> str:
    """``4.4 … 4.6``, or ``?`` where the ends are not known."""
    if interval.low is None or interval.high is None:
        return "?"
    return f"{long_number(interval.low)} … {long_number(interval.high)}"


def long_number(value: float) -> str:
    """Three significant digits; with commas where it is long."""
    return f"{float(f'{value:.3g}'):,.0f}" if abs(value) >= 1000 else number(value)


def _full(one: Member, made: Impact, assumptions: Assumptions, saved: Saving | None) -> dict[str, Any]:
    name, record = one
    full: dict[str, Any] = {
        "record": name,
        "model": record.job.model.id,
        "task": record.job.task,
        "boundary": str(made.made.boundary),
        "method": str(made.made.method),
        "estimate": is_estimate(made.made),
        "queries_per_day": assumptions.queries_per_day,
        "wh_per_1000_queries": made.made.wh_per_1000.mid,
        "a_year": [_amount(amount, made.kind) for amount in made.amounts],
    }
    if saved is not None:
        full["against"] = {
            "record": saved.against,
            "verdict": str(saved.comparison.verdict),
            "saved_share": saved.share.mid,
            "saved_share_low": saved.share.low,
            "saved_share_high": saved.share.high,
            "saved_a_year": [_amount(amount, CONFIDENCE) for amount in saved.amounts],
            "differs": list(saved.comparison.differs),
        }
    return full


def _amount(amount: Amount, kind: str) -> dict[str, Any]:
    value = amount.value
    return {
        "what": amount.name,
        "unit": amount.unit,
        "value": value.mid if value else None,
        "low": value.low if value else None,
        "high": value.high if value else None,
        "interval": kind if value and value.low is not None else None,
        "estimate": amount.estimate if value else None,
        "assumption": amount.assumption,
    }


def _rows(one: Member, made: Impact) -> list[dict[str, Any]]:
    return [_line(one, "a year", amount, made.kind) for amount in made.amounts]


def _saved_rows(one: Member, saved: Saving) -> list[dict[str, Any]]:
    return [_line(one, "saved a year", amount, CONFIDENCE) for amount in saved.amounts]


def _line(one: Member, sense: str, amount: Amount, kind: str) -> dict[str, Any]:
    return {"record": one[0], "model": one[1].job.model.id, "sense": sense} | _amount(amount, kind)
