"""A scheme makes cuts of energies: to the last bit as the board it imitates, or by rank; one file each."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support import copy_of_package, python
from wattstar.errors import UnknownName, UsageError
from wattstar.rating import editions, schemes
from wattstar.rating.populations import population
from wattstar.rating.stars import stars
from wattstar.types import Boundary, Conditions, Entry, Interval, Population

ALIKE = Conditions("text-classification", None, "a card", Boundary.GPU, "counter", "batch size 1", "tests")


def entries(energies: Sequence[float], families: Sequence[str] | None = None) -> list[Entry]:
    names = families or [f"maker{i}" for i in range(len(energies))]
    return [
        Entry(f"{name}/model{i}", name, Interval(None, energy, None), "a test", "2026")
        for i, (name, energy) in enumerate(zip(names, energies, strict=True))
    ]


def by(scheme: str, energies: Sequence[float], families: Sequence[str] | None = None) -> Population:
    return population(ALIKE, entries(energies, families), scheme)


def board(energy: float, least: float, most: float) -> int:
    """The formula that gives every published star."""
    return 5 - min(4, math.floor(5 * (energy - least) / (most - least)))


def test_equal_width_gives_every_star_that_the_board_has_published() -> None:
    """From the energies alone, over the board's own groups: its task, class and date."""
    groups: dict[tuple[str, str, str | None], list[Entry]] = {}
    for each in editions.load("2025-12").populations:
        task = each.conditions.task + ", reasoning" * ("thinking" in each.conditions.work)
        for entry in each.entries:
            groups.setdefault((task, entry.date, entry.published_class), []).append(entry)
    count = 0
    for group in groups.values():
        cuts = population(ALIKE, group, "aes-equal-width").cuts
        assert cuts is not None
        for entry in group:
            assert stars(entry.wh_per_1000.mid, cuts) == entry.published_stars, entry
            count += 1
    assert (count, len(groups)) == (206, 18)


@pytest.mark.parametrize("seed", range(60))
def test_equal_width_is_the_boards_formula_on_both_sides_of_every_cut(seed: int) -> None:
    draw = random.Random(seed)
    whole = [float(draw.randrange(1, 60)) for _ in range(9)]
    energies = [draw.lognormvariate(0, 2) for _ in range(9)] if seed % 2 else whole
    cuts = by("aes-equal-width", energies).cuts
    assert cuts is not None
    least, most = min(energies), max(energies)
    for cut in cuts:
        for energy in (math.nextafter(cut, 0), cut, math.nextafter(cut, math.inf)):
            assert stars(energy, cuts) == board(energy, least, most)
    assert all(stars(energy, cuts) == board(energy, least, most) for energy in energies)


def test_an_energy_on_the_edge_of_two_bands_has_the_boards_worse_star() -> None:
    """0, 10 … 50 in bands of ten: the board gives 10 four stars, and so does the cut below it."""
    cuts = by("aes-equal-width", [1, 11, 21, 31, 41, 51]).cuts
    assert cuts is not None
    assert [stars(energy, cuts) for energy in (1, 11, 21, 31, 41, 51)] == [5, 4, 3, 2, 1, 1]


def test_quantiles_give_a_fifth_of_the_families_each_star() -> None:
    cuts = by("quantile", [2.0**i for i in range(10)]).cuts
    assert cuts == (2, 8, 32, 128)
    assert cuts is not None
    assert [stars(2.0**i, cuts) for i in range(10)] == [5, 5, 4, 4, 3, 3, 2, 2, 1, 1]


def test_a_familys_copies_share_its_vote_among_quantiles() -> None:
    once = by("quantile", [2.0**i for i in range(10)])
    often = by("quantile", [2.0**i for i in range(9)] + [2.0**9] * 50, [f"maker{i}" for i in range(9)] + ["last"] * 50)
    assert often.cuts == once.cuts
    assert often.families == 10


@pytest.mark.parametrize("scheme", schemes.names())
@pytest.mark.parametrize(("energies", "said"), [([3.0], "of the 8 families"), ([3.0] * 9, "less than 2 times")])
def test_one_energy_or_all_equal_give_no_stars(scheme: str, energies: list[float], said: str) -> None:
    made = by(scheme, energies)
    assert (made.cuts, made.grade) == (None, "none")
    assert made.reason is not None
    assert said in made.reason or made.reason == "all take the same"


@pytest.mark.parametrize("energy", [0.0, -1.0, math.inf, math.nan])
def test_what_is_no_energy_makes_no_population(energy: float) -> None:
    with pytest.raises(UsageError, match="no energy that can be rated") as said:
        by("deviation", [1.0, energy])
    assert said.value.cures


def test_copies_of_one_model_do_not_draw_the_fences_around_themselves() -> None:
    powers = [2.0 ** (i / 2) for i in range(13)]
    often = by("deviation", powers + [1.0] * 300, [f"maker{i}" for i in range(13)] + ["maker0"] * 300)
    assert often.removed == ()
    assert often.cuts == pytest.approx(by("deviation", powers).cuts)


def test_an_unknown_scheme_is_named_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'deviation'"):
        schemes.scheme("deviations")


def test_a_scheme_is_one_file(tmp_path: Path) -> None:
    """Put beside the others and nothing else changed, it is found by its name."""
    package = copy_of_package(tmp_path, media=False)
    (package / "rating" / "schemes" / "all_alike.py").write_text(
        '"""Everybody has five stars."""\n'
        "from wattstar.rating.schemes import Scale\n"
        "def scale(entries, moments):\n"
        "    return Scale((1e9, 2e9, 3e9, 4e9))\n"
    )
    done = python(
        "from wattstar.rating import schemes; print(schemes.names(), schemes.scheme('all-alike')([], None).cuts[0])",
        env={"PYTHONPATH": str(tmp_path)},
    )
    assert done.stdout == "['deviation', 'aes-equal-width', 'all-alike', 'quantile'] 1000000000.0\n", done.stderr
