"""The sampling thread: one timeline a domain, of changes only; errors reach the one who waits."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from threading import Event

import pytest

from wattstar.errors import MeterUnavailable
from wattstar.measuring.lines import NO_LAG, Line
from wattstar.measuring.sampler import Sampler
from wattstar.types import Affinity, Level, Method, Reader, Scope

SCOPE = Scope(1, "cpu", "/nowhere")


@dataclass
class Counter:
    """A meter of one domain that reads what it is told to."""

    total: Callable[[], float]
    domain: str = "gpu:0"
    requires: tuple[str, ...] = ()
    method: Method = Method.COUNTER
    plausible_factor: float | None = None
    gain: float | None = None
    argument: str | None = None
    confirmed: bool = False
    reads: int = 0
    closed: list[str] = field(default_factory=list)
    period: float = 0.001
    stepped: bool = True

    def affinity(self) -> Affinity:
        return Affinity(Level.ASKED, (self.domain,), "a counter of this test")

    def read(self) -> Mapping[str, tuple[int, float]]:
        self.reads += 1
        return {self.domain: (time.monotonic_ns(), self.total())}

    @contextmanager
    def reader(self, scope: Scope) -> Iterator[Reader]:
        try:
            yield Reader(read=self.read, period=self.period, stepped=self.stepped)
        finally:
            self.closed.append(self.domain)


class Shut(Counter):
    @contextmanager
    def reader(self, scope: Scope) -> Iterator[Reader]:
        raise MeterUnavailable("shut")
        yield


def steps(period: float) -> Callable[[], float]:
    """A counter that steps so often, by 3 J."""
    began = time.monotonic()
    return lambda: 3.0 * int((time.monotonic() - began) / period)


def test_a_total_that_did_not_change_is_kept_out() -> None:
    """Read every millisecond, stepping every 20: a stamp is where the total was seen to change."""
    counter = Counter(steps(0.02))
    with Sampler({"counter": counter}, SCOPE) as sampler:
        time.sleep(0.25)
    [line] = sampler.timelines()
    assert counter.reads > 2 * len(line.times)
    assert all(late - early >= 3.0 for early, late in pairwise(line.joules))
    assert all(late > early for early, late in pairwise(line.times))
    assert 3 <= len(line.times) <= 14
    assert all(gap > 0 for gap in line.gaps), "the step lay between two reads"
    assert line.joules[0] >= 3.0, "nobody saw when the first total began"


def test_two_meters_have_a_timeline_each() -> None:
    meters = {"one": Counter(steps(0.005)), "two": Counter(steps(0.005), "cpu:0", method=Method.SAMPLED)}
    with Sampler(meters, SCOPE) as sampler:
        assert sampler.cover(time.monotonic_ns()) == ()
    lines = {line.meter: line for line in sampler.timelines()}
    assert {name: (line.domain, line.method) for name, line in lines.items()} == {
        "one": ("gpu:0", Method.COUNTER),
        "two": ("cpu:0", Method.SAMPLED),
    }


def test_cover_waits_until_every_domain_has_spoken_after_the_moment() -> None:
    with Sampler({"counter": Counter(steps(0.02))}, SCOPE) as sampler:
        moment = time.monotonic_ns() + 30_000_000
        assert sampler.cover(moment) == ()
        [line] = sampler.timelines()
        assert line.times[-2] >= moment, "and once more: what follows a window may be needed"


def test_a_domain_that_stopped_changing_is_named() -> None:
    meters = {"stuck": Counter(lambda: 5.0), "good": Counter(steps(0.005), "cpu:0")}
    with Sampler(meters, SCOPE) as sampler:
        assert sampler.cover(time.monotonic_ns(), patience=0.1) == ("gpu:0",)


def test_what_is_no_number_is_no_reading() -> None:
    values = iter([1.0, float("nan"), 2.0, float("inf"), 3.0])
    with Sampler({"odd": Counter(lambda: next(values, 9.0))}, SCOPE) as sampler:
        sampler.cover(time.monotonic_ns() + 20_000_000, patience=0.05)
    [line] = sampler.timelines()
    assert list(line.joules) == [2.0, 3.0, 9.0]


def test_an_error_of_the_thread_is_raised_where_one_waits() -> None:
    def fail() -> float:
        raise MeterUnavailable("The counter is gone.")

    with Sampler({"bad": Counter(fail)}, SCOPE) as sampler, pytest.raises(MeterUnavailable, match="is gone"):
        sampler.cover(time.monotonic_ns())


def test_meters_are_closed_in_the_end_and_when_another_cannot_be_opened() -> None:
    first = Counter(steps(0.005))
    with Sampler({"first": first}, SCOPE):
        assert first.closed == []
    assert first.closed == ["gpu:0"]
    second = Counter(steps(0.005))
    with pytest.raises(MeterUnavailable, match="shut"), Sampler({"second": second, "shut": Shut(steps(1))}, SCOPE):
        pass
    assert second.closed == ["gpu:0"]


def test_a_step_that_a_late_read_saw_is_stamped_when_it_was_due() -> None:
    """Steps each 0.1 s, read every 4 ms; then not for 70 ms, in which one step came, and the bound holds both reads."""
    line, milli = Line("gpu:0", True, 0, NO_LAG), 1_000_000
    for now in range(0, 1202, 4):
        line.add(now * milli, float(now // 100), 0)
    line.add(1272 * milli, 12.0, 0)
    line.add(1342 * milli, 13.0, 0)
    assert line.times[-1] == pytest.approx(1300 * milli, abs=4 * milli)
    assert line.gaps[-1] / 2 >= max(1342 * milli - line.times[-1], line.times[-1] - 1272 * milli)


def test_two_steps_that_one_late_read_saw_are_one_stamp_at_the_later() -> None:
    line, milli = Line("gpu:0", True, 0, NO_LAG), 1_000_000
    for now in range(0, 1202, 4):
        line.add(now * milli, float(now // 100), 0)
    line.add(1430 * milli, 14.0, 0)
    assert line.times[-1] == pytest.approx(1400 * milli, abs=4 * milli)
    assert line.joules[-1] == 14.0


def test_a_meter_that_never_answers_keeps_nobody_waiting_for_ever() -> None:
    """As a driver whose device fell off the bus."""
    hold = Event()
    with Sampler({"mute": Counter(lambda: float(hold.wait(60)))}, SCOPE) as sampler:
        assert sampler.cover(time.monotonic_ns(), patience=0.1) == ("mute",)
        with pytest.raises(MeterUnavailable, match="has not answered"):
            sampler.timelines()
        hold.set()


def test_a_touch_puts_a_stamp_beside_the_edge_of_a_window() -> None:
    """Read every 10 s by itself."""
    slow = Counter(lambda: 100.0 * time.monotonic(), period=10.0, stepped=False)
    with Sampler({"slow": slow}, SCOPE) as sampler:
        sampler.ready(2.0)
        sampler.touch()
        begin = time.monotonic_ns()
        time.sleep(0.05)
        end = time.monotonic_ns()
        sampler.touch()
        assert sampler.cover(end) == ()
        [line] = sampler.timelines()
    before, after = line.times[-2:]
    assert before <= begin < end <= after
    assert line.joules[-1] - line.joules[-2] == pytest.approx((after - before) / 1e7, rel=0.05)
