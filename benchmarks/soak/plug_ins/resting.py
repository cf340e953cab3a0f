"""Rests for each batch, and lets the simulated machine change once it has rested for a while."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from wattstar.types import Batch, Controls, MarkFunction, ModelSpec, Output, Sample, Session, Task

requires: tuple[str, ...] = ()

SECONDS = 0.25
"""Of a batch, on the clock of this process."""
LATER = str(2**63 - 2)
"""Stands for the moment of the change."""
CONFIGURATIONS = {"WATTSTAR_NVML_SIMULATOR": "", "WATTSTAR_POWERCAP_SIMULATOR": "powercap.conf"}
"""Variable → file in the folder it names. What is to come lies beside it, its name ending in .later."""


def refuses(model: ModelSpec, task: Task) -> str | None:
    """Serves everything: it knows nothing."""
    return None


@contextmanager
def session(model: ModelSpec, task: Task, controls: Controls) -> Iterator[Session]:
    """Nothing is loaded; ``after_seconds`` of ``ModelSpec.options`` says after how much rest the change comes."""
    left = round(float(model.options["after_seconds"]) / SECONDS)

    def predict(batch: Batch, mark: MarkFunction) -> None:
        nonlocal left
        left -= 1
        if not left:
            change(os.environ)
        time.sleep(SECONDS)

    def prepare(samples: Sequence[Sample]) -> list[Batch]:
        return [Batch((sample,), None) for sample in samples]

    yield Session(prepare, predict, lambda batch, raw: [Output(None) for _ in batch.samples])


def change(environment: Mapping[str, str]) -> None:
    """Put the sensors' configurations that are to come in place of those that are."""
    moment = str(time.monotonic_ns())
    for variable, name in CONFIGURATIONS.items():
        now = Path(environment[variable], name)
        later = now.with_name(f"{now.name}.later")
        text = later.read_text(encoding="utf-8").replace(LATER, moment)
        later.write_text(text, encoding="utf-8")
        later.replace(now)
