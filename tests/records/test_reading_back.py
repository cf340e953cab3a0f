"""Everything that is written reads back: by us byte for byte, by the published schema, and by other tools."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import jsonschema
import polars
import pytest

from tests.support import command, fake_words, records, wattstar_command, written
from wattstar.errors import VerificationFailed
from wattstar.records import tables
from wattstar.records.codec import canonical, decode, digest, encode, job_id, schema
from wattstar.records.store import Store
from wattstar.types import Mark, Method, Record, Timeline

COLUMNS = {"timelines": tables.TIMELINE, "marks": tables.MARK, "samples": tables.SAMPLE}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One complete record, one failed one with passes, one failed one with nothing."""
    folder = tmp_path_factory.mktemp("store")
    assert wattstar_command(*fake_words(folder, task="text-generation")).returncode == 0
    assert wattstar_command(*fake_words(folder, misbehave="die", after_batches=15)).returncode == 5
    assert wattstar_command(*fake_words(folder, misbehave="corrupt")).returncode == 3
    assert len(records(folder)) == 3
    return folder


def test_records_are_canonical_and_named_by_their_digest(store: Path) -> None:
    for name, record in Store(store).records():
        data = (store / "records" / f"{name}.json").read_bytes()
        assert hashlib.sha256(data).hexdigest() == name
        assert canonical(record) == data
        assert canonical(decode(Record, json.loads(data))) == data
        assert json.dumps(json.loads(data), sort_keys=True, separators=(",", ":"), ensure_ascii=False) == data.decode()


def test_records_validate_against_the_schema(store: Path) -> None:
    published = schema()
    jsonschema.Draft202012Validator.check_schema(published)
    validator = jsonschema.Draft202012Validator(published)
    for name, _ in Store(store).records():
        shown = command("show", name, "-o", store, "--format", "json")
        assert shown.returncode == 0
        validator.validate(json.loads(shown.stdout))


def test_the_schema_refuses_what_is_no_record(store: Path) -> None:
    validator = jsonschema.Draft202012Validator(schema())
    good = encode(records(store)[0])
    for change in ({"surplus": 1}, {"status": "great"}, {"passes": None}, {"schema_version": "one"}):
        assert not validator.is_valid(good | change), change
        with pytest.raises(VerificationFailed, match=next(iter(change))):
            decode(Record, good | change)
    without = dict(good)
    del without["machine"]
    assert not validator.is_valid(without)
    with pytest.raises(VerificationFailed, match="machine"):
        decode(Record, without)


def test_the_published_schema_is_the_one_in_use() -> None:
    file = Path(__file__).parents[2] / "schema" / "record.json"
    assert json.loads(file.read_text(encoding="utf-8")) == json.loads(json.dumps(schema()))


def test_show_as_json_prints_the_very_bytes_that_the_id_names(store: Path) -> None:
    for name, _ in Store(store).records():
        shown = command("show", name[:10], "-o", store, "--format", "json")
        assert hashlib.sha256(shown.stdout.encode()).hexdigest() == name


@pytest.mark.parametrize("kind", COLUMNS)
def test_tables_are_read_by_duckdb_and_polars_with_all_their_columns(store: Path, kind: str) -> None:
    names = [getattr(record, kind) for record in records(store) if getattr(record, kind)]
    assert names
    for name in names:
        file = store / kind / f"{name}.parquet"
        assert digest(file.read_bytes()) == name
        frame = polars.read_parquet(file)
        assert frame.columns == list(COLUMNS[kind])
        found = duckdb.sql(f"select * from '{file}'")
        assert found.columns == list(COLUMNS[kind])
        assert found.fetchall() == frame.rows()


def test_duckdb_reads_the_records_of_a_store_as_one_table(store: Path) -> None:
    rows = duckdb.sql(f"select status, job.model.id from '{store}/records/*.json' order by status").fetchall()
    assert rows == [("complete", "fake/model"), ("failed", "fake/model"), ("failed", "fake/model")]


def test_tables_round_trip() -> None:
    lines = [
        Timeline("gpu:0", "nvml", Method.COUNTER, [1, 2**62], [0.1, 1e-300], gaps=[0, 9], most_watts=700.0),
        Timeline("gpu:0", "other", Method.SAMPLED, [5], [2.0], gaps=[0]),
        Timeline("cpu:0", "estimate", Method.MODELLED, [3, 4], [0.0, 1.0], 2.0, [0, 0]),
    ]
    assert tables.timelines_from_parquet(tables.timelines_to_parquet(lines)) == lines
    marks = [Mark("load", 1), Mark("pass", 2, 0), Mark("first_token", 3, 0, 7)]
    assert tables.marks_from_parquet(tables.marks_to_parquet(marks)) == marks
    assert tables.timelines_from_parquet(tables.timelines_to_parquet([])) == []


def test_names_in_any_script_survive() -> None:
    name, record = written(1.0, "日本/モデル-é\u2028")
    assert decode(Record, json.loads(canonical(record))) == record
    assert "日本".encode() in canonical(record)
    assert digest(canonical(record)) == name


def test_what_is_no_number_is_never_written() -> None:
    _, record = written(1.0, "a/model")
    for value in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="JSON"):
            canonical(replace(record, seconds=value))


def test_a_job_is_known_by_everything_that_makes_a_difference() -> None:
    job = written(1.0, "a/model")[1].job
    others = [
        replace(job, controls=replace(job.controls, batch_size=2)),
        replace(job, model=replace(job.model, revision="1" * 64)),
        replace(job, model=replace(job.model, options={"watts": "1"})),
        replace(job, procedure=replace(job.procedure, passes=5)),
        replace(job, meters=("nvml",)),
    ]
    assert len({job_id(other) for other in [job, *others]}) == 6
    assert job_id(replace(job)) == job_id(job)


COMMANDS = {
    "run": lambda store: fake_words(store / "other"),
    "plan": lambda store: ["plan", *fake_words(store)[1:]],
    "rate": lambda store: ["rate", "-o", store],
    "list": lambda store: ["list", "-o", store],
    "show": lambda store: ["show", next(Store(store).records())[0], "-o", store],
    "verify": lambda store: ["verify", store],
    "doctor": lambda store: ["doctor"],
    "models": lambda store: ["models"],
    "tasks": lambda store: ["tasks"],
    "backends": lambda store: ["backends"],
    "meters": lambda store: ["meters"],
}


@pytest.mark.parametrize("style", ["json", "csv"])
@pytest.mark.parametrize("verb", COMMANDS)
def test_the_data_of_every_command_parses_and_nothing_else_is_on_standard_output(
    store: Path, verb: str, style: str
) -> None:
    words: list[Any] = COMMANDS[verb](store)
    done = (wattstar_command if verb == "run" else command)(*words, "--format", style)
    assert done.returncode == 0, done.stderr
    if style == "json":
        assert json.loads(done.stdout)
        return
    rows = list(csv.reader(io.StringIO(done.stdout)))
    assert len(rows) > 1
    assert len({len(row) for row in rows}) == 1, "every row has every column"
    assert len(set(rows[0])) == len(rows[0])


def test_the_talk_of_a_run_is_on_standard_error(store: Path) -> None:
    done = wattstar_command(*fake_words(store / "third", "--format", "csv"))
    assert "pass 4 of 4" in done.stderr
    assert "next: wattstar show" in done.stderr
    assert "pass 4" not in done.stdout
    assert "wattstar show" not in done.stdout
