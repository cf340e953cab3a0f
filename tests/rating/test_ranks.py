"""Places are ranges: who is not shown to differ shares them."""

from __future__ import annotations

import random

from wattstar.rating.moments import Z_975, standard_error
from wattstar.rating.ranks import ranks
from wattstar.types import Interval


def around(energy: float, share: float) -> Interval:
    return Interval(energy * (1 - share), energy, energy * (1 + share))


def test_those_far_apart_have_one_place_each_and_neighbours_share_theirs() -> None:
    assert ranks([around(1.0, 0.01), around(1.01, 0.01), around(2.0, 0.01), around(4.0, 0.01)]) == [
        (1, 2),
        (1, 2),
        (3, 3),
        (4, 4),
    ]


def test_what_two_sittings_differ_by_counts_though_each_is_sharp() -> None:
    """1.96 · √2 · 1 % is 2.8 %."""
    assert ranks([around(1.0, 0), around(1.02, 0)]) == [(1, 2), (1, 2)]
    assert ranks([around(1.0, 0), around(1.04, 0)]) == [(1, 1), (2, 2)]


def test_one_whose_interval_is_not_known_has_no_place_and_may_have_any_others() -> None:
    assert ranks([around(1.0, 0.01), Interval(None, 5.0, None), around(2.0, 0.01)]) == [(1, 2), None, (2, 3)]


def test_places_are_those_of_every_pair() -> None:
    """The search among neighbours only finds what comparing all pairs does."""
    import math

    draw = random.Random(5)
    field = [around(draw.lognormvariate(0, 0.5), draw.choice([0.001, 0.01, 0.1, 0.5])) for _ in range(120)]
    errors = [standard_error(each) or 0.0 for each in field]
    expected = []
    for one, u in zip(field, errors, strict=True):
        apart = [
            (math.log(one.mid / other.mid), Z_975 * math.sqrt(u**2 + v**2 + 2 * 0.01**2))
            for other, v in zip(field, errors, strict=True)
        ]
        less, more = sum(d > reach for d, reach in apart), sum(-d > reach for d, reach in apart)
        expected.append((less + 1, len(field) - more))
    assert ranks(field) == expected
