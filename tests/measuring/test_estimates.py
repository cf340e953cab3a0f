"""What a plan says that a job takes, and from where it knows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support import command, fake_job, fake_words, measure, records
from wattstar.measuring.estimates import Known, estimate, is_open, known
from wattstar.records.store import Store
from wattstar.records.tables import timelines_from_parquet
from wattstar.types import Job, Record


def job_of(**procedure: Any) -> Job:
    return fake_job(procedure={"samples": 4, "passes": 3, "most_passes": 3, "pass_seconds": 0.0, **procedure})


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("store")
    measure(job_of(), folder)
    return folder


@pytest.fixture
def seen(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Known:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    [record] = records(store)
    return known(Store(store).records(), record.machine)


def spent(record: Record) -> float:
    """Joules of all stages and passes."""
    parts = [part.energy for part in (*record.stages, *record.passes)]
    return sum(reading.joules for energy in parts for reading in energy)


def drawn(record: Record, store: Path) -> float:
    """Joules from begin to end, what was not counted included."""
    assert record.timelines is not None
    lines = timelines_from_parquet(Store(store).table("timelines", record.timelines))
    return sum(line.joules[-1] - line.joules[0] for line in lines)


def test_the_same_job_takes_what_it_took(seen: Known, store: Path) -> None:
    [(id, record)] = Store(store).records()
    made = estimate(job_of(), seen)
    assert made.seconds.low == made.seconds.high == record.seconds
    assert made.pass_seconds is not None
    assert made.pass_seconds.low == pytest.approx(4 * 0.02)
    assert made.joules is not None
    assert made.joules.low == pytest.approx(spent(record))
    assert made.seconds.source == f"record {id[:12]}, of the same job"


@pytest.mark.parametrize(
    "procedure", [{"passes": 7, "most_passes": 7}, {"pass_seconds": 0.5}, {"idle_seconds": 9.0}, {"samples": 40}]
)
def test_the_same_work_in_another_procedure_is_scaled(
    seen: Known, tmp_path: Path, procedure: Mapping[str, Any]
) -> None:
    """Against what it then really takes in the fake world, whose clock is exact."""
    job = job_of(**procedure)
    made = estimate(job, seen)
    record = measure(job, tmp_path)
    assert made.pass_seconds is not None
    assert made.joules is not None
    assert made.joules.high is not None
    assert "of another procedure" in made.seconds.source
    window = record.passes[0].window
    assert made.pass_seconds.low == made.pass_seconds.high == pytest.approx((window.end - window.begin) / 1e9)
    assert made.joules.low == pytest.approx(drawn(record, tmp_path), rel=0.02)
    assert made.joules.high > drawn(record, tmp_path), "a warm-up may last as long as its cap"


def test_how_many_passes_the_rule_will_ask_for_is_left_open(seen: Known) -> None:
    made = estimate(job_of(passes=4, most_passes=10, pass_seconds=10.0), seen)
    assert made.seconds.high is not None
    assert made.seconds.high - made.seconds.low > 6 * 10
    assert made.pass_seconds is not None
    assert made.pass_seconds.low >= 10


def test_what_nothing_is_known_of_is_unknown_and_not_nothing(seen: Known) -> None:
    made = estimate(fake_job("text-generation", id="fake/model", procedure={"passes": 4, "pass_seconds": 2.0}), seen)
    assert made.joules is None
    assert (made.seconds.high, made.seconds.source) == (None, "the procedure alone")
    assert made.seconds.low >= 4 * 2.0
    assert estimate(job_of(pass_seconds=0.0, samples=3), replace(seen, alike={})).pass_seconds is None


@pytest.mark.parametrize(
    "change",
    [
        lambda job: replace(job, backend="other"),
        lambda job: replace(job, meters=("estimate",)),
        lambda job: replace(job, model=replace(job.model, dtype="bfloat16")),
        lambda job: replace(job, controls=replace(job.controls, batch_size=2)),
    ],
)
def test_other_work_tells_nothing(seen: Known, change: Any) -> None:
    assert not is_open(job_of(passes=9), seen)
    assert is_open(change(job_of(passes=9)), seen)


def test_a_trial_is_made_once_and_says_that_it_was_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = fake_words(tmp_path / "store", "--passes", 3, samples=60)[1:]
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def plan(*more: str) -> tuple[dict[str, Any], str]:
        done = command("plan", *words, *more, "--format", "json")
        assert done.returncode == 0, done.stderr
        [cell] = json.loads(done.stdout)
        return cell["estimate"], done.stderr

    blind, _ = plan()
    assert blind["joules"] is None
    tried, talk = plan("--probe")
    assert "[1/1] text-classification fake/model: a trial" in talk
    assert tried["seconds"]["source"] == tried["memory_bytes"]["source"] == "a trial of 4 samples"
    assert tried["pass_seconds"]["low"] == pytest.approx(60 * 0.02)
    assert tried["joules"]["low"] > 3 * 60 * 0.02 * 300
    assert tried["joules"]["high"] is None, "a trial has no idle, so what that draws is not known"
    assert tried["memory_bytes"]["low"] > blind["memory_bytes"]["low"]
    again, talk = plan("--probe")
    assert again == tried
    assert "a trial" not in talk
    assert not (tmp_path / "store").exists(), "a trial is no measurement"
    [file] = (tmp_path / "cache" / "wattstar" / "trials").iterdir()
    file.write_text("{}")
    assert plan()[0] == blind


def test_a_trial_that_fails_is_said_and_nothing_is_estimated_from_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    words = fake_words(tmp_path / "store", misbehave="die", after_batches=1)[1:]
    done = command("plan", *words, "--probe")
    assert done.returncode == 0
    assert "wattstar: The trial of fake/model failed: The worker was killed by SIGKILL." in done.stderr
    assert "the procedure alone" in done.stdout


def test_the_sum_of_a_plan_is_said(seen: Known, store: Path) -> None:
    words = fake_words(store, "--passes", 3, samples=4)[1:]
    talk = command("plan", *words, "--fresh", "--batch-size", "1,2").stderr
    assert "in all ≥ " in talk


def test_a_store_that_is_empty_or_damaged_costs_only_what_was_known(tmp_path: Path) -> None:
    words = fake_words(tmp_path)[1:]
    assert command("plan", *words).returncode == 0
    (tmp_path / "records").mkdir()
    (tmp_path / "records" / f"{'0' * 64}.json").write_text("{}")
    done = command("plan", *words)
    assert done.returncode == 0
    assert "record 000000000000 cannot be used" in done.stderr
    assert "1 of 1 jobs would run" in done.stdout
