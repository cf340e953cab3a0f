"""Ctrl-C and a polite kill, at every stage of a job: finished passes are kept, the store is whole, exit code 130."""

from __future__ import annotations

import signal
from pathlib import Path

import psutil
import pytest

from tests.support import alive, command, fake_words, other_package, records, start, wait_for
from wattstar.records.store import Store
from wattstar.types import Status

# The fake backend, but it halts for a minute of real time at one stage, once it has said so.
HALTING = '''
"""Halts at a stage."""

import os, time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from wattstar.backends import fake

requires = ()
refuses = fake.refuses


@contextmanager
def session(model, task, controls):
    stage, count = model.options["stage"], {}

    def halt(here, times=1):
        count[here] = count.get(here, 0) + 1
        if stage == here and count[here] == times:
            Path(model.options["said"]).touch()
            time.sleep(60)

    def at(function, here, times=1):
        def wrapped(*arguments):
            halt(here, times)
            return function(*arguments)
        return wrapped

    halt("loading")
    options = {name: value for name, value in model.options.items() if name not in ("stage", "said")}
    with fake.session(replace(model, options=options), task, controls) as session:
        predict = at(at(session.predict, "warm-up"), "third pass", 18)  # 7 to warm up, 4 in each pass
        yield replace(
            session,
            prepare=at(session.prepare, "preparing"),
            predict=predict,
            sleep=at(at(session.sleep, "idle before"), "idle after", 2),
        )
    halt("finishing")
'''
FINISHED = {
    "loading": 0,
    "preparing": 0,
    "idle before": 0,
    "warm-up": 0,
    "third pass": 2,
    "idle after": 4,
    "finishing": 4,
}


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("packages")
    other_package(folder, "halting", {"backend": HALTING}, "[wattstar.backends]\nhalting = halting.backend\n")
    return {"PYTHONPATH": str(folder)}


def journaled(store: Path) -> int:
    [job] = Store(store).in_flight()
    return len(job.passes)


@pytest.mark.parametrize(
    ("stage", "name"),
    [*((stage, "SIGINT") for stage in FINISHED), ("loading", "SIGTERM"), ("third pass", "SIGTERM")],
)
def test_an_interrupted_run_keeps_its_finished_passes(
    tmp_path: Path, packages: dict[str, str], stage: str, name: str
) -> None:
    store, said = tmp_path / "store", tmp_path / "said"
    words = fake_words(store, "--backend", "halting", stage=stage, said=said)
    parent = start(*words, env=packages)
    wait_for(said.exists, stage)
    wait_for(lambda: journaled(store) == FINISHED[stage], "the parent, which works out a pass while the next one runs")
    workers = psutil.Process(parent.pid).children()
    parent.send_signal(signal.Signals[name])
    _, err = parent.communicate(timeout=20)

    assert parent.returncode == 130, err
    assert "Traceback" not in err
    assert "finished passes are kept." in err
    [record] = records(store)
    assert record.status is Status.INTERRUPTED
    assert record.failure is not None
    assert record.failure.reason == "interrupted"
    assert len(record.passes) == FINISHED[stage]
    assert all(counted.energy and counted.queries == 2 for counted in record.passes)
    assert list(Store(store).in_flight()) == []
    assert alive(workers) == []


def test_an_interrupt_while_the_record_is_written_waits_until_it_is_there(tmp_path: Path) -> None:
    parent = start(*fake_words(tmp_path))
    wait_for((tmp_path / "timelines").exists, "the first table of the record")
    parent.send_signal(signal.SIGINT)
    _, err = parent.communicate(timeout=20)
    assert parent.returncode in (0, 130), err
    assert "Traceback" not in err
    [record] = records(tmp_path)
    assert len(record.passes) == 4
    assert list(Store(tmp_path).in_flight()) == []


def test_an_interrupted_plan_keeps_the_jobs_that_were_done_and_runs_no_other(
    tmp_path: Path, packages: dict[str, str]
) -> None:
    store, said = tmp_path / "store", tmp_path / "said"
    plan = tmp_path / "plan.toml"
    table = '[[jobs]]\ntask = "text-classification"\nmodels = ["fake/model"]\nbackend = "{}"\noptions = {}\n'
    halting = f'{{ stage = "loading", said = "{said}" }}'
    head = '[defaults]\nweights = "random"\nmeters = ["fake"]\nsamples = 2\nidle_seconds = 0\npass_seconds = 0\n'
    plan.write_text(head + table.format("fake", "{}") + table.format("halting", halting) + table.format("fake", "{}"))
    parent = start("run", "--plan", plan, "-o", store, "--format", "json", env=packages)
    wait_for(said.exists, "the second job")
    parent.send_signal(signal.SIGINT)
    assert parent.wait(timeout=20) == 130
    parent.communicate()
    assert [record.status for record in records(store)] == [Status.COMPLETE, Status.INTERRUPTED]
    listed = command("list", "-o", store, "--format", "csv")
    assert [",complete," in line for line in listed.stdout.splitlines()[1:]] == [True, False]
    assert ",interrupted," in listed.stdout
