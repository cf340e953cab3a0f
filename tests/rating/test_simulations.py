"""The simulations behind what is promised of stars run, and what they say is not far from those promises."""

from __future__ import annotations

import pytest
from benchmarks.ratings import published, stability
from benchmarks.ratings.calibration import OFFERED, World, calibrated, reliability
from benchmarks.ratings.stability import JOINED

from wattstar.rating.building import fresh_share
from wattstar.rating.schemes import names


@pytest.mark.parametrize("scheme", names())
def test_within_an_edition_no_star_moves_whoever_joins(scheme: str) -> None:
    cells = stability.joining((1, 2), scheme, 8, 5)
    assert [cell.what for cell in cells] == list(JOINED)
    assert all(cell.frozen == 0 for cell in cells)
    assert any(cell.anew > 0 for cell in cells), "the simulation sees stars move where they do"


@pytest.mark.parametrize(("families", "ratio"), [(20, 0.1), (50, 0.2), (150, 0.2)])
def test_chances_of_80_to_90_percent_come_true_about_as_often(families: int, ratio: float) -> None:
    """About 600 stars or more: the deviation of a share of 85 % is 1.5 %."""
    cell = calibrated((1, 2), World("log-normal", families, ratio), 40)
    [asked] = [each for each in cell.bins if each.low == 0.8]
    assert asked.count > 300
    assert asked.true is not None
    assert 0.78 <= asked.true <= 0.92


def test_chances_that_do_not_keep_their_word_are_seen() -> None:
    [asked] = [each for each in reliability([(0.85, True), (0.85, False)] * 50) if each.count]
    assert (asked.low, asked.high, asked.count, asked.true) == (0.8, 0.9, 100, 0.5)
    assert asked.said == pytest.approx(0.85)


def test_the_share_that_an_edition_prints_is_what_another_population_changes() -> None:
    """A hundred pairs of 50: the deviation of their mean is about 1 %."""
    found = stability.fresh((1, 2), "deviation", "log-normal", 50, 100)
    assert found.said == fresh_share(50)
    assert found.changed == pytest.approx(fresh_share(50), abs=0.04)


def test_every_world_can_be_simulated() -> None:
    for world in OFFERED:
        assert sum(each.count for each in calibrated((1, 2), world, 1).bins) in (0, 100)


def test_every_published_table_is_there_and_another_star_would_be_listed() -> None:
    boards = published.boards()
    assert (len(boards), sum(each.models for each in boards)) == (18, 206)
    assert not any(each.wrong for each in boards)
