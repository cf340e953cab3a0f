"""Stars follow the published rule: mean and deviation of ln(energy), one vote a family, four cuts."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support import command, fake_job, measure, written
from wattstar.rating import populations, rate
from wattstar.rating.stars import stars
from wattstar.records.store import Store
from wattstar.types import Boundary, Finding, Population, Rating, Record, Severity, Status, Weights

Rated = tuple[Population, dict[str, Rating]]
Z = (-0.8416212335729143, -0.2533471031357997, 0.2533471031357997, 0.8416212335729143)


def rated(records: Sequence[tuple[str, Record]]) -> Rated:
    """The only population, and its ratings by model."""
    [(population, members)] = populations(records)
    return population, {rating.model: rating for rating in rate(population, members)}


def field(powers: Sequence[float], spread: float = 0.0) -> list[tuple[str, Record]]:
    """One model of its own family per power of two."""
    return [written(2.0**power, f"maker{i}/model", spread=spread) for i, power in enumerate(powers)]


def test_ten_fake_models_of_nine_families_earn_the_stars_worked_out_by_hand(tmp_path: Path) -> None:
    """Joules of 1, 2, 4 … 512 a query; the two of family ``pair`` are 16 and 64, so nine votes.

    In units of ln 2 the votes are 0 1 2 3 5 7 8 9 and half of 4 and 6: mean 40/9 = 4.444, Σ w (k − mean)² = 81.222,
    deviation √(81.222 / 8) = 3.186; cuts at 1.763, 3.637, 5.252 and 7.126.
    """
    expected = {0: 5, 1: 5, 2: 4, 3: 4, 4: 3, 5: 3, 6: 2, 7: 2, 8: 1, 9: 1}
    for power in expected:
        family = "pair" if power in (4, 6) else f"maker{power}"
        measure(fake_job(id=f"{family}/m{power}", watts="100", seconds=0.01 * 2**power), tmp_path)

    [said] = json.loads(command("rate", "-o", tmp_path, "--format", "json").stdout)
    assert {int(rating["model"][-1]): rating["stars"] for rating in said["ratings"]} == expected
    assert [rating["model"][-1] for rating in said["ratings"]] == list("0123456789"), "least energy first"
    population = said["population"]
    assert (len(population["entries"]), population["families"]) == (10, 9)
    assert (population["grade"], population["reason"]) == ("provisional", None)
    assert population["mean"] == pytest.approx(math.log(1 / 3.6) + 40 / 9 * math.log(2))
    assert population["deviation"] == pytest.approx(math.log(2) * math.sqrt(731 / 9 / 8))
    assert {rating["standing"] for rating in said["ratings"]} == {"unofficial"}, "random weights are never official"

    shown = command("rate", "-o", tmp_path).stdout
    assert "10 models, n 9 families" in shown
    assert "unofficial" in shown


def test_the_cuts_are_five_equal_shares_of_a_log_normal_market() -> None:
    population, _ = rated(field(range(8)))
    mean, deviation = 3.5 * math.log(2), math.log(2) * math.sqrt(42 / 7)
    assert population.mean == pytest.approx(mean)
    assert population.deviation == pytest.approx(deviation)
    assert population.cuts == pytest.approx([math.exp(mean + z * deviation) for z in Z])


def test_equality_goes_to_the_better_star() -> None:
    cuts = (1.0, 2.0, 4.0, 8.0)
    assert [stars(cut, cuts) for cut in cuts] == [5, 4, 3, 2]
    assert [stars(math.nextafter(cut, math.inf), cuts) for cut in cuts] == [4, 3, 2, 1]
    assert stars(0.001, cuts) == 5


def test_seven_families_earn_no_stars_and_eight_do() -> None:
    population, ratings = rated([*field(range(7)), written(300.0, "maker6/another")])
    assert (population.families, len(population.entries), population.cuts, population.grade) == (7, 8, None, "none")
    assert population.reason == "7 of the 8 families that stars need"
    assert {rating.stars for rating in ratings.values()} == {None}

    population, ratings = rated(field(range(8)))
    assert population.reason is None
    assert sorted(rating.stars or 0 for rating in ratings.values()) == [1, 1, 2, 3, 3, 4, 5, 5]


def test_a_family_has_one_vote_however_many_members_it_has() -> None:
    """Two hundred copies of one model move the cuts no more than one does."""
    once, _ = rated(field(range(9)))
    copies = [written(2.0**8, f"maker8/copy{i}") for i in range(200)]
    often, _ = rated([*field(range(9)), *copies])
    assert often.families == once.families == 9
    assert len(often.entries) == 209
    assert often.mean == pytest.approx(once.mean)
    assert often.deviation == pytest.approx(once.deviation)


@pytest.mark.parametrize("families", [12, 13])
def test_an_outlier_is_kept_out_of_the_average_and_is_still_starred(families: int) -> None:
    """From 12 families on; a thousandfold outlier of a field that spans 2^5.5."""
    powers = [i / 2 for i in range(families - 1)]
    inner, _ = rated(field(powers))
    for outlier, star in ((2.0**5 * 1000, 1), (0.001 / 4, 5)):
        population, ratings = rated([*field(powers), written(outlier, "odd/one")])
        assert population.removed == ("odd/one",)
        assert population.cuts == pytest.approx(inner.cuts)
        assert (len(population.entries), population.families) == (families, families - 1)
        assert ratings["odd/one"].stars == star


def test_below_twelve_families_nothing_is_removed() -> None:
    population, _ = rated([*field([i / 2 for i in range(10)]), written(1e6, "odd/one")])
    assert population.families == 11
    assert population.removed == ()


def test_the_fences_are_the_outer_ones_by_linear_quantiles() -> None:
    """x = 0 … 10 (ln 2 apart) and one more: Q1 = 2.75, Q3 = 8.25, IQR 5.5, upper fence 24.75."""
    inside, _ = rated(field([*range(11), 24.7]))
    outside, _ = rated(field([*range(11), 24.8]))
    assert inside.removed == ()
    assert outside.removed == ("maker11/model",)


def test_models_that_hardly_differ_earn_no_stars() -> None:
    population, _ = rated([written(1 + 0.12 * i, f"maker{i}/model") for i in range(8)])
    assert population.cuts is None
    assert population.reason == "the most is less than 2 times the least"


def test_differences_within_the_uncertainty_of_measurement_earn_no_stars() -> None:
    """Intervals of ± 60 % are a standard error of about 0.3; three times that is more than the deviation, 0.71."""
    powers = [i * 0.42 for i in range(8)]
    assert rated(field(powers, spread=0.6))[0].reason == (
        "models differ by less than 3 times the measurement's uncertainty"
    )
    assert rated(field(powers, spread=0.2))[0].reason is None


@pytest.mark.parametrize(
    ("families", "grade"),
    [(7, "none"), (8, "provisional"), (19, "provisional"), (20, "standard"), (49, "standard"), (50, "full")],
)
def test_a_population_is_graded_by_its_families(families: int, grade: str) -> None:
    assert rated(field([i / 4 for i in range(families)]))[0].grade == grade


def test_failed_interrupted_and_invalid_records_are_never_rated() -> None:
    invalid = (Finding("samples", Severity.INVALID, "1 of 2 samples could not be decoded"),)
    bad = [
        written(0.001, "a/failed", status=Status.FAILED),
        written(0.001, "a/interrupted", status=Status.INTERRUPTED),
        written(0.001, "a/invalid", findings=invalid),
        written(0.001, "a/nothing", rated=None, figures=()),
    ]
    population, ratings = rated([*field(range(8)), *bad])
    assert len(population.entries) == 8
    assert not any(model.startswith("a/") for model in ratings)
    noted = written(0.001, "a/noted", findings=(Finding("phases", Severity.NOTE, "no energy of its own"),))
    assert "a/noted" in rated([*field(range(8)), noted])[1]


def test_of_several_attempts_at_one_job_the_newest_that_is_valid_counts() -> None:
    def attempt(wh: float, second: int, **changes: object) -> tuple[str, Record]:
        return written(wh, "a/model", started=f"2026-01-01T00:00:0{second}.000+00:00", **changes)

    old, new, failed = attempt(1.0, 1), attempt(2.0, 2), attempt(3.0, 3, status=Status.FAILED)
    _, ratings = rated([old, new, failed])
    assert [rating.record for rating in ratings.values()] == [new[0]]


@pytest.mark.parametrize(
    "change",
    [
        {"controls": {"batch_size": 2}},
        {"controls": {"new_tokens": 3}},
        {"controls": {"input_tokens": 17}},
        {"controls": {"scheduler": "euler"}},
        {"procedure": {"samples": 3}},
    ],
)
def test_records_of_different_work_are_never_compared(change: dict[str, dict[str, int | str]]) -> None:
    other = written(1.0, "b/model", job=fake_job(id="b/model", **change))
    assert len(populations([written(1.0, "a/model"), other])) == 2


def test_records_of_different_machines_tasks_and_boundaries_are_never_compared() -> None:
    name, first = written(1.0, "a/model")
    machine = replace(first, machine=replace(first.machine, cpu="another processor"))
    figure = replace(first.figures[0], boundary=Boundary.CPU_DRAM)
    boundary = replace(first, figures=(figure,), rated=Boundary.CPU_DRAM)
    modelled = replace(first, figures=(replace(first.figures[0], method="modelled"),))
    task = replace(first, job=fake_job("image-classification", id="a/model"))
    for other in (machine, boundary, modelled, task):
        assert len(populations([(name, first), ("other", other)])) == 2


def test_the_reasons_for_unofficial_stars_are_named() -> None:
    [(population, members)] = populations(field(range(8)))
    [reasons] = {rating.reasons for rating in rate(population, members)}
    assert "random weights" in reasons
    name, record = members[0]
    trained = replace(record, job=replace(record.job, model=replace(record.job.model, weights=Weights.PRETRAINED)))
    assert "random weights" not in rate(population, [(name, trained)])[0].reasons


def test_rating_reads_the_store_and_changes_nothing_in_it(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for _, record in field(range(8)):
        store.add(record)
    before = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*")}
    assert command("rate", "-o", tmp_path).returncode == 0
    assert {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*")} == before
