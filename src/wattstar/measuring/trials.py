"""A short trial of a job: its model is loaded and serves a few batches, so that the whole can be estimated.

A trial is no measurement. It is kept in the user's cache, by job, and made once a machine.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from wattstar import registry, testsets
from wattstar.errors import UnfitEnvironment, VerificationFailed
from wattstar.measuring.observer import Circumstances, Progress
from wattstar.measuring.process import Process, Streams, alone
from wattstar.measuring.run import run
from wattstar.records.codec import canonical, decode, job_id
from wattstar.records.store import Store
from wattstar.records.tables import states_from_parquet
from wattstar.types import Job, Noun, Record, Status

LEAST_SAMPLES = 4
BATCHES = 2
PEAK = "VmHWM:"
"""Of /proc/PID/status: the most memory that a process has held, in units of 1,024 bytes (proc(5))."""


@dataclass(frozen=True)
class Trial(Noun):
    """What a trial showed."""

    record: Record
    memory_bytes: int | None
    """The most that was held on the device; None where that could not be read."""


def shortened(job: Job) -> Job:
    """The same model and work, a few samples, one pass, no idle, as little warm-up as there is."""
    procedure = job.procedure
    count = min(procedure.samples, max(LEAST_SAMPLES, BATCHES * job.controls.batch_size))
    digest = _digest(job.task, procedure.edition, count)
    short = replace(
        procedure, digest=digest, samples=count, passes=1, most_passes=1,
        warm_up_seconds=0.0, idle_seconds=0.0, pass_seconds=0.0, subset=None,
    )  # fmt: skip
    return replace(job, procedure=short)


@cache
def _digest(task: str, edition: str, count: int) -> str:
    """Of so many samples; the jobs of a grid share them."""
    return testsets.load(registry.task(task), edition, count).digest


def tried(job: Job, silence: float) -> Trial:
    """Make a trial and keep it; ``UnfitEnvironment`` where it fails, with the reason."""
    short = shortened(job)
    with tempfile.TemporaryDirectory(prefix="wattstar-trial-") as folder:
        store, watcher = Store(Path(folder)), _Watcher()
        record = run(short, Circumstances(store, silence, watcher.look, watcher.start))
        if record.status is not Status.COMPLETE:
            failure = record.failure
            message = f"The trial of {job.model.id} failed: {failure.message if failure else record.status}"
            raise UnfitEnvironment(message, failure.cures if failure else ())
        peak = watcher.peak if job.model.device == "cpu" else _on_device(record, store)
    made = Trial(record, peak)
    file = _file(short)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(canonical(made))
    return made


def kept(job: Job) -> Trial | None:
    """The trial that was made before; None where there is none that can be read."""
    file = _file(shortened(job))
    if not file.is_file():
        return None
    try:
        return decode(Trial, json.loads(file.read_bytes()))
    except (ValueError, VerificationFailed):
        return None


class _Watcher:
    """Knows the worker, and looks at its memory whenever a stage begins."""

    def __init__(self) -> None:
        self.peak: int | None = None
        self._pid: int | None = None

    def start(self, folder: Path, streams: Streams) -> Process:
        process = alone(folder, streams)
        self._pid = process.pid
        return process

    def look(self, progress: Progress) -> None:
        """At the last stage, a counted pass, every batch has been served at least once."""
        status = Path(f"/proc/{self._pid}/status")
        lines = status.read_text(encoding="ascii").splitlines() if status.exists() else []
        self.peak = next((int(line.split()[1]) * 1024 for line in lines if line.startswith(PEAK)), None)


def _on_device(record: Record, store: Store) -> int | None:
    """The most that a GPU said was in use; None where none was asked, or none said it."""
    if record.states is None:
        return None
    seen = states_from_parquet(store.table("states", record.states))
    return max((int(each.value) for each in seen if each.name == "memory_used_bytes"), default=None)


def _file(short: Job) -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("wattstar") / "trials" / f"{job_id(short)}.json"
