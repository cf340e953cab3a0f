"""A record's job measured again: what changed is said before, both figures side by side, and whether they agree."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.measuring.forging import Forged, forge
from tests.support import command, fake_words, records, wattstar_command, written
from wattstar.rating.comparisons import reproduction
from wattstar.types import Gpu, Machine


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("store")
    assert wattstar_command(*fake_words(folder, samples=3)).returncode == 0
    return folder


def file_of(store: Path) -> Path:
    [file] = (store / "records").iterdir()
    return file


def test_the_same_job_is_measured_again_and_the_figures_agree(store: Path, tmp_path: Path) -> None:
    done = wattstar_command("reproduce", file_of(store), "-o", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "They agree: again / then is 1.00" in done.stdout
    assert "two sittings differ by" in done.stdout
    [again], [then] = records(tmp_path), records(store)
    assert again.job == then.job
    assert again.job_id == then.job_id
    assert again.environment is not None
    assert again.environment.command[1] == "reproduce"


def test_what_has_changed_is_said_before_anything_is_measured(store: Path, tmp_path: Path) -> None:
    def elsewhere(forged: Forged) -> None:
        forged.record["machine"]["cpu"] = "another processor"
        forged.record["wattstar"] = "0.0.1"
        forged.record["environment"]["variables"] = {"OMP_NUM_THREADS": "96"}

    file = forge(file_of(store), elsewhere, tmp_path / "theirs")
    done = wattstar_command("reproduce", file, "-o", tmp_path / "mine", "--format", "json")
    assert done.returncode == 0, done.stderr
    before, _, _ = done.stderr.partition(": load")
    assert "processor: another processor then, " in before
    assert "wattstar: 0.0.1 then, " in before
    assert "$OMP_NUM_THREADS: 96 then, none now" in before
    found = json.loads(done.stdout)
    assert found["same_machine"] is False
    assert found["agree"] is True
    assert any("another processor" in words for words in found["changes"])


@pytest.mark.parametrize(
    ("path", "value", "said", "exit_code"),
    [
        (("meters",), ["nvml"], "The meter 'nvml' cannot read here", 3),
        (("model", "revision"), "0" * 64, "fake/model is another one here", 3),
        (("model", "device"), "cuda:7", "The job ran on cuda:7, and there is none here.", 3),
        (("backend",), "imaginary", "There is no backend 'imaginary'.", 2),
        (("procedure", "edition"), "house-2031", "There is no edition 'house-2031'.", 2),
    ],
)
def test_what_cannot_be_had_is_refused_before_anything_is_measured(
    store: Path, tmp_path: Path, path: tuple[str, ...], value: object, said: str, exit_code: int
) -> None:
    def other_job(forged: Forged) -> None:
        place = forged.record["job"]
        for part in path[:-1]:
            place = place[part]
        place[path[-1]] = value
        for row in forged.tables["timelines"]:
            row["meter"] = forged.record["job"]["meters"][0]
        text = json.dumps(forged.record).replace('"meter": "fake"', f'"meter": "{forged.record["job"]["meters"][0]}"')
        text = text.replace(" by fake", f" by {forged.record['job']['meters'][0]}")
        forged.record = json.loads(text)

    file = forge(file_of(store), other_job, tmp_path / "theirs")
    done = command("reproduce", file, "-o", tmp_path / "mine")
    assert done.returncode == exit_code, done.stderr
    assert said in done.stderr
    assert "→" in done.stderr
    assert done.stdout == ""
    assert not (tmp_path / "mine").exists()


def test_a_record_that_does_not_add_up_is_not_reproduced(store: Path, tmp_path: Path) -> None:
    file = forge(file_of(store), lambda forged: forged.record.update(seconds=0.5), tmp_path)
    done = command("reproduce", file)
    assert done.returncode == 6
    assert "does not add up" in done.stderr
    assert f"wattstar verify {file}" in done.stderr


def test_a_record_without_a_figure_and_one_that_is_not_there_are_told(tmp_path: Path) -> None:
    assert wattstar_command(*fake_words(tmp_path, misbehave="corrupt")).returncode == 3
    done = command("reproduce", file_of(tmp_path), "-o", tmp_path)
    assert done.returncode == 2
    assert "has no figure that counts" in done.stderr
    done = command("reproduce", "feed", "-o", tmp_path)
    assert done.returncode == 2
    assert "There is no record 'feed'" in done.stderr


def gpu(uuid: str) -> Machine:
    return Machine("a processor", 2, 2**30, "Linux", "3.11", (Gpu(0, uuid, "a card", None, None, None),), {})


@pytest.mark.parametrize(
    ("energy", "spread", "same", "agree"),
    [
        (1.02, 0.0, True, True),  # 1.96 · √2 · 1 % = 2.8 %
        (1.03, 0.0, True, False),
        (1.03, 0.02, True, True),  # √(2 · 2² + 2.8²) = 4.0 %
        (1.20, 0.0, True, False),
        (1.20, 0.0, False, True),  # 1.96 · √2 · 8 % = 22 %
        (1.30, 0.0, False, False),
        (0.97, 0.0, True, False),
    ],
)
def test_two_sittings_may_differ_by_less_than_two_cards(energy: float, spread: float, same: bool, agree: bool) -> None:
    _, then = written(1.0, "a/model", spread=spread, machine=gpu("one"))
    _, again = written(energy, "a/model", spread=spread, machine=gpu("one" if same else "other"))
    job = replace(then.job, model=replace(then.job.model, device="cuda:0"))
    ratio = reproduction(replace(then, job=job), replace(again, job=job))
    assert ratio.low is not None
    assert ratio.high is not None
    assert ratio.mid == pytest.approx(energy)
    assert (ratio.low <= 1 <= ratio.high) is agree
