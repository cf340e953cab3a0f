"""The simulation behind the interval's promise runs, and what it says is not far from that promise."""

from __future__ import annotations

import pytest
from benchmarks.coverage.run import rows
from benchmarks.coverage.simulate import Quick, repeated, subset
from benchmarks.coverage.worlds import WORLDS

RUNS = 400
"""The deviation of a share of 95 % of so many is 1.1 %."""


@pytest.mark.parametrize("name", ["independent", "heavy tails", "correlated over 0.3 of a pass"])
def test_the_interval_covers_about_as_often_as_it_says(name: str) -> None:
    assert repeated(WORLDS[name], 0.01, (1, 2), RUNS).covered > 0.90


def test_what_it_does_not_cover_is_marked() -> None:
    drifting = repeated(WORLDS["drift of 5% in four passes"], 0.01, (1, 2), 100)
    assert drifting.trend > 0.9
    lasting = repeated(WORLDS["correlated over 3 passes"], 0.02, (1, 2), 100)
    assert lasting.correlation > 0.7
    assert repeated(WORLDS["independent"], 0.01, (1, 2), 100).trend < 0.05


@pytest.mark.parametrize("curve", ["quadratic", "cubic"])
def test_a_subset_covers_about_as_often_as_it_says(curve: str) -> None:
    assert subset(Quick(curve, 0.1), WORLDS["independent"], 0.01, (1, 2), RUNS).covered > 0.90


def test_every_cell_of_the_table_can_be_simulated() -> None:
    for row in rows():
        assert 0 <= row.simulate((1, 2), 2).covered <= 1
