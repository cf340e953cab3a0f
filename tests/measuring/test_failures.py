"""A worker that dies, hangs or runs out of memory costs one job, and the record says why and what to do."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import psutil
import pytest

from tests.support import command, fake_job, fake_words, measure, other_package, records, wattstar_command
from wattstar.records.store import Store
from wattstar.types import Failure, Finding, Record, Severity, Status

# Backends that go wrong in ways the fake one does not; all else is the fake one.
ODD = '''
"""Goes wrong in odd ways."""

import os, signal, subprocess, sys, threading, time
from contextlib import contextmanager
from dataclasses import replace

from wattstar.backends import fake

requires = ()
refuses = fake.refuses


def idles(session):
    return replace(session, sleep=lambda seconds: (time.sleep(seconds), session.sleep(seconds)))


def leaves_a_child(session):
    subprocess.Popen(["sleep", "77.25"], close_fds=False)
    return replace(session, predict=lambda batch, mark: os.kill(os.getpid(), signal.SIGKILL))


def leaves_a_thread(session):
    threading.Thread(target=time.sleep, args=(77,)).start()
    raise ValueError("an ordinary fault of a library")


def raises(session):
    raise ValueError("an ordinary fault of a library")


def chatters(session):
    print("a library prints to standard output", flush=True)
    print("and to standard error", file=sys.stderr)
    return session


def dies_between_passes(session):
    def finish(batch, raw):
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGKILL)).start()
        return session.finish(batch, raw)
    return replace(session, finish=finish)


@contextmanager
def session(model, task, controls):
    how = globals()[model.options["how"]]
    options = {name: value for name, value in model.options.items() if name != "how"}
    with fake.session(replace(model, options=options), task, controls) as session:
        yield how(session)
'''
# A meter that stops changing at once, and one that reads what is no number.
STUCK = '''
"""Never changes."""
import time
from contextlib import contextmanager
from wattstar.types import Affinity, Level, Method, Reader

requires = ()
method = Method.COUNTER
plausible_factor = None
gain = None
argument = None
confirmed = False
VALUE = {value}


def affinity():
    return Affinity(Level.ASKED, ("gpu:0",), "never changes")


@contextmanager
def reader(scope):
    yield Reader(read=lambda: {{"gpu:0": (time.monotonic_ns(), VALUE)}}, period=0.01)
'''
POINTS = """
[wattstar.backends]
odd = oddities.backend
[wattstar.meters]
stuck = oddities.stuck
nan = oddities.nan
"""


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("packages")
    modules = {"backend": ODD, "stuck": STUCK.format(value="5.0"), "nan": STUCK.format(value='float("nan")')}
    other_package(folder, "oddities", modules, POINTS)
    return {"PYTHONPATH": str(folder)}


def failed(store: Path, done: subprocess.CompletedProcess[str]) -> tuple[Record, Failure]:
    """The one record, which failed; the reason and the cures were said."""
    [record] = records(store)
    assert record.status is Status.FAILED, done.stderr
    assert record.failure is not None
    assert f"failed ({record.failure.reason}): {record.failure.message}" in done.stderr
    for cure in record.failure.cures:
        assert f"→ {cure}" in done.stderr
    assert "Traceback (most recent call last)" not in done.stderr.partition("  |")[0]
    assert list(Store(store).in_flight()) == []
    return record, record.failure


@pytest.mark.parametrize(
    ("misbehave", "reason", "exit_code", "message", "cure"),
    [
        ("die", "died", 5, "The worker was killed by SIGKILL", "a smaller --batch-size"),
        ("exit", "died", 5, "The worker ended with exit code 1.", None),
        ("hang", "hung", 5, "gave no sign of life for 1 seconds", "a longer --timeout"),
        ("out-of-memory", "out of memory", 5, "Out of memory.", "a smaller --batch-size"),
        ("corrupt", "model", 3, "The weight file of the fake model is corrupt.", "choose another fake model"),
    ],
)
def test_a_worker_that_fails_is_said_with_its_reason_and_cure(
    tmp_path: Path, misbehave: str, reason: str, exit_code: int, message: str, cure: str | None
) -> None:
    patience = 1 if misbehave == "hang" else 60
    done = wattstar_command(*fake_words(tmp_path, "--timeout", patience, "--idle-seconds", 0, misbehave=misbehave))
    record, failure = failed(tmp_path, done)
    assert done.returncode == exit_code
    assert failure.reason == reason
    assert message in failure.message
    assert cure is None or any(cure in said for said in failure.cures)
    assert record.figures == ()
    assert "not rated" in done.stdout


def test_the_last_words_of_a_worker_are_in_the_record(tmp_path: Path) -> None:
    done = wattstar_command(*fake_words(tmp_path, misbehave="exit"))
    _, failure = failed(tmp_path, done)
    assert failure.exit_code == 1
    assert failure.stderr == ("the fake model gave up",)
    assert "  | the fake model gave up" in done.stderr


def test_passes_that_were_finished_before_the_failure_are_kept_but_not_rated(tmp_path: Path) -> None:
    """Seven batches to warm up, then four a pass: the eighteenth is in the third pass."""
    done = wattstar_command(*fake_words(tmp_path, misbehave="die", after_batches=17))
    record, _ = failed(tmp_path, done)
    assert [counted.index for counted in record.passes] == [0, 1]
    rated = command("rate", "-o", tmp_path, "--format", "json")
    assert json.loads(rated.stdout) == []


def test_one_failed_job_of_several_costs_no_other(tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    kinds = ["", "die", "exit", "out-of-memory", "corrupt", ""]
    head = '[defaults]\ntask = "text-classification"\nmodels = ["fake/model"]\nweights = "random"\nmeters = ["fake"]\n'
    head += "samples = 2\nidle_seconds = 0\npass_seconds = 0\npasses = 2\n"
    table = '[[jobs]]\noptions = {{ misbehave = "{}", watts = "{}" }}\n'
    plan.write_text(head + "".join(table.format(kind, 100 + i) for i, kind in enumerate(kinds)))
    store = tmp_path / "store"
    done = wattstar_command("run", "--plan", plan, "-o", store, "--format", "json")
    assert done.returncode == 5
    assert "4 of 6 jobs failed" in done.stderr
    told = [row["record"]["failure"] and row["record"]["failure"]["reason"] for row in json.loads(done.stdout)]
    assert told == [None, "died", "died", "out of memory", "model", None]
    assert len(records(store)) == 6


def test_samples_that_are_not_those_of_the_plan_are_refused(tmp_path: Path) -> None:
    record = measure(fake_job(procedure={"digest": "0" * 64}), tmp_path)
    assert record.failure is not None
    assert record.failure.reason == "samples"
    assert "changed after the plan was made" in record.failure.message
    assert record.figures == ()


def odd_words(store: Path, how: str, *more: object) -> list[str]:
    return fake_words(store, "--backend", "odd", *more, how=how)


def test_an_ordinary_exception_of_a_library_is_a_death_with_its_traceback(
    tmp_path: Path, packages: dict[str, str]
) -> None:
    done = wattstar_command(*odd_words(tmp_path, "raises"), env=packages)
    _, failure = failed(tmp_path, done)
    assert done.returncode == 5
    assert (failure.reason, failure.exit_code) == ("died", 1)
    assert failure.stderr[-1] == "ValueError: an ordinary fault of a library"


def test_what_libraries_print_never_reaches_the_data(tmp_path: Path, packages: dict[str, str]) -> None:
    done = wattstar_command(*odd_words(tmp_path, "chatters", "--format", "json"), env=packages)
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)) == 1
    assert "a library prints" not in done.stderr


def test_a_worker_that_idles_longer_than_the_timeout_is_not_taken_for_hung(
    tmp_path: Path, packages: dict[str, str]
) -> None:
    """Idling is silent by order."""
    done = wattstar_command(*odd_words(tmp_path, "idles", "--timeout", 1.2, "--idle-seconds", 1.3), env=packages)
    assert done.returncode == 0, done.stderr


def test_a_worker_that_dies_is_noticed_although_its_child_holds_the_pipe(
    tmp_path: Path, packages: dict[str, str]
) -> None:
    done = wattstar_command(*odd_words(tmp_path, "leaves_a_child"), env=packages, timeout=20)
    _, failure = failed(tmp_path, done)
    assert failure.signal == "SIGKILL"
    left = [process for process in psutil.process_iter(["cmdline"]) if process.info["cmdline"] == ["sleep", "77.25"]]
    assert left == [], "what the worker started ends with it"


def test_a_worker_that_fails_and_cannot_end_is_given_up(tmp_path: Path, packages: dict[str, str]) -> None:
    done = wattstar_command(
        *odd_words(tmp_path, "leaves_a_thread", "--timeout", 2, "--idle-seconds", 0), env=packages, timeout=20
    )
    _, failure = failed(tmp_path, done)
    assert done.returncode == 5
    assert failure.reason == "hung"
    assert "ValueError: an ordinary fault of a library" in failure.stderr


def test_a_worker_that_dies_before_it_hears_the_next_word_is_a_death_like_others(
    tmp_path: Path, packages: dict[str, str]
) -> None:
    """The stuck meter keeps the parent waiting after the four passes that need no word, while the worker dies."""
    done = wattstar_command(*odd_words(tmp_path, "dies_between_passes", "--meter", "stuck"), env=packages)
    record, failure = failed(tmp_path, done)
    assert done.returncode == 5
    assert failure.signal == "SIGKILL"
    assert len(record.passes) == 4


def test_meters_that_say_nothing_sensible_make_the_record_invalid(tmp_path: Path, packages: dict[str, str]) -> None:
    """The parent waits two seconds for them after the pass, longer than the timeout: the worker did not hang."""
    words = ["run", "-t", "text-classification", "-m", "fake/model", "--weights", "random",
             "--meter", "stuck", "--meter", "nan",
             "--samples", 2, "--passes", 1, "--idle-seconds", 0, "--pass-seconds", 0, "-o", tmp_path]  # fmt: skip
    done = wattstar_command(*words, "--timeout", 1.9, env=packages)
    assert done.returncode == 4, done.stderr
    [record] = records(tmp_path)
    assert record.status is Status.COMPLETE
    stuck = Finding("coverage", Severity.INVALID, "pass 0: gpu:0 was not read from begin to end (stuck?)")
    assert stuck in record.findings
    assert record.figures == ()
