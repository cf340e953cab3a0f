"""Editions are frozen: what ships is what the script builds, an edited one is refused, and what moves is said."""

from __future__ import annotations

import json
import math
import runpy
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.rating.test_schemes import ALIKE, entries
from tests.support import PACKAGE, command
from wattstar.errors import UnknownName, UsageError, VerificationFailed
from wattstar.rating import editions
from wattstar.rating.building import DRIFT, Group, build, changes, fresh_share
from wattstar.records.codec import digest
from wattstar.types import Edition, Interval

SCRIPT = PACKAGE.parent.parent / "scripts" / "editions" / "build.py"
EMPTY = Edition("2026-01", "of a test", foreign=None, populations=(), changes=())


def made(energies: list[float], name: str = "2026-01", before: Edition | None = None) -> Edition:
    return build(replace(EMPTY, name=name), [Group(ALIKE, tuple(entries(energies)))], before)


def test_the_editions_that_ship_are_those_that_the_script_builds(tmp_path: Path) -> None:
    runpy.run_path(str(SCRIPT))["main"](tmp_path)
    for name in ("2025-02", "2025-12"):
        for file in (editions.FILE, editions.SUM):
            assert (tmp_path / name / file).read_bytes() == (editions.SHIPPED / name / file).read_bytes()


def test_february_and_december_share_no_population() -> None:
    """Two programs: greedy and ten runs, sampled and one."""
    for each in editions.load("2025-12").populations:
        assert len({entry.date for entry in each.entries}) == 1
        assert each.entries[0].date in ("2025-02", "2025-12")


def test_one_forward_pass_and_written_words_are_not_ranked_together() -> None:
    found = [each for each in editions.load("2025-02").populations if each.conditions.task == "summarization"]
    assert [{entry.family == "google-t5" for entry in each.entries} for each in found] == [{True}, {False}]
    assert any("nothing is written" in doubt for doubt in found[1].doubts)


def test_few_published_groups_have_the_eight_families_that_stars_need() -> None:
    found = editions.load("2025-12").populations
    assert {str(each.grade) for each in found} == {"none", "provisional"}
    assert sum(each.cuts is not None for each in found) == 3
    assert all("families that stars need" in (each.reason or "") for each in found if each.cuts is None)


def test_an_edition_reads_back_as_it_was_written(tmp_path: Path) -> None:
    edition = made([2.0**i for i in range(9)])
    editions.write(edition, tmp_path / "own")
    assert editions.load(str(tmp_path / "own")) == edition
    with pytest.raises(UsageError, match="frozen"):
        editions.write(edition, tmp_path / "own")


def test_an_edited_edition_is_refused_with_the_cure(tmp_path: Path) -> None:
    shutil.copytree(editions.SHIPPED / "2025-02", tmp_path / "edited")
    file = tmp_path / "edited" / editions.FILE
    file.write_text(file.read_text().replace("13.4421", "1.34421"))
    with pytest.raises(VerificationFailed, match="it was edited") as said:
        editions.load(str(tmp_path / "edited"))
    assert said.value.cures
    done = command("rate", "--edition", tmp_path / "edited", "-o", tmp_path)
    assert (done.returncode, "it was edited" in done.stderr) == (6, True)


def test_a_zero_in_an_edition_is_refused_though_somebody_signed_it(tmp_path: Path) -> None:
    shutil.copytree(editions.SHIPPED / "2025-02", tmp_path / "signed")
    file = tmp_path / "signed" / editions.FILE
    file.write_text(file.read_text().replace("13.4421", "0.0"))
    (tmp_path / "signed" / editions.SUM).write_text(f"{digest(file.read_bytes())}  {editions.FILE}\n")
    with pytest.raises(VerificationFailed, match="holds no energy for openai/whisper-tiny"):
        editions.load(str(tmp_path / "signed"))


def test_an_edition_without_its_digest_is_refused(tmp_path: Path) -> None:
    shutil.copytree(editions.SHIPPED / "2025-02", tmp_path / "bare")
    (tmp_path / "bare" / editions.SUM).unlink()
    with pytest.raises(VerificationFailed):
        editions.load(str(tmp_path / "bare"))


def test_an_edition_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="Did you mean '2025-12'") as said:
        editions.load("2025-11")
    assert said.value.cures == ("known: 2025-02, 2025-12",)
    done = command("rate", "--edition", "2031", "-o", tmp_path)
    assert (done.returncode, "There is no edition '2031'" in done.stderr) == (2, True)


def test_a_cut_moves_by_no_more_than_a_twentieth_of_the_range_a_year() -> None:
    """Energies of 1 to 2⁸, a year later all ten times as much: each cut moves by 5 % of 8 ln 2."""
    first = made([2.0**i for i in range(9)])
    later = made([10 * 2.0**i for i in range(9)], "2027-01", first)
    old, new = first.populations[0].cuts, later.populations[0].cuts
    assert old is not None
    assert new is not None
    year = 365 / 365.25
    assert [math.log(b / a) for a, b in zip(old, new, strict=True)] == pytest.approx(
        [DRIFT * 8 * math.log(2) * year] * 4
    )
    near = made([1.01 * 2.0**i for i in range(9)], "2027-01", first).populations[0].cuts
    assert near == pytest.approx([1.01 * cut for cut in old]), "what moves by less is not held"


def test_what_changed_is_said_with_the_models_whose_stars_moved() -> None:
    first = made([2.0**i for i in range(9)])
    cuts = first.populations[0].cuts
    assert cuts is not None
    close = [*(2.0**i for i in range(8)), cuts[3] * 1.001]
    lines = list(changes(made(close), made([*close[:8], cuts[3] * 0.7], "2027-01")))
    assert any("1 energies came, 1 went" in line for line in lines)
    assert any("cuts of 5, 4, 3 and 2 stars moved by" in line for line in lines)
    assert list(changes(first, first)) == []


def test_an_edition_is_named_by_a_later_date_than_the_one_before() -> None:
    first = made([2.0**i for i in range(9)])
    with pytest.raises(UsageError, match="not later"):
        made([1.0], "2025-12", first)
    with pytest.raises(UsageError, match="named by its date"):
        made([1.0], "newest", first)


def test_a_larger_population_would_change_fewer_stars() -> None:
    shares = [fresh_share(count) for count in (8, 20, 50)]
    assert shares == sorted(shares, reverse=True)
    assert 0.1 < shares[2] < shares[0] < 0.6


def test_the_digest_is_one_that_sha256sum_checks() -> None:
    import hashlib

    for name in editions.names():
        said, file = (editions.SHIPPED / name / editions.SUM).read_text().split()
        assert hashlib.sha256((editions.SHIPPED / name / file).read_bytes()).hexdigest() == said


def test_the_command_shows_what_a_number_must_not_stand_without() -> None:
    done = command("edition", "show", "2025-02", "-t", "sentence-similarity")
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    for words in (
        "n 14 families",
        "cuts in Wh",
        "NVIDIA H100-80GB",
        "energy: gpu",
        "doubt: about 10 % low",
        "provisional",
    ):
        assert words in said
    [shown] = json.loads(command("edition", "show", "2025-02", "-t", "sentence-similarity", "--format", "json").stdout)
    assert len(shown["entries"]) == 19


def test_a_task_that_the_edition_does_not_know_is_said_with_those_it_does() -> None:
    done = command("edition", "show", "2025-02", "-t", "sentence-similarities")
    assert done.returncode == 2
    assert "Did you mean 'sentence-similarity'" in done.stderr


def test_intervals_stay_in_an_edition(tmp_path: Path) -> None:
    [entry] = entries([1.0])
    known = replace(entry, wh_per_1000=Interval(0.9, 1.0, 1.1))
    editions.write(build(EMPTY, [Group(ALIKE, (known,))]), tmp_path / "own")
    [population] = editions.load(str(tmp_path / "own")).populations
    assert population.entries == (known,)


def test_a_models_name_steers_no_terminal(tmp_path: Path) -> None:
    odd = [replace(entry, model=f"../{entry.model}\x1b[2J[bold]") for entry in entries([1.0, 2.0])]
    editions.write(build(EMPTY, [Group(ALIKE, tuple(odd))]), tmp_path / "own")
    shown = command("edition", "show", tmp_path / "own", "-t", ALIKE.task).stdout
    assert "\x1b" not in shown
    assert "[2J[bold]" in shown
