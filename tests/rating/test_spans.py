"""A star is said alone only where the interval holds no other."""

from wattstar.rating.stars import span, stars
from wattstar.types import Interval

CUTS = (1.0, 2.0, 4.0, 8.0)


def test_a_firm_star_stands_alone():
    assert span(Interval(1.1, 1.5, 1.9), CUTS) == (4, 4)


def test_an_interval_over_two_cuts_names_the_span():
    assert span(Interval(0.9, 1.5, 4.5), CUTS) == (2, 5)


def test_from_one_pass_every_star_is_possible():
    assert span(Interval(None, 1.5, None), CUTS) == (1, 5)


def test_equality_goes_to_the_better_star():
    assert [stars(cut, CUTS) for cut in CUTS] == [5, 4, 3, 2]
