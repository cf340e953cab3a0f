"""What a kilowatt-hour emits and what water it takes, by country: a table that ships. Nobody is located."""

from __future__ import annotations

import csv
import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from wattstar.errors import UnknownName, UsageError

INTENSITY_SOURCE = "life cycle, Ember and Energy Institute by Our World in Data"
WATER_SOURCE = "consumed by power stations, World Resources Institute 2020"
CURES = ("a country: --grid FR, --grid FRA or --grid France; --grid world", "grams of CO2e per kWh: --grid 56")


@dataclass(frozen=True)
class Grid:
    """Where electricity comes from."""

    name: str
    g_co2e_per_kwh: float
    source: str
    """Of the intensity, with its year."""
    code: str | None = None
    """ISO 3166-1, three letters; None: no country."""
    water_l_per_kwh: float | None = None
    """None: no figure of that country's own is known."""


def grid(word: str) -> Grid:
    """A country by its two or three letters or its name, or grams of CO2e per kilowatt-hour.

    ``UnknownName`` with a suggestion; ``UsageError`` where a number is negative or none.
    """
    try:
        given = float(word)
    except ValueError:
        return _country(word)
    if not 0 <= given < math.inf:
        raise UsageError(f"A grid cannot emit {word} g of CO2e per kWh.", CURES)
    return Grid("the grid that was given", given, "as given")


def grids() -> list[Grid]:
    """All that are known: the world first, then countries by name."""
    return sorted(set(_table().values()), key=lambda each: (each.code is not None, each.name))


def _country(word: str) -> Grid:
    known = _table()
    found = known.get(word.strip().casefold())
    if found is None:
        names = [name for name in known if len(name) > 3]
        near = difflib.get_close_matches(word.casefold(), names, n=1, cutoff=0.5)
        hint = f" Did you mean {known[near[0]].name}?" if near else ""
        raise UnknownName(f"There is no grid {word!r} among the {len(set(known.values()))} known ones.{hint}", CURES)
    return found


@cache
def _table() -> Mapping[str, Grid]:
    """Codes and names, in small letters → the grid."""
    text = (files("wattstar.publishing") / "data" / "grids.csv").read_text(encoding="utf-8")
    found: dict[str, Grid] = {}
    for row in csv.DictReader(text.splitlines()):
        made = Grid(
            name=row["name"],
            g_co2e_per_kwh=float(row["g_co2e_per_kwh"]),
            source=f"{row['year']}, {INTENSITY_SOURCE}",
            code=None if row["code"] == "world" else row["code_3"],
            water_l_per_kwh=float(row["water_l_per_kwh"]) if row["water_l_per_kwh"] else None,
        )
        found |= {row[column].casefold(): made for column in ("code", "code_3", "name")}
    return found
