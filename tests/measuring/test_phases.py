"""What each phase took: exact where it can be, as wide as it is where it must be worked out, and nothing otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate
from pathlib import Path

import pytest

from tests.simulators.phases import PHASES, Seen, World, simulate
from tests.support import fake_job, measure
from wattstar.measuring import phase_gates, phases, regression
from wattstar.measuring.mixture import Parts, Whole
from wattstar.measuring.timeline import Domain
from wattstar.types import (
    WRITING,
    Boundary,
    Interval,
    Mark,
    Method,
    Pass,
    PhaseEnergy,
    Severity,
    Timeline,
    Window,
)

SECOND = 10**9
SHORT = World(lag=0.03, jitter=0.01, unrest=0.01, queries=45)


def exactly(value: float) -> object:
    return pytest.approx(value, rel=1e-12)


def split(seen: Seen, line: Timeline | None = None) -> dict[str, PhaseEnergy]:
    return {each.name: each for each in phases.split([line or seen.line], seen.passes, seen.windows)}


def truth(seen: Seen, name: str) -> float:
    """Wh per 1,000 queries."""
    return seen.joules[name] / sum(counted.queries for counted in seen.passes) / 3.6


def by_hand(steps: Sequence[float], batches: int = 6, method: Method = Method.COUNTER) -> Seen:
    """Batches of 1 s at 500 W and 2 s at 100 W, seen by an exact counter with steps of these seconds, in turn."""

    def joules(moment: float) -> float:
        whole, part = divmod(moment, 3.0)
        return 700 * whole + 500 * min(part, 1.0) + 100 * max(part - 1.0, 0.0)

    end = 3.0 * batches
    stamps = [0.0, *accumulate(steps[i % len(steps)] for i in range(int(end / min(steps)) + 1))]
    inside = sorted({*(moment for moment in stamps if moment < end), end})
    line = Timeline("gpu:0", "a meter", method, [round(t * SECOND) for t in inside], [joules(t) for t in inside])
    window = Window(0, round(end * SECOND))
    reading = Domain(line).reading([window])
    assert reading is not None
    edges = [round(3 * i * SECOND) for i in range(batches)]
    windows = {
        "prefill": [Window(edge, edge + SECOND) for edge in edges],
        "decode": [Window(edge + SECOND, edge + 3 * SECOND) for edge in edges],
    }
    passes = (Pass(0, window, 1, 10 * batches, (reading,), {}, None),)
    return Seen(line, passes, windows, {"prefill": 500.0 * batches, "decode": 200.0 * batches})


# ── the simulated world: all edges on exact stamps ──


def test_two_phases_of_every_domain_are_exact(tmp_path: Path) -> None:
    """0.05 s at 400 W, then 0.2 s at 100 W per sample: 20 J and 20 J of gpu:0; cpu:0 draws 20 W all the time."""
    job = fake_job("text-generation", watts="400,100", seconds="0.05,0.2", procedure={"samples": 3})
    record = measure(job, tmp_path)
    found = {(each.domain, each.name): each for each in record.phases}
    assert set(found) == {(domain, name) for domain in ("gpu:0", "cpu:0", "dram:0") for name in PHASES}
    for (domain, name), joules in {
        ("gpu:0", "prefill"): 20.0, ("gpu:0", "decode"): 20.0, ("cpu:0", "prefill"): 1.0, ("cpu:0", "decode"): 4.0,
    }.items():  # fmt: skip
        each = found[domain, name]
        assert each.wh_per_1000.mid == exactly(joules / 3.6)
        assert each.wh_per_1000.low == each.wh_per_1000.high == each.wh_per_1000.mid
        assert each.watts.mid == exactly(joules / {"prefill": 0.05, "decode": 0.2}[name])
    queries = sum(counted.queries for counted in record.passes)
    assert found["gpu:0", "prefill"].seconds == exactly(0.05 * queries)
    [rated] = [made for made in record.figures if made.boundary is Boundary.GPU]
    assert found["gpu:0", "prefill"].wh_per_1000.mid + found["gpu:0", "decode"].wh_per_1000.mid == exactly(
        rated.wh_per_1000.mid
    )


def test_the_only_phase_is_all_of_the_pass(tmp_path: Path) -> None:
    record = measure(fake_job(watts="300", seconds="0.02"), tmp_path)
    assert {(each.name, each.domain): each.watts.mid for each in record.phases}["forward", "gpu:0"] == exactly(300.0)
    assert "first_phase" not in {stage.name for stage in record.stages}, "there is nothing to confirm"


def test_the_first_phase_is_served_alone_for_as_long_as_a_pass_and_confirms_its_share(tmp_path: Path) -> None:
    job = fake_job("text-generation", watts="400,100", seconds="0.05,0.2", procedure={"pass_seconds": 2.0})
    record = measure(job, tmp_path)
    [stage] = [stage for stage in record.stages if stage.name == "first_phase"]
    assert stage.window.end - stage.window.begin == 2 * SECOND
    assert {reading.domain: reading.joules for reading in stage.energy}["gpu:0"] == exactly(800.0)
    assert {finding.gate for finding in record.findings} <= {"net"}, "of an idle as short as in this test"


def test_nothing_is_served_again_where_idle_is_not_measured_either(tmp_path: Path) -> None:
    record = measure(fake_job("text-generation", procedure={"idle_seconds": 0.0}), tmp_path)
    assert "first_phase" not in {stage.name for stage in record.stages}
    assert {each.name for each in record.phases} == {"prefill", "decode"}


# ── worked out by hand ──


@pytest.mark.parametrize("steps", [(0.7,), (1.1,), (0.9, 2.3)])
def test_steps_that_lie_across_the_phases_still_give_their_powers(steps: tuple[float, ...]) -> None:
    """No step lies on an edge, and most hold both phases."""
    found = split(by_hand(steps, batches=20))
    assert found["prefill"].watts.mid == pytest.approx(500.0, rel=1e-6)
    assert found["decode"].watts.mid == pytest.approx(100.0, rel=1e-6)
    assert found["prefill"].wh_per_1000.mid == pytest.approx(50.0 / 3.6, rel=1e-6), "500 J for ten queries"


def test_steps_that_all_hold_the_same_mixture_say_nothing() -> None:
    assert split(by_hand((3.0,), batches=40)) == {}
    assert split(by_hand((1.5, 1.5), batches=40)) != {}, "a half batch holds another mixture than the other half"


def test_too_few_steps_say_nothing() -> None:
    assert split(by_hand((0.7,), batches=2)) == {}


def test_a_sampled_sensor_speaks_of_long_phases_only() -> None:
    """It may average over longer than a phase, which nobody could see in its steps."""
    assert split(by_hand((0.7,), method=Method.SAMPLED)) == {}
    fine = split(by_hand((0.07,), method=Method.SAMPLED))
    assert fine["prefill"].watts.mid == pytest.approx(500.0, rel=0.02)
    low, high = fine["prefill"].watts.low, fine["prefill"].watts.high
    assert low is not None
    assert high is not None
    assert low < 500.0 < high


def test_the_only_phase_is_known_whatever_reads_it() -> None:
    seen = by_hand((0.7,), method=Method.SAMPLED)
    served = [Window(3 * i * SECOND, (3 * i + 3) * SECOND - 10**7) for i in range(6)]
    [found] = phases.split([seen.line], seen.passes, {"forward": served})
    assert (found.name, found.seconds) == ("forward", exactly(18.0))
    assert found.watts.mid == pytest.approx(700 / 3, rel=1e-6)


def test_what_lies_between_two_turns_is_not_counted() -> None:
    """Samples that were on the device in turns: the third batch was not part of a window."""
    seen = by_hand((0.7,), batches=20)
    turns = (Window(0, 6 * SECOND), Window(9 * SECOND, 60 * SECOND))
    reading = Domain(seen.line).reading(turns)
    assert reading is not None
    [whole] = seen.passes
    passes = (replace(whole, queries=190, energy=(reading,), windows=turns),)
    windows = {name: [part for i, part in enumerate(parts) if i != 2] for name, parts in seen.windows.items()}
    found = {each.name: each for each in phases.split([seen.line], passes, windows)}
    assert list(found) == ["prefill", "decode"], "the time between is no gap"
    assert found["prefill"].watts.mid == pytest.approx(500.0, rel=0.01)
    assert found["decode"].wh_per_1000.mid == pytest.approx(20.0 / 3.6, rel=0.01)


# ── a counter with steps of 100 ms, phases of 20 and 200 ms ──


@pytest.mark.parametrize("lag", [0.0, 0.012, 0.03, 0.055])
def test_how_late_the_counter_is_is_found(lag: float) -> None:
    seen = simulate(replace(SHORT, lag=lag, queries=150), seed=1)
    origin = seen.passes[0].window.begin
    windows = [((part.begin - origin) / 1e9, (part.end - origin) / 1e9) for part in seen.windows["prefill"]]
    energy = sum(counted.energy[0].joules for counted in seen.passes)
    seconds = [sum(part.end - part.begin for part in seen.windows[name]) / 1e9 for name in PHASES]
    whole = Whole(energy, 0.0, seconds, [700.0, 700.0])
    steps = phases._steps(seen.line, [counted.window for counted in seen.passes], (0.0, 0.06))
    assert regression.fit(steps, Parts.of([windows]), whole, (0.0, 0.06)).lag == pytest.approx(lag, abs=0.002)


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    held = {name: 0 for name in PHASES}
    for seed in range(40):
        seen = simulate(SHORT, seed)
        for name, each in split(seen).items():
            low, high = each.wh_per_1000.low, each.wh_per_1000.high
            assert low is not None
            assert high is not None
            held[name] += low <= truth(seen, name) <= high
    assert min(held.values()) >= 35, "of 40: 95 % are 38"


@pytest.mark.parametrize("seed", range(3))
def test_a_gap_is_a_phase_and_all_of_them_make_up_the_passes(seed: int) -> None:
    seen = simulate(replace(SHORT, gap=(0.003, 120.0), ramp=0.1), seed)
    found = split(seen)
    assert list(found) == ["prefill", "decode", "gap"]
    queries = sum(counted.queries for counted in seen.passes)
    energy = sum(counted.energy[0].joules for counted in seen.passes)
    assert sum(each.wh_per_1000.mid for each in found.values()) == exactly(energy / queries / 3.6)
    assert all(0 <= (each.watts.low or 0) <= each.watts.mid <= (each.watts.high or 0) for each in found.values())
    for name in PHASES:
        assert found[name].wh_per_1000.mid == pytest.approx(truth(seen, name), rel=0.1)


def test_a_gap_of_microseconds_is_no_phase() -> None:
    assert list(split(simulate(replace(SHORT, gap=(5e-5, 120.0)), seed=1))) == ["prefill", "decode"]


def test_a_gap_too_short_to_be_told_apart_widens_the_others() -> None:
    """0.6 ms between batches, and stamps that are inexact by 20 ms."""
    seen = simulate(replace(SHORT, gap=(6e-4, 120.0), poll=0.02), seed=1)
    found = split(seen)
    assert list(found) == ["prefill", "decode"]
    assert sum(each.seconds for each in found.values()) == pytest.approx(
        phases._Phases(seen.windows, seen.passes).total
    )
    possible = phases._Phases(seen.windows, seen.passes).gap * 700.0 / found["prefill"].seconds
    for name, each in found.items():
        low, high = each.wh_per_1000.low, each.wh_per_1000.high
        assert low is not None
        assert high is not None
        assert low < truth(seen, name) < high
    assert (found["prefill"].watts.high or 0) - found["prefill"].watts.mid > possible / 2


def test_batches_in_step_with_the_counter_are_not_told_apart() -> None:
    """A batch lasts as long as a step: what varies are the stamps, and they must not be taken for the mixture."""
    locked = World(seconds=(0.02, 0.08), unrest=0.01, queries=100)
    for jitter in (0.0, 0.0005):
        assert split(simulate(replace(locked, jitter=jitter), seed=2)) == {}


def test_phases_of_one_power_are_not_told_to_differ() -> None:
    """Where no lag is better than another one, the worst of them counts."""
    seen = simulate(replace(SHORT, watts=(400.0, 400.0)), seed=3)
    found = split(seen)["prefill"].watts
    assert found.low is not None
    assert found.high is not None
    assert found.low < 400.0 < found.high


def test_a_pass_that_fails_to_be_read_leaves_the_domain_out() -> None:
    seen = simulate(SHORT, seed=1)
    unread = (*seen.passes[:-1], replace(seen.passes[-1], energy=()))
    assert phases.split([seen.line], unread, seen.windows) == ()
    assert phases.split([seen.line], (), seen.windows) == ()


# ── windows, from marks ──


def marks(index: int, *moments: tuple[str, int]) -> list[Mark]:
    return [Mark(name, time, index, number // 3) for number, (name, time) in enumerate(moments)]


def test_windows_are_those_of_finished_passes() -> None:
    served = (("batch", 1), ("first_token", 2), ("batch_end", 5), ("batch", 6), ("first_token", 8), ("batch_end", 9))
    half = (("batch", 20), ("first_token", 21))
    alone = [Mark("batch", 30, None, 0), Mark("batch_end", 31, None, 0)]
    known = (Pass(0, Window(0, 10), 1, 2, (), {}, None),)
    found = phases.windows([*marks(0, *served), *marks(1, *half), *alone], known, WRITING)
    assert found == {"prefill": [Window(1, 2), Window(6, 8)], "decode": [Window(2, 5), Window(8, 9)]}


def test_a_batch_without_a_mark_leaves_its_phases_unknown() -> None:
    known = (Pass(0, Window(0, 10), 1, 2, (), {}, None),)
    served = [
        *marks(0, ("batch", 1), ("first_token", 2), ("batch_end", 5)),
        Mark("batch", 6, 0, 1),
        Mark("batch_end", 7, 0, 1),
    ]
    found = phases.windows(served, known, WRITING)
    assert found == {"prefill": [], "decode": []}
    assert phases.split([simulate(SHORT, 1).line], known, found) == ()


# ── what is said ──


def energy(name: str, watts: Interval, domain: str = "gpu:0") -> PhaseEnergy:
    return PhaseEnergy(name, domain, 10.0, watts, watts)


def test_a_domain_whose_phases_are_unknown_is_named() -> None:
    seen = simulate(SHORT, seed=1)
    found = phases.split([seen.line], seen.passes, seen.windows)
    assert phase_gates.unknown(seen.passes, PHASES, found) == []
    [finding] = phase_gates.unknown(seen.passes, PHASES, ())
    assert finding.severity is Severity.NOTE
    assert "prefill, decode (in what gpu:0 read)" in finding.message


@pytest.mark.parametrize(
    ("share", "alone", "said"),
    [
        (Interval(480, 500, 520), Interval(495, 500, 505), False),
        (Interval(480, 500, 520), Interval(395, 400, 405), True),
        (Interval(380, 500, 620), Interval(395, 400, 405), False),
        (Interval(480, 500, 520), Interval(300, 400, 505), False),
        (Interval(480, 500, 520), Interval(530, 540, 545), False),
    ],
)
def test_a_share_that_the_phase_alone_does_not_confirm_is_said_with_both_numbers(
    share: Interval, alone: Interval, said: bool
) -> None:
    """More than 10 % beyond both intervals."""
    found = phase_gates.unconfirmed([energy("prefill", share), energy("decode", share)], "prefill", {"gpu:0": alone})
    assert bool(found) is said
    for finding in found:
        assert finding.severity is Severity.NOTE
        assert "500 Wh" in finding.message
        assert "400 when" in finding.message
