"""What several tests need: the real command line in a subprocess, and jobs of the fake world."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil
from click.testing import CliRunner

import wattstar
from wattstar import registry, testsets
from wattstar.measuring.observer import Circumstances
from wattstar.measuring.run import run
from wattstar.records.codec import canonical, digest, job_id
from wattstar.records.store import Store
from wattstar.types import (
    SCHEMA_VERSION,
    Boundary,
    Controls,
    Figure,
    Finding,
    Interval,
    Job,
    Machine,
    Method,
    ModelSpec,
    Procedure,
    Record,
    Source,
    Status,
    Weights,
)

# -P: the folder we stand in is not searched for modules, as with the installed command.
WATTSTAR = [sys.executable, "-P", "-c", "from wattstar.cli import main; main(prog_name='wattstar')"]
PACKAGE = Path(wattstar.__file__).parent
NO_NETWORK = {"HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": ""}


def wattstar_command(
    *words: object, cwd: Path | None = None, env: Mapping[str, str] | None = None, timeout: float = 60
) -> subprocess.CompletedProcess[str]:
    """Run the command line to its end."""
    return subprocess.run(
        [*WATTSTAR, *map(str, words)],
        cwd=cwd,
        env=environment(env or {}),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def command(*words: object) -> subprocess.CompletedProcess[str]:
    """Run the command line in this process: quick, for commands that start no other process."""
    from wattstar.cli import main

    result = CliRunner().invoke(main, [str(word) for word in words], env=NO_NETWORK, prog_name="wattstar")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return subprocess.CompletedProcess([], result.exit_code, result.stdout, result.stderr)


def alive(processes: Sequence[psutil.Process], seconds: float = 5.0) -> list[psutil.Process]:
    """Those that still run after so many seconds; one that has ended and waits to be collected does not."""
    deadline = time.monotonic() + seconds
    left = list(processes)
    while left and time.monotonic() < deadline:
        left = [process for process in left if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]
        time.sleep(0.005)
    return left


def start(*words: object, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    """Start the command line."""
    return subprocess.Popen(
        [*WATTSTAR, *map(str, words)],
        env=environment(env or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def fake_words(
    store: Path, *more: object, task: str | None = "text-classification", samples: int = 2, **options: object
) -> list[str]:
    """The words that run one fake model; ``options`` are those of the fake backend."""
    words: list[object] = ["run", "--weights", "random", "--meter", "fake", "--samples", samples, "-o", store]
    words += [] if task is None else ["-t", task, "-m", "fake/model"]
    words += ["--idle-seconds", 1, "--pass-seconds", 0]
    for name, value in options.items():
        words += ["--option", f"{name}={value}"]
    return [str(word) for word in [*words, *more]]


def fake_job(
    task: str = "text-classification",
    *,
    id: str = "fake/model",
    family: str | None = None,
    controls: Mapping[str, Any] | None = None,
    procedure: Mapping[str, Any] | None = None,
    **options: object,
) -> Job:
    """A job of the fake world; ``options`` are those of the fake backend."""
    module = registry.task(task)
    work: dict[str, Any] = {"samples": 2, "passes": 4, "idle_seconds": 1.0, "pass_seconds": 0.0, **(procedure or {})}
    if "passes" in (procedure or {}):
        work.setdefault("most_passes", work["passes"])
    work.setdefault("digest", testsets.load(module, "mini-2", work["samples"]).digest)
    return Job(
        task=task,
        model=ModelSpec(
            id=id,
            source=Source.ARCHITECTURE,
            revision="0" * 64,
            format="fake",
            weights=Weights.RANDOM,
            family=family or id.partition("/")[0],
            options={name: str(value) for name, value in options.items()},
        ),
        backend="fake",
        controls=Controls(**{**_fields(module.controls), **(controls or {})}),
        procedure=Procedure(edition="mini-2", **work),
        meters=("fake",),
    )


def measure(job: Job, store: Path) -> Record:
    """Run one job in its worker process."""
    return run(job, Circumstances(Store(store), silence=30.0))


def of_the_work(record: Record) -> list[Finding]:
    """What gates saw, but for the room: a laptop's governor is no fault of the fake world."""
    room = {"governor", "battery", "memory", "swap", "slowdown", "temperature", "clock", "neighbours", "conditions"}
    return [finding for finding in record.findings if finding.gate not in room]


def records(store: Path) -> list[Record]:
    """All undamaged records."""
    return [record for _, record in Store(store).records()]


def copy_of_package(folder: Path, *, media: bool = True) -> Path:
    """A copy of the package that may be changed; put the folder on PYTHONPATH to use it."""
    target = folder / "wattstar"
    left_out = ["__pycache__"] if media else ["__pycache__", "*.wav", "*.jpg", "*.png"]
    shutil.copytree(PACKAGE, target, ignore=shutil.ignore_patterns(*left_out))
    return target


def other_package(folder: Path, name: str, modules: Mapping[str, str], entry_points: str) -> None:
    """An installed package as pip would leave it: modules, and metadata with entry points."""
    home = folder / name
    home.mkdir(parents=True)
    (home / "__init__.py").write_text('"""Somebody else\'s."""\n')
    for module, text in modules.items():
        (home / f"{module}.py").write_text(text)
    metadata = folder / f"{name}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(entry_points)


def wait_for(condition: Callable[[], bool], what: str, seconds: float = 30.0) -> None:
    """Until it is so."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(0.002)


def python(text: str, *flags: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run some Python in a process of its own."""
    return subprocess.run(
        [sys.executable, "-P", *flags, "-c", text],
        env=environment(env or {}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def json_lines(text: str) -> list[Any]:
    """Parse them."""
    return [json.loads(line) for line in text.splitlines()]


def environment(more: Mapping[str, str]) -> dict[str, str]:
    """This one's, without a network or a GPU; what is added to PYTHONPATH comes before what is there."""
    made = {**os.environ, **NO_NETWORK, **more}
    paths = [more.get("PYTHONPATH", ""), os.environ.get("PYTHONPATH", "")]
    return {**made, "PYTHONPATH": os.pathsep.join(path for path in paths if path)}


def _fields(controls: Controls) -> dict[str, Any]:
    return dict(vars(controls))


def written(
    wh_per_1000: float, id: str, *, family: str | None = None, spread: float = 0.0, **changes: Any
) -> tuple[str, Record]:
    """A record as a run of the fake world leaves it, with this energy and a 95 % interval of ± spread × energy.

    ``changes`` are fields of the record. Nothing is run or stored.
    """
    half = wh_per_1000 * spread
    made = Figure(
        boundary=Boundary.GPU,
        method=Method.COUNTER,
        wh_per_1000=Interval(wh_per_1000 - half, wh_per_1000, wh_per_1000 + half),
        bound_wh_per_1000=0.0,
        plausible=None,
        passes=4,
    )
    job = fake_job(id=id, family=family)
    fields: dict[str, Any] = {
        **dict.fromkeys(("loaded", "quality", "failure", "timelines", "marks", "states", "samples")),
        **dict.fromkeys(("passes", "stages", "findings"), ()),
        "schema_version": SCHEMA_VERSION,
        "wattstar": wattstar.__version__,
        "job": job,
        "status": Status.COMPLETE,
        "started": "2026-01-01T00:00:00.000+00:00",
        "seconds": 1.0,
        "machine": Machine("a processor", 2, 2**30, "Linux", "3.11", (), {}),
        "figures": (made,),
        "rated": Boundary.GPU,
        **changes,
    }
    record = Record(job_id=job_id(fields["job"]), **fields)
    return digest(canonical(record)), record
