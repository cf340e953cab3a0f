"""Workers that are forked from a process with the packages imported do what workers that import them do."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from tests.support import alive, fake_job, fake_words, python, records, wait_for, wattstar_command
from wattstar.measuring.nursery import Nursery
from wattstar.measuring.observer import Circumstances
from wattstar.measuring.process import Streams, alone
from wattstar.measuring.run import run
from wattstar.records.store import Store
from wattstar.types import Job, Record, Status

HERE = psutil.Process()


def through(nursery: Nursery, job: Job, store: Path) -> Record:
    return run(job, Circumstances(Store(store), silence=30.0, start=nursery.start))


def test_records_are_the_same_to_the_joule(tmp_path: Path) -> None:
    jobs = [fake_job(watts="100", seconds=str(seconds)) for seconds in (0.5, 1.0, 2.0)]
    with Nursery(["json"]) as nursery:
        forked = [through(nursery, job, tmp_path / "forked") for job in jobs]
    single = [run(job, Circumstances(Store(tmp_path / "alone"), silence=30.0, start=alone)) for job in jobs]
    assert [record.status for record in forked] == [Status.COMPLETE] * 3
    assert [record.figures for record in forked] == [record.figures for record in single]
    assert [record.loaded for record in forked] == [record.loaded for record in single]


def test_modules_are_imported_once_and_those_that_are_not_here_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "costly.py").write_text(f"open({str(tmp_path / 'imported')!r}, 'a').write('x')\n")
    text = f"""
from pathlib import Path
from tests.measuring.test_nursery import through
from tests.support import fake_job
from wattstar.measuring.nursery import Nursery
with Nursery(["costly", "not_here_at_all"]) as nursery:
    for seconds in ("1", "2"):
        assert through(nursery, fake_job(seconds=seconds), Path({str(tmp_path / "store")!r})).status == "complete"
"""
    done = python(text, env={"PYTHONPATH": os.pathsep.join([str(tmp_path), str(Path(__file__).parents[2])])})
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "imported").read_text() == "x"


def test_a_worker_that_fails_says_why_although_a_library_would_abort_at_the_end(tmp_path: Path) -> None:
    """As those do whose threads were lost in the fork."""
    (tmp_path / "abrupt.py").write_text("import atexit, os\natexit.register(os.abort)\n")
    text = f"""
from pathlib import Path
from tests.measuring.test_nursery import through
from tests.support import fake_job
from wattstar.measuring.nursery import Nursery
with Nursery(["abrupt"]) as nursery:
    failure = through(nursery, fake_job(misbehave="exit"), Path({str(tmp_path / "store")!r})).failure
print(failure.exit_code, failure.signal, failure.stderr)
"""
    done = python(text, env={"PYTHONPATH": os.pathsep.join([str(tmp_path), str(Path(__file__).parents[2])])})
    assert done.stdout.strip() == "1 None ('the fake model gave up',)", done.stderr


def killed(job: Job, store: Path, nursery: Nursery, whom: Callable[[psutil.Process], psutil.Process]) -> Record:
    """Run the job, and kill one process as soon as the worker is there."""

    def kill() -> None:
        wait_for(lambda: len(HERE.children(recursive=True)) > 1, "the worker")
        mother = next(child for child in HERE.children() if child.children())
        whom(mother).send_signal(signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        return through(nursery, job, store)
    finally:
        thread.join()


@pytest.mark.parametrize("whom", ["worker", "nursery"])
def test_a_kill_costs_one_job_and_the_next_one_runs(tmp_path: Path, whom: str) -> None:
    slow = fake_job(real_seconds="0.5")
    with Nursery(["json"]) as nursery:
        record = killed(slow, tmp_path, nursery, lambda mother: mother.children()[0] if whom == "worker" else mother)
        assert record.failure is not None
        assert (record.failure.reason, record.failure.signal) == ("died", "SIGKILL")
        later = through(nursery, replace(slow, model=replace(slow.model, options={})), tmp_path)
    assert later.status is Status.COMPLETE
    assert len(records(tmp_path)) == 2


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    before = set(HERE.children(recursive=True))
    with Nursery(["json"]) as nursery:
        through(nursery, fake_job(), tmp_path)
        mine = set(HERE.children(recursive=True)) - before
        assert mine
    assert alive(list(mine)) == []


def test_a_worker_that_fails_at_once_says_why_it_ended(tmp_path: Path) -> None:
    words, speak = os.pipe()
    hear, say = os.pipe()
    with Nursery(["json"]) as nursery, (tmp_path / "log").open("wb") as log:
        child = nursery.start(tmp_path, Streams(words, log.fileno(), say))
        assert child.wait(30.0) == child.poll() == 1, "there is no job in that folder"
    for descriptor in (words, speak, hear, say):
        os.close(descriptor)
    assert "job.json" in (tmp_path / "log").read_text()


def test_a_plan_of_several_jobs_runs_through_one(tmp_path: Path) -> None:
    done = wattstar_command(*fake_words(tmp_path, "--batch-size", "1,2"))
    assert done.returncode == 0, done.stderr
    assert len(records(tmp_path)) == 2
