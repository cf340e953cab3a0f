"""Test sets are built by the real clients from a Hub on this machine, and checked whenever they are used."""

from __future__ import annotations

import csv
import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.simulators.hub import TOKEN, Hub, Repository, serving
from tests.support import fake_words, records, wattstar_command
from tests.testsets.making import ROWS, Part, everything, picture, repository, words
from wattstar import registry, testsets
from wattstar.types import Kind

pytest.importorskip("datasets", reason="pip install 'wattstar[testsets]'")
pytest.importorskip("soundfile", reason="pip install 'wattstar[testsets]'")

TASKS = sorted(registry.plug_ins("tasks"))

RECIPE = """
edition = "tiny"
task = "{task}"
pool = 60
[[sources]]
name = "One"
id = "us/one"
split = "test"
rows = {rows}
licence = "CC0-1.0"
{one}
[[sources]]
name = "Two"
id = "us/two"
split = "test"
rows = 20
licence = "MIT"
{two}
"""
TEXT = 'columns.text = "text"\ntarget = { column = "summary", form = "text" }'
FALLBACK = f'[sources.fallback]\nname = "Open"\nid = "us/open"\nsplit = "test"\nlicence = "MIT"\n{TEXT}'
IMAGE = 'columns.image = "image"\ntarget = { column = "label", form = "class" }'


@dataclass
class Place:
    """A machine with a cache of its own that knows one Hub."""

    hub: Hub
    folder: Path

    def run(self, *said: object, **env: str) -> subprocess.CompletedProcess[str]:
        """The command line."""
        settings = {
            "HF_ENDPOINT": self.hub.endpoint,
            "HF_HUB_OFFLINE": "0",
            "HF_HOME": str(self.folder / "hf"),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
            "HF_TOKEN": "",
        }
        return wattstar_command(*said, env={**settings, **env}, timeout=120)

    def build(self, *said: object, **env: str) -> Any:
        """What ``build`` says as JSON."""
        done = self.run("testset", "build", *said, "--format", "json", **env)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def recipe(self, *, task: str = "summarization", one: str = TEXT, two: str = TEXT, rows: int = 20) -> Path:
        """A recipe of two sources."""
        file = self.folder / "recipe.toml"
        file.write_text(RECIPE.format(task=task, one=one, two=two, rows=rows))
        return file

    @property
    def left(self) -> list[str]:
        """What lies in the cache of test sets."""
        return sorted(str(path) for path in (self.folder / "cache").rglob("*") if path.is_file())


def texts(first: int) -> Part:
    return Part("default", "test", lambda i: {"text": words(first + i), "summary": words(first + i, 3, 9)})


def pictures(first: int) -> Part:
    from datasets import ClassLabel, Image

    features = {"image": Image(), "label": ClassLabel(names=["cat", "dog"])}
    return Part("default", "test", lambda i: {"image": picture(first + i), "label": i % 2}, features)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """Two small data sets of texts."""
    made = {"us/one": repository([texts(0)], rows=80), "us/two": repository([texts(1000)], rows=80)}
    with serving({}, made) as hub:
        yield Place(hub, tmp_path)


@pytest.fixture(scope="module")
def all_built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Place, list[dict[str, Any]], str]]:
    """All ten, built by the shipped recipes."""
    with serving({}, everything()) as hub:
        place = Place(hub, tmp_path_factory.mktemp("first"))
        done = place.run("testset", "build", *TASKS, "--format", "json")
        assert done.returncode == 0, done.stderr
        yield place, json.loads(done.stdout), done.stderr


Cache = Callable[[Place], None]


@pytest.fixture
def using(monkeypatch: pytest.MonkeyPatch) -> Cache:
    """Look into a place's cache from this process."""
    return lambda place: monkeypatch.setenv("XDG_CACHE_HOME", str(place.folder / "cache"))


def test_the_ten_recipes_build_a_thousand_rows_each_with_every_field_of_the_task(
    all_built: tuple[Place, list[dict[str, Any]], str], using: Cache
) -> None:
    place, facts, _ = all_built
    using(place)
    assert [fact["task"] for fact in facts] == [registry.task(name).tag for name in TASKS]
    kinds = {Kind.TEXT: str, Kind.LABELS: list, Kind.IMAGE: object, Kind.AUDIO: object}
    for name in TASKS:
        task = registry.task(name)
        found = testsets.load(task, "standard-2026")
        assert len(found.samples) == len({sample.id for sample in found.samples}) == 1000
        assert len({sample.source for sample in found.samples}) >= 3
        for sample in found.samples[::100]:
            decoded = testsets.decode(sample, task, task.controls)
            assert list(decoded.input) == list(task.inputs)
            assert all(isinstance(decoded.input[field], kinds[kind]) for field, kind in task.inputs.items())


def test_built_again_on_another_machine_the_digests_are_the_same(
    all_built: tuple[Place, list[dict[str, Any]], str], tmp_path: Path
) -> None:
    place, facts, _ = all_built
    again = Place(place.hub, tmp_path).build(*TASKS)
    assert [fact["digest"] for fact in again] == [fact["digest"] for fact in facts]
    assert [fact["sources"] for fact in again] == [fact["sources"] for fact in facts]


def test_the_targets_are_what_the_tasks_score(all_built: tuple[Place, list[dict[str, Any]], str], using: Cache) -> None:
    using(all_built[0])

    def targets(name: str, source: str) -> list[Any]:
        samples = testsets.load(registry.task(name), "standard-2026").samples
        return [sample.target for sample in samples if sample.source == source]

    assert {type(target) for target in targets("text-generation", "WikiText")} == {type(None)}
    assert set(targets("text-generation", "UltraChat")) == {"So."}
    answers = targets("question-answering", "SQuAD v2")
    assert [] in answers
    assert all(len(target) == 1 for target in answers if target)
    assert set(targets("text-classification", "Yelp")) <= {"1 star", *(f"{n} stars" for n in range(2, 6))}
    assert set(targets("sentence-similarity", "Phrase Similarity (PiC)")) == {0.0, 1.0}
    assert set(targets("sentence-similarity", "Sentence Compression")) == {None}
    assert {tuple(target) for target in targets("image-classification", "ImageNet")} <= {(0,), (1,), (2,)}
    assert set(targets("image-classification", "Food-101")) == {"apple_pie", "baklava", "waffles"}
    assert targets("object-detection", "COCO 2017")[0][0]["box"] == [1.0, 2.0, 5.0, 6.5]
    assert targets("object-detection", "Visual Genome")[0] == [{"label": "cup", "box": [1.0, 2.0, 4.0, 6.0]}]
    litter = targets("object-detection", "Plastic in River")
    assert [] in litter
    assert any(target and target[0]["label"] == "PLASTIC_BOTTLE" for target in litter)
    assert all("A dog." in target for target in targets("image-to-text", "COCO 2014"))


def test_a_fallback_that_was_taken_is_said_and_stands_in_the_card(
    all_built: tuple[Place, list[dict[str, Any]], str],
) -> None:
    place, facts, said = all_built
    assert "instead of OSCAR: FineWeb" in said
    [fineweb] = [source for fact in facts for source in fact["sources"] if source["source"] == "FineWeb"]
    assert "oscar-corpus/OSCAR-2301" in fineweb["stands_for"]
    [fact] = [fact for fact in facts if fact["task"] == "text-generation"]
    card = Path(fact["card"]).read_text(encoding="utf-8")
    for expected in (
        "taken instead of OSCAR",
        "HuggingFaceFW/fineweb",
        place.hub.datasets["HuggingFaceFW/fineweb"].commit,
        "ODC-By-1.0",
        fact["digest"],
    ):
        assert expected in card


def test_as_csv_there_is_a_row_a_source(
    all_built: tuple[Place, list[dict[str, Any]], str],
) -> None:
    place, _, _ = all_built
    shown = place.run("testset", "show", "text-to-image", "--format", "csv")
    rows = list(csv.DictReader(shown.stdout.splitlines()))
    assert [row["source"] for row in rows] == ["COCO captions", "DiffusionDB", "Nouns"]
    assert sum(int(row["rows"]) for row in rows) == 1000


def test_a_run_finds_a_built_edition_and_its_digest_stands_in_the_record(
    all_built: tuple[Place, list[dict[str, Any]], str], tmp_path: Path
) -> None:
    place, facts, _ = all_built
    said = fake_words(tmp_path / "store", "--edition", "standard-2026", task="text-classification", samples=1000)
    done = place.run(*said, HF_HUB_OFFLINE="1")
    assert done.returncode == 0, done.stderr
    [record] = records(tmp_path / "store")
    [digest] = [fact["digest"] for fact in facts if fact["task"] == "text-classification"]
    assert (record.job.procedure.edition, record.job.procedure.digest) == ("standard-2026", digest)


def test_what_is_built_is_built_once(place: Place) -> None:
    first = place.build("--recipe", place.recipe())
    asked = len(place.hub.asked)
    done = place.run("testset", "build", "--recipe", place.recipe())
    assert done.returncode == 0, done.stderr
    assert "built already" in done.stderr
    assert len(place.hub.asked) == asked
    assert first["digest"] in done.stdout


def test_one_flipped_byte_is_found_and_named(place: Place, tmp_path: Path) -> None:
    place.hub.datasets = {"us/one": repository([pictures(0)], rows=40), "us/two": repository([pictures(90)], rows=40)}
    fact = place.build("--recipe", place.recipe(task="image-classification", one=IMAGE, two=IMAGE))
    check = ("testset", "verify", "image-classification", "--edition", "tiny")
    assert place.run(*check).returncode == 0
    media = sorted((Path(fact["folder"]) / "media").iterdir())
    for file in (media[7], Path(fact["folder"]) / "rows.jsonl"):
        before = file.read_bytes()
        middle = len(before) // 2
        file.write_bytes(before[:middle] + bytes([before[middle] ^ 1]) + before[middle + 1 :])
        done = place.run(*check)
        assert (done.returncode, file.name in done.stderr) == (6, True), done.stderr
        said = fake_words(tmp_path / "store", "--edition", "tiny", task="image-classification", samples=40)
        assert place.run(*said).returncode == 6
        file.write_bytes(before)
    assert place.run(*check).returncode == 0


def test_a_missing_medium_and_a_changed_lock_are_found(place: Place) -> None:
    place.hub.datasets = {"us/one": repository([pictures(0)], rows=40), "us/two": repository([pictures(90)], rows=40)}
    fact = place.build("--recipe", place.recipe(task="image-classification", one=IMAGE, two=IMAGE))
    check = ("testset", "verify", "image-classification", "--edition", "tiny")
    lock = Path(fact["lock"])
    lock.write_text(lock.read_text().replace(fact["digest"], "0" * 64))
    done = place.run(*check)
    assert (done.returncode, "recipe.lock.toml" in done.stderr) == (6, True)
    gone = sorted((lock.parent / "media").iterdir())[0]
    gone.unlink()
    done = place.run(*check)
    assert (done.returncode, gone.name in done.stderr) == (6, True)


def test_a_lock_keeps_the_commit_when_main_has_moved(place: Place) -> None:
    first = place.build("--recipe", place.recipe())
    lock = place.folder / "kept.toml"
    lock.write_text(Path(first["lock"]).read_text())
    other = repository([texts(5000)], rows=80)
    place.hub.datasets["us/one"] = place.hub.datasets["us/one"].moved(other.files)
    assert place.build("--from-lock", lock, "--replace")["digest"] == first["digest"]
    moved = place.build("--recipe", place.recipe(), "--replace")
    assert moved["digest"] != first["digest"]
    assert moved["sources"][0]["commit"] == other.commit
    done = place.run("testset", "build", "--from-lock", lock)
    assert (done.returncode, "--replace" in done.stderr) == (2, True)


def test_a_lock_whose_test_set_comes_out_otherwise_is_refused_and_nothing_is_replaced(place: Place) -> None:
    first = place.build("--recipe", place.recipe())
    lock = place.folder / "kept.toml"
    lock.write_text(Path(first["lock"]).read_text().replace(first["digest"], "0" * 64))
    before = place.left
    done = place.run("testset", "build", "--from-lock", lock, "--replace")
    assert done.returncode == 6
    assert place.left == before


@pytest.mark.parametrize("fault", ["cut", "stuck"])
def test_a_transfer_that_breaks_is_taken_up_again(place: Place, tmp_path: Path, fault: str) -> None:
    name = "default/test-00000-of-00001.parquet"
    getattr(place.hub, fault)[name] = 1
    broken = place.build("--recipe", place.recipe(), HF_HUB_DOWNLOAD_TIMEOUT="1")
    assert getattr(place.hub, fault)[name] == 0
    whole = Place(place.hub, tmp_path / "other")
    whole.folder.mkdir()
    assert whole.build("--recipe", whole.recipe())["digest"] == broken["digest"]


def test_a_gated_source_needs_a_token_and_leaves_nothing_half_made(place: Place) -> None:
    place.hub.datasets["us/two"] = repository([texts(1000)], rows=80, gated=True)
    for token in ("", "hf_SomebodyWhoWasNotLetIn"):
        done = place.run("testset", "build", "--recipe", place.recipe(), HF_TOKEN=token)
        assert done.returncode == 3
        assert "us/two is gated" in done.stderr
        assert "hf auth login" in done.stderr
        assert place.left == []
    assert place.build("--recipe", place.recipe(), HF_TOKEN=TOKEN)["rows"] == 40


def test_the_fallback_of_a_gated_source_is_taken_without_a_token_only(place: Place) -> None:
    place.hub.datasets["us/two"] = repository([texts(1000)], rows=80, gated=True)
    place.hub.datasets["us/open"] = repository([texts(2000)], rows=80)
    file = place.recipe(two=f'closed = "gated"\n{TEXT}\n{FALLBACK}')
    done = place.run("testset", "build", "--recipe", file)
    assert done.returncode == 0, done.stderr
    assert "us/two is gated" in done.stderr
    assert "instead of Two: Open" in done.stderr
    assert "was taken instead of Two (us/two)" in done.stdout
    taken = place.build("--recipe", file, "--replace", HF_TOKEN=TOKEN)
    assert [source["source"] for source in taken["sources"]] == ["One", "Two"]
    opened = place.build("--recipe", file, "--replace", "--open", HF_TOKEN=TOKEN)
    assert [source["source"] for source in opened["sources"]] == ["One", "Open"]


def test_too_few_rows_says_which_source_has_how_many(place: Place) -> None:
    done = place.run("testset", "build", "--recipe", place.recipe(rows=90))
    assert done.returncode == 2
    assert "One has 80, not 90" in done.stderr
    assert place.left == []


@pytest.mark.parametrize("files", ["", 'files = "default/*.parquet"\n'])
def test_an_unknown_column_is_refused_with_those_there_are(place: Place, files: str) -> None:
    done = place.run("testset", "build", "--recipe", place.recipe(one=files + TEXT.replace('"text"', '"txt"', 1)))
    assert done.returncode == 2
    assert "'txt'" in done.stderr
    assert "there is: text, summary" in done.stderr


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ('config = "nothing"\n', "nothing"),
        ('files = "nowhere/*.parquet"\n', "no files 'nowhere/*.parquet'"),
        ('revision = "v9"\n', "no revision 'v9'"),
    ],
)
def test_a_source_that_is_not_as_the_recipe_says_is_named(place: Place, more: str, said: str) -> None:
    done = place.run("testset", "build", "--recipe", place.recipe(one=more + TEXT))
    assert done.returncode in (2, 3)
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_repository_that_is_a_script_is_never_run(place: Place) -> None:
    place.hub.datasets["us/one"] = Repository({"one.py": b"raise SystemExit(77)", "README.md": b""})
    done = place.run("testset", "build", "--recipe", place.recipe())
    assert done.returncode == 2
    assert "refs/convert/parquet" in done.stderr


def test_offline_says_what_to_do_and_what_is_built_needs_no_network(place: Place) -> None:
    done = place.run("testset", "build", "--recipe", place.recipe(), HF_HUB_OFFLINE="1")
    assert done.returncode == 3
    assert "unset HF_HUB_OFFLINE" in done.stderr
    place.build("--recipe", place.recipe())
    shown = place.run("testset", "show", "summarization", "--edition", "tiny", HF_HUB_OFFLINE="1")
    assert shown.returncode == 0
    assert "40 rows" in shown.stdout


def test_an_outage_is_no_reason_for_a_fallback(place: Place) -> None:
    place.hub.failing = True
    done = place.run("testset", "build", "--recipe", place.recipe())
    assert done.returncode == 3
    assert "us/one" in done.stderr


def test_an_edition_that_is_not_built_is_not_fetched_by_a_run(place: Place, tmp_path: Path) -> None:
    for edition in ("standard-2026", "aes-2025"):
        done = place.run(*fake_words(tmp_path / "store", "--edition", edition))
        assert done.returncode == 3
        assert f"wattstar testset build text-classification --edition {edition}" in done.stderr
    assert place.hub.asked == []


def test_a_ready_made_set_is_taken_whole_and_in_its_order(
    all_built: tuple[Place, list[dict[str, Any]], str], using: Cache
) -> None:
    place, _, _ = all_built
    facts = place.build("sentence-similarity", "image-to-text", "--edition", "aes-2025")
    assert [fact["rows"] for fact in facts] == [ROWS, ROWS]
    using(place)
    samples = testsets.load(registry.task("sentence-similarity"), "aes-2025").samples
    assert [sample.input["sentence1"] for sample in samples] == [words(i, 4, 9) for i in range(ROWS)]
    assert {sample.target for sample in samples} == {None}


def test_a_built_set_is_pushed_only_with_a_token_and_privately(place: Place) -> None:
    fact = place.build("--recipe", place.recipe())
    push = ("testset", "push", "summarization", "--edition", "tiny", "--to", "us/pushed")
    assert place.run(*push).returncode == 3
    done = place.run(*push, HF_TOKEN=TOKEN)
    assert done.returncode == 0, done.stderr
    pushed = place.hub.datasets["us/pushed"]
    folder = Path(fact["folder"])
    names = {"rows.jsonl", "README.md", "recipe.lock.toml"}
    assert {name: pushed.files[name] for name in names} == {name: (folder / name).read_bytes() for name in names}
    assert pushed.private


def test_a_damaged_set_is_not_pushed(place: Place) -> None:
    fact = place.build("--recipe", place.recipe())
    rows = Path(fact["folder"]) / "rows.jsonl"
    rows.write_bytes(rows.read_bytes().replace(b"w1", b"w2"))
    done = place.run("testset", "push", "summarization", "--edition", "tiny", "--to", "us/pushed", HF_TOKEN=TOKEN)
    assert done.returncode == 6
    assert "us/pushed" not in place.hub.datasets


def test_nothing_named_is_a_usage_error(place: Place) -> None:
    done = place.run("testset", "build")
    assert done.returncode == 2
    assert "wattstar testset build TASK" in done.stderr
