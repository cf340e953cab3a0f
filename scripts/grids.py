"""Writes ``publishing/data/grids.csv``: what a kilowatt-hour of a country's electricity emits, and what water it takes.

From the data files of three packages, named with their versions, so that the table can be made again; none of them is
installed::

    pip download --no-deps codecarbon==3.3.2 ecologits==0.11.3 pycountry==26.2.16 -d WHEELS
    python scripts/grids.py WHEELS

Sources and licences: ``src/wattstar/publishing/data/NOTICE.txt``.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from zipfile import ZipFile

FILE = Path(__file__).parent.parent / "src" / "wattstar" / "publishing" / "data" / "grids.csv"
INTENSITIES = ("codecarbon-3.3.2", "codecarbon/data/private_infra/global_energy_mix.json")
WATER = ("ecologits-0.11.3", "ecologits/data/electricity_mixes.json")
COUNTRIES = ("pycountry-26.2.16", "pycountry/databases/iso3166-1.json")
FIRST_YEAR = 2021
"""Older figures are left out."""
HEADER = ("code", "code_3", "name", "g_co2e_per_kwh", "year", "water_l_per_kwh")


def read(wheels: Path, source: tuple[str, str]) -> Any:
    """A JSON file inside a wheel."""
    package, file = source
    [wheel] = wheels.glob(f"{package}-*.whl")
    with ZipFile(wheel) as archive:
        return json.loads(archive.read(file))


def rows(wheels: Path) -> Iterator[tuple[object, ...]]:
    """One a country, and the world's; what is 0 in the source is a gap (Central African Republic), not clean power."""
    mixes = {
        code: mix
        for code, mix in read(wheels, INTENSITIES).items()
        if mix["carbon_intensity"] > 0 and mix["year"] >= FIRST_YEAR
    }
    codes = {country["alpha_3"]: country["alpha_2"] for country in read(wheels, COUNTRIES)["3166-1"]}
    water = {mix["name"]: mix["wue"] for mix in read(wheels, WATER)["electricity_mixes"] if is_own(mix)}
    yield ("world", "WLD", "World", round(mean(mixes), 1), max(mix["year"] for mix in mixes.values()), "")
    for code, mix in sorted(mixes.items(), key=lambda pair: codes[pair[0]]):
        yield (codes[code], code, mix["country_name"], mix["carbon_intensity"], mix["year"], water.get(code, ""))


def is_own(mix: Mapping[str, Any]) -> bool:
    """Whether the water is the country's: elsewhere the source puts a world average."""
    return mix["name"] != "WOR" and "electricity-mix-wue-world" not in (mix["warnings"] or ())


def mean(mixes: Mapping[str, Mapping[str, Any]]) -> float:
    """Of all countries, weighted by the electricity they make."""
    whole = sum(mix["total_TWh"] for mix in mixes.values())
    return float(sum(mix["total_TWh"] * mix["carbon_intensity"] for mix in mixes.values()) / whole)


if __name__ == "__main__":
    with FILE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(rows(Path(sys.argv[1])))
