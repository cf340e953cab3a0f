"""Resolved jobs in a file: another run measures exactly these, or says why not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support import command, fake_words, json_lines, records, wattstar_command


@pytest.fixture
def file(tmp_path: Path) -> Path:
    words = fake_words(tmp_path / "store", "--passes", 2, "--batch-size", "1,2")[1:]
    done = command("plan", *words, "--shuffle", 1, "--jobs-file", tmp_path / "jobs.jsonl")
    assert done.returncode == 0, done.stderr
    return tmp_path / "jobs.jsonl"


def edited(file: Path, change: Any) -> Path:
    [first, *rest] = json_lines(file.read_text())
    change(first)
    file.write_text("\n".join(json.dumps(line) for line in [first, *rest]))
    return file


def refused(file: Path, *words: object) -> tuple[int, str]:
    done = command("run", "--jobs-file", file, *words, "-o", file.parent / "store")
    assert not (file.parent / "store").exists(), "nothing is run"
    assert done.stdout == ""
    return done.returncode, done.stderr


def test_exactly_the_jobs_of_the_file_are_measured_in_its_order(file: Path) -> None:
    done = wattstar_command("run", "--jobs-file", file, "-o", file.parent / "store")
    assert done.returncode == 0, done.stderr
    written = [line["job_id"] for line in json_lines(file.read_text())]
    assert [record.job_id for record in records(file.parent / "store")] == written
    again = wattstar_command("run", "--jobs-file", file, "-o", file.parent / "store")
    assert "2 of 2 jobs are in the store already" in again.stderr


def test_a_changed_job_is_found_out(file: Path) -> None:
    code, err = refused(edited(file, lambda line: line["job"]["controls"].update(batch_size=7)))
    assert code == 6
    assert f"{file}, line 1: the job was changed after it was written." in err
    assert "→ write it again" in err


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda line: line.update(surprise=1), "line 1: Not a Line: surprise: "),
        (lambda line: line["job"].update(surprise=1), "line 1: Not a Line: job.surprise: "),
        (lambda line: line["job"].pop("task"), "line 1: Not a Line: job.task: "),
        (lambda line: line.update(schema_version=99, wattstar="9.0"), "line 1: written by wattstar 9.0"),
    ],
)
def test_a_file_of_another_form_or_version_is_refused(file: Path, change: Any, said: str) -> None:
    code, err = refused(edited(file, change))
    assert code == 2
    assert said in err


@pytest.mark.parametrize(("text", "said"), [("", "holds no job"), ("\n\n", "holds no job"), ("{", "not JSON"),
                                            ("NaN", "NaN is no number"),
                                            ("[]", "Not a Line"), ("3", "Not a Line")])  # fmt: skip
def test_what_is_no_jobs_file_is_refused(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "jobs.jsonl"
    file.write_text(text)
    code, err = refused(file)
    assert (code, said in err) == (2, True), err


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path / "nothing")[0] == refused(tmp_path)[0] == 2
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    assert "it is no text" in refused(tmp_path / "binary")[1]


def test_other_samples_than_those_of_the_plan_are_refused(file: Path) -> None:
    """The digest of the samples is part of the job: here the file was made where the test set was another."""
    from wattstar.records.codec import decode, job_id
    from wattstar.types import Job

    def change(line: dict[str, Any]) -> None:
        line["job"]["procedure"]["digest"] = "0" * 64
        line["job_id"] = job_id(decode(Job, line["job"]))

    code, err = refused(edited(file, change))
    assert code == 6
    assert "are not those of the jobs file" in err


def test_a_job_that_this_machine_cannot_do_is_refused_alone(file: Path) -> None:
    from wattstar.records.codec import decode, job_id
    from wattstar.types import Job

    def change(line: dict[str, Any]) -> None:
        line["job"]["backend"] = "fakee"
        line["job_id"] = job_id(decode(Job, line["job"]))

    done = wattstar_command("run", "--jobs-file", edited(file, change), "-o", file.parent / "store")
    assert done.returncode == 5
    assert "Did you mean 'fake'?" in done.stderr
    assert len(records(file.parent / "store")) == 1


def test_other_words_beside_a_jobs_file_are_refused(file: Path) -> None:
    code, err = refused(file, "--passes", 3, "-m", "fake/model", "--trust-remote-code")
    assert code == 2
    assert "A jobs file says all of its jobs; --model, --passes, --trust-remote-code cannot change them." in err
