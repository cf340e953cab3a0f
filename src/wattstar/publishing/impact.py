"""What a model's energy comes to in a year: electricity, CO2e, water, money. Each amount carries its assumption.

::

    kWh a year = Wh per 1,000 queries / 1,000 × queries a day × 365 / 1,000 × PUE
    CO2e = kWh × intensity of the grid;  water = kWh × litres per kWh;  cost = kWh × price

PUE (power usage effectiveness) is a building's energy over its computers': ISO/IEC 30134-2. What is not known is not
counted and says so; the measured interval, or an estimate's range, is carried through and contains nothing of the
factors' own uncertainty.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from wattstar.errors import UsageError
from wattstar.publishing.figures import is_estimate, published, spread
from wattstar.publishing.grids import WATER_SOURCE, Grid
from wattstar.rating import compare
from wattstar.records.units import seconds_per_query
from wattstar.types import Comparison, Figure, Interval, Record

DAYS = 365
HARDWARE = "hardware"
"""Follows from time, not from energy."""
SECONDS_A_YEAR = DAYS * 86400


@dataclass(frozen=True)
class Price:
    """Of a kilowatt-hour."""

    amount: float
    currency: str


@dataclass(frozen=True)
class Hardware:
    """What making a machine emitted, and how long it serves."""

    kg_co2e: float
    years: float = 5.0


@dataclass(frozen=True)
class Assumptions:
    """What no record knows."""

    queries_per_day: float = 1_000_000
    grid: Grid | None = None
    pue: float | None = None
    """None: not known, so that only what was measured counts, as with 1."""
    price: Price | None = None
    water_l_per_kwh: float | None = None
    """None: the grid's, where it is known."""
    hardware: Hardware | None = None


@dataclass(frozen=True)
class Amount:
    """One consequence of a year's queries."""

    name: str
    unit: str
    value: Interval | None
    """None: not counted."""
    assumption: str
    """What it rests on, or why it is not counted."""
    estimate: bool = False
    """Of an energy that was modelled, or not of a measured energy at all."""


@dataclass(frozen=True)
class Impact:
    """A year's queries of one model."""

    record: str
    made: Figure
    kind: str
    """Of the intervals: ``95 %``, or the range of an estimate."""
    amounts: tuple[Amount, ...]


@dataclass(frozen=True)
class Saving:
    """What a year with one record saves against another; negative: what it takes more."""

    against: str
    """The other record."""
    estimate: bool
    comparison: Comparison
    share: Interval
    """Of the other's energy."""
    amounts: tuple[Amount, ...]


def impact(name: str, record: Record, assumptions: Assumptions) -> Impact:
    """A year of one record's model; ``UsageError`` for a record without a figure and for senseless assumptions."""
    check(assumptions)
    made = published(name, record)
    energy, kind = spread(made)
    queries = assumptions.queries_per_day * DAYS
    electricity = scaled(energy, queries / 1e6 * (assumptions.pue or 1.0))
    amounts = [replace(amount, estimate=is_estimate(made)) for amount in _amounts(electricity, assumptions)]
    amounts.append(_embodied(record, queries, assumptions.hardware))
    return Impact(name, made, kind, tuple(amounts))


def saving(one: tuple[str, Record], other: tuple[str, Record], assumptions: Assumptions) -> Saving:
    """What ``one`` saves against ``other``: the other's year × (1 − 1/ratio), with the ratio's interval.

    Raises what ``rating.compare`` raises for records that cannot be compared.
    """
    base = impact(*other, assumptions)
    comparison = compare(one, other)
    ratio = comparison.ratio if comparison.records[0] == one[0] else _inverse(comparison.ratio)
    estimate = is_estimate(base.made) or is_estimate(published(*one))
    share = Interval(_saved(ratio.low), 1 - 1 / ratio.mid, _saved(ratio.high))
    saved = tuple(
        replace(amount, value=scaled(share, amount.value.mid), estimate=estimate)
        for amount in base.amounts
        if amount.value is not None and amount.name != HARDWARE
    )
    return Saving(other[0], estimate, comparison, share, saved)


def check(assumptions: Assumptions) -> None:
    """``UsageError`` names the assumption that makes no sense."""
    price, hardware = assumptions.price, assumptions.hardware
    numbers = {
        "queries a day": (assumptions.queries_per_day, "--queries-per-day 1000"),
        "price of a kWh": (price.amount if price else None, "--price 0.25EUR"),
        "litres of water a kWh": (assumptions.water_l_per_kwh, "--water 1.8"),
        "kg of CO2e for the hardware": (hardware.kg_co2e if hardware else None, "--hardware-kg 150"),
    }
    for what, (number, cure) in numbers.items():
        if number is not None and not 0 <= number < math.inf:
            raise UsageError(f"{number:g} {what}: that must be a number, and not negative.", [cure])
    if hardware is not None and not 0 < hardware.years < math.inf:
        raise UsageError(f"Hardware that serves {hardware.years:g} years.", ["--hardware-years 5"])
    if assumptions.pue is not None and not 1 <= assumptions.pue < math.inf:
        raise UsageError(
            f"A PUE of {assumptions.pue:g}: a building takes at least what its computers take.", ["--pue 1.3"]
        )


def scaled(interval: Interval, factor: float) -> Interval:
    """Times a number that is not negative."""
    low, high = (None if end is None else end * factor for end in (interval.low, interval.high))
    return Interval(low, interval.mid * factor, high)


def _amounts(electricity: Interval, given: Assumptions) -> Iterator[Amount]:
    pue = "PUE not known, so only what was measured: --pue" if given.pue is None else f"PUE {given.pue:g}"
    yield Amount("electricity", "kWh", electricity, f"{DAYS} days of {given.queries_per_day:,.15g} queries; {pue}")
    yield _co2e(electricity, given.grid)
    yield _water(electricity, given)
    yield _cost(electricity, given.price)


def _co2e(electricity: Interval, grid: Grid | None) -> Amount:
    if grid is None:
        return Amount("CO2e", "kg", None, "no grid was named: --grid FR, or grams per kWh")
    text = f"{grid.g_co2e_per_kwh:,.4g} g per kWh: {grid.name}, {grid.source}"
    return Amount("CO2e", "kg", scaled(electricity, grid.g_co2e_per_kwh / 1000), text)


def _water(electricity: Interval, given: Assumptions) -> Amount:
    if given.water_l_per_kwh is not None:
        litres, source = given.water_l_per_kwh, "as given"
    elif given.grid is None or given.grid.water_l_per_kwh is None:
        return Amount("water", "l", None, "no factor is known for it: --water, in litres per kWh")
    else:
        litres, source = given.grid.water_l_per_kwh, f"{given.grid.name}, {WATER_SOURCE}; none for cooling"
    return Amount("water", "l", scaled(electricity, litres), f"{litres:,.4g} l per kWh: {source}")


def _cost(electricity: Interval, price: Price | None) -> Amount:
    if price is None:
        return Amount("cost", "", None, "no price was given: --price 0.25EUR")
    text = f"{price.amount:g} {price.currency} per kWh, as given; electricity only"
    return Amount("cost", price.currency, scaled(electricity, price.amount), text)


def _embodied(record: Record, queries: float, hardware: Hardware | None) -> Amount:
    """By the share of the machine's life in which it serves: time of the queries / its years (EcoLogits, embodied)."""
    if hardware is None:
        return Amount(HARDWARE, "kg CO2e", None, "making it is not counted: --hardware-kg, of what served the queries")
    if not record.passes:
        return Amount(HARDWARE, "kg CO2e", None, "the record does not say how long a query takes")
    busy = queries * seconds_per_query(record) / SECONDS_A_YEAR
    value = Interval(None, hardware.kg_co2e * busy / hardware.years, None)
    text = (
        f"an estimate: {hardware.kg_co2e:,.4g} kg as given, for {hardware.years:g} years of work without a pause; the "
        f"queries keep {busy:.3g} of them busy"
    )
    return Amount(HARDWARE, "kg CO2e", value, text, estimate=True)


def _saved(ratio: float | None) -> float | None:
    return None if ratio is None else 1 - 1 / ratio


def _inverse(ratio: Interval) -> Interval:
    low, high = (None if end is None else 1 / end for end in (ratio.high, ratio.low))
    return Interval(low, 1 / ratio.mid, high)
