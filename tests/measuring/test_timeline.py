"""The energy of a window: exact on stamps, within the bound inside steps, None beyond what was seen."""

from __future__ import annotations

import math
import random
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from tests.simulators import trace
from wattstar.measuring.timeline import OVER_THE_LIMIT, Domain, best, readings, total
from wattstar.types import Edges, Interval, Method, Reading, Timeline, Window

SECOND = 1_000_000_000


def domain(seconds: Sequence[float], joules: Sequence[float], method: Method = Method.COUNTER) -> Domain:
    return Domain(Timeline("gpu:0", "nvml", method, [round(s * SECOND) for s in seconds], list(joules)))


def window(begin: float, end: float) -> Window:
    return Window(round(begin * SECOND), round(end * SECOND))


def ask(asked: Domain, *parts: tuple[float, float]) -> Reading:
    found = asked.reading([window(*part) for part in parts])
    assert found is not None
    return found


def test_between_stamps_the_energy_is_exact() -> None:
    line = domain([0, 1, 3, 4], [100, 110, 150, 151])
    for begin, end, joules in ((0, 1, 10), (0, 4, 51), (1, 3, 40), (3, 4, 1)):
        found = ask(line, (begin, end))
        assert (found.joules, found.bound, found.method) == (joules, 0, Method.COUNTER)


def limited(seconds: Sequence[float], joules: Sequence[float], gap: float = 0.0) -> Domain:
    """A domain that draws at most 30 W."""
    stamps = [round(second * SECOND) for second in seconds]
    gaps = [round(gap * SECOND)] * len(stamps)
    return Domain(Timeline("gpu:0", "nvml", Method.COUNTER, stamps, list(joules), None, gaps, 30.0 / OVER_THE_LIMIT))


def test_inside_a_step_the_total_is_taken_as_linear_and_the_bound_is_what_the_device_can_do() -> None:
    """Steps of 1 s at 20 W of at most 30: before the middle lie 5 to 15 J, before the first quarter 0 to 7.5 J."""
    line = limited(range(21), [20.0 * second for second in range(21)])
    assert ask(line, (0.5, 15)).joules == pytest.approx(290)
    assert ask(line, (0.5, 15)).bound == pytest.approx(5)
    assert ask(line, (0.5, 15.5)).bound == pytest.approx(10)
    assert ask(line, (0.25, 15)).bound == pytest.approx(5)


@pytest.mark.parametrize("watts", [0, 30])
def test_a_step_at_no_or_at_the_most_power_has_no_doubt_inside(watts: float) -> None:
    """All of it was drawn at that power."""
    assert ask(limited(range(5), [watts * second for second in range(5)]), (0.5, 2.25)).bound == pytest.approx(0)


def test_a_device_without_a_limit_may_draw_twice_what_was_seen() -> None:
    """Steps are averages: before the middle of one at 20 W lie 0 to 20 J."""
    line = domain(range(21), [20.0 * second for second in range(21)])
    assert ask(line, (0.5, 15)).bound == pytest.approx(10)


def test_a_stamp_may_be_half_a_gap_away() -> None:
    line = limited(range(5), [30.0 * second for second in range(5)], gap=0.1)
    assert ask(line, (1, 3)).bound == pytest.approx(2 * 0.1 / 2 * 30)


def test_a_window_never_has_more_or_less_than_the_device_can_draw() -> None:
    line = limited([0, 4, 8], [0.0, 80.0, 160.0])
    found = ask(line, (3.9, 4.1))
    assert (found.joules, found.bound) == (pytest.approx(4), pytest.approx(4)), "0.2 s between 0 and 6 J"


def test_where_load_begins_the_step_is_charged_with_the_power_before_it() -> None:
    """10 W, then 30 W from 2.5 to 5.5 s; the counter steps each second."""
    line = limited(range(9), [0, 10, 20, 40, 70, 100, 120, 130, 140])
    found = line.reading([window(2.5, 5.5)], Edges.LOAD_CHANGE)
    assert found is not None
    assert found.joules == pytest.approx(90)
    assert ask(line, (2.5, 5.5)).joules == pytest.approx(90), "as if power had changed once inside the step"
    assert ask(limited(range(4), [0, 10, 30, 40]), (1.5, 2)).joules == pytest.approx(10), (
        "linear where neighbours are alike"
    )


def lagging(lag: Interval) -> Domain:
    """10 W until 2 s, then 30 W; the counter steps each 0.1 s and is 0.05 s late."""
    stamps = [round(k * SECOND / 10) for k in range(61)]
    joules = [10 * min(t, 2.0) + 30 * max(t - 2.0, 0.0) for t in (stamp / SECOND - 0.05 for stamp in stamps)]
    return Domain(Timeline("gpu:0", "nvml", Method.COUNTER, stamps, joules, most_watts=30, lag=lag))


def test_a_known_lag_is_taken_back() -> None:
    found = ask(lagging(Interval(0.05, 0.05, 0.05)), (1.0, 4.0))
    assert found.joules == pytest.approx(10 + 60)


def test_a_counter_that_seems_to_be_early_is_asked_before_the_window() -> None:
    """A measured lag near 0 may come out below it; the window then ends after the last stamp."""
    late = Interval(-0.02, -0.015, -0.01)
    stamps = range(0, 10 * SECOND, SECOND)
    line = Domain(
        Timeline("gpu:0", "x", Method.COUNTER, stamps, [10.0 * k for k in range(10)], most_watts=30, lag=late)
    )
    assert ask(line, (1.0, 9.005)).joules == pytest.approx(80.05)


def test_a_lag_that_is_known_as_a_range_is_inside_the_bound() -> None:
    """Looked for 0.05 s too early, 0.05 s of 20 W more are missed."""
    found = ask(lagging(Interval(0.0, 0.0, 0.06)), (1.0, 4.0))
    assert found.joules == pytest.approx(69)
    assert found.bound >= 1.0
    even = Domain(
        Timeline("gpu:0", "nvml", Method.COUNTER, range(0, 7 * SECOND, SECOND // 10), [float(k) for k in range(70)],
                 most_watts=10 / OVER_THE_LIMIT, lag=Interval(0.0, 0.0, 0.06))
    )  # fmt: skip
    assert ask(even, (1.0, 4.0)).bound == pytest.approx(0, abs=1e-9), "under an even load a lag changes nothing"


def test_a_lag_between_those_that_are_tried_is_inside_the_bound_too() -> None:
    """Short bursts at full power lie otherwise in a step of 20 ms for every millisecond of lag."""
    draw = random.Random(0)
    for _ in range(300):
        lengths = [round(draw.choice([1, 3, 5, 10, 20]) * 1e6 * draw.uniform(0.5, 1.5)) for _ in range(80)]
        times = list(accumulate([2 * 10**8, *lengths], initial=0))
        watts = [0.0, *(draw.choice([0.0, 700.0]) for _ in lengths)]
        stamps = [stamp for stamp in range(10**8, times[-1], 2 * 10**7)]
        lag = round(draw.uniform(0, 0.06) * SECOND)
        joules = [joules_until(times, watts, stamp - lag) for stamp in stamps]
        late = Interval(0.0, 0.0, 0.06)
        line = Domain(Timeline("gpu:0", "x", Method.COUNTER, stamps, joules, most_watts=700.0, lag=late))
        begin, end = sorted(draw.randint(stamps[0], stamps[-1] - 6 * 10**7) for _ in range(2))
        found = line.reading([Window(begin, end)])
        assert found is not None
        truth = joules_until(times, watts, end) - joules_until(times, watts, begin)
        assert abs(found.joules - truth) <= found.bound + 1e-6


def test_a_counter_that_counts_whole_quanta_may_be_one_of_them_away() -> None:
    line = Domain(Timeline("gpu:0", "x", Method.COUNTER, [0, SECOND, 2 * SECOND], [0, 10, 20], quantum=2.0))
    assert ask(line, (0, 2)).bound == 2.0


def test_a_window_inside_one_step_beside_a_greater_load_is_not_nothing() -> None:
    line = limited(range(6), [0, 30, 60, 65, 95, 125])
    found = line.reading([window(2.4, 2.6)], Edges.LOAD_CHANGE)
    assert found is not None
    assert found.joules == pytest.approx(1.0)


@pytest.mark.parametrize("part", [(-0.1, 1.0), (0.5, 3.1), (-2.0, -1.0), (4.0, 5.0), (1.0, 1.0), (2.0, 1.0)])
def test_a_window_beyond_the_stamps_or_of_no_length_has_no_energy(part: tuple[float, float]) -> None:
    line = domain([0, 1, 2, 3], [0, 1, 2, 3])
    assert line.reading([window(*part)]) is None
    assert line.reading([window(0, 1), window(*part)]) is None


def test_no_windows_and_no_stamps_have_no_energy() -> None:
    assert domain([0, 1], [0, 1]).reading([]) is None
    assert domain([], []).reading([window(0, 1)]) is None
    assert domain([0.5], [3]).reading([window(0, 1)]) is None


def test_a_window_of_few_steps_has_only_a_modelled_share() -> None:
    powers = [10.0, 30.0] * 15
    line = domain(range(31), [0, *accumulate(powers)])
    assert ask(line, (0.5, 9.5)).method is Method.MODELLED
    assert ask(line, (0.5, 10.5)).method is Method.COUNTER
    assert ask(line, (0, 9)).method is Method.COUNTER, "its edges fall on stamps"
    assert ask(line, (0.5, 10.5), (10.5, 13.5)).method is Method.MODELLED, "two windows need twice as many"


@pytest.mark.parametrize("joules", [[0, 20], [0, 10, 20], [0, 10, 20, 30]])
def test_an_even_load_does_not_make_a_short_window_a_measured_one(joules: list[float]) -> None:
    """Nothing is known of what happens inside so few steps."""
    assert ask(domain(range(len(joules)), joules), (0.2, 0.4)).method is Method.MODELLED


def test_of_a_short_window_the_meter_with_the_narrower_bound_speaks() -> None:
    share = Reading("gpu:0", "counter", Method.MODELLED, 100.0, 13.0)
    power = Reading("gpu:0", "power", Method.SAMPLED, 110.0, 74.0)
    estimate = Reading("gpu:0", "estimate", Method.MODELLED, 50.0, 0.0, 2.0)
    assert best([share, power, estimate]) == (share,)
    assert best([power, estimate]) == (power,)
    direct = Reading("gpu:0", "counter", Method.COUNTER, 100.0, 90.0)
    assert best([direct, power, estimate]) == (direct,)


def test_several_windows_are_added_up() -> None:
    line = domain(range(5), [0, 1, 3, 6, 10])
    found = ask(line, (0, 1), (2, 3))
    assert found.joules == 1 + 3


def test_every_meter_speaks_and_the_best_one_counts() -> None:
    stamps, joules = [0, SECOND], [0.0, 5.0]
    lines = [
        Timeline("cpu:0", "estimate", Method.MODELLED, stamps, [0.0, 7.0], 2.0),
        Timeline("cpu:0", "rapl", Method.COUNTER, stamps, joules),
        Timeline("gpu:0", "sampler", Method.SAMPLED, stamps, joules),
        Timeline("dram:0", "late", Method.COUNTER, [SECOND // 2, SECOND], joules),
    ]
    found = readings([Domain(line) for line in lines], [window(0, 1)])
    assert [(reading.domain, reading.meter) for reading in found] == [
        ("cpu:0", "estimate"),
        ("cpu:0", "rapl"),
        ("gpu:0", "sampler"),
    ]
    assert found[0].plausible_factor == 2.0
    assert [reading.meter for reading in best(found)] == ["rapl", "sampler"]
    assert total(best(found)) == 10.0
    system = Reading("system", "plug", Method.SAMPLED, 25.0, 0.0)
    assert total([*best(found), system]) == 25.0, "the whole system contains its parts"


Level = some.floats(0, 1000)


@some.composite
def traces(draw: some.DrawFn) -> tuple[list[int], list[float], list[int]]:
    """Breakpoints and powers of a load, and the stamps of a counter that watches it."""
    powers = draw(some.lists(Level, min_size=1, max_size=12))
    lengths = draw(some.lists(some.integers(1, 10**9), min_size=len(powers), max_size=len(powers)))
    steps = draw(some.lists(some.integers(10**6, 10**8), min_size=2, max_size=40))
    times = list(accumulate([2 * 10**8, *lengths], initial=0))
    watts = [powers[0], *powers]
    stamps = [stamp for stamp in accumulate(steps, initial=61 * 10**6) if stamp <= times[-1] - 10**6]
    return times, watts, stamps


def joules_until(times: list[int], watts: list[float], moment: int) -> float:
    """The truth."""
    last = min(bisect_right(times, moment), len(watts))
    parts = [(min(times[i + 1], moment) - times[i]) * watts[i] for i in range(last)]
    return sum(parts) / SECOND


@settings(max_examples=300, deadline=None)
@given(
    trace=traces(),
    shares=some.tuples(some.floats(0, 1), some.floats(0, 1)),
    edges=some.sampled_from(Edges),
    late=some.lists(some.floats(-0.5, 0.5), min_size=41, max_size=41),
    lag=some.sampled_from([None, (0, 0), (5, 5), (0, 60), (20, 40)]),
    quantum=some.sampled_from([0.0, 0.001, 1.0]),
)
def test_the_true_energy_of_any_load_lies_inside_the_bound(
    trace: tuple[list[int], list[float], list[int]],
    shares: tuple[float, float],
    edges: Edges,
    late: list[float],
    lag: tuple[int, int] | None,
    quantum: float,
) -> None:
    """However the power runs, wherever the window lies, wherever in its gap a step happened, however late it shows."""
    times, watts, steps = trace
    gap = 10**5
    stamps = [step + round(share * gap) for step, share in zip(steps, late, strict=False)]
    least, most = (round(milliseconds * 1e6) for milliseconds in lag or (0, 0))
    true_lag = least + round((most - least) * (late[-1] + 0.5))
    whole = [joules_until(times, watts, step - true_lag) for step in steps]
    joules = [total // quantum * quantum if quantum else total for total in whole]
    known = None if lag is None else Interval(least / 1e9, (least + most) / 2e9, most / 1e9)
    gaps = [gap] * len(stamps)
    line = Domain(Timeline("gpu:0", "x", Method.COUNTER, stamps, joules, None, gaps, max(watts), known, quantum))
    length = stamps[-1] - stamps[0]
    begin, end = (stamps[0] + round(share * length) for share in sorted(shares))
    found = line.reading([Window(begin, end)], edges)
    if begin == end or end + most > stamps[-1]:
        assert found is None
        return
    assert found is not None
    truth = joules_until(times, watts, end) - joules_until(times, watts, begin)
    assert abs(found.joules - truth) <= found.bound + 1e-9 * (1 + joules_until(times, watts, end))


def sampled(load: trace.Trace, refresh: float, seconds: float, seed: int) -> Domain:
    """Power polled every 30 ms from a sensor that looks every ``refresh`` seconds, added up trapezoid by trapezoid."""
    draw = random.Random(seed)
    phase = draw.uniform(0, refresh)
    moment, watts, joules = 0.0, load.watts(0), 0.0
    times, totals = [], []
    while moment < seconds:
        late = moment + 0.03 * draw.uniform(0.5, 1.5)
        seen = load.watts(max(0, round((late - (late - phase) % refresh) * SECOND)))
        joules += (late - moment) * (watts + seen) / 2
        moment, watts = late, seen
        times.append(round(moment * SECOND) - round(refresh * SECOND / 2))
        totals.append(joules)
    gaps = [round(refresh * SECOND)] * len(times)
    return Domain(Timeline("gpu:0", "power", Method.SAMPLED, times, totals, None, gaps, 700.0))


@pytest.mark.parametrize("length", [0.3, 1.0, 5.0])
def test_added_up_power_holds_the_truth_inside_its_bound_if_the_sensor_can_follow(length: float) -> None:
    inside = asked = 0
    for seed in range(60):
        draw = random.Random(seed)
        load = trace.square(90, 650, math.exp(draw.uniform(math.log(0.3), math.log(3))), duty=0.4)
        line = sampled(load, 0.1, 30, seed)
        for _ in range(10):
            begin = draw.uniform(0.5, 29 - length)
            found = line.reading([window(begin, begin + length)])
            assert found is not None
            truth = load.joules(round(begin * SECOND), round((begin + length) * SECOND))
            asked += 1
            inside += abs(found.joules - truth) <= found.bound
    assert inside / asked >= 0.99, "the bound of samples is four standard deviations, not a certainty"


def test_power_that_was_read_seldom_is_known_less_well_than_its_sensor_refreshes() -> None:
    """A program says the power twice within 0.1 s and then every 5 s, or the machine slept in between."""
    inside = 0
    for seed in range(60):
        draw = random.Random(seed)
        stamps = [0.0, 0.1, *(0.1 + 5.0 * k for k in range(1, 40))]
        knots, watts = [(0.0, 100.0)], 100.0
        for begin, end in pairwise(stamps):
            change = draw.uniform(begin, end)
            knots, watts = [*knots, (change, watts)], draw.choice([100.0, 600.0])
            knots.append((change, watts))
        load = trace.Trace(tuple(knots), origin=0)
        parts = [
            (late - early) * (load.watts(round(early * SECOND)) + load.watts(round(late * SECOND))) / 2
            for early, late in pairwise(stamps)
        ]
        totals = list(accumulate(parts, initial=0.0))
        times = [round(stamp * SECOND) for stamp in stamps]
        line = Domain(Timeline("system", "x", Method.SAMPLED, times, totals, None, [SECOND // 10] * len(times)))
        found = ask(line, (10.0, 150.0))
        inside += abs(found.joules - load.joules(10 * SECOND, 150 * SECOND)) <= found.bound
    assert inside == 60
