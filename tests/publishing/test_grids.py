"""The table of grids: what somebody writes after --grid, and that no number in it can mislead."""

from __future__ import annotations

import csv
from importlib.resources import files

import pytest

from wattstar.errors import UnknownName, UsageError
from wattstar.publishing.grids import grid

ROWS = list(csv.DictReader((files("wattstar.publishing") / "data" / "grids.csv").read_text("utf-8").splitlines()))


@pytest.mark.parametrize("word", ["FR", "fr", "FRA", "France", " france "])
def test_a_country_is_known_by_its_codes_and_its_name(word: str) -> None:
    found = grid(word)
    assert (found.name, found.code) == ("France", "FRA")
    assert found.g_co2e_per_kwh == pytest.approx(56.0, abs=0.1), "Our World in Data, 2023"
    assert found.water_l_per_kwh == pytest.approx(3.67, abs=0.01), "World Resources Institute, 2020"
    assert "2023" in found.source


def test_a_number_is_grams_a_kilowatt_hour() -> None:
    found = grid("56.5")
    assert (found.g_co2e_per_kwh, found.code, found.water_l_per_kwh, found.source) == (56.5, None, None, "as given")


@pytest.mark.parametrize("word", ["-1", "nan", "inf", "1e999"])
def test_a_number_that_no_grid_has_is_refused(word: str) -> None:
    with pytest.raises(UsageError, match="cannot emit"):
        grid(word)


def test_a_slip_is_told_what_it_may_have_meant() -> None:
    with pytest.raises(UnknownName, match="Did you mean Germany"):
        grid("Germny")


@pytest.mark.parametrize("word", ["XX", "", "../../etc/passwd", "EU"])
def test_what_is_no_country_is_not_guessed(word: str) -> None:
    with pytest.raises(UnknownName) as caught:
        grid(word)
    assert any("--grid FR" in cure for cure in caught.value.cures)


def test_nothing_in_the_table_is_clean_because_it_is_missing() -> None:
    assert len(ROWS) > 200
    for row in ROWS:
        assert 10 < float(row["g_co2e_per_kwh"]) < 1500, row
        assert 2021 <= int(row["year"]) <= 2023, row
        assert not row["water_l_per_kwh"] or 0 < float(row["water_l_per_kwh"]) < 25, row


def test_the_world_is_a_mean_of_countries_and_has_no_water_of_its_own() -> None:
    """Ember gives 480 g for 2023 in its Global Electricity Review of 2024."""
    assert grid("world").g_co2e_per_kwh == pytest.approx(480, abs=5)
    assert grid("world").water_l_per_kwh is None
    assert grid("world").code is None


@pytest.mark.parametrize("column", ["code", "code_3", "name"])
def test_no_two_rows_are_called_alike(column: str) -> None:
    words = [row[column].casefold() for row in ROWS]
    assert len(set(words)) == len(words)


def test_no_name_is_another_ones_code() -> None:
    """So that a word has one meaning whatever column it stands in."""
    meanings: dict[str, set[str]] = {}
    for row in ROWS:
        for column in ("code", "code_3", "name"):
            meanings.setdefault(row[column].casefold(), set()).add(row["code_3"])
    assert all(len(found) == 1 for found in meanings.values())


def test_the_sources_ship_with_the_table() -> None:
    text = (files("wattstar.publishing") / "data" / "NOTICE.txt").read_text("utf-8")
    for word in ("Ember", "Our World in Data", "World Resources Institute", "Creative Commons Attribution 4.0"):
        assert word in text
