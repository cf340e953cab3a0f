"""``kill -9`` at random moments, of the worker and of the parent: the store stays whole and says what happened."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from tests.support import alive, command, fake_words, measure, start, wait_for, wattstar_command
from wattstar.records.store import TABLES, Store
from wattstar.types import Status

KILLS = 10
PLAN = """
[[jobs]]
task = "text-generation"
models = ["fake/model"]
weights = "random"
samples = 3
passes = 3
idle_seconds = 1
pass_seconds = 0
meters = ["fake"]
options = {{ real_seconds = "{real_seconds}", watts = [{watts}] }}
"""


def plan_of(folder: Path, jobs: int, real_seconds: float) -> Path:
    file = folder / "plan.toml"
    watts = ", ".join(f'"{100 + i}"' for i in range(jobs))
    file.write_text(PLAN.format(watts=watts, real_seconds=real_seconds))
    return file


def workers_of(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def assert_whole(folder: Path) -> None:
    """Every file is complete and is what its name says; nothing half-written lies about."""
    store = Store(folder)
    assert [entry.problem for entry in store.entries() if entry.problem] == []
    for _, record in store.records():
        for kind in TABLES:
            name = getattr(record, kind)
            assert name is None or store.table(kind, name)
    for file in folder.glob("*/*.*"):
        if file.parent.name != "jobs" and not file.name.startswith(".writing-"):
            assert hashlib.sha256(file.read_bytes()).hexdigest() == file.stem


def forked_for(pid: int) -> list[psutil.Process]:
    """The workers alone: those of a plan are children of the process that forks them."""
    try:
        return [worker for nursery in psutil.Process(pid).children() for worker in nursery.children()]
    except psutil.NoSuchProcess:
        return []


@pytest.fixture
def seed() -> int:
    made = random.SystemRandom().randrange(10**6)
    print(f"seed {made}")  # shown when the test fails
    return made


def test_ten_workers_killed_cost_one_job_each_and_leave_the_store_whole(tmp_path: Path, seed: int) -> None:
    """One run of twelve jobs of about 0.45 s; the first ten workers die at a random moment of their lives."""
    moments = random.Random(seed)
    parent = start("run", "--plan", plan_of(tmp_path, KILLS + 2, 0.01), "-o", tmp_path / "store")
    seen: list[psutil.Process] = []
    killed = 0
    while parent.poll() is None:
        for worker in forked_for(parent.pid):
            if worker in seen:
                continue
            seen.append(worker)
            if len(seen) <= KILLS:
                time.sleep(moments.uniform(0.0, 0.4))
                if worker.is_running():
                    killed += 1
                    worker.kill()
        time.sleep(0.002)
    _, err = parent.communicate(timeout=30)

    assert_whole(tmp_path / "store")
    kept = [record for _, record in Store(tmp_path / "store").records()]
    assert len(kept) == KILLS + 2, (parent.returncode, err)
    assert parent.returncode == 5, err
    assert alive(seen) == []
    failed = [record for record in kept if record.status is Status.FAILED]
    assert 3 <= len(failed) <= killed, "a worker that is killed after its last word has done its job"
    for record in failed:
        assert record.failure is not None
        assert (record.failure.reason, record.failure.signal) == ("died", "SIGKILL")
        assert len(record.passes) <= 3
    assert sum(record.status is Status.COMPLETE for record in kept) == KILLS + 2 - len(failed)
    listed = command("list", "-o", tmp_path / "store", "--format", "csv")
    assert listed.returncode == 0
    assert listed.stdout.count(",failed,") == len(failed)


def test_the_parent_killed_at_ten_moments_leaves_the_store_whole_and_no_worker_alive(tmp_path: Path, seed: int) -> None:
    """A run of three jobs takes about 1.3 seconds; it is killed ten times, each time into the same store."""
    moments = random.Random(seed)
    store = tmp_path / "store"
    plan = plan_of(tmp_path, 3, 0.005)
    kept: dict[str, bytes] = {}
    for _ in range(KILLS):
        parent = start("run", "--plan", plan, "--fresh", "-o", store)
        time.sleep(moments.uniform(0.1, 1.3))
        workers = workers_of(parent.pid)
        parent.kill()
        parent.communicate(timeout=30)
        assert alive(workers) == [], "a worker outlived its parent"
        assert_whole(store)
        now = {file.name: file.read_bytes() for file in (store / "records").glob("*.json")}
        assert kept.items() <= now.items(), "a finished record was lost or changed"
        kept = now

    left = list(Store(store).in_flight())
    listed = command("list", "-o", store, "--format", "json")
    assert listed.returncode == 0
    assert listed.stderr.count("was killed; its journal is in") == len(left)
    assert "is running" not in listed.stderr
    for job in left:
        assert str(job.folder) in listed.stderr
        assert [counted.index for counted in job.passes] == list(range(len(job.passes)))

    after = wattstar_command(*fake_words(store))
    assert after.returncode == 0, after.stderr
    assert len(list(Store(store).records())) == len(kept) + 1


def test_the_finished_passes_of_a_killed_run_are_in_its_journal(tmp_path: Path) -> None:
    """Killed in the third pass, as soon as the journal has two."""
    words = fake_words(tmp_path, "--passes", 50, samples=4, real_seconds=0.02)
    parent = start(*words)
    wait_for(lambda: sum(len(job.passes) for job in Store(tmp_path).in_flight()) >= 2, "two passes")
    running = command("list", "-o", tmp_path)
    assert "fake/model is running" in running.stderr
    parent.kill()
    parent.communicate(timeout=30)
    [job] = Store(tmp_path).in_flight()
    assert not job.running
    assert len(job.passes) >= 2
    assert job.job.task == "text-classification"
    assert all(counted.energy and counted.queries == 4 for counted in job.passes)
    assert f"({len(job.passes)} finished passes)" in command("list", "-o", tmp_path).stderr


def test_a_line_that_a_kill_tore_is_left_out(tmp_path: Path) -> None:
    parent = start(*fake_words(tmp_path, "--passes", 50, samples=4, real_seconds=0.02))
    wait_for(lambda: sum(len(job.passes) for job in Store(tmp_path).in_flight()) >= 2, "two passes")
    parent.kill()
    parent.communicate(timeout=30)
    [job] = Store(tmp_path).in_flight()
    journal = job.folder / "journal.jsonl"
    whole = journal.read_text()
    journal.write_text(whole[:-20])
    [torn] = Store(tmp_path).in_flight()
    assert torn.passes == job.passes[:-1]
    assert command("list", "-o", tmp_path).returncode == 0


def test_what_a_killed_run_left_never_disturbs_a_run_of_the_same_process_number(tmp_path: Path) -> None:
    """In a container every run may have the same process number."""
    killed = start(*fake_words(tmp_path, real_seconds=5))
    wait_for(lambda: bool(list(Store(tmp_path).in_flight())), "a job")
    killed.kill()
    killed.communicate(timeout=30)
    [left] = Store(tmp_path).in_flight()
    # As if this very process had been the one that was killed.
    left.folder.rename(left.folder.with_name(left.folder.name.replace(str(killed.pid), str(os.getpid()))))
    again = replace(left.job, model=replace(left.job.model, options={}))
    assert measure(again, tmp_path).status is Status.COMPLETE
    assert len(list(Store(tmp_path).in_flight())) == 1


def test_another_process_of_the_same_number_is_not_taken_for_the_killed_one(tmp_path: Path) -> None:
    """Process numbers are used again: a younger process cannot have made the journal."""
    killed = start(*fake_words(tmp_path, real_seconds=5))
    wait_for(lambda: bool(list(Store(tmp_path).in_flight())), "a job")
    killed.kill()
    killed.communicate(timeout=30)
    [left] = Store(tmp_path).in_flight()
    with subprocess.Popen(["sleep", "60"]) as stranger:
        try:
            folder = left.folder.rename(
                left.folder.with_name(left.folder.name.replace(str(killed.pid), str(stranger.pid)))
            )
            hour_ago = time.time() - 3600
            os.utime(folder / "job.json", (hour_ago, hour_ago))
            assert [job.running for job in Store(tmp_path).in_flight()] == [False]
        finally:
            stranger.kill()
