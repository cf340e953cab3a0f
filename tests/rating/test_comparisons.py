"""How many times the energy: paired where passes alternate, else with the interval that two sittings deserve."""

from __future__ import annotations

import json
import math
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support import command, fake_job, measure, records, wattstar_command, written
from wattstar.errors import UsageError
from wattstar.rating import compare
from wattstar.rating.comparisons import Member, comparisons, holm, paired
from wattstar.types import (
    Approach,
    Comparison,
    Finding,
    Gpu,
    Interval,
    Machine,
    Method,
    Pass,
    Quality,
    Reading,
    Record,
    Severity,
    Sitting,
    Verdict,
    Window,
)

SITTING = Sitting("0" * 32, 0, ("one", "other"))
SLOT = 10**10


def judged(energy: float, id: str, value: float, spread: float = 0.0, **changes: Any) -> tuple[str, Record]:
    return written(energy, id, spread=spread, quality=Quality("accuracy", value, True, 100), **changes)


def with_passes(id: str, joules: list[float], places: list[int], **changes: Any) -> Member:
    """A record whose passes took these joules, in these places of the sitting; its figure is their mean."""
    passes = tuple(
        Pass(
            index=number,
            window=Window(place * SLOT, place * SLOT + SLOT // 2),
            repeats=1,
            queries=1000,
            energy=(Reading("gpu:0", "nvml", Method.COUNTER, each, 0.0),),
            counts={},
            foreign_cpu=None,
        )
        for number, (each, place) in enumerate(zip(joules, places, strict=True))
    )
    _, record = written(sum(joules) / len(joules) / 3600, id, spread=0.003)
    figures = tuple(replace(figure, coverage=("gpu:0 by nvml",)) for figure in record.figures)
    record = replace(record, passes=passes, figures=figures, **changes)
    return id, record


def in_turns(one: list[float], other: list[float], sitting: Sitting | None = SITTING, **changes: Any) -> list[Member]:
    """A B, B A, …"""
    numbers = range(len(one))
    first = with_passes("a/one", one, [2 * i + i % 2 for i in numbers], sitting=sitting, **changes)
    return [first, with_passes("b/other", other, [2 * i + 1 - i % 2 for i in numbers], sitting=sitting, **changes)]


def drifting(draw: random.Random, ratio: float, noise: float = 0.004) -> list[Member]:
    """Two models on a machine whose power wanders by 0.5 % a pass, and has been another since the last sitting."""
    level = [draw.gauss(0.02, 0.02)]
    for _ in range(11):
        level.append(level[-1] + draw.gauss(0.005, 0.005))
    took = [math.exp(each + draw.gauss(0, noise)) for each in level]
    one = [3600 * took[2 * i + i % 2] for i in range(6)]
    return in_turns(one, [3600 * ratio * took[2 * i + 1 - i % 2] for i in range(6)])


def verdict(members: list[Member]) -> Verdict:
    return compare(*members).verdict


def test_the_ratio_is_of_the_greater_to_the_less_whatever_the_order() -> None:
    small, large = judged(2.0, "a/small", 0.9), judged(80.0, "b/large", 0.95)
    for made in (compare(small, large), compare(large, small)):
        assert made.records == (small[0], large[0])
        assert made.ratio.mid == pytest.approx(40)
        assert made.gain == Interval(None, pytest.approx(0.05), None), "no answers were kept"
        assert made.verdict is Verdict.DIFFERENT
        assert made.pairs == 0


def test_the_interval_holds_both_repeatabilities_and_what_two_sittings_differ_by() -> None:
    """ln half-width: √(0.03² + 0.04² + (1.96·√2·0.01)²) = √(0.0025 + 0.000768)."""
    made = compare(judged(1.0, "a/one", 0.5, spread=0.03), judged(1.5, "b/other", 0.5, spread=0.04))
    half = math.sqrt(0.0025 + (1.96 * math.sqrt(2) * 0.01) ** 2)
    assert (made.ratio.low, made.ratio.high) == (
        pytest.approx(1.5 * math.exp(-half)),
        pytest.approx(1.5 * math.exp(half)),
    )


def test_two_sittings_of_one_model_are_not_called_different() -> None:
    made = compare(judged(1.0, "a/one", 0.5), judged(1.02, "a/again", 0.5))
    assert made.verdict is Verdict.NOT_SHOWN
    assert made.ratio.low is not None
    assert made.ratio.low < 1 < made.ratio.mid


def test_two_cards_differ_by_more_than_two_sittings() -> None:
    def on(card: str, energy: float, id: str) -> Member:
        gpu = Gpu(0, card, "a GPU", None, None, None)
        job = fake_job(id=id)
        job = replace(job, model=replace(job.model, device="cuda:0"))
        return written(energy, id, job=job, machine=Machine("a processor", 2, 2**30, "Linux", "3.11", (gpu,), {}))

    one = on("card-1", 1.0, "a/one")
    assert compare(one, on("card-1", 1.1, "b/other")).verdict is Verdict.DIFFERENT
    elsewhere = compare(one, on("card-2", 1.1, "b/other"))
    assert elsewhere.verdict is Verdict.NOT_SHOWN
    assert elsewhere.differs == ("another card or machine of the same kind",)


def test_pairs_tell_a_difference_that_two_sittings_would_hide() -> None:
    """ln ratios 0.018, 0.022, …: mean 0.02, deviation 0.00219, half width 2.571·0.00219/√6 = 0.0023."""
    level = [1.0, 1.01, 1.03, 1.02, 1.05, 1.06]
    one = [3600 * each for each in level]
    other = [each * math.exp(0.018 + 0.004 * (i % 2)) for i, each in enumerate(one)]
    made = compare(*in_turns(one, other))
    assert (made.pairs, made.verdict) == (6, Verdict.DIFFERENT)
    assert made.ratio.mid == pytest.approx(math.exp(0.02))
    assert made.ratio.high == pytest.approx(math.exp(0.02 + 2.571 * 0.0021909 / math.sqrt(6)))
    apart = compare(*in_turns(one, other, sitting=None))
    assert (apart.pairs, apart.verdict) == (0, Verdict.NOT_SHOWN)


def test_identical_models_are_rarely_called_different_however_the_machine_drifts() -> None:
    draw = random.Random(6)
    found = [verdict(drifting(draw, 1.0)) for _ in range(600)]
    assert 0 < found.count(Verdict.DIFFERENT) / 600 < 0.07, "at most 5 %, and 2 % more by chance"


def test_two_per_cent_are_seen_by_pairs_and_not_without() -> None:
    draw = random.Random(7)
    every = [drifting(draw, 1.02) for _ in range(200)]
    assert sum(verdict(members) is Verdict.DIFFERENT for members in every) > 190
    apart = [[(id, replace(record, sitting=None)) for id, record in members] for members in every]
    assert sum(verdict(members) is Verdict.DIFFERENT for members in apart) < 10


def test_equal_is_what_lies_within_two_per_cent() -> None:
    one = [3600.0] * 6
    assert verdict(in_turns(one, [each * (1 + 0.01 * (-1) ** i) for i, each in enumerate(one)])) is Verdict.EQUAL
    assert verdict(in_turns(one, [each * (1 + 0.03 * (-1) ** i) for i, each in enumerate(one)])) is Verdict.NOT_SHOWN
    assert verdict(in_turns(one, one)) is Verdict.EQUAL


@pytest.mark.parametrize("what", ["overlap", "few", "sitting", "subset", "order"])
def test_passes_that_do_not_alternate_are_not_paired(what: str) -> None:
    first, second = in_turns([3600.0] * 6, [3700.0] * 6)
    assert paired(first[1], second[1])
    record = second[1]
    windows = [counted.window for counted in record.passes]
    changed = {
        "overlap": [replace(windows[0], begin=windows[0].begin - SLOT), *windows[1:]],
        "order": [windows[1], windows[0], *windows[2:]],
    }.get(what, windows)
    passes = tuple(replace(one, window=each) for one, each in zip(record.passes, changed, strict=True))
    made = replace(record, passes=passes[:5] if what == "few" else passes)
    if what == "sitting":
        made = replace(made, sitting=replace(SITTING, id="1" * 32))
    if what == "subset":
        made = replace(made, job=replace(made.job, procedure=replace(made.job.procedure, subset=1)))
    assert not paired(first[1], made)
    assert compare(first, (second[0], made)).pairs == 0


def test_a_pass_that_took_nothing_is_refused() -> None:
    members = in_turns([3600.0] * 6, [3700.0] * 5 + [0.0])
    with pytest.raises(UsageError, match="took no energy"):
        compare(*members)


def test_from_one_pass_no_difference_is_shown() -> None:
    one, other = written(1.0, "a/one"), written(9.0, "b/other")
    figures = tuple(replace(made, wh_per_1000=Interval(None, 9.0, None)) for made in other[1].figures)
    made = compare(one, (other[0], replace(other[1], figures=figures)))
    assert (made.ratio, made.verdict) == (Interval(None, 9.0, None), Verdict.NOT_SHOWN)


@pytest.mark.parametrize(
    ("chances", "shown"),
    [
        ([0.01, 0.04, 0.03, 0.005], [True, False, False, True]),  # 0.005 ≤ 0.05/4, 0.01 ≤ 0.05/3, 0.03 > 0.05/2
        ([0.04], [True]),
        ([0.04, None], [False, False]),
        ([], []),
    ],
)
def test_many_comparisons_are_adjusted_by_holms_rule(chances: list[float | None], shown: list[bool]) -> None:
    assert holm(chances) == shown


def test_of_several_models_every_two_are_compared_and_the_verdict_knows_how_many() -> None:
    """1.04 differs from 1 by 2.04 standard errors (√2 times 1 % and two exact figures each): 4 %, too much of three."""
    members = [written(1.0, "a/one"), written(1.0302, "b/two"), written(9.0, "c/three")]
    assert compare(*members[:2]).verdict is Verdict.DIFFERENT
    found = comparisons([members[2], members[0], members[1]])
    assert [made.records for made in found] == [
        (members[0][0], members[1][0]),
        (members[0][0], members[2][0]),
        (members[1][0], members[2][0]),
    ]
    assert {made.of for made in found} == {3}
    assert [made.verdict for made in found] == [Verdict.DIFFERENT] * 3, "the two large ones leave it all 5 %"
    close = comparisons([members[0], members[1], written(1.0151, "c/between")])
    assert {made.verdict for made in close} == {Verdict.NOT_SHOWN}


def test_quality_of_another_kind_is_no_gain() -> None:
    assert compare(judged(1.0, "a/one", 0.5), written(2.0, "b/other")).gain is None
    other = written(2.0, "b/other", quality=Quality("F1", 0.7, True, 100))
    assert compare(judged(1.0, "a/one", 0.5), other).gain is None


@pytest.mark.parametrize("what", ["task", "samples", "machine"])
def test_what_was_not_asked_alike_is_not_compared(what: str) -> None:
    one = written(1.0, "a/one")
    job = fake_job(id="b/other")
    changes = {
        "task": {"job": fake_job("text-generation", id="b/other")},
        "samples": {"job": replace(job, procedure=replace(job.procedure, samples=3))},
        "machine": {"machine": Machine("another processor", 2, 2**30, "Linux", "3.11", (), {})},
    }
    with pytest.raises(UsageError, match=f"cannot be compared: {what}"):
        compare(one, written(2.0, "b/other", **changes[what]))


def test_a_record_is_not_compared_with_itself() -> None:
    one = written(1.0, "a/one")
    with pytest.raises(UsageError, match="named twice"):
        compare(one, one)


@pytest.mark.parametrize("energy", [0.0, -1.0, math.inf, math.nan])
def test_an_energy_that_is_none_is_not_compared(energy: float) -> None:
    broken = written(1.0, "a/one")
    figures = tuple(replace(made, wh_per_1000=Interval(None, energy, None)) for made in broken[1].figures)
    with pytest.raises(UsageError, match="no figure that counts"):
        compare((broken[0], replace(broken[1], figures=figures)), written(2.0, "b/other"))


def test_a_record_that_does_not_count_is_not_compared() -> None:
    broken = written(1.0, "a/one", findings=(Finding("stuck", Severity.INVALID, "the counter stood still"),))
    with pytest.raises(UsageError, match="no figure that counts"):
        compare(broken, written(2.0, "b/other"))


def test_what_else_is_not_alike_is_said() -> None:
    job = fake_job(id="b/other", controls={"batch_size": 8, "input_tokens": 64})
    asked = replace(job, model=replace(job.model, approach=Approach.ZERO_SHOT, quantization="int8"))
    made = compare(written(1.0, "a/one"), written(2.0, "b/other", job=asked, wattstar="9.9"))
    usual = fake_job().controls.input_tokens
    assert "approach fine-tuned and zero-shot" in made.differs
    assert "batch size 1 and 8" in made.differs
    assert f"input tokens {usual or 'none'} and 64" in made.differs
    assert "quantization none and int8" in made.differs
    assert any(words.startswith("wattstar ") for words in made.differs)
    assert len(made.differs) == 5


PLAN = """
[defaults]
task = "text-classification"
models = ["fake/model"]
weights = "random"
meters = ["fake"]
samples = 2
idle_seconds = 1
pass_seconds = 0
[[jobs]]
options = { seconds = "0.5" }
[[jobs]]
options = { seconds = "2" }
"""


def test_one_command_measures_what_is_not_in_the_store_yet_and_compares(tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text(PLAN)
    words = ("compare", "--plan", tmp_path / "plan.toml", "-o", tmp_path / "store")
    done = wattstar_command(*words)
    assert done.returncode == 0, done.stderr
    assert "takes 4.00 (95" in done.stdout
    assert "times the energy" in done.stdout
    assert "unpaired" in done.stdout
    [made] = json.loads(command(*words, "--format", "json").stdout)
    assert made["ratio"]["mid"] == pytest.approx(4.0)
    assert made["verdict"] == "different"
    assert len(records(tmp_path / "store")) == 2, "nothing is measured twice"
    assert json.loads(command("compare", *made["records"], *words[3:], "--format", "json").stdout) == [made]
    header, row = command("compare", *made["records"], *words[3:], "--format", "csv").stdout.splitlines()
    assert dict(zip(header.split(","), row.split(","), strict=True))["pairs"] == "0"


def test_one_record_is_not_enough(tmp_path: Path) -> None:
    measure(fake_job(), tmp_path)
    [row] = json.loads(command("list", "-o", tmp_path, "--format", "json").stdout)
    done = command("compare", row["record"], "-o", tmp_path)
    assert done.returncode == 2
    assert "less than two" in done.stderr


def test_records_cannot_be_interleaved_afterwards(tmp_path: Path) -> None:
    done = command("compare", "abc", "def", "--interleave", "-o", tmp_path)
    assert done.returncode == 2
    assert "cannot be interleaved any more" in done.stderr


def test_screens_fit_eighty_columns(tmp_path: Path) -> None:
    long = "organization-of-many-words/model-" + "x" * 60
    members = [written(1.0 + i, f"{long}{i}") for i in range(3)]
    from wattstar.records.store import Store

    names = [Store(tmp_path).add(record) for _, record in members]
    for columns in (80, 100):
        done = wattstar_command("compare", *names, "-o", tmp_path, env={"COLUMNS": str(columns)})
        assert done.returncode == 0, done.stderr
        table = done.stdout.partition("\n\n")[0]
        assert max(map(len, table.splitlines())) <= columns
        assert "adjusted for 3 comparisons" in done.stdout


def test_a_comparison_reads_back() -> None:
    from wattstar.records.codec import decode, encode

    made = compare(written(1.0, "a/one"), written(2.0, "b/other"))
    assert decode(Comparison, encode(made)) == made


def test_answers_that_are_gone_leave_the_energies_comparable_and_that_is_said(tmp_path: Path) -> None:
    from wattstar.records.store import Store

    members = [judged(1.0, "a/one", 0.5, samples="0" * 64), judged(2.0, "b/other", 0.75, samples="1" * 64)]
    names = [Store(tmp_path).add(record) for _, record in members]
    done = command("compare", *names, "-o", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "not compared by sample" in done.stderr
    assert "takes 2.00 (95" in done.stdout
    assert "b/other is better, how surely is not known: accuracy +0.250 (n 100)" in done.stdout.replace("\n", " ")
