"""The protocol of ``command`` and ``url``: what a line may say, and the totals that are made of it."""

from __future__ import annotations

import pytest

from tests.simulators import trace
from wattstar.errors import MeterUnavailable
from wattstar.meters._lines import Feed, Value, parse, sampled

SECOND = 10**9


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("123.4 W", Value("system", 123.4, "W")),
        ("  5 J\r", Value("system", 5.0, "J")),
        ("system 1e3 W", Value("system", 1000.0, "W")),
        ("gpu:12\t.5  J", Value("gpu:12", 0.5, "J")),
        ("dram:0 +7. W", Value("dram:0", 7.0, "W")),
    ],
)
def test_a_line_is_a_number_with_its_unit_and_perhaps_a_domain(line: str, value: Value) -> None:
    assert parse(line) == value


OTHERS = """5|W|5W|5 w|5 kW|five W|-5 W|nan W|inf J|1_000 W|1e999 W|٣ W|0x10 W|gpu 5 W|gpu:x 5 W|psys:0 5 W|system 5
system 5 W now|5 W 6 W|<html> 5 W|"""


@pytest.mark.parametrize("line", [line for lines in OTHERS.split("\n") for line in lines.split("|")])
def test_any_other_line_is_refused_and_shown(line: str) -> None:
    with pytest.raises(ValueError, match=r".") as error:
        parse(line)
    assert repr(line) in str(error.value)


def test_watts_are_integrated_from_line_to_line() -> None:
    """A polygon sampled at its knots and elsewhere has the trapezoids' sum as its integral, to the last bit or so."""
    truth = trace.Trace(((0.0, 100.0), (1.0, 300.0), (1.5, 50.0), (4.0, 50.0)), origin=0)
    feed = Feed("a test", "wait")
    for tenth in range(41):
        moment = tenth * SECOND // 10
        feed.put([Value("system", truth.watts(moment), "W")], moment)
        stamp, joules = feed.read()["system"]
        assert stamp == moment
        assert joules == pytest.approx(truth.joules(0, moment), rel=1e-12, abs=1e-9)
    assert joules == pytest.approx(200.0 + 87.5 + 125.0)


def test_joules_are_a_total_that_is_passed_on_and_each_domain_has_its_own() -> None:
    feed = Feed("a test", "wait")
    feed.put([Value("gpu:0", 1e6, "J"), Value("system", 10.0, "W")], 0)
    feed.put([Value("gpu:0", 1e6 + 3, "J"), Value("system", 20.0, "W")], 2 * SECOND)
    assert feed.read() == {"gpu:0": (2 * SECOND, 1e6 + 3), "system": (2 * SECOND, 30.0)}


def test_a_total_that_stands_still_is_good_and_one_that_falls_is_not() -> None:
    feed = Feed("A test", "wait")
    for moment, joules in enumerate([5.0, 5.0, 4.9]):
        feed.put([Value("system", joules, "J")], moment * SECOND)
    with pytest.raises(MeterUnavailable, match=r"^A test: the total of system went back from 5\.0 to 4\.9 J") as error:
        feed.read()
    assert "measure again" in error.value.cures[0]


def test_a_domain_keeps_to_its_unit() -> None:
    feed = Feed("A test", "wait")
    feed.put([Value("system", 5.0, "J")], 0)
    feed.put([Value("system", 5.0, "W")], SECOND)
    with pytest.raises(MeterUnavailable, match="said in J and W") as error:
        feed.read()
    assert "one unit" in error.value.cures[0]


def test_silence_is_an_error_with_the_last_trouble_and_the_cure() -> None:
    feed = Feed("A test", "speak up", silence=0.05)
    feed.put([Value("system", 5.0, "J")], 0)
    feed.miss("it was away.", "come back")
    assert feed.read(), "one miss is nothing"
    with pytest.raises(MeterUnavailable, match=r"^A test: nothing was said for 0\.05 s\. it was away\.$") as error:
        feed.interval()
    assert error.value.cures == ("speak up",)


def test_what_is_missed_before_anything_was_said_is_an_error_at_once() -> None:
    feed = Feed("A test", "speak up")
    feed.miss("it was away.", "come back")
    with pytest.raises(MeterUnavailable, match=r"^A test: it was away\.$") as error:
        feed.first()
    assert error.value.cures == ("come back",)


def test_a_stamp_lies_in_the_middle_of_what_the_reader_promises() -> None:
    """``Reader.refresh``: a total is of the moment handed over or up to so much before it."""
    feed = Feed("a test", "wait")
    feed.put([Value("system", 5.0, "J")], SECOND)
    reader = sampled(feed, 0.5)
    [(moment, joules)] = reader.read().values()
    assert (moment - round(reader.refresh * 1e9) // 2, joules) == (SECOND, 5.0)
    assert reader.refresh == 0.5
    assert not reader.stepped
