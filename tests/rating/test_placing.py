"""Stars by an edition: a function of record and edition alone, official only where everything is as it asks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support import command, copy_of_package, fake_job, python, written
from wattstar import registry
from wattstar.errors import UsageError
from wattstar.rating import editions
from wattstar.rating.building import build, groups
from wattstar.rating.many import rate_many
from wattstar.rating.placing import placed
from wattstar.rating.populations import Member
from wattstar.records.store import Store
from wattstar.types import Boundary, Edition, Gpu, Loaded, Machine, Rating, Standing, Weights

H100 = Gpu(0, "GPU-0", "NVIDIA H100 80GB HBM3", 85 * 10**9, 700.0, "580")
TASK = "image-classification"


def standard(wh: float, id: str, task: str = TASK, card: Gpu = H100, **changes: Any) -> Member:
    """A record of the standard procedure's whole test set, measured on a card."""
    job = fake_job(task, id=id)
    job = replace(
        job,
        model=replace(job.model, weights=Weights.PRETRAINED, device="cuda:0"),
        controls=registry.task(task).controls,
        procedure=replace(job.procedure, samples=1000),
    )
    machine = Machine("a processor", 2, 2**30, "Linux", "3.11", (card,), {})
    return written(wh, id, spread=0.01, **{"job": job, "machine": machine, **changes})


def field(count: int = 9, **changes: Any) -> list[Member]:
    return [standard(2.0**i, f"maker{i}/model", **changes) for i in range(count)]


def own(members: Sequence[Member]) -> Edition:
    return build(Edition("2026-12", "of a test", None, populations=(), changes=()), groups(members))


def one(member: Member, edition: Edition, scheme: str = "deviation") -> Rating:
    [found] = placed([member], edition, scheme)
    [rating] = found.ratings
    return rating


def test_a_new_model_moves_no_other_ones_star_within_an_edition() -> None:
    """Not even a hundredfold outlier, eight copies, or ten newcomers."""
    members = field()
    edition = own(members)
    alone = {member[0]: one(member, edition) for member in members}
    new = [standard(2.0**8 * 100, "odd/one"), *(standard(0.9, f"dummy{i}/copy") for i in range(8))]
    [together] = placed([*members, *new], edition)
    for rating in together.ratings:
        if rating.record in alone:
            assert rating == alone[rating.record]


@pytest.mark.parametrize("scheme", ["deviation", "aes-equal-width", "quantile"])
def test_cuts_of_every_scheme_follow_from_the_edition_alone(scheme: str) -> None:
    edition = own(field())
    low, high = one(standard(0.5, "new/one"), edition, scheme), one(standard(1e6, "new/two"), edition, scheme)
    assert (low.stars, high.stars, low.scheme) == (5, 1, scheme)


def test_other_hardware_stays_unofficial_and_other_work_has_no_star() -> None:
    edition = own(field())
    elsewhere = one(standard(8.0, "a/b", card=replace(H100, name="NVIDIA L4")), edition)
    assert elsewhere.stars is not None
    assert elsewhere.standing is Standing.UNOFFICIAL
    assert any(reason.startswith("other hardware: NVIDIA L4") for reason in elsewhere.reasons)

    name, record = standard(8.0, "a/b")
    batched = replace(record, job=replace(record.job, controls=replace(record.job.controls, batch_size=8)))
    other = one((name, batched), edition)
    assert (other.stars, other.chances, other.rank) == (None, None, None)
    assert other.reasons == ("other work: batch size 8; the edition's: batch size 1",)


def test_another_boundary_has_no_star() -> None:
    name, record = standard(8.0, "a/b")
    figure = replace(record.figures[0], boundary=Boundary.SYSTEM)
    found = one((name, replace(record, figures=(figure,), rated=Boundary.SYSTEM)), own(field()))
    assert found.stars is None
    assert found.reasons == ("other boundary: system; the edition's: gpu",)


def test_another_procedure_stays_unofficial() -> None:
    name, record = standard(8.0, "a/b")
    job = replace(record.job, procedure=replace(record.job.procedure, pass_seconds=99.0))
    found = one((name, replace(record, job=job)), own(field()))
    assert found.stars is not None
    assert any(reason.startswith("another procedure") for reason in found.reasons)


def test_a_task_that_the_edition_does_not_know_is_said() -> None:
    found = one(standard(8.0, "a/b", "text-to-image"), own(field()))
    assert (found.stars, found.reasons) == (None, ("no population of text-to-image",))


def test_the_first_edition_gives_no_star_where_its_work_was_another() -> None:
    found = one(standard(0.2, "a/b", "sentence-similarity"), editions.load("2025-12"))
    assert found.stars is None
    assert found.reasons[0].startswith("other work: ")
    assert "both sentences as one sequence" in found.reasons[0]


def test_by_foreign_figures_a_star_is_indicative_at_best() -> None:
    shipped = editions.load("2025-12")
    [made] = own(field()).populations
    theirs = replace(made, conditions=replace(made.conditions, hardware="NVIDIA H100-80GB", method="theirs"))
    foreign = replace(shipped, populations=(theirs,))
    found = one(standard(8.0, "a/b"), foreign)
    assert found.stars is not None
    assert found.standing is Standing.UNOFFICIAL, "it is not the edition that ships"
    assert found.reasons == ("not an edition that ships with wattstar",)


OFFICIAL = """
from pathlib import Path
from wattstar.rating import editions
from wattstar.rating.placing import placed
from wattstar.records.store import Store
records = list(Store(Path({store!r})).records())
for name in ("2026-12", "2026-12-31"):
    for found in placed(records, editions.load(name)):
        print(name, sorted({{(str(r.standing), r.reasons[:1]) for r in found.ratings}}))
"""


def test_by_an_edition_that_ships_a_standard_record_earns_an_official_star(tmp_path: Path) -> None:
    """A copy of the package with an edition of wattstar's own beside the first ones, and a foreign one."""
    members = field()
    store = Store(tmp_path / "store")
    for _, record in members:
        store.add(record)
    edition = own(members)
    package = copy_of_package(tmp_path / "copy", media=False)
    editions.write(edition, package / "rating" / "editions" / "2026-12")
    foreign = replace(edition, name="2026-12-31", foreign="another tool")
    editions.write(foreign, package / "rating" / "editions" / "2026-12-31")
    done = python(OFFICIAL.format(store=str(tmp_path / "store")), env={"PYTHONPATH": str(tmp_path / "copy")})
    assert done.stdout.splitlines() == [
        "2026-12 [('official', ())]",
        "2026-12-31 [('indicative', ('figures of another tool; no model was measured both ways yet',))]",
    ], done.stderr


def test_a_store_is_frozen_and_rated_from_the_command_line(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    for _, record in field():
        store.add(record)
    built = command("edition", "build", "2026-12", "-o", tmp_path / "store", "--to", tmp_path / "own")
    assert built.returncode == 0, built.stderr
    words = ("rate", "-o", tmp_path / "store", "--edition", tmp_path / "own")
    shown = command(*words)
    assert shown.returncode == 0, shown.stderr
    said = " ".join(shown.stdout.split())
    for word in ("edition 2026-12 on NVIDIA H100", "n 9 families", "cuts in Wh", "not an edition that ships"):
        assert word in said
    [population] = json.loads(command(*words, "--scheme", "quantile", "--format", "json").stdout)
    assert {rating["scheme"] for rating in population["ratings"]} == {"quantile"}
    assert max(map(len, shown.stdout.splitlines())) <= 80


def test_an_empty_store_makes_no_edition(tmp_path: Path) -> None:
    done = command("edition", "build", "2026-12", "-o", tmp_path / "none", "--to", tmp_path / "own")
    assert done.returncode == 2
    assert "can be rated" in done.stderr
    assert not (tmp_path / "own").exists()


def test_text_generation_is_rated_by_what_it_takes_to_serve() -> None:
    """7, 13 and 70 billion in 16 bits: 14, 26 and 140 GB; by the published formula 13 billion fit a consumer card."""
    members = []
    for billions in (7, 13, 70):
        name, record = standard(
            8.0, f"a/{billions}", "text-generation", loaded=Loaded(billions * 10**9, digest=None, packages={})
        )
        job = replace(record.job, model=replace(record.job.model, dtype="bfloat16"))
        members.append((name, replace(record, job=job)))
    assert [found.conditions.size_class for found in placed(members)] == ["A", "B", "C"]


def test_columns_have_the_stars_of_records() -> None:
    edition = own(field())
    [population] = edition.populations
    members = [standard(1.1 * 1.7**i, f"new{i}/model") for i in range(9)]
    [found] = placed(members, edition)
    intervals = [rating.wh_per_1000 for rating in found.ratings]
    made = rate_many(population, *zip(*((each.mid, each.low, each.high) for each in intervals), strict=True))
    assert list(made.stars) == [rating.stars for rating in found.ratings]
    assert list(zip(made.least, made.most, strict=True)) == [rating.span for rating in found.ratings]
    assert list(made.chance) == [max(rating.chances or ()) for rating in found.ratings]


def test_a_row_that_is_no_energy_is_named() -> None:
    [population] = own(field()).populations
    with pytest.raises(UsageError, match=r"Row 1: 0\.0 Wh"):
        rate_many(population, [1.0, 0.0], [None, None], [None, None])
    with pytest.raises(UsageError, match="gives no stars: 3 of the 8 families"):
        rate_many(own(field(3)).populations[0], [1.0], [None], [None])
