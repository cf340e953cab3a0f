"""Serve samples the way the worker does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from wattstar import registry
from wattstar.models import resolve
from wattstar.types import ModelSpec, Output, Request, Sample


def spec(task: str, model: str, **words: Any) -> ModelSpec:
    return resolve(Request(task, (model,), **{"device": "cpu", **words}), model)


def serve(
    backend: str, task: str, model: ModelSpec, inputs: Sequence[Mapping[str, Any]], **controls: Any
) -> tuple[list[Output], list[str]]:
    """Outputs and the names of the marks; ``controls`` are laid over the task's own."""
    chosen = registry.backend(backend)
    asked = registry.task(task)
    assert chosen.refuses(model, asked) is None
    samples = [Sample(str(index), "a test", input) for index, input in enumerate(inputs)]
    marks: list[str] = []
    with chosen.session(model, asked, replace(asked.controls, **controls)) as session:
        outputs = [
            output
            for batch in session.prepare(samples)
            for output in session.finish(batch, session.predict(batch, marks.append))
        ]
    return outputs, marks
