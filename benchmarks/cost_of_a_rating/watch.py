"""Runs a command to its end and says what it took: wall, CPU, memory and estimated joules of its whole process tree.

Joules are those of wattstar's ``estimate`` meter, one and the same for all commands: CPU seconds of the tree, the
command's own process included, × watts per core, and resident memory × watts per gigabyte. A model, ×/÷ 2; a ratio of
two commands on one machine does not depend on the watts.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil

from wattstar.meters import estimate
from wattstar.meters._process_tree import watched
from wattstar.meters._processor import processor_name

PERIOD_SECONDS = 0.2
SECONDS_TO_END = 10.0


@dataclass
class Spent:
    """What a command took."""

    words: list[str]
    began: int
    """CLOCK_MONOTONIC, nanoseconds."""
    code: int | None = None
    """None: it ran into its time limit and was ended."""
    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    parent_cpu_seconds: float = 0.0
    """Of the process that was started, without its descendants."""
    joules: float = 0.0
    peak_bytes: float = 0.0
    """Of the tree: private memory of all, and what is shared once."""
    lines: list[tuple[float, str]] = field(default_factory=list)
    """What it printed, each line with seconds since the start."""
    course: list[tuple[float, float]] = field(default_factory=lambda: [(0.0, 0.0)])
    """Seconds since the start, and joules so far."""

    def when(self, words: str) -> float | None:
        """Seconds from the start to the first line that has these words."""
        return next((seconds for seconds, line in self.lines if words in line), None)

    def joules_at(self, seconds: float) -> float:
        """So far, at a moment."""
        place = bisect_left(self.course, (seconds, 0.0))
        if not 0 < place < len(self.course):
            return self.course[0 if place == 0 else -1][1]
        (early, less), (late, more) = self.course[place - 1], self.course[place]
        return less + (more - less) * (seconds - early) / (late - early)

    def written(self) -> dict[str, Any]:
        """Without what it printed and the course."""
        return {name: value for name, value in asdict(self).items() if name not in ("lines", "course")}


@dataclass(frozen=True)
class Command:
    """What to run."""

    words: Sequence[str]
    folder: Path
    """Works there; standard error goes to ``errors.log`` in it."""
    environment: Mapping[str, str]
    limit: float
    """Seconds after which it is ended."""
    says: str = ""
    """Its standard input."""


def run(command: Command) -> Spent:
    """To the end, or to the time limit."""
    command.folder.mkdir(parents=True, exist_ok=True)
    spoken = command.folder / "input.txt"
    spoken.write_text(command.says, encoding="utf-8")
    with spoken.open("rb") as words, (command.folder / "errors.log").open("ab") as errors:
        spent = Spent(list(map(str, command.words)), time.monotonic_ns())
        process = subprocess.Popen(
            spent.words,
            cwd=command.folder,
            env={**os.environ, **command.environment},
            stdin=words,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
        )
        reader = threading.Thread(target=_read, args=(process, spent), daemon=True)
        reader.start()
        try:
            _follow(process, spent, command.limit)
        finally:
            end(process)
        reader.join(SECONDS_TO_END)
    (command.folder / "output.log").write_text("\n".join(f"{s:9.3f} {line}" for s, line in spent.lines))
    return spent


def _read(process: subprocess.Popen[bytes], spent: Spent) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        seconds = (time.monotonic_ns() - spent.began) / 1e9
        spent.lines.append((seconds, line.decode(errors="replace").rstrip()))


def _follow(process: subprocess.Popen[bytes], spent: Spent, limit: float) -> None:
    watts = estimate.rate(processor_name()).watts_per_core
    memory, before, ended = 0.0, spent.began, _ended_cpu_seconds()
    with watched(process.pid) as total:
        read = _reader(process.pid)
        while True:
            with suppress(subprocess.TimeoutExpired):
                process.wait(PERIOD_SECONDS)
            now = time.monotonic_ns()
            spent.wall_seconds = (now - spent.began) / 1e9
            found = total()
            spent.cpu_seconds = max(spent.cpu_seconds, found.cpu_seconds)
            spent.parent_cpu_seconds = max(spent.parent_cpu_seconds, read())
            spent.peak_bytes = max(spent.peak_bytes, found.resident_bytes)
            memory += found.resident_bytes / 1e9 * (now - before) / 1e9
            before = now
            spent.joules = spent.cpu_seconds * watts + memory * estimate.WATTS_PER_GIGABYTE
            spent.course.append((spent.wall_seconds, spent.joules))
            if process.returncode is not None:
                # The kernel's sum has the last moments too, but not what was never waited for.
                spent.cpu_seconds = max(spent.cpu_seconds, _ended_cpu_seconds() - ended)
                spent.joules = spent.cpu_seconds * watts + memory * estimate.WATTS_PER_GIGABYTE
                spent.code = process.returncode
                return
            if spent.wall_seconds > limit:
                return


def _ended_cpu_seconds() -> float:
    found = resource.getrusage(resource.RUSAGE_CHILDREN)
    return found.ru_utime + found.ru_stime


def _reader(pid: int) -> Callable[[], float]:
    process = psutil.Process(pid)

    def read() -> float:
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            return float(times.user + times.system)
        return 0.0

    return read


def tree(pid: int) -> list[psutil.Process]:
    """The process and its descendants, parents first."""
    with suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    return []


def tell(processes: Sequence[psutil.Process], number: signal.Signals) -> None:
    """Send a signal to each that is still there."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def end(process: subprocess.Popen[Any]) -> None:
    """End a process and all that it started; frozen ones too."""
    tell(tree(process.pid), signal.SIGKILL)
    with suppress(subprocess.TimeoutExpired):
        process.wait(SECONDS_TO_END)
