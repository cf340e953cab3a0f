"""A task, a backend and a meter are each added by one new file, and by an entry point of another package."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support import copy_of_package, other_package, records, wattstar_command
from wattstar.types import Boundary

TASK = '''
"""Count the letters of a text."""

from wattstar.types import Controls, Kind, Phase, Quality

title = "letter counting"
tag = "letter-counting"
inputs = {"text": Kind.TEXT}
output = Kind.NUMBER
controls = Controls()
phases = (Phase("forward", begins="batch"),)
zero_shot = None
requires = ()


def score(samples, outputs):
    """The share that was counted right."""
    right = [output.value == sample.target for sample, output in zip(samples, outputs, strict=True)]
    return Quality("exact", sum(right) / len(right), higher_is_better=True, n=len(right))
'''
# Serves a folder that its own test made; draws 10 W for 2 s a sample by the clock of a simulated device.
BACKEND = '''
"""Counts letters by heart."""

import json
import os
from contextlib import contextmanager
from pathlib import Path

from wattstar.types import Batch, Output, Session

requires = ()


def refuses(model, task):
    """Serves only what it was made for."""
    return None if task.tag == "letter-counting" else f"serves letter-counting, not {task.tag}"


@contextmanager
def session(model, task, controls):
    """A clock of its own."""
    world = {"time": 1_000_000_000}
    file = Path(os.environ["WATTSTAR_JOB_FOLDER"]) / "abacus.jsonl"

    def advance(seconds, watts):
        world["time"] += int(seconds * 1e9)
        world["joules"] = world.get("joules", 0.0) + seconds * watts
        with file.open("a") as lines:
            lines.write(json.dumps(world) + "\\n")

    advance(1, 0)

    def predict(batch, mark):
        advance(2.0 * len(batch.samples), 10.0)
        return [len(sample.input["text"]) for sample in batch.samples]

    yield Session(
        prepare=lambda samples: [Batch((sample,), None) for sample in samples],
        predict=predict,
        finish=lambda batch, raw: [Output(value) for value in raw],
        now=lambda: world["time"],
        sleep=lambda seconds: advance(seconds, 1.0),
    )
'''
METER = '''
"""Reads what the abacus draws from the wall."""

import json
from contextlib import contextmanager
from pathlib import Path

from wattstar.types import Affinity, Level, Method, Reader

requires = ()
method = Method.SAMPLED
plausible_factor = None
gain = None
argument = None
confirmed = False


def affinity():
    """Always here."""
    return Affinity(Level.ASKED, ("system",), "reads the plug of the abacus")


@contextmanager
def reader(scope):
    """One line a read."""
    file, seen = Path(scope.folder) / "abacus.jsonl", [0]

    def read():
        lines = file.read_text().splitlines() if file.exists() else []
        if seen[0] == len(lines):
            return {}
        seen[0] += 1
        line = json.loads(lines[seen[0] - 1])
        return {"system": (line["time"], line.get("joules", 0.0))}

    yield Reader(read=read, period=0.0005)
'''
ROWS = "".join(
    json.dumps({"id": f"row{i}", "source": "letters", "input": {"text": "x" * (i + 1)}, "target": i + 1}) + "\n"
    for i in range(3)
)
WORDS = ["run", "-t", "letter-counting", "--backend", "abacus", "--meter", "wall",
         "--idle-seconds", 1, "--pass-seconds", 0]  # fmt: skip


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A folder that looks like a model."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "abacus"}')
    (folder / "model.safetensors").write_bytes(b"beads")
    return folder


def assert_used(model: Path, env: dict[str, str], store: Path) -> None:
    for command, name, help in (
        ("tasks", "letter-counting", "Count the letters of a text"),
        ("backends", "abacus", "Counts letters by heart"),
        ("meters", "wall", "Reads what the abacus draws from the wall"),
    ):
        listed = json.loads(wattstar_command(command, "--format", "json", env=env).stdout)
        assert (name, help) in [(row[command[:-1]], row["what it is"]) for row in listed]
    done = wattstar_command(*WORDS, "-m", model, "-o", store, env=env)
    assert done.returncode == 0, done.stderr
    [record] = records(store)
    assert (record.job.task, record.job.backend, record.job.meters) == ("letter-counting", "abacus", ("wall",))
    assert record.rated is Boundary.SYSTEM
    assert record.figures[0].wh_per_1000.mid == pytest.approx(20 / 3.6)
    assert record.figures[0].method == "sampled"
    assert record.quality is not None
    assert (record.quality.name, record.quality.value, record.quality.n) == ("exact", 1.0, 3)


def test_one_new_file_each_is_listed_and_used_with_no_other_edit(tmp_path: Path, model: Path) -> None:
    package = copy_of_package(tmp_path / "copy", media=False)
    (package / "tasks" / "letter_counting.py").write_text(TASK)
    (package / "backends" / "abacus.py").write_text(BACKEND)
    (package / "meters" / "wall.py").write_text(METER)
    (package / "testsets" / "mini" / "letter-counting.jsonl").write_text(ROWS)  # its samples
    assert_used(model, {"PYTHONPATH": str(tmp_path / "copy")}, tmp_path / "store")


def test_plug_ins_of_another_package_are_listed_and_used(tmp_path: Path, model: Path) -> None:
    """They come by entry points; only the samples lie in wattstar's own folder."""
    package = copy_of_package(tmp_path / "copy", media=False)
    (package / "testsets" / "mini" / "letter-counting.jsonl").write_text(ROWS)
    points = "[wattstar.tasks]\nletter-counting = abaci.task\n[wattstar.backends]\nabacus = abaci.backend\n"
    points += "[wattstar.meters]\nwall = abaci.meter\n"
    other_package(tmp_path / "site", "abaci", {"task": TASK, "backend": BACKEND, "meter": METER}, points)
    env = {"PYTHONPATH": f"{tmp_path / 'copy'}:{tmp_path / 'site'}"}
    assert_used(model, env, tmp_path / "store")
    listed = json.loads(wattstar_command("meters", "--format", "json", env=env).stdout)
    assert {row["meter"]: row["from"] for row in listed}["wall"] == "abaci"

    # On a machine without that package its records are still shown.
    for command in (["list", "--format", "csv"], ["rate"]):
        done = wattstar_command(*command, "-o", tmp_path / "store")
        assert done.returncode == 0, done.stderr
        assert "letter-counting" in done.stdout


def test_two_packages_that_offer_one_name_are_told_apart(tmp_path: Path) -> None:
    other_package(tmp_path, "copycat", {"meter": METER}, "[wattstar.meters]\nestimate = copycat.meter\n")
    done = wattstar_command("meters", env={"PYTHONPATH": str(tmp_path)})
    assert done.returncode == 2
    assert "Two packages offer meters 'estimate': wattstar and copycat." in done.stderr
    assert "pip uninstall copycat" in done.stderr


@pytest.mark.parametrize("value", ["gone.meter", "broken.gone", "broken.meter"])
def test_a_broken_package_costs_its_own_plug_in_and_no_other(tmp_path: Path, value: str) -> None:
    broken = {"meter": '"""Broken."""\nimport a_package_that_is_not_there\n'}
    other_package(tmp_path, "broken", broken, f"[wattstar.meters]\nbroken-meter = {value}\n")
    env = {"PYTHONPATH": str(tmp_path)}
    listed = wattstar_command("meters", "--format", "json", env=env)
    assert listed.returncode == 0, listed.stderr
    assert {row["meter"] for row in json.loads(listed.stdout)} >= {"broken-meter", "estimate"}
    words = ["-t", "text-classification", "-m", "fake/model", "--weights", "random", "-o", tmp_path / "store"]
    asked = wattstar_command("run", *words, "--meter", "broken-meter", env=env)
    assert asked.returncode == 3
    assert "The meter 'broken-meter' of the package broken cannot be imported" in asked.stderr
    assert "Traceback" not in asked.stderr


def test_a_missing_package_is_one_line_with_the_pip_command(tmp_path: Path) -> None:
    needy = METER.replace("requires = ()", 'requires = ("a-package-that-is-not-there",)')
    needy_backend = BACKEND.replace("requires = ()", 'requires = ("a-package-that-is-not-there",)').replace(
        "return None if task.tag ==", "return None if True or task.tag =="
    )
    points = "[wattstar.meters]\nneedy = needy.meter\n[wattstar.backends]\nneedy = needy.backend\n"
    other_package(tmp_path, "needy", {"meter": needy, "backend": needy_backend}, points)
    words = ["-t", "text-classification", "-m", "fake/model", "--weights", "random", "-o", tmp_path / "store"]
    done = wattstar_command("run", *words, "--backend", "needy", "--meter", "fake",
                            env={"PYTHONPATH": str(tmp_path)})  # fmt: skip
    assert done.returncode == 3
    assert "The backend 'needy' needs a-package-that-is-not-there." in done.stderr
    assert "→ pip install a-package-that-is-not-there" in done.stderr
