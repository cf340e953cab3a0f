"""The store on a bad day: full disk, closed folder, damaged files, two writers, wrong ids."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import command, fake_words, start, wattstar_command, written
from wattstar.errors import StoreUnusable, UnknownName, VerificationFailed
from wattstar.records.codec import canonical, digest
from wattstar.records.store import Store, append


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 128 kB; needs the right to mount."""
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(folder)], capture_output=True)
    if done.returncode:
        pytest.skip(f"cannot mount a small disk: {done.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file())


def test_a_record_added_twice_is_one_file(tmp_path: Path) -> None:
    _, record = written(1.0, "a/model")
    assert Store(tmp_path).add(record) == Store(tmp_path).add(record)
    assert len(files(tmp_path)) == 1


def test_nothing_is_made_before_something_is_written(tmp_path: Path) -> None:
    store = Store(tmp_path / "new")
    assert list(store.entries()) == []
    assert list(store.in_flight()) == []
    assert not (tmp_path / "new").exists()


def test_records_are_told_oldest_first(tmp_path: Path) -> None:
    for second in (3, 1, 2):
        Store(tmp_path).add(written(1.0, "a/model", started=f"2026-01-01T00:00:0{second}.000+00:00")[1])
    assert [record.started[18] for _, record in Store(tmp_path).records()] == ["1", "2", "3"]


@pytest.mark.parametrize("place", ["file", "proc"])
def test_a_store_that_cannot_be_written_is_said_with_the_cure(tmp_path: Path, place: str) -> None:
    """Root may write everywhere but below a file and in /proc."""
    (tmp_path / "file").write_text("not a folder")
    store = tmp_path / "file" / "store" if place == "file" else Path("/proc/wattstar")
    done = wattstar_command(*fake_words(store))
    assert done.returncode == 3
    assert f"wattstar: The store {store} cannot be written: " in done.stderr
    assert "→ write elsewhere with --out" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_store_that_is_a_file_is_said_when_it_is_read(tmp_path: Path) -> None:
    """It is no empty store."""
    store = tmp_path / "file"
    store.write_text("not a folder")
    for words in (["list"], ["rate"], ["show", "abc"]):
        done = command(*words, "-o", store)
        assert done.returncode == 3, (words, done.stderr)
        assert "is not a folder" in done.stderr


def test_a_full_disk_is_said_with_the_cure_and_leaves_nothing_half_written(full_disk: Path) -> None:
    first = wattstar_command(*fake_words(full_disk / "store", "--passes", 1))
    assert first.returncode == 0, first.stderr
    before = {file: file.read_bytes() for file in files(full_disk)}
    (full_disk / "ballast").write_bytes(b"x" * (os.statvfs(full_disk).f_bavail * os.statvfs(full_disk).f_frsize - 8192))

    done = wattstar_command(*fake_words(full_disk / "store"))
    assert done.returncode == 3, done.stderr
    assert "cannot be written: No space left on device." in done.stderr
    assert "→ free some space, or write elsewhere with --out" in done.stderr
    assert "Traceback" not in done.stderr.replace("  | Traceback", "")
    now = {file: file.read_bytes() for file in files(full_disk / "store") if "/jobs/" not in str(file)}
    assert {file: data for file, data in now.items() if file in before} == before
    assert all(digest(data) == file.stem for file, data in now.items())

    (full_disk / "ballast").unlink()
    assert wattstar_command(*fake_words(full_disk / "store")).returncode == 0
    assert len(list(Store(full_disk / "store").records())) == 2


def test_a_write_that_fails_leaves_no_temporary_file(full_disk: Path) -> None:
    (full_disk / "ballast").write_bytes(b"x" * (104 * 1024))
    with pytest.raises(StoreUnusable, match="No space left on device"):
        Store(full_disk / "store").add_table("marks", b"y" * (40 * 1024))
    assert files(full_disk / "store") == []
    with pytest.raises(StoreUnusable, match="No space left on device"):
        append(full_disk / "journal", "z" * (40 * 1024))


def test_two_runs_write_one_store_at_the_same_time(tmp_path: Path) -> None:
    runs = [
        start(*fake_words(tmp_path, "--batch-size", "1,2,3", watts=watts, real_seconds=0.01)) for watts in (100, 200)
    ]
    for process in runs:
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
    found = list(Store(tmp_path).entries())
    assert [entry.problem for entry in found] == [None] * 6
    watts = [entry.record.job.model.options["watts"] for entry in found if entry.record]
    assert sorted(watts) == ["100"] * 3 + ["200"] * 3
    assert list(Store(tmp_path).in_flight()) == []


@pytest.fixture
def damaged(tmp_path: Path) -> tuple[Path, str]:
    """Three records, of which one was edited."""
    names = [Store(tmp_path).add(written(float(wh), "a/model")[1]) for wh in (1, 2, 3)]
    file = tmp_path / "records" / f"{names[1]}.json"
    file.write_bytes(file.read_bytes().replace(b'"mid":2.0', b'"mid":1.0'))
    return tmp_path, names[1]


@pytest.mark.parametrize("style", ["human", "json", "csv"])
def test_a_damaged_record_is_reported_and_the_others_are_still_listed(damaged: tuple[Path, str], style: str) -> None:
    store, bad = damaged
    done = command("list", "-o", store, "--format", style)
    assert done.returncode == 0
    assert f"record {bad[:12]} cannot be used: its bytes are not those that were written" in done.stderr
    assert done.stdout.count("a/model") == 2
    assert bad[:12] not in done.stdout


def test_a_damaged_record_is_not_shown_and_not_rated(damaged: tuple[Path, str]) -> None:
    store, bad = damaged
    shown = command("show", bad[:12], "-o", store)
    assert shown.returncode == 6
    assert "cannot be used" in shown.stderr
    rated = command("rate", "-o", store, "--format", "json")
    assert bad not in rated.stdout
    assert bad[:12] in rated.stderr, "what is left out is said"


def test_a_file_that_only_looks_like_a_record_is_reported(tmp_path: Path) -> None:
    folder = tmp_path / "records"
    folder.mkdir()
    for data in (b"", b"{}", b"\xff\xfe", b"[1, 2", b'{"schema_version": 99}', b"null"):
        (folder / f"{digest(data)}.json").write_bytes(data)
    assert all(entry.problem for entry in Store(tmp_path).entries())
    done = command("list", "-o", tmp_path)
    assert done.returncode == 0
    assert done.stderr.count("cannot be used") == 6


def test_a_table_that_was_changed_is_noticed(tmp_path: Path) -> None:
    store = Store(tmp_path)
    name = store.add_table("marks", b"some bytes")
    assert store.table("marks", name) == b"some bytes"
    (tmp_path / "marks" / f"{name}.parquet").write_bytes(b"other bytes")
    with pytest.raises(VerificationFailed, match="was changed"):
        store.table("marks", name)
    with pytest.raises(VerificationFailed, match="cannot be read"):
        store.table("marks", "0" * 64)


def test_a_folder_of_jobs_that_nobody_understands_is_passed_over(tmp_path: Path) -> None:
    for name, text in {"a-b": "{}", "a-1": '{"task": 3}', "x-2": ""}.items():
        (tmp_path / "jobs" / name).mkdir(parents=True)
        (tmp_path / "jobs" / name / "job.json").write_text(text)
    _, record = written(1.0, "a/model")
    good = tmp_path / "jobs" / "good-x"
    good.mkdir()
    (good / "job.json").write_bytes(canonical(record.job))
    (good / "journal.jsonl").write_text('{"index": 0}\n')
    done = command("list", "-o", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "a/model was killed" in done.stderr


def test_an_id_may_be_shortened_as_long_as_it_means_one_record(tmp_path: Path) -> None:
    names = [Store(tmp_path).add(written(wh + 1.0, "a/model")[1]) for wh in range(20)]
    assert Store(tmp_path).find(names[0][:20])[0] == names[0]
    shared = next(name[0] for name in names if sum(other[0] == name[0] for other in names) > 1)
    ambiguous = command("show", shared, "-o", tmp_path)
    assert ambiguous.returncode == 2
    assert f"records start with {shared!r}." in ambiguous.stderr
    assert "wattstar list" in ambiguous.stderr


@pytest.mark.parametrize("start", ["", "zzz", "*", "../records", "0" * 64])
def test_an_unknown_id_is_said(tmp_path: Path, start: str) -> None:
    Store(tmp_path).add(written(1.0, "a/model")[1])
    with pytest.raises(UnknownName, match="There is no record"):
        Store(tmp_path).find(start)


def test_an_empty_store_is_no_fault_and_says_what_to_do(tmp_path: Path) -> None:
    done = command("list", "-o", tmp_path / "none")
    assert (done.returncode, done.stdout) == (0, "")
    assert "Next: wattstar run" in done.stderr
    assert json.loads(command("list", "-o", tmp_path / "none", "--format", "json").stdout) == []
    shown = command("show", "abc", "-o", tmp_path / "none")
    assert shown.returncode == 2
    rated = command("rate", "-o", tmp_path / "none")
    assert rated.returncode == 2
    assert "wattstar run" in rated.stderr
    assert not (tmp_path / "none").exists()
