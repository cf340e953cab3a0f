"""The other room: loads a model, serves a task's samples and says when.

Started as ``python -m wattstar.measuring.worker``; knows no meter. The order of work: load, preprocess, idle, warm up,
counted passes until the parent says enough, idle, and only then finish: scores, per-sample rows, digests.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from wattstar import models, registry, testsets
from wattstar.errors import ModelUnavailable, UnfitEnvironment, VerificationFailed, WattstarError
from wattstar.measuring.attempt import IDLE
from wattstar.measuring.channel import Channel
from wattstar.measuring.phases import phases_of
from wattstar.measuring.work import Work
from wattstar.records.codec import decode, encode
from wattstar.testsets import SampleUnreadable
from wattstar.types import Backend, Job, Kind, Mark, Output, Sample, Task, Weights

PR_SET_PDEATHSIG = 1
SITTING = "sitting.json"
"""In the job's folder: the worker is one of several that take turns."""


def main() -> int:
    """Serve the job in the folder ``argv[1]``, speaking through the file descriptor ``argv[2]``."""
    die_with_parent()
    folder = Path(sys.argv[1])
    job = decode(Job, json.loads((folder / "job.json").read_text(encoding="utf-8")))
    with os.fdopen(int(sys.argv[2]), "wb") as out:
        channel = Channel(out, seated=(folder / SITTING).exists())
        try:
            _serve(job, channel)
        except WattstarError as error:
            content = {"reason": _reason(error), "message": error.message, "cures": error.cures}
            channel.say("failed", {**content, "exit_code": error.exit_code})
            return error.exit_code
        except MemoryError as error:
            cures = ["a smaller --batch-size", "a smaller model or --dtype", "another --device"]
            message = f"Out of memory. {error}".strip()
            channel.say("failed", {"reason": "out of memory", "message": message, "cures": cures, "exit_code": 5})
            return 5
    return 0


def _serve(job: Job, channel: Channel) -> None:
    task, backend = registry.task(job.task), registry.backend(job.backend)
    registry.require(f"The task {job.task!r}", task.requires)
    registry.require(f"The backend {job.backend!r}", backend.requires)
    subset = job.procedure.subset
    rows = testsets.load(task, job.procedure.edition, job.procedure.samples)
    if rows.digest != job.procedure.digest:
        raise VerificationFailed(
            f"The samples of {job.task} in the edition {rows.edition!r} were changed after the plan was made.",
            ["give the command once more, which plans with those that are there now"],
        )
    drawn = testsets.draw(rows.samples, task, job.controls, subset) if subset else None
    chosen = drawn.samples if drawn else rows.samples
    works = {sample.id: each for sample, each in zip(drawn.samples, drawn.works, strict=True)} if drawn else {}
    channel.turn()
    began = time.monotonic_ns()
    with backend.session(job.model, task, job.controls) as session:
        work = Work(job.procedure, session, channel, works)
        channel.mark(Mark("load", began))
        work.mark("load_end")
        with work.stage("preprocess"):
            samples, unreadable = _decode(chosen, task, job)
            work.prepare(samples, job.model.device, job.controls.batch_size)
        begins = [phase.begins for phase in phases_of(job)[1:2]]
        before, after = (partial(work.idle, name) for name in IDLE)
        for step in (before, work.warm_up, work.passes, partial(work.first_phase, *begins), after):
            work.await_turn()
            step()
        work.await_turn()
        served, outputs = work.served, work.outputs
        parameters = session.parameters
    _report(channel, job, task, backend, _Answers(served, outputs, unreadable, work.seconds, parameters))


@dataclass(frozen=True)
class _Answers:
    """What is left when the device is free again."""

    samples: Sequence[Sample]
    outputs: Sequence[Output]
    unreadable: Sequence[str]
    seconds: dict[str, list[float]]
    parameters: int | None


def _report(channel: Channel, job: Job, task: Task, backend: Backend, answers: _Answers) -> None:
    """Score and send what the record needs beside marks."""
    scored = None
    if job.model.weights is not Weights.RANDOM:
        scored = task.score(answers.samples, answers.outputs)
    for sample, output in zip(answers.samples, answers.outputs, strict=True):
        seconds = answers.seconds[sample.id]
        row = {"id": sample.id, "source": sample.source, "seconds": sum(seconds) / len(seconds)}
        values = {"counts": dict(output.counts), "output": _written(output.value, task), "target": sample.target}
        channel.say("row", row | {name: json.dumps(value) for name, value in values.items()})
    loaded = {
        "parameters": answers.parameters,
        "digest": models.weights_digest(job.model),
        "packages": registry.versions({*task.requires, *backend.requires, "wattstar"}),
    }
    channel.say(
        "done",
        {"loaded": loaded, "quality": encode(scored) if scored else None, "unreadable": list(answers.unreadable)},
    )


def _written(value: Any, task: Task) -> Any:
    """Of an image, which is too large to be kept, the sha256 over its RGB bytes, and its width and height."""
    if task.output is not Kind.IMAGE or value is None:
        return value
    image = value.convert("RGB")
    return f"sha256:{hashlib.sha256(image.tobytes()).hexdigest()} {image.width}x{image.height}"


def die_with_parent() -> None:
    """On Linux the kernel ends this process with its parent, even while a library holds every thread."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _reason(error: WattstarError) -> str:
    kinds = {
        ModelUnavailable: "model",
        SampleUnreadable: "samples",
        VerificationFailed: "samples",
        UnfitEnvironment: "environment",
    }
    return next((reason for kind, reason in kinds.items() if isinstance(error, kind)), "internal")


def _decode(rows: Sequence[Sample], task: Task, job: Job) -> tuple[list[Sample], list[str]]:
    """The samples with decoded media, and a sentence for each that could not be decoded."""
    samples: list[Sample] = []
    unreadable: list[str] = []
    for row in rows:
        try:
            samples.append(testsets.decode(row, task, job.controls))
        except SampleUnreadable as error:
            unreadable.append(error.message)
    if not samples:
        raise SampleUnreadable(f"None of the {len(rows)} samples could be decoded: {unreadable[0]}")
    return samples, unreadable


if __name__ == "__main__":
    sys.exit(main())
