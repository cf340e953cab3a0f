"""Student's distribution is the one that statisticians know."""

from __future__ import annotations

import pytest

from wattstar.records.intervals import STUDENT_T_975, STUDENT_T_995, student, two_sided


@pytest.mark.parametrize("freedom", [1, 2, 3, 5, 6, 9, 17, 30, 1000])
@pytest.mark.parametrize("statistic", [0.0, 0.3, -1.7, 4.0, 60.0])
def test_chances_are_those_of_scipy(freedom: int, statistic: float) -> None:
    from scipy import stats

    assert two_sided(statistic, freedom) == pytest.approx(2 * stats.t.sf(abs(statistic), freedom), abs=1e-12)


@pytest.mark.parametrize("freedom", range(1, 31))
def test_quantiles_and_chances_are_of_one_distribution(freedom: int) -> None:
    assert two_sided(student(freedom, STUDENT_T_975), freedom) == pytest.approx(0.05, abs=1e-4)
    assert two_sided(student(freedom, STUDENT_T_995), freedom) == pytest.approx(0.01, abs=1e-4)


def test_between_two_whole_freedoms_the_chance_is_the_larger_one() -> None:
    assert two_sided(2.0, 5.9) == two_sided(2.0, 5) > two_sided(2.0, 6)


def test_from_no_freedom_nothing_is_told() -> None:
    with pytest.raises(ValueError, match="tell nothing"):
        two_sided(1.0, 0.5)
