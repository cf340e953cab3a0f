"""A simulated model on a simulated device with a clock of its own: its energy is known to the joule."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from wattstar.errors import ModelUnavailable
from wattstar.types import Batch, Controls, MarkFunction, ModelSpec, Output, Sample, Session, Task, Weights

requires: tuple[str, ...] = ()

DEFAULTS: Mapping[str, str] = {
    "watts": "300,150",
    "seconds": "0.02,0.1",
    "idle_watts": "50",
    "cpu_watts": "20",
    "dram_watts": "5",
    "cold": "1,0",
    "drift": "0",
    "misbehave": "",
    "after_batches": "3",
    "real_seconds": "0",
    "held_bytes": "0",
    "room_bytes": "1e12",
}
"""``ModelSpec.options``. watts, seconds: of ``gpu:0`` and per sample, one value a phase (the last is repeated).
cold: FACTOR,BATCHES: the first batch takes FACTOR times as long, and so many batches later it is warm.
drift: the share by which its power grows in a thousand seconds, from loading on.
misbehave: ``die``, ``exit``, ``hang``, ``out-of-memory`` or ``corrupt`` (at loading), once so many batches were served.
real_seconds: what a batch takes on the real clock, for those who want to interrupt it.
held_bytes, room_bytes: of a prepared sample, and of the device."""


def refuses(model: ModelSpec, task: Task) -> str | None:
    """Serves every task, but only what is declared to be fake."""
    if model.format != "fake":
        return f"serves the format 'fake', not {model.format!r}"
    if model.weights is not Weights.RANDOM:
        return "a fake model knows nothing: it must be declared with weights 'random'"
    return None


@contextmanager
def session(model: ModelSpec, task: Task, controls: Controls) -> Iterator[Session]:
    """Simulate; the truth is appended to ``fake-world.jsonl`` in the job's folder, where the fake meter reads it."""
    options = {**DEFAULTS, **model.options}
    if options["misbehave"] == "corrupt":
        raise ModelUnavailable("The weight file of the fake model is corrupt.", ["choose another fake model"])
    world = _World(Path(os.environ["WATTSTAR_JOB_FOLDER"]) / "fake-world.jsonl", options)
    seconds, watts = _numbers(options["seconds"]), _numbers(options["watts"])
    factor, batches = _numbers(options["cold"])
    served = 0

    def prepare(samples: Sequence[Sample]) -> list[Batch]:
        world.advance(0.5, world.idle_watts)
        size = controls.batch_size
        groups = [tuple(samples[i : i + size]) for i in range(0, len(samples), size)]
        return [Batch(group, memoryview(bytes(int(options["held_bytes"]) * len(group)))) for group in groups]

    def predict(batch: Batch, mark: MarkFunction) -> None:
        nonlocal served
        served += 1
        if served > int(options["after_batches"]):
            _misbehave(options["misbehave"])
        time.sleep(float(options["real_seconds"]))
        slower = 1 + (factor - 1) * max(0.0, 1 - (served - 1) / batches) if batches else 1.0
        for i, phase in enumerate(task.phases):
            if i:
                mark(phase.begins)
            duration = seconds[min(i, len(seconds) - 1)] * len(batch.samples) * slower
            world.advance(duration, watts[min(i, len(watts) - 1)])

    def finish(batch: Batch, raw: None) -> list[Output]:
        tokens = {"tokens_in": 8, "tokens_out": controls.new_tokens or 1}
        return [Output(sample.target, tokens) for sample in batch.samples]

    yield Session(
        prepare=prepare,
        predict=predict,
        finish=finish,
        parameters=1_000,
        now=lambda: world.time,
        sleep=world.rest,
        room=lambda: round(float(options["room_bytes"])),
    )


@dataclass
class _World:
    """Time passes only in ``advance``; every step is one line: the time and the joules of each domain so far."""

    file: Path
    options: Mapping[str, str]
    time: int = field(default_factory=time.monotonic_ns)
    gpu: float = 0.0
    cpu: float = 0.0
    dram: float = 0.0

    def __post_init__(self) -> None:
        self.began = self.time
        self.idle_watts = float(self.options["idle_watts"])
        self._write()

    def advance(self, seconds: float, watts: float) -> None:
        """Let time pass while ``gpu:0`` draws so many watts."""
        step = round(seconds * 1e9)
        warmer = 1 + float(self.options["drift"]) * (self.time + step / 2 - self.began) / 1e12
        self.time += step
        self.gpu += warmer * watts * step / 1e9
        self.cpu += float(self.options["cpu_watts"]) * step / 1e9
        self.dram += float(self.options["dram_watts"]) * step / 1e9
        self._write()

    def rest(self, seconds: float) -> None:
        """Second by second, so that a part of it can be read."""
        whole = int(seconds)
        for part in (*[1.0] * whole, seconds - whole):
            if part:
                self.advance(part, self.idle_watts)

    def _write(self) -> None:
        line = {"time": self.time, "gpu:0": self.gpu, "cpu:0": self.cpu, "dram:0": self.dram}
        with self.file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def _numbers(text: str) -> list[float]:
    return [float(part) for part in text.split(",")]


def _misbehave(how: str) -> None:
    if how == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    elif how == "exit":
        raise SystemExit("the fake model gave up")
    elif how == "hang":
        time.sleep(3600)
    elif how == "out-of-memory":
        raise MemoryError
