"""A batch may be left at the mark that ends its first phase, and the model serves on as if nothing had been."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.backends.serving import serve, spec
from tests.models.making import tiny_bart, tiny_gpt2
from tests.models.making_diffusion import tiny_stable_diffusion
from wattstar import registry
from wattstar.types import Output, Sample

pytest.importorskip("transformers", reason="pip install 'wattstar[transformers]'")

TEXTS = [{"text": text, "prompt": text} for text in ("a cat sat on a mat .", "bad", "the dog ran , the cat ran .")]
IMAGES = {"image_size": 64, "steps": 2, "guidance": 7.5}


class Left(Exception):
    """Nothing that a library knows."""


def leave(name: str) -> None:
    raise Left(name)


@pytest.mark.parametrize(
    ("backend", "task", "make", "controls", "mark"),
    [
        ("transformers", "text-generation", tiny_gpt2, {"new_tokens": 5}, "first_token"),
        ("transformers", "summarization", tiny_bart, {"new_tokens": 5}, "first_token"),
        ("diffusers", "text-to-image", tiny_stable_diffusion, IMAGES, "encoded"),
    ],
)
def test_a_model_serves_on_after_it_was_left_at_a_mark(
    tmp_path: Path, backend: str, task: str, make: Callable[[Path], Path], controls: Mapping[str, Any], mark: str
) -> None:
    pytest.importorskip(backend, reason=f"pip install 'wattstar[{backend}]'")
    model = spec(task, str(make(tmp_path / "model")))
    undisturbed, _ = serve(backend, task, model, TEXTS, batch_size=2, **controls)
    asked, samples = registry.task(task), [Sample(str(i), "a test", text) for i, text in enumerate(TEXTS)]
    marks: list[str] = []
    outputs: list[Output] = []
    with registry.backend(backend).session(model, asked, replace(asked.controls, batch_size=2, **controls)) as session:
        for batch in session.prepare(samples):
            with pytest.raises(Left, match=mark):
                session.predict(batch, leave)
            outputs += session.finish(batch, session.predict(batch, marks.append))
    assert [output.value for output in outputs] == [output.value for output in undisturbed]
    assert marks.count(mark) == 2, "once a batch: nothing of what was left marks later"
