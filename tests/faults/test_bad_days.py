"""What peers never tried: processes that are stopped, disks without room, answers and names of any kind."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.conftest import Measure, job_of
from tests.support import command, environment, fake_words, written
from wattstar.records import tables
from wattstar.records.store import Store


def test_a_worker_that_is_stopped_for_seconds_is_no_slow_model(measure: Measure, tmp_path: Path) -> None:
    record = measure(job_of("is_held_up"), tmp_path)
    seconds = [(counted.window.end - counted.window.begin) / 1e9 for counted in record.passes]
    late = next(i for i, taken in enumerate(seconds) if taken > 4)
    said = [finding.message for finding in record.findings if finding.gate == "stall"]
    assert said == [f"pass {late}: held up for 3.0 s: was the process stopped?"]


def test_long_answers_arrive_whole(measure: Measure, tmp_path: Path) -> None:
    """Each of ten million characters: what a worker says is put together once, not once a piece."""
    record = measure(job_of("writes_much", procedure={"samples": 2, "passes": 1, "most_passes": 1}), tmp_path)
    assert record.samples is not None
    rows = tables.samples_from_parquet(Store(tmp_path).table("samples", record.samples))
    assert [len(row["output"]) for row in rows] == [10_000_002] * 2


@pytest.fixture
def crowded(tmp_path: Path) -> Iterator[Path]:
    """A disk with room for six files and folders; needs the right to mount."""
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "nr_inodes=5", "tmpfs", str(folder)], capture_output=True)
    if done.returncode:
        pytest.skip(f"cannot mount a small disk: {done.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_on_which_no_log_can_be_begun_is_said_with_the_cure(crowded: Path) -> None:
    done = command(*fake_words(crowded / "store"))
    assert done.returncode == 3
    assert "cannot be written: No space left on device." in done.stderr
    assert "→ free some space" in done.stderr


NAMES = ("org/[/red]closed", "org/[bold]open", "org/\x1b[31mred\x1b]0;title\x07", "org/\u202egnp.exe", "org/模型-ñ-🌱")


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_a_name_on_every_screen(tmp_path: Path, name: str) -> None:
    """Neither markup nor a command to the terminal."""
    (first, record), (_, other) = written(1.0, name), written(2.0, "b/other")
    for each in (record, other):
        Store(tmp_path).add(each)
    screens = [command(*words, "-o", tmp_path) for words in (["list"], ["rate"], ["show", first])]
    screens.append(command("compare", *(id for id, _ in Store(tmp_path).records()), "-o", tmp_path))
    for done in screens:
        assert done.returncode == 0, done.stderr
        assert not any(sign in done.stdout for sign in "\x1b\x07\u202e")
    if name.isprintable():
        assert all(name.partition("/")[2] in done.stdout for done in screens)


def test_a_name_is_a_name_while_it_is_measured(tmp_path: Path) -> None:
    """The bar of a terminal; a closing tag would end the run with an error of the markup's reader."""
    text = f"""
import sys
from pathlib import Path
from tests.support import fake_job
from wattstar.cli.progress import shown
from wattstar.measuring.observer import Circumstances
from wattstar.measuring.run import run
from wattstar.records.store import Store
for name in {NAMES!r}:
    job = fake_job(id=name, procedure={{"samples": 1, "passes": 1, "most_passes": 1}})
    with shown([job]) as show:
        assert sys.stderr.isatty()
        show.ended(run(job, Circumstances(Store(Path({str(tmp_path)!r})), watch=show.watch)))
"""
    ours, theirs = pty.openpty()
    root = {"PYTHONPATH": str(Path(__file__).parents[2]), "TERM": "xterm-256color", "COLUMNS": "200"}
    words = [sys.executable, "-P", "-c", text]
    with subprocess.Popen(words, env=environment(root), stderr=theirs, stdin=theirs) as process:
        os.close(theirs)
        shown = b"".join(chunks(ours))
    assert process.returncode == 0, shown[-2000:].decode()
    assert b"[/red]closed" in shown
    assert b"\x1b]0;title" not in shown
    assert len(list(Store(tmp_path).records())) == len(NAMES)


def chunks(terminal: int) -> Iterator[bytes]:
    """What is written to a terminal until nobody has it open."""
    with os.fdopen(terminal, "rb", buffering=0) as file:
        while True:
            try:
                data = file.read(1 << 16)
            except OSError:
                return
            if not data:
                return
            yield data


@pytest.mark.parametrize("flag", ["--idle-seconds", "--pass-seconds", "--warm-up-seconds"])
def test_more_than_a_day_is_a_slip(tmp_path: Path, flag: str) -> None:
    done = command(*fake_words(tmp_path / "store"), flag, "1e12")
    assert done.returncode == 2
    assert f"{flag} is 1e+12; it must be at least 0, and at most 86400." in done.stderr


def test_a_batch_larger_than_the_test_set_holds_what_there_is(measure: Measure, tmp_path: Path) -> None:
    record = measure(job_of(controls={"batch_size": 1_000_000}, procedure={"samples": 3}), tmp_path)
    assert {counted.queries for counted in record.passes} == {3}
    assert record.figures[0].wh_per_1000.mid == pytest.approx(150 / 3.6)


def test_one_sample_without_idling_in_one_pass_has_a_figure_and_no_interval(measure: Measure, tmp_path: Path) -> None:
    record = measure(job_of(procedure={"samples": 1, "passes": 1, "most_passes": 1}), tmp_path)
    [made] = [made for made in record.figures if made.boundary is record.rated]
    assert (made.wh_per_1000.low, made.wh_per_1000.high) == (None, None)
    assert made.wh_per_1000.mid == pytest.approx(150 / 3.6)
