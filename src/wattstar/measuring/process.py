"""The parent's end of one worker process: starts it, hears it, and knows why when it is heard no more."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from wattstar.records.store import disk
from wattstar.types import Failure

LAST_LINES = 15
SECONDS_TO_END = 20.0
"""A worker that has said its last word may take so long to free the device."""
SECONDS_TO_LOOK = 1.0
"""How often a silent worker is looked at."""


class WorkerLost(Exception):
    """The worker died, hung or ran out of memory; ``failure`` says which."""

    def __init__(self, failure: Failure) -> None:
        """Keep the failure."""
        super().__init__(failure.message)
        self.failure = failure


@dataclass(frozen=True)
class Streams:
    """File descriptors of a worker."""

    words: int
    """Its standard input: what the parent says."""
    log: int
    """Its standard output and error."""
    say: int
    """What it says to the parent."""


class Process(Protocol):
    """A process that was started; ``subprocess.Popen`` is one."""

    @property
    def pid(self) -> int:
        """Of the process."""

    def poll(self) -> int | None:
        """Exit code, negative for a signal's; None while it runs."""

    def wait(self, timeout: float | None = None) -> int:
        """Exit code; raises ``subprocess.TimeoutExpired``."""


Start = Callable[[Path, Streams], Process]
"""Starts a worker on the job in a folder, in a session of its own so that Ctrl-C reaches only the parent."""


def alone(folder: Path, streams: Streams) -> Process:
    """A worker that imports everything itself."""
    return subprocess.Popen(
        # -P: a file in the user's folder that is named like a module must not be taken for it.
        [sys.executable, "-P", "-m", "wattstar.measuring.worker", str(folder), str(streams.say)],
        stdin=streams.words,
        stdout=streams.log,
        stderr=streams.log,
        pass_fds=(streams.say,),
        env=environment(folder),
        start_new_session=True,
    )


def environment(folder: Path) -> Mapping[str, str]:
    """Of a worker on the job in a folder."""
    # CUDA orders devices by speed unless told otherwise, the driver's meters by bus: make both mean the same.
    own = {"WATTSTAR_JOB_FOLDER": str(folder), "CUDA_DEVICE_ORDER": "PCI_BUS_ID", "PYTHONUNBUFFERED": "1"}
    return os.environ | own


class Worker:
    """A worker process on the job in a folder; leaving the context ends it, so that the device is free."""

    def __init__(self, folder: Path, silence: float, start: Start = alone) -> None:
        """Name the folder, the seconds without a sign of life after which the worker is given up, and how to start."""
        self._folder, self._silence, self._start = folder, silence, start

    def __enter__(self) -> Self:
        """Start the process; ``StoreUnusable`` where it cannot have a log."""
        with disk(self._folder):
            log = (self._folder / "worker.log").open("wb")
        self._hear, say = os.pipe()
        words, speak = os.pipe()
        self._speak = os.fdopen(speak, "w", encoding="utf-8")
        try:
            with log:
                self._process = self._start(self._folder, Streams(words, log.fileno(), say))
        finally:
            os.close(words)
            os.close(say)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process and everything it started, even if it has ended itself."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        # A word that the worker did not live to hear is still in the pipe's buffer, and closing tries to send it.
        with suppress(BrokenPipeError):
            self._speak.close()
        os.close(self._hear)

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def say(self, word: str) -> None:
        """Tell the worker ``again`` or ``enough``; if it is gone, ``messages`` will tell."""
        with suppress(BrokenPipeError):
            self._speak.write(word + "\n")
            self._speak.flush()

    def messages(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """What the worker says, until it has ended; ``WorkerLost`` if it ended without its last word."""
        last = ""
        for line in self._lines():
            [(last, content)] = json.loads(line).items()
            yield last, content
        if last not in ("done", "failed"):
            raise WorkerLost(self._death())
        try:
            self._process.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            return

    def _lines(self) -> Iterator[bytes]:
        begun: list[bytes] = []  # of a line; joined once, as what a model writes may have many megabytes
        while data := self._data():
            first, *more = data.split(b"\n")
            begun.append(first)
            for part in more:
                yield b"".join(begun)
                begun = [part]

    def _data(self) -> bytes:
        """What comes next; empty when the worker has ended."""
        deadline = time.monotonic() + self._silence
        while True:
            left = max(0.0, deadline - time.monotonic())
            ready, _, _ = select.select([self._hear], [], [], min(left, SECONDS_TO_LOOK))
            if ready:
                return os.read(self._hear, 1 << 16)
            # A process that the worker started may hold its end of the pipe open when the worker is gone.
            if self._process.poll() is not None:
                return b""
            if not left:
                raise WorkerLost(self._hung())

    def _hung(self) -> Failure:
        message = f"The worker gave no sign of life for {self._silence:g} seconds and was ended."
        return Failure("hung", message, ("a longer --timeout, if the model is only slow",), stderr=self._log())

    def _death(self) -> Failure:
        try:
            code = self._process.wait(min(self._silence, SECONDS_TO_END))
        except subprocess.TimeoutExpired:
            return self._hung()
        log = self._log()
        if code >= 0:
            return Failure("died", f"The worker ended with exit code {code}.", exit_code=code, stderr=log)
        name = signal.Signals(-code).name
        message = f"The worker was killed by {name}."
        cures: tuple[str, ...] = ()
        if name == "SIGKILL":
            message += " Unless somebody did that, the machine ran out of memory."
            cures = ("a smaller --batch-size", "a smaller model", "look at: journalctl -k | grep -i oom")
        return Failure("died", message, cures, exit_code=code, signal=name, stderr=log)

    def _log(self) -> tuple[str, ...]:
        text = (self._folder / "worker.log").read_text(encoding="utf-8", errors="replace")
        return tuple(line for line in text.splitlines() if line.strip())[-LAST_LINES:]
