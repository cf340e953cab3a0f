"""The contract of every plug-in file: whoever adds one need not read another to know what is asked of it."""

from __future__ import annotations

import importlib
import inspect
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.support import PACKAGE, fake_job, python
from wattstar import registry
from wattstar.types import (
    Affinity,
    Controls,
    Kind,
    Level,
    Method,
    Output,
    Phase,
    Quality,
    Sample,
)

HEAVY = ("torch", "transformers", "pynvml", "numpy", "pyarrow", "scipy", "PIL", "jiwer", "faster_whisper", "pydantic",
         "amdsmi", "zeus_apple_silicon")  # fmt: skip
ARGUMENTS: Mapping[str, Mapping[str, list[str]]] = {
    "tasks": {"score": ["samples", "outputs"]},
    "backends": {"refuses": ["model", "task"], "session": ["model", "task", "controls"]},
    "meters": {"affinity": [], "reader": ["scope"]},
    "launchers": {"launch": ["jobs", "run"]},
}
ALL = [(kind, name) for kind in registry.KINDS for name in registry.plug_ins(kind)]
TASKS, BACKENDS, METERS = (list(registry.plug_ins(kind)) for kind in ("tasks", "backends", "meters"))


def module_of(kind: str, name: str) -> ModuleType:
    return importlib.import_module(registry.plug_ins(kind)[name].module)


@pytest.mark.parametrize("kind", registry.KINDS)
def test_every_file_of_the_folder_is_a_plug_in(kind: str) -> None:
    files = {file.stem.replace("_", "-") for file in (PACKAGE / kind).glob("*.py") if not file.stem.startswith("_")}
    assert files
    assert files <= set(registry.plug_ins(kind))


@pytest.mark.parametrize(("kind", "name"), ALL)
def test_a_plug_in_says_in_one_line_what_it_is(kind: str, name: str) -> None:
    plug_in = registry.plug_ins(kind)[name]
    assert len(plug_in.help) > 10
    assert plug_in.help == (module_of(kind, name).__doc__ or "").splitlines()[0].rstrip(".")
    assert len(plug_in.help) <= 110


@pytest.mark.parametrize(("kind", "name"), ALL)
def test_a_plug_in_has_the_functions_of_its_protocol(kind: str, name: str) -> None:
    module = module_of(kind, name)
    for function, arguments in ARGUMENTS[kind].items():
        assert list(inspect.signature(getattr(module, function)).parameters) == arguments


@pytest.mark.parametrize(("kind", "name"), ALL)
def test_a_plug_in_names_the_distributions_it_needs(kind: str, name: str) -> None:
    requires = module_of(kind, name).requires
    assert isinstance(requires, tuple)
    assert all(isinstance(required, str) and required.strip() == required != "" for required in requires)


def test_listing_and_importing_plug_ins_loads_nothing_heavy() -> None:
    """What they need is imported by the function that needs it."""
    text = """
import importlib, json, sys
from wattstar import registry
names = [plug_in.module for kind in registry.KINDS for plug_in in registry.plug_ins(kind).values()]
loaded = {}
loaded["listing"] = sorted(sys.modules)
for name in names:
    importlib.import_module(name)
    loaded[name] = sorted(sys.modules)
print(json.dumps(loaded))
"""
    done = python(text)
    assert done.returncode == 0, done.stderr
    loaded = json.loads(done.stdout)
    assert len(loaded) == len(ALL) + 1
    for moment, names in loaded.items():
        assert {name for name in names if name in HEAVY} == set(), moment
    assert not any(name.startswith(("wattstar.tasks.", "wattstar.backends.")) for name in loaded["listing"])


@pytest.mark.parametrize("name", TASKS)
def test_a_task_is_named_by_its_tag_and_has_a_title(name: str) -> None:
    task = registry.task(name)
    assert task.tag == name
    assert task.title.strip()
    assert task.title == task.title.lower()


@pytest.mark.parametrize("name", TASKS)
def test_a_task_declares_the_shapes_of_question_and_answer_and_the_work(name: str) -> None:
    task = registry.task(name)
    assert task.inputs
    assert all(isinstance(field, str) and isinstance(kind, Kind) for field, kind in task.inputs.items())
    assert isinstance(task.output, Kind)
    assert isinstance(task.controls, Controls)
    assert task.controls.batch_size >= 1
    if Kind.AUDIO in task.inputs.values():
        assert task.controls.sampling_rate


@pytest.mark.parametrize("name", TASKS)
def test_the_first_phase_of_a_task_begins_with_its_batch(name: str) -> None:
    phases = registry.task(name).phases
    assert isinstance(phases, tuple)
    assert all(isinstance(phase, Phase) for phase in phases)
    assert phases[0].begins == "batch"
    assert len({phase.name for phase in phases}) == len({phase.begins for phase in phases}) == len(phases)
    assert "batch_end" not in {phase.begins for phase in phases}


def answers(name: str) -> tuple[Callable[..., Quality | None], Callable[[Any], Sample], Callable[[Any], Output]]:
    score = registry.task(name).score
    return score, lambda target: Sample("id", "source", {}, target), lambda value: Output(value)


# Targets and answers of each task's shape: right, wrong; a plug-in of another shape is skipped.
SHAPES: Mapping[Kind, tuple[tuple[Any, ...], tuple[Any, ...]]] = {
    Kind.LABEL: (("a", "b", "a"), ("b", "a", "b")),
    Kind.TEXT: (("one two", "three", "four"), ("five", "six", "seven")),
    Kind.NUMBER: ((0.1, 0.5, 0.9), (0.9, 0.5, 0.1)),
    Kind.BOXES: (
        tuple([{"label": "cat", "box": [0, 0, size, size], "score": 0.9}] for size in (10, 20, 30)),
        tuple([{"label": "cat", "box": [50, 50, 60, 60], "score": 0.9}] for _ in range(3)),
    ),
    Kind.IMAGE: (("none is right",) * 3, ("none is wrong",) * 3),
}
WITHOUT_TARGETS = ("text-generation", "text-to-image")
"""Their rows have no right answer."""


@pytest.mark.parametrize("name", TASKS)
def test_rows_without_a_target_are_not_scored_and_not_counted(name: str) -> None:
    score, sample, output = answers(name)
    good, bad = SHAPES[registry.task(name).output]
    assert score([], []) is None
    assert score([sample(None)] * 3, [output(value) for value in good]) is None
    full = score([sample(target) for target in good], [output(value) for value in good])
    if full is None:
        assert name in WITHOUT_TARGETS
        return
    assert full.n == 3
    more = score([sample(target) for target in (*good, None)], [output(value) for value in (*good, bad[0])])
    assert more == full


@pytest.mark.parametrize("name", TASKS)
def test_right_answers_score_better_than_wrong_ones(name: str) -> None:
    score, sample, output = answers(name)
    good, bad = SHAPES[registry.task(name).output]
    samples = [sample(target) for target in good]
    right, wrong = score(samples, [output(value) for value in good]), score(samples, [output(value) for value in bad])
    if right is None or wrong is None:
        assert name in WITHOUT_TARGETS
        return
    assert right.name == wrong.name
    assert (right.value > wrong.value) == right.higher_is_better
    assert (right.value < wrong.value) != right.higher_is_better


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("task", TASKS)
def test_a_backend_refuses_an_unknown_format_with_a_reason_that_names_it(name: str, task: str) -> None:
    model = fake_job().model
    reason = registry.backend(name).refuses(
        type(model)(**{**vars(model), "format": "clay-tablet"}), registry.task(task)
    )
    assert reason is not None
    assert len(reason) > 10
    assert not reason.endswith("."), "the reason is a part of a sentence"
    assert "clay-tablet" in reason or task in reason


@pytest.mark.parametrize("name", METERS)
def test_a_meter_says_what_it_can_do_here(name: str) -> None:
    meter = registry.meter(name)
    affinity = meter.affinity()
    assert isinstance(affinity, Affinity)
    assert isinstance(affinity.level, Level)
    assert len(affinity.reason) > 10
    if affinity.level is Level.ABSENT:
        assert affinity.cure, "what is absent can be cured"
        assert affinity.domains == ()
    else:
        assert affinity.domains
        assert {domain.partition(":")[0] for domain in affinity.domains} <= {"gpu", "cpu", "dram", "system"}


@pytest.mark.parametrize("name", METERS)
def test_only_a_modelled_meter_has_a_plausible_range_and_is_an_estimate(name: str) -> None:
    meter = registry.meter(name)
    assert isinstance(meter.method, Method)
    modelled = meter.method is Method.MODELLED
    assert (meter.plausible_factor is not None) == modelled
    assert meter.plausible_factor is None or meter.plausible_factor > 1
    assert not (modelled and meter.affinity().level is Level.REAL), "an estimate never passes for a measurement"


def test_the_typed_assignments_are_those_of_the_plug_ins_that_are_here() -> None:
    """By them mypy checks every plug-in; if this fails: python scripts/typed_plugins.py."""
    root = Path(__file__).parents[2]
    scope: dict[str, Any] = {"__file__": str(root / "scripts" / "typed_plugins.py"), "__name__": "generator"}
    exec((root / "scripts" / "typed_plugins.py").read_text(encoding="utf-8"), scope)
    assert scope["FILE"].read_text(encoding="utf-8") == scope["text"]()
