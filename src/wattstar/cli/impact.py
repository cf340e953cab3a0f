"""``wattstar impact``: what a year of a model's queries comes to."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from wattstar.cli.options import FORMAT, STORE
from wattstar.cli.output import as_csv, as_json, folded, number, printable, table, variant
from wattstar.errors import UsageError
from wattstar.publishing.figures import CONFIDENCE, RANGE
from wattstar.publishing.grids import grid
from wattstar.publishing.impact import Amount, Assumptions, Impact, Price, Saving, impact, saving
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
    mark = "~" * made.estimate
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
    names = f"{variant(one[1])} against {variant(other[1])}"
    if saved.comparison.verdict is not Verdict.DIFFERENT:
        ratio = saved.comparison.ratio
        folded(f"{names}: {saved.comparison.verdict}, ratio {number(ratio.mid)} ({ends(ratio)}, 95 %).")
        return
    word = "saves" if saved.share.mid >= 0 else "takes more"
    rows = [
        {"": amount.name, f"{word} a year": f"{long_number(abs(value.mid))} {amount.unit}", CONFIDENCE: ends(_more(value))}
        for amount in saved.amounts
        if (value := amount.value) is not None
    ]
    share = f"{number(100 * abs(saved.share.mid))} % of the other's energy"
    alike = "; ".join(saved.comparison.differs)
    note = f"not alike: {alike}" if alike else "the same set-up"
    table(f"{word} {share}: {printable(names)}", rows, right=(f"{word} a year",), note=note)


def _more(value: Interval) -> Interval:
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
    return f"{value:,.0f}" if abs(value) >= 1000 else number(value)


def _full(one: Member, made: Impact, assumptions: Assumptions, saved: Saving | None) -> dict[str, Any]:
    name, record = one
    full: dict[str, Any] = {
        "record": name,
        "model": record.job.model.id,
        "task": record.job.task,
        "boundary": str(made.made.boundary),
        "method": str(made.made.method),
        "estimate": made.estimate,
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
        "interval": kind if value else None,
        "assumption": amount.assumption,
    }


def _rows(one: Member, made: Impact) -> list[dict[str, Any]]:
    return [_line(one, "a year", amount, made.kind, made.estimate) for amount in made.amounts]


def _saved_rows(one: Member, saved: Saving) -> list[dict[str, Any]]:
    return [_line(one, "saved a year", amount, CONFIDENCE, saved.estimate) for amount in saved.amounts]


def _line(one: Member, sense: str, amount: Amount, kind: str, estimate: bool) -> dict[str, Any]:
    head = {"record": one[0], "model": one[1].job.model.id, "sense": sense, "estimate": estimate}
    return head | _amount(amount, kind)
