"""The same command again measures what is missing, each job from its beginning, and nothing twice."""

from __future__ import annotations

import json
import random
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support import command, fake_words, measure, records, start, wattstar_command, written
from wattstar.measuring.attempt import window_of
from wattstar.measuring.outstanding import outstanding
from wattstar.measuring.plan import Planned
from wattstar.records.codec import decode
from wattstar.records.store import TABLES, Store
from wattstar.records.tables import marks_from_parquet
from wattstar.types import Finding, Gpu, Job, Machine, Record, Request, Severity, Status

INTERRUPTS = 10
WATTS = [100 * (i + 1) for i in range(10)]
PLAN = f"""
[[jobs]]
task = "text-classification"
models = ["fake/model"]
weights = "random"
meters = ["fake"]
samples = 2
passes = 2
warm_up_seconds = 0
idle_seconds = 0
pass_seconds = 0
options = {{ real_seconds = "0.02", watts = {[str(watts) for watts in WATTS]} }}
"""


def interrupted_after(lines: int, plan: Path, store: Path) -> int:
    """Run, press Ctrl-C when so many lines of progress were seen, and return the exit code."""
    parent = start("run", "--plan", plan, "-o", store)
    assert parent.stderr is not None
    seen = 0
    for line in parent.stderr:
        seen += line.startswith("[")
        if seen == lines:
            break
    parent.send_signal(signal.SIGINT)
    _, err = parent.communicate(timeout=30)
    assert "Traceback" not in err
    return parent.returncode


def joules(record: Record) -> float:
    return sum(reading.joules for counted in record.passes for reading in counted.energy)


def attempt_is_whole(record: Record, store: Store) -> None:
    """What one worker said from its beginning on: no pass of another attempt is in it."""
    assert record.marks is not None
    marks = marks_from_parquet(store.table("marks", record.marks))
    names = [mark.name for mark in marks]
    indexes = [counted.index for counted in record.passes]
    assert names.count("load") <= 1
    assert indexes == list(range(len(indexes)))
    assert [mark.pass_index for mark in marks if mark.name == "pass_end"] == indexes
    if record.status is Status.COMPLETE:
        assert indexes == [0, 1]
        assert window_of(marks, "load").end <= record.passes[0].window.begin


def test_ten_interrupts_of_ten_jobs_lose_nothing_and_splice_nothing(tmp_path: Path) -> None:
    plan, store = tmp_path / "plan.toml", Store(tmp_path / "store")
    plan.write_text(PLAN)
    moments = random.Random(4)
    codes = [interrupted_after(moments.randint(1, 4), plan, store.folder) for _ in range(INTERRUPTS)]
    assert codes.count(130) >= INTERRUPTS - 1, "each job has three lines: no run comes further than to its second job"
    complete = {id for id, record in store.records() if record.status is Status.COMPLETE}
    assert 0 < len(complete) < len(WATTS), "the interrupts came early and late"

    done = wattstar_command("run", "--plan", plan, "-o", store.folder, "--format", "json")
    assert done.returncode == 0, done.stderr
    assert f"{len(complete)} of 10 jobs are in the store already; --fresh measures" in done.stderr
    shown = json.loads(done.stdout)
    assert {row["id"] for row in shown if row["earlier"]} == complete
    assert len(shown) == len(WATTS)

    assert [entry.problem for entry in store.entries() if entry.problem] == []
    assert list(store.in_flight()) == []
    every = records(store.folder)
    made = [record for record in every if record.status is Status.COMPLETE]
    assert len({record.job_id for record in made}) == len(made) == len(WATTS)
    assert {record.status for record in every} == {Status.COMPLETE, Status.INTERRUPTED}
    # One that was stopped before anything was read has nothing of its own.
    read = [record for record in every if record.passes]
    assert len({record.timelines for record in read}) == len({record.marks for record in read}) == len(read)
    assert all(store.table(kind, name) for record in every for kind in TABLES if (name := getattr(record, kind)))
    for record in every:
        attempt_is_whole(record, store)

    assert wattstar_command("run", "--plan", plan, "-o", tmp_path / "whole").returncode == 0
    whole = {record.job_id: joules(record) for record in records(tmp_path / "whole")}
    assert {record.job_id: joules(record) for record in made} == pytest.approx(whole)
    assert sum(map(joules, made)) == pytest.approx(sum(whole.values()), abs=0.5)


def test_a_job_that_is_in_the_store_is_shown_and_not_measured_again(tmp_path: Path) -> None:
    words = fake_words(tmp_path)
    assert wattstar_command(*words).returncode == 0
    again = wattstar_command(*words)
    assert again.returncode == 0
    assert "1 of 1 jobs are in the store already; --fresh measures it again." in again.stderr
    assert "0 records added" in again.stderr
    assert "fake/model †" in again.stdout
    assert "†: measured before this command" in again.stdout
    assert len(records(tmp_path)) == 1
    fresh = wattstar_command(*words, "--fresh")
    assert "in the store already" not in fresh.stderr
    assert "†" not in fresh.stdout
    assert len(records(tmp_path)) == 2


def test_what_was_damaged_is_measured_again(tmp_path: Path) -> None:
    words = fake_words(tmp_path)
    assert wattstar_command(*words).returncode == 0
    [file] = (tmp_path / "records").iterdir()
    file.write_bytes(file.read_bytes().replace(b"mini-2", b"mini-3"))
    done = wattstar_command(*words)
    assert done.returncode == 0
    assert f"record {file.stem[:12]} cannot be used" in done.stderr
    assert len(records(tmp_path)) == 1


def test_a_plan_says_what_is_there_already(tmp_path: Path) -> None:
    words = ("plan", "-t", "text-classification", "-m", "fake/model", "--weights", "random", "--meter", "fake",
             "--passes", 4, "--samples", 2, "--idle-seconds", 1, "--pass-seconds", 0, "-o", tmp_path)  # fmt: skip
    [cell] = json.loads(command(*words, "--format", "json").stdout)
    measure(decode(Job, cell["job"]), tmp_path)
    [[id, _]] = Store(tmp_path).records()
    done = command(*words, "--batch-size", "1,2", "--format", "json")
    assert [cell["earlier"] for cell in json.loads(done.stdout)] == [id, None]
    assert "1 of 2 jobs are in the store already" in done.stderr
    assert "1 of 2 jobs would run" in command(*words, "--batch-size", "1,2").stdout
    assert "2 of 2 jobs would run" in command(*words, "--batch-size", "1,2", "--fresh").stdout


HERE = Machine("a processor", 2, 2**30, "Linux", "3.11", (), {})


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({}, False),
        ({"status": Status.INTERRUPTED}, True),
        ({"status": Status.FAILED}, True),
        ({"findings": (Finding("trend", Severity.INVALID, "it drifted"),)}, True),
        ({"findings": (Finding("scatter", Severity.NOTE, "it scattered"),)}, False),
        ({"machine": replace(HERE, cpu="another processor")}, True),
        ({"machine": replace(HERE, gpus=(Gpu(0, "GPU-1", "a card", None, None, None),))}, False),
    ],
)
def test_only_a_complete_and_valid_record_of_like_hardware_counts(changes: dict[str, object], missing: bool) -> None:
    id, record = written(1.0, "a/model", **changes)
    cell = Planned(Request("text-classification", ("a/model",)), "a/model", record.job)
    found = outstanding([cell], [(id, record)], HERE)
    assert (found.missing, [name for name, _ in found.earlier]) == (((cell,), []) if missing else ((), [id]))
