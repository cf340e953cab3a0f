"""Models that take turns: whole records, pairs of passes that alternate, and all or nothing."""

from __future__ import annotations

import json
import signal
from dataclasses import replace
from itertools import islice, pairwise
from pathlib import Path

import pytest

from tests.measuring.forging import Edit, Forged
from tests.support import command, fake_job, fake_words, measure, of_the_work, records, start, wattstar_command, written
from wattstar.errors import UsageError
from wattstar.measuring.observer import Circumstances
from wattstar.measuring.outstanding import Member
from wattstar.measuring.plan import Planned
from wattstar.measuring.seating import sat, sittings
from wattstar.measuring.sitting import expected, orders, sit
from wattstar.measuring.verify import Verdict, verify
from wattstar.rating import compare
from wattstar.rating import comparisons as rules
from wattstar.records.codec import canonical, decode, encode
from wattstar.records.codec import record as read
from wattstar.records.store import Store
from wattstar.types import Job, Machine, Record, Request, Sitting, Status
from wattstar.types import Verdict as Shown

SEED = 3
DRIFT = {"drift": "1", "seconds": "1"}
"""0.1 % in a second, and a pass of two seconds: 5 % from the first pass to the last."""


def job(id: str, **options: object) -> Job:
    return fake_job(id=id, **{**DRIFT, **options})


def seated(jobs: list[Job], store: Path) -> list[Record]:
    return list(sit(jobs, SEED, Circumstances(Store(store), silence=30.0)))


def problems(verdict: Verdict) -> dict[str, str]:
    return {check.name: " · ".join(check.problems) for check in verdict.checks if check.problems}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model, its twin, and one that takes 2 % more, in one sitting on a machine that drifts."""
    folder = tmp_path_factory.mktemp("sitting")
    seated([job("a/one"), job("b/twin"), job("c/more", watts="306")], folder)
    return folder


@pytest.fixture
def members(store: Path) -> dict[str, Member]:
    return {record.job.model.id: (id, record) for id, record in Store(store).records()}


def test_every_record_of_a_sitting_is_whole_and_adds_up(store: Path, members: dict[str, Member]) -> None:
    assert len(members) == 3
    for _, record in members.values():
        assert record.status is Status.COMPLETE
        assert [stage.name for stage in record.stages] == ["load", "preprocess", "idle_before", "warm_up", "idle_after"]
        assert {finding.gate for finding in of_the_work(record)} <= {"net", "trend", "correlation"}
    for file in Store(store).files():
        verdict = verify(file)
        assert problems(verdict) == {}
        assert not [check.name for check in verdict.checks if check.not_made]


def test_passes_alternate_as_the_seed_draws_it(members: dict[str, Member]) -> None:
    every = [record for _, record in members.values()]
    sitting = every[0].sitting
    assert sitting is not None
    assert {record.sitting for record in every} == {sitting}
    assert {len(record.passes) for record in every} == {10}, "they drift, so that as many are wanted as may be"
    turns = sorted((one.window.begin, one.window.end, record.job_id) for record in every for one in record.passes)
    assert [name for _, _, name in turns] == expected(sitting, 10)
    assert all(early[1] <= late[0] for early, late in pairwise(turns))


def test_every_second_block_is_the_first_one_reversed() -> None:
    drawn = list(islice(orders(SEED, 3), 40))
    assert all(first[::-1] == second for first, second in zip(drawn[::2], drawn[1::2], strict=True))
    assert len({tuple(order) for order in drawn}) == 6, "every order comes"
    assert drawn == list(islice(orders(SEED, 3), 40))


def test_twins_are_equal_and_two_per_cent_are_seen_though_the_machine_drifts(members: dict[str, Member]) -> None:
    one, twin, more = members["a/one"], members["b/twin"], members["c/more"]
    assert compare(one, twin).verdict is Shown.EQUAL
    found = compare(one, more)
    assert (found.pairs, found.verdict) == (10, Shown.DIFFERENT)
    assert found.ratio.mid == pytest.approx(1.02, abs=1e-4)
    first, last = (rules._per_query(one[1])[place] for place in (0, -1))
    assert last / first > 1.02, "it drifts by more than they differ"
    assert compare(one, (more[0], replace(more[1], sitting=None))).verdict is Shown.NOT_SHOWN


def test_a_record_says_that_others_lay_loaded_while_it_rested(members: dict[str, Member]) -> None:
    quiet = [record for _, record in members.values() if record.figures[0].net_wh_per_1000]
    for record in quiet:
        assert any("2 other models loaded" in finding.message for finding in record.findings)


FORGERIES: dict[str, tuple[Edit, str]] = {
    "another seed": (lambda forged: forged.record["sitting"].update(seed=SEED + 1), "says otherwise"),
    "a sitting it was not at": (lambda forged: forged.record["sitting"].update(jobs=["x", "y"]), "none of them"),
    "a sitting alone": (
        lambda forged: forged.record["sitting"].update(jobs=[forged.record["job_id"]]),
        "a sitting is|1 jobs",
    ),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_sitting_is_found(name: str, store: Path, tmp_path: Path) -> None:
    edit, words = FORGERIES[name]
    [file, *others] = Store(store).files()
    forged = Forged.read(file)
    edit(forged)
    target = forged.write(tmp_path)
    for other in others:
        (target.parent / other.name).write_bytes(other.read_bytes())
    found = problems(verify(target))
    assert any(word in found["sitting"] for word in words.split("|"))


def test_without_the_others_a_sitting_cannot_be_checked_and_that_is_said(store: Path, tmp_path: Path) -> None:
    target = Forged.read(Store(store).files()[0]).write(tmp_path)
    verdict = verify(target)
    assert verdict.holds
    [check] = [check for check in verdict.checks if check.name == "sitting"]
    assert check.not_made == "2 of the sitting's 3 records are not in this store"


# ── what goes wrong ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("how", ["die", "out-of-memory", "corrupt"])
def test_one_that_fails_ends_the_sitting_and_every_record_says_why(how: str, tmp_path: Path) -> None:
    good, bad = seated([job("a/good"), job("b/bad", misbehave=how, after_batches=20)], tmp_path)
    assert (good.status, bad.status) == (Status.FAILED, Status.FAILED)
    assert good.failure is not None
    assert bad.failure is not None
    assert good.failure.reason == "partner"
    assert "b/bad" in good.failure.message
    assert bad.failure.message in good.failure.message
    assert bad.failure.reason != "partner"
    for file in Store(tmp_path).files():
        assert problems(verify(file)) == {}
    assert not list((tmp_path / "jobs").iterdir())


PLAN = """
[defaults]
task = "text-classification"
weights = "random"
meters = ["fake"]
samples = 2
idle_seconds = 0
pass_seconds = 0
models = ["fake/model"]
[[jobs]]
options = { watts = "300", real_seconds = "0.02" }
[[jobs]]
options = { watts = "330", real_seconds = "0.02" }
"""


def test_an_interrupted_sitting_starts_over_and_one_that_is_there_is_not_measured_again(tmp_path: Path) -> None:
    plan, store = tmp_path / "plan.toml", tmp_path / "store"
    plan.write_text(PLAN)
    parent = start("run", "--plan", plan, "-o", store, "--interleave", 5)
    assert parent.stderr is not None
    for line in parent.stderr:
        if "pass 2" in line:
            break
    parent.send_signal(signal.SIGINT)
    parent.communicate(timeout=30)
    assert parent.returncode == 130
    first = records(store)
    assert [record.status for record in first] == [Status.INTERRUPTED] * 2
    again = wattstar_command("compare", "--plan", plan, "-o", store, "--interleave", 5, "--format", "json")
    assert again.returncode == 0, again.stderr
    [made] = json.loads(again.stdout)
    assert made["pairs"] == 6
    assert made["ratio"]["mid"] == pytest.approx(1.1)
    whole = [record for record in records(store) if record.status is Status.COMPLETE]
    assert {record.sitting for record in first}.isdisjoint({record.sitting for record in whole})
    assert {record.sitting.seed for record in whole if record.sitting} == {5}
    third = wattstar_command("run", "--plan", plan, "-o", store, "--interleave", "--format", "csv")
    assert third.returncode == 0, third.stderr
    assert "2 of 2 jobs are in the store already" in third.stderr
    assert len(records(store)) == 4


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ((), "no other model to take turns with"),
        (("--option", "watts=1", "--quick"), "whole passes"),
        (("--passes", 5), "6 pairs of passes at least, not 5"),
        (("--interleave", "x"), "not a valid integer"),
    ],
)
def test_what_cannot_be_interleaved_is_refused_before_anything_is_loaded(
    more: tuple[object, ...], words: str, tmp_path: Path
) -> None:
    made = [word for word in fake_words(tmp_path, samples=60) if word not in ("--pass-seconds", "0")]
    done = command(*made, "--interleave", *more)
    assert done.returncode == 2, done.stderr
    assert words in done.stderr
    assert not (tmp_path / "records").exists()


# ── who sits together ────────────────────────────────────────────────────────────────────────────────────────────────

HERE = Machine("a processor", 2, 2**30, "Linux", "3.11", (), {})


def cell(id: str, task: str = "text-classification", **procedure: object) -> Planned:
    return Planned(Request(task, (id,)), id, fake_job(task, id=id, procedure=procedure))


def test_jobs_of_one_task_and_procedure_sit_together() -> None:
    cells = [cell("a"), cell("b", samples=3), cell("c"), cell("d", samples=3), cell("e")]
    assert [[each.model for each in together] for together in sittings(cells)] == [["a", "c", "e"], ["b", "d"]]
    with pytest.raises(UsageError, match="text-generation c has no other"):
        sittings([cell("a"), cell("b"), cell("c", "text-generation")])


def test_only_a_sitting_of_all_of_them_counts() -> None:
    together = (cell("a"), cell("b"))
    jobs = [each.job for each in together if each.job]

    def at(sitting: Sitting | None, place: int, started: str, **changes: object) -> Member:
        id = f"{started}{place}"
        return id, written(1.0, "x", job=jobs[place], sitting=sitting, started=started, machine=HERE, **changes)[1]

    old, new = Sitting("old", 0, ("a", "b")), Sitting("new", 0, ("a", "b"))
    assert sat(together, [at(None, 0, "1"), at(None, 1, "1")], HERE) is None
    assert sat(together, [at(old, 0, "1"), at(new, 1, "2")], HERE) is None
    whole = [at(old, 0, "1"), at(old, 1, "1")]
    assert sat(together, whole, HERE) == tuple(whole)
    newer = [at(new, 0, "2"), at(new, 1, "2")]
    assert sat(together, [*whole, *newer], HERE) == tuple(newer)
    failed = [at(new, 0, "2"), at(new, 1, "2", status=Status.FAILED)]
    assert sat(together, [*whole, *failed], HERE) == tuple(whole)
    assert sat(together, whole, replace(HERE, cpu="another")) is None


def test_records_of_the_schema_before_are_read_and_named_as_they_were(tmp_path: Path) -> None:
    record = measure(fake_job(), tmp_path)
    before = {name: value for name, value in encode(record).items() if name != "sitting"} | {"schema_version": 2}
    old = read(before)
    assert old.sitting is None
    assert json.loads(canonical(old)) == before
    store = Store(tmp_path)
    store.add(old)
    assert all(problems(verify(file)) == {} for file in store.files())
    assert len(store.files()) == 2
    assert decode(Record, encode(record)) == record
