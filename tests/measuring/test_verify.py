"""Honest records add up. Forged ones do not, however well the forger signs them: each forgery is found, and named."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.measuring.forging import FORGERIES, Edit, Forged, copied, each_row, forge, set_to
from tests.support import command, fake_job, written
from wattstar.measuring.checks import meters
from wattstar.measuring.evidence import Evidence
from wattstar.measuring.nursery import Nursery
from wattstar.measuring.observer import Circumstances
from wattstar.measuring.run import run
from wattstar.measuring.verify import CHECKS, Verdict, verify
from wattstar.records.codec import canonical, digest, encode
from wattstar.records.store import Store
from wattstar.types import Gpu, Job, Method, Observation, Output, Record, Sample, Status, Timeline


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with Nursery([]) as nursery:
        yield nursery


def made(job: Job, store: Path, nursery: Nursery) -> Path:
    """Run the job; the file of its record."""
    record = run(job, Circumstances(Store(store), silence=30.0, start=nursery.start))
    return store / "records" / f"{digest(canonical(record))}.json"


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory, nursery: Nursery) -> Path:
    """Two phases, batches of two, several repeats in each pass."""
    job = fake_job(
        "text-generation",
        controls={"batch_size": 2},
        procedure={"samples": 5, "pass_seconds": 3.0, "idle_seconds": 2.0},
        watts="300,150",
        seconds="0.05,0.2",
    )
    return made(job, tmp_path_factory.mktemp("honest"), nursery)


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory, nursery: Nursery) -> Path:
    """The same work by a model that takes less."""
    job = fake_job(
        "text-generation",
        id="fake/thrifty",
        controls={"batch_size": 2},
        procedure={"samples": 5, "pass_seconds": 3.0, "idle_seconds": 2.0},
        watts="200,100",
        seconds="0.05,0.25",
    )
    return made(job, tmp_path_factory.mktemp("other"), nursery)


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory, nursery: Nursery) -> Path:
    """A record as of a model that knows something: its answers are half right, and scored."""
    from wattstar import registry, testsets

    file = made(fake_job(procedure={"samples": 6}), tmp_path_factory.mktemp("fake"), nursery)
    forged = Forged.read(file)
    rows = forged.tables["samples"]
    for row in rows[::2]:
        row["output"] = json.dumps("wrong")
    task = registry.task("text-classification")
    asked = [Sample(row["id"], row["source"], {}, json.loads(row["target"])) for row in rows]
    assert [sample.id for sample in asked] == [sample.id for sample in testsets.load(task, "mini-2", 6).samples]
    quality = task.score(asked, [Output(json.loads(row["output"])) for row in rows])
    assert quality is not None
    forged.record["job"]["model"]["weights"] = "pretrained"
    forged.record["quality"] = encode(quality)
    return forged.write(tmp_path_factory.mktemp("scored"))


def wrong(verdict: Verdict) -> dict[str, str]:
    """Check → what it found."""
    return {check.name: " · ".join(check.problems) for check in verdict.checks if check.problems}


# ── honest ones ──────────────────────────────────────────────────────────────────────────────────────────────────────

UNSTEADY = fake_job("text-classification", cold="1.5,200", procedure={"samples": 5, "warm_up_seconds": 0.0})
"""Its passes scatter, so that there are more than four."""

HONEST = [
    fake_job("text-classification"),
    fake_job("text-classification", procedure={"passes": 1, "most_passes": 1}),
    fake_job("text-classification", procedure={"passes": 10, "most_passes": 10, "samples": 3}),
    fake_job("text-classification", procedure={"samples": 7, "idle_seconds": 0.0}, controls={"batch_size": 3}),
    fake_job("text-classification", procedure={"samples": 40, "pass_seconds": 2.0}, controls={"batch_size": 8}),
    fake_job("text-classification", watts="50", idle_watts="50"),
    fake_job("text-classification", watts="700", seconds="0.001"),
    fake_job("text-classification", cold="3,30", procedure={"pass_seconds": 1.0}),
    fake_job("text-classification", cold="3,400", procedure={"pass_seconds": 2.0, "warm_up_seconds": 1.0}),
    fake_job("text-classification", controls={"seed": 3}, id="fake/model", family="someone"),
    fake_job("text-classification", held_bytes="1000", room_bytes="5000", procedure={"samples": 7}),
    fake_job(
        "text-generation",
        held_bytes="1000",
        room_bytes="9000",
        procedure={"samples": 9, "pass_seconds": 2.0},
        controls={"batch_size": 2},
    ),
    fake_job("text-classification", procedure={"samples": 60, "subset": 30}),
    fake_job(
        "text-generation", procedure={"samples": 70, "subset": 25, "pass_seconds": 9.0}, controls={"batch_size": 2}
    ),
    fake_job("text-classification", procedure={"samples": 30}),
    UNSTEADY,
    fake_job("text-generation", controls={"new_tokens": 50}),
    fake_job("text-generation", controls={"batch_size": 4}, procedure={"samples": 4}),
    fake_job("text-generation", watts="400,100", seconds="0.3,0.7", procedure={"samples": 3, "passes": 5}),
    fake_job("sentence-similarity", procedure={"samples": 9}, controls={"batch_size": 2}),
    fake_job("question-answering", procedure={"samples": 3}),
    fake_job("summarization", procedure={"samples": 2, "pass_seconds": 5.0}),
    fake_job("automatic-speech-recognition", procedure={"samples": 2}),
    fake_job("image-classification", procedure={"samples": 3}),
    fake_job("object-detection", procedure={"samples": 2}),
    fake_job("text-classification", misbehave="die", after_batches="17"),
    fake_job("text-classification", misbehave="corrupt"),
    fake_job("text-classification", misbehave="exit", after_batches="4"),
]


def test_honest_records_add_up_whatever_was_measured(tmp_path: Path, nursery: Nursery) -> None:
    files = [made(job, tmp_path, nursery) for job in HONEST]
    assert [wrong(verify(file)) for file in files] == [{}] * len(HONEST)
    done = command("verify", tmp_path)
    assert done.returncode == 0
    assert f"{len(HONEST)} records add up." in done.stdout
    kinds = {record.status for _, record in Store(tmp_path).records()}
    assert kinds == {Status.COMPLETE, Status.FAILED}


def test_a_score_that_follows_from_the_answers_adds_up(scored: Path) -> None:
    assert wrong(verify(scored)) == {}


# ── forged ones ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forgery_is_found_and_named_although_it_is_signed(
    honest: Path, other: Path, tmp_path: Path, name: str
) -> None:
    edit, check, words = FORGERIES[name]
    file = forge(honest, edit, tmp_path, other)
    found = wrong(verify(file))
    assert "id" not in found, "the forger signs well"
    assert words in found.get(check, ""), found
    done = command("verify", file)
    assert done.returncode == 6
    assert words in done.stdout


def test_what_the_forger_does_by_itself_is_no_fault(honest: Path, tmp_path: Path) -> None:
    assert wrong(verify(forge(honest, lambda forged: None, tmp_path))) == {}


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (set_to("quality.value", 1.0), "value: written 1.0"),
        (set_to("quality.n", 60), "n: written 60"),
        (set_to("quality", None), "written none"),
        (each_row("samples", lambda row: True, output='"wrong"'), "scored again"),
    ],
    ids=["a better score", "of more rows", "left out", "of other answers"],
)
def test_a_score_that_does_not_follow_from_the_answers_is_found(
    scored: Path, tmp_path: Path, edit: Edit, words: str
) -> None:
    assert words in wrong(verify(forge(scored, edit, tmp_path)))["quality"]


def test_a_finding_that_is_taken_away_is_found(tmp_path: Path, nursery: Nursery) -> None:
    job = fake_job(procedure={"passes": 1, "most_passes": 1})
    file = made(job, tmp_path / "honest", nursery)
    assert "one pass tells nothing" in file.read_text()
    forged = forge(file, set_to("findings", []), tmp_path / "forged")
    assert "not written, but seen again: note: scatter" in wrong(verify(forged))["findings"]


def test_passes_that_the_pilot_asked_for_cannot_be_left_out(tmp_path: Path, nursery: Nursery) -> None:
    file = made(UNSTEADY, tmp_path / "honest", nursery)
    assert len(json.loads(file.read_bytes())["passes"]) == 10

    def without_the_last(forged: Forged) -> None:
        forged.record["passes"].pop()
        forged.tables["marks"] = [mark for mark in forged.tables["marks"] if mark["pass_index"] != 9]

    found = wrong(verify(forge(file, without_the_last, tmp_path / "forged")))
    assert "complete, with 9 passes; the pilot asks for 10" in found["status"]


def test_work_of_a_subset_cannot_be_changed(tmp_path: Path, nursery: Nursery) -> None:
    job = fake_job(procedure={"samples": 60, "subset": 30})
    file = made(job, tmp_path / "honest", nursery)
    forged = forge(file, set_to("passes.0.blocks.3.work", 1.0), tmp_path / "work")
    assert "blocks 3: work" in wrong(verify(forged))["readings"]
    other = forge(file, set_to("job.controls.seed", 1), tmp_path / "seed")
    assert "is not in the test set" in wrong(verify(other))["samples"], "another seed draws other samples"


LIMITED = Gpu(0, "GPU-1", "a card", None, 700.0, None)


@pytest.mark.parametrize(
    ("said", "machine", "words"),
    [(700.0, 700.0, []), (500.0, 700.0, ["the device said 500 W"]), (700.0, 300.0, ["the machine says 300 W"])],
)
def test_a_power_limit_is_the_same_wherever_it_is_written(said: float, machine: float, words: list[str]) -> None:
    _, record = written(1.0, "a/model")
    record = replace(record, machine=replace(record.machine, gpus=(replace(LIMITED, power_limit_watts=machine),)))
    line = Timeline("gpu:0", "fake", Method.COUNTER, [0, 1], [0.0, 1.0], most_watts=700.0)
    seen = [Observation(0, "gpu:0", "power_limit_watts", said)]
    found = list(meters.limits(Evidence(record, [line], [], seen, [])))
    assert len(found) == len(words)
    assert all(part in sentence for part, sentence in zip(words, found, strict=True))


def test_work_that_takes_less_than_rest_is_no_work(tmp_path: Path, nursery: Nursery) -> None:
    """All of it is consistent, and impossible."""
    file = made(fake_job(watts="20", idle_watts="50"), tmp_path, nursery)
    found = wrong(verify(file))
    assert set(found) == {"idle"}
    assert "gpu:0 by fake took" in found["idle"]


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict | list):
        named = value.items() if isinstance(value, dict) else enumerate(value)
        for name, part in named:
            yield from leaves(part, f"{path}.{name}".removeprefix("."))
    else:
        yield path, value


def changed(value: Any) -> Any:
    if isinstance(value, bool) or value is None:
        return not value if isinstance(value, bool) else 1.0
    return value + "x" if isinstance(value, str) else value + max(abs(value) * 1e-6, 1)


WORKED_OUT = ("passes", "stages", "phases", "figures", "rated", "warm_up")
NOT_WORKED_OUT = (
    "foreign_cpu",  # seen once, by the process that watched
)


def test_no_value_makes_verifying_fail(honest: Path, tmp_path: Path) -> None:
    """Whatever a forger writes, a verdict comes; nothing that is counted or timed can be nothing."""
    record = json.loads(honest.read_bytes())
    kinds = {re.sub(r"\.\d+", "", path): (path, value) for path, value in leaves(record)}
    for kind, (path, old) in kinds.items():
        for value in (0, -1) if isinstance(old, int | float) else (None,):
            verify(forge(honest, set_to(path, value), tmp_path / f"{kind}-{value}"))


def test_nothing_that_is_worked_out_can_be_changed_unseen(honest: Path, tmp_path: Path) -> None:
    """Every leaf, one of each kind; as far as a record can still be read it is some check that says so."""
    record = json.loads(honest.read_bytes())
    kinds = {re.sub(r"\.\d+", "", path): path for part in WORKED_OUT for path, _ in leaves(record[part], part)}
    assert len(kinds) > 50
    unseen = []
    for kind, path in kinds.items():
        if kind.rpartition(".")[2] not in NOT_WORKED_OUT and not wrong(
            verify(forge(honest, set_to(path, changed), tmp_path / kind))
        ):
            unseen.append(path)
    assert unseen == []


# ── files ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_renamed_record_and_a_changed_byte_are_found(honest: Path, tmp_path: Path) -> None:
    renamed = copied(honest, tmp_path / "one")
    renamed = renamed.rename(renamed.with_name("0" * 64 + ".json"))
    assert "the sha256 of its bytes is" in wrong(verify(renamed))["id"]
    for kind in ("timelines", "marks", "samples"):
        file = copied(honest, tmp_path / kind)
        [table] = (tmp_path / kind / kind).iterdir()
        table.write_bytes(table.read_bytes()[:-1] + b"x")
        assert "was changed after it was written" in wrong(verify(file))["tables"]
        table.unlink()
        assert "cannot be read" in wrong(verify(file))["tables"]


def test_a_table_that_is_none_is_said(honest: Path, tmp_path: Path) -> None:
    record = json.loads(honest.read_bytes())
    file = copied(honest, tmp_path / "store")
    data = b"no Parquet"
    (tmp_path / "store" / "marks" / f"{digest(data)}.parquet").write_bytes(data)
    record["marks"] = digest(data)
    text = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    file = file.with_name(f"{digest(text)}.json")
    file.write_bytes(text)
    assert "marks: Not a Parquet file" in wrong(verify(file))["tables"]

    def renamed(forged: Forged) -> None:
        names = ["name", "time", "pass_index", "part"]
        forged.schemas["marks"] = forged.schemas["marks"].set(3, forged.schemas["marks"].field(3).with_name("part"))
        forged.tables["marks"] = [dict(zip(names, mark.values(), strict=True)) for mark in forged.tables["marks"]]

    assert "batch, part" in wrong(verify(forge(honest, renamed, tmp_path / "columns")))["tables"]


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"schema_version": 2}', "\x00"])
def test_what_is_no_record_is_said(tmp_path: Path, text: str) -> None:
    file = tmp_path / "records" / f"{digest(text.encode())}.json"
    file.parent.mkdir()
    file.write_text(text)
    assert set(wrong(verify(file))) == {"schema"}
    done = command("verify", tmp_path)
    assert done.returncode == 6
    assert "cannot be read" in done.stdout


def test_what_this_machine_lacks_for_a_check_is_said_and_no_fault_of_the_record(honest: Path, tmp_path: Path) -> None:
    def elsewhere(forged: Forged) -> None:
        forged.record["job"]["procedure"]["edition"] = "house-2031"

    verdict = verify(forge(honest, elsewhere, tmp_path))
    assert verdict.holds
    left = {check.name: check.not_made for check in verdict.checks if check.not_made}
    assert set(left) == {"samples"}
    assert "house-2031" in left["samples"]
    assert "1 not made here" in command("verify", verdict.file).stdout


# ── the command ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_record_is_named_by_the_beginning_of_its_id_by_its_file_or_by_its_store(honest: Path) -> None:
    store = honest.parent.parent
    for words in ([honest.stem[:10], "-o", store], [honest], [store], ["-o", store]):
        done = command("verify", *words)
        assert (done.returncode, done.stderr) == (0, "")
        assert all(name in done.stdout for name in CHECKS), "of one record every check is printed"


def test_of_many_records_each_has_a_line_and_the_wrong_ones_say_why(honest: Path, other: Path, tmp_path: Path) -> None:
    copied(honest, tmp_path / "store")
    forge(other, set_to("seconds", 1.0), tmp_path / "store")
    done = command("verify", tmp_path / "store")
    assert done.returncode == 6
    lines = done.stdout.splitlines()
    assert len(lines) == 3
    assert sum("OK" in line for line in lines) == 1
    assert "1 of 2 records do not add up." in done.stderr
    found = json.loads(command("verify", tmp_path / "store", "--format", "json").stdout)
    assert sorted(verdict["holds"] for verdict in found) == [False, True]
    assert {check["name"] for check in found[0]["checks"]} >= set(CHECKS)


@pytest.mark.parametrize("word", ["nothing", "nothing.json", "some/where"])
def test_what_is_not_there_is_told(tmp_path: Path, word: str) -> None:
    done = command("verify", word, "-o", tmp_path)
    assert done.returncode == 2
    assert "There is no" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_empty_store_is_told(tmp_path: Path) -> None:
    done = command("verify", "-o", tmp_path)
    assert done.returncode == 2
    assert "There are no records" in done.stderr


def test_a_record_knows_how_it_was_made(honest: Path) -> None:
    from wattstar.records.codec import decode

    record = decode(Record, json.loads(honest.read_bytes()))
    assert record.environment is not None
    assert record.environment.seeds["weights"] == 0
    assert record.environment.command
