"""The words that measure a job again, for a reader's terminal."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import fields

from wattstar import registry
from wattstar.types import Approach, Controls, Job, Source, Weights

RECIPE = "recipe"
"""An option that nobody has to give: the package that a model comes in says how its files are made ready."""


def again(job: Job) -> str:
    """One command line. Everything in it is quoted: names come from records."""
    return shlex.join(["wattstar", "run", *_words(job)])


def _words(job: Job) -> Iterator[str]:
    model = job.model
    yield from ("--task", job.task, "--model", model.id)
    if model.source is Source.HUB:
        yield from ("--revision", model.revision)
    if model.weights is Weights.RANDOM:
        yield from ("--weights", "random", "--seed", str(job.controls.seed))
    if model.approach is Approach.ZERO_SHOT:
        yield from ("--approach", "zero-shot")
    yield from ("--backend", job.backend, "--dtype", model.dtype, "--device", model.device)
    yield from _controls(job)
    for name, value in sorted(model.options.items()):
        if name != RECIPE:
            yield from ("--option", f"{name}={value}")
    yield from _procedure(job)


def _controls(job: Job) -> Iterator[str]:
    """Those that are not the task's standard ones; all of a task that is not known here."""
    known = job.task in registry.plug_ins("tasks")
    standard = registry.task(job.task).controls if known else Controls()
    for each in fields(Controls):
        value = getattr(job.controls, each.name)
        if value is None or value == getattr(standard, each.name) or each.name in ("seed", "stops_early"):
            continue
        named = {"batch_size": "--batch-size", "new_tokens": "--new-tokens"}.get(each.name)
        yield from (named, str(value)) if named else ("--control", f"{each.name}={value}")


def _procedure(job: Job) -> Iterator[str]:
    procedure = job.procedure
    yield from ("--edition", procedure.edition, "--samples", str(procedure.samples))
    if procedure.subset is not None:
        yield "--quick"
    yield from ("--pass-seconds", f"{procedure.pass_seconds:g}", "--idle-seconds", f"{procedure.idle_seconds:g}")
    if procedure.passes >= procedure.most_passes:
        yield from ("--passes", str(procedure.passes))
    else:
        yield from ("--target-error", f"{procedure.target_error:g}")


def standard(task: str, model: str) -> str:
    """One command line that measures a model of the Hub by the standard procedure."""
    return shlex.join(["wattstar", "run", "--task", task, "--model", model])
