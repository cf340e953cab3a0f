"""What a year of queries comes to: the arithmetic by hand, what is carried through, what is not counted, bad input."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from tests.publishing.making import estimated, invalid, measured, stored
from tests.support import command
from wattstar.errors import UsageError
from wattstar.publishing.grids import grid
from wattstar.publishing.impact import Amount, Assumptions, Hardware, Impact, Price, impact, saving
from wattstar.types import Interval, Verdict


def amounts(found: Impact) -> dict[str, Amount]:
    return {amount.name: amount for amount in found.amounts}


def value(found: Impact, name: str) -> Interval:
    made = amounts(found)[name].value
    assert made is not None
    return made


def near(low: float, mid: float, high: float) -> Interval:
    return Interval(pytest.approx(low), pytest.approx(mid), pytest.approx(high))


def test_a_year_by_hand() -> None:
    """10 Wh per 1,000 queries × 1,000,000 queries a day × 365 days = 3,650 kWh; ± 10 %."""
    given = Assumptions(grid=grid("100"), price=Price(0.5, "EUR"), water_l_per_kwh=2.0)
    found = impact(*measured(10.0), given)
    assert found.kind == "95 %"
    assert value(found, "electricity") == near(3285, 3650, 4015)
    assert value(found, "CO2e") == near(328.5, 365, 401.5)
    assert value(found, "water") == near(6570, 7300, 8030)
    assert value(found, "cost") == near(1642.5, 1825, 2007.5)
    assert not any(amount.estimate for amount in found.amounts)


def test_the_building_multiplies_all_of_it() -> None:
    given = Assumptions(queries_per_day=1000, grid=grid("FR"), price=Price(0.5, "EUR"))
    plain, built = (impact(*measured(), Assumptions(**{**vars(given), "pue": pue})) for pue in (None, 1.5))
    for name in ("electricity", "CO2e", "water", "cost"):
        assert value(built, name).mid == pytest.approx(1.5 * value(plain, name).mid)
    assert "PUE not known" in amounts(plain)["electricity"].assumption
    assert "PUE 1.5" in amounts(built)["electricity"].assumption


def test_what_is_not_known_is_not_counted_and_says_how_it_could_be() -> None:
    found = amounts(impact(*measured(), Assumptions()))
    cures = {"CO2e": "--grid", "water": "--water", "cost": "--price", "hardware": "--hardware-kg"}
    assert {name for name, amount in found.items() if amount.value is None} == set(cures)
    assert all(cure in found[name].assumption for name, cure in cures.items())


def test_a_country_whose_water_is_not_known_gets_none() -> None:
    found = amounts(impact(*measured(), Assumptions(grid=grid("KE"))))
    assert found["CO2e"].value is not None
    assert found["water"].value is None


def test_an_estimate_carries_its_range_and_its_mark() -> None:
    found = impact(*estimated(10.0), Assumptions(grid=grid("100")))
    assert found.kind == "range, not 95 %"
    assert value(found, "electricity") == near(1825, 3650, 7300)
    assert value(found, "CO2e") == near(182.5, 365, 730)
    assert all(amount.estimate for amount in found.amounts if amount.value)


def test_hardware_is_an_estimate_of_its_own_by_the_time_it_serves() -> None:
    """0.02 s a query × 1,577,880 queries a day keep 0.36525 of a machine busy: of 150 kg over 5 years, 10.96 a year."""
    given = Assumptions(queries_per_day=1_577_880, hardware=Hardware(150.0, 5.0))
    amount = amounts(impact(*measured(), given))["hardware"]
    assert amount.value == Interval(None, pytest.approx(150 * 0.36525 / 5), None)
    assert amount.estimate
    assert amount.unit == "kg CO2e"


def test_a_saving_is_the_difference_of_both_years() -> None:
    thrifty, greedy = measured(4.0, "a/thrifty"), measured(10.0, "b/greedy")
    given = Assumptions(grid=grid("100"))
    found = saving(thrifty, greedy, given)
    difference = value(impact(*greedy, given), "CO2e").mid - value(impact(*thrifty, given), "CO2e").mid
    saved = {amount.name: amount for amount in found.amounts}
    assert found.share.mid == pytest.approx(0.6)
    assert saved["CO2e"].value is not None
    assert saved["CO2e"].value.mid == pytest.approx(difference)
    assert found.comparison.verdict is Verdict.DIFFERENT


def test_a_saving_is_the_same_from_both_sides() -> None:
    """The greedier one's is negative: what it takes more, of the thriftier one's energy."""
    thrifty, greedy = measured(4.0, "a/thrifty"), measured(10.0, "b/greedy")
    forth, back = saving(thrifty, greedy, Assumptions()), saving(greedy, thrifty, Assumptions())
    assert back.share.mid == pytest.approx(-1.5)
    for one, other in ((forth.share.low, back.share.high), (forth.share.high, back.share.low)):
        assert one is not None
        assert other is not None
        assert (1 - one) * (1 - other) == pytest.approx(1)


def test_the_time_that_hardware_serves_saves_no_energy() -> None:
    found = saving(measured(4.0), measured(10.0, "b/greedy"), Assumptions(hardware=Hardware(150.0)))
    assert [amount.name for amount in found.amounts] == ["electricity"]


@pytest.mark.parametrize(
    "given",
    [
        Assumptions(queries_per_day=-1),
        Assumptions(queries_per_day=float("nan")),
        Assumptions(queries_per_day=float("inf")),
        Assumptions(pue=0.9),
        Assumptions(pue=float("nan")),
        Assumptions(water_l_per_kwh=-2),
        Assumptions(price=Price(-1, "EUR")),
        Assumptions(hardware=Hardware(-1)),
        Assumptions(hardware=Hardware(100, 0)),
    ],
)
def test_senseless_assumptions_are_refused_with_a_cure(given: Assumptions) -> None:
    with pytest.raises(UsageError) as caught:
        impact(*measured(), given)
    assert caught.value.cures


def test_a_record_without_an_energy_says_why() -> None:
    with pytest.raises(UsageError, match=r"no energy to work with: invalid \(power\)"):
        impact(*invalid(), Assumptions())


# ── the command ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_screen_says_every_assumption_beside_its_number(tmp_path: Path) -> None:
    [id] = stored(tmp_path, measured(10.0))
    made = command("impact", id, "-o", tmp_path, "--grid", "FR", "--price", "0.5EUR", "--pue", 1.2)
    assert made.returncode == 0
    text = " ".join(made.stdout.split())
    for word in ("4,380 kWh", "245 kg", "2,190 EUR", "PUE 1.2", "56.04 g per kWh", "France", "2023", "95 %", id, "gpu"):
        assert word in text, word
    assert "~" not in text


def test_the_screen_marks_an_estimate(tmp_path: Path) -> None:
    [id] = stored(tmp_path, estimated(10.0))
    text = command("impact", id, "-o", tmp_path).stdout
    assert "~3,650 kWh" in text
    assert "range, not 95 %" in text
    assert "modelled, not measured" in " ".join(text.split())


def test_no_difference_is_not_told_as_a_saving(tmp_path: Path) -> None:
    one, other = stored(tmp_path, measured(10.0, "a/one"), measured(10.1, "b/other"))
    text = " ".join(command("impact", one, "-o", tmp_path, "--against", other).stdout.split())
    assert "no difference shown" in text
    assert "saves" not in text


def test_json_and_csv_hold_the_same_numbers(tmp_path: Path) -> None:
    one, other = stored(tmp_path, measured(4.0, "a/one"), measured(10.0, "b/other"))
    words = ("impact", one, "-o", tmp_path, "--grid", "100", "--against", other)
    found = json.loads(command(*words, "--format", "json").stdout)
    rows = list(csv.DictReader(io.StringIO(command(*words, "--format", "csv").stdout)))
    in_json = [*found["a_year"], *found["against"]["saved_a_year"]]
    assert [row["what"] for row in rows] == [amount["what"] for amount in in_json]
    assert [row["value"] for row in rows] == ["" if one["value"] is None else str(one["value"]) for one in in_json]
    assert all(amount["assumption"] for amount in in_json)
    assert found["against"]["saved_share"] == pytest.approx(0.6)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--grid", "Frnace"), "Did you mean France"),
        (("--grid", "-5"), "cannot emit"),
        (("--price", "0.25"), "no amount with a currency"),
        (("--price", "-1EUR"), "no amount with a currency"),
        (("--queries-per-day", "-5"), "not negative"),
        (("--queries-per-day", "many"), "not a valid float"),
        (("--pue", "0.5"), "A PUE of 0.5"),
        (("--against", "ffff"), "There is no record"),
    ],
)
def test_bad_words_end_with_code_2(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    [id] = stored(tmp_path, measured())
    made = command("impact", id, "-o", tmp_path, *words)
    assert made.returncode == 2
    assert said in made.stderr
    assert made.stdout == ""


def test_records_of_different_boundaries_are_not_set_off_against_each_other(tmp_path: Path) -> None:
    one, other = stored(tmp_path, measured(4.0, "a/one"), estimated(10.0, "b/other"))
    made = command("impact", one, "-o", tmp_path, "--against", other)
    assert made.returncode == 2
    assert "cannot be compared" in made.stderr
    assert made.stdout == ""
