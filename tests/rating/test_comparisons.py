"""How many times the energy: a ratio with the interval that two sittings deserve."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support import command, fake_job, measure, records, wattstar_command, written
from wattstar.errors import UsageError
from wattstar.rating import compare
from wattstar.types import Approach, Finding, Machine, Quality, Record, Severity, Verdict


def judged(energy: float, id: str, value: float, spread: float = 0.0, **changes: Any) -> tuple[str, Record]:
    return written(energy, id, spread=spread, quality=Quality("accuracy", value, True, 100), **changes)


def test_the_ratio_is_of_the_greater_to_the_less_whatever_the_order() -> None:
    small, large = judged(2.0, "a/small", 0.9), judged(80.0, "b/large", 0.95)
    for made in (compare(small, large), compare(large, small)):
        assert made.records == (small[0], large[0])
        assert made.ratio.mid == pytest.approx(40)
        assert made.gain is not None
        assert made.gain.mid == pytest.approx(0.05)
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


def test_a_record_that_does_not_count_is_not_compared() -> None:
    broken = written(1.0, "a/one", findings=(Finding("stuck", Severity.INVALID, "the counter stood still"),))
    with pytest.raises(UsageError, match="no figure that counts"):
        compare(broken, written(2.0, "b/other"))


def test_what_else_is_not_alike_is_said() -> None:
    job = fake_job(id="b/other", controls={"batch_size": 8})
    asked = replace(job, model=replace(job.model, approach=Approach.ZERO_SHOT))
    made = compare(written(1.0, "a/one"), written(2.0, "b/other", job=asked))
    assert made.differs == ("approach fine-tuned and zero-shot", "batch size 1 and 8")


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
    assert "takes 4.00 times the energy" in done.stdout
    assert "unpaired" in done.stdout
    [made] = json.loads(command(*words, "--format", "json").stdout)
    assert made["ratio"]["mid"] == pytest.approx(4.0)
    assert len(records(tmp_path / "store")) == 2, "nothing is measured twice"
    assert json.loads(command("compare", *made["records"], *words[3:], "--format", "json").stdout) == [made]


def test_one_record_is_not_enough(tmp_path: Path) -> None:
    measure(fake_job(), tmp_path)
    [row] = json.loads(command("list", "-o", tmp_path, "--format", "json").stdout)
    done = command("compare", row["record"], "-o", tmp_path)
    assert done.returncode == 2
    assert "less than two" in done.stderr
