"""Forks the workers of a plan from a process that has imported the heavy packages once.

A worker takes seconds to import PyTorch and its kin, and computes nothing meanwhile. Run as
``python -m wattstar.measuring.nursery DESCRIPTOR MODULE…``.
"""

from __future__ import annotations

import importlib
import json
import os
import socket
import subprocess
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self

from wattstar.errors import UnfitEnvironment
from wattstar.measuring import worker
from wattstar.measuring.process import Streams, environment

MOST_BYTES = 1 << 20
"""Of a message: a whole environment."""


class Nursery:
    """Starts one worker after another; leaving the context ends it. One that was killed is started anew."""

    def __init__(self, modules: Sequence[str]) -> None:
        """Name what is imported beforehand; what is not installed is left out."""
        self._modules = modules

    def __enter__(self) -> Self:
        """Start the process; it imports while nobody waits for it."""
        self._begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it; its worker has ended before, or is ended by the kernel with it."""
        self._end()

    def start(self, folder: Path, streams: Streams) -> Child:
        """Start a worker; ``UnfitEnvironment`` where that fails twice."""
        message = json.dumps({"folder": str(folder), "environment": dict(environment(folder))}).encode() + b"\n"
        for _ in range(2):
            with suppress(OSError):
                self._socket.settimeout(None)
                socket.send_fds(self._socket, [message], [streams.words, streams.log, streams.say])
                if pid := _line(self._socket):
                    return Child(int(pid), self._socket)
            self._end()
            self._begin()
        raise UnfitEnvironment("The process that starts workers ends at once.", ["measure one model at a time"])

    def _begin(self) -> None:
        self._socket, its = socket.socketpair()
        with its:
            command = [sys.executable, "-P", "-m", "wattstar.measuring.nursery", str(its.fileno()), *self._modules]
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, pass_fds=(its.fileno(),), start_new_session=True
            )

    def _end(self) -> None:
        self._socket.close()
        self._process.kill()
        self._process.wait()


class Child:
    """A worker that the nursery has started, seen from the parent; like ``subprocess.Popen`` as far as is needed."""

    def __init__(self, pid: int, nursery: socket.socket) -> None:
        """Name its process, and where its exit code will be told."""
        self.pid, self._nursery = pid, nursery
        self._code: int | None = None

    def poll(self) -> int | None:
        """Its exit code, negative for a signal's; None while it runs."""
        with suppress(subprocess.TimeoutExpired):
            self.wait(0.0)
        return self._code

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code; ``subprocess.TimeoutExpired`` where it goes on."""
        if self._code is None:
            self._nursery.settimeout(timeout)
            try:
                told = _line(self._nursery)
            except (BlockingIOError, TimeoutError):
                raise subprocess.TimeoutExpired("worker", timeout or 0.0) from None
            # Where the nursery was killed, the kernel has killed its worker.
            self._code = int(told) if told else -9
        return self._code


def _line(source: socket.socket) -> str:
    """What the nursery says next, one short line at a time; empty where it is gone."""
    told = b""
    while not told.endswith(b"\n"):
        sign = source.recv(1)
        if not sign:
            return ""
        told += sign
        source.settimeout(None)
    return told.decode().strip()


def main() -> int:
    """Import, then fork a worker for each message, and tell its process id and its exit code."""
    worker.die_with_parent()
    for name in sys.argv[2:]:
        with suppress(ImportError):
            importlib.import_module(name)
    with socket.socket(fileno=int(sys.argv[1])) as parent:
        while True:
            message, descriptors = _message(parent)
            if not message:
                return 0
            child = os.fork()
            if not child:
                parent.close()
                _serve(json.loads(message), *descriptors)
            for descriptor in descriptors:
                os.close(descriptor)
            parent.sendall(f"{child}\n".encode())
            _, status = os.waitpid(child, 0)
            parent.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())


def _message(parent: socket.socket) -> tuple[bytes, list[int]]:
    """One line with the three descriptors that came with its beginning; nothing where the parent is gone."""
    message, descriptors, _, _ = socket.recv_fds(parent, MOST_BYTES, 3)
    while message and not message.endswith(b"\n"):
        more = parent.recv(MOST_BYTES)
        if not more:
            return b"", []
        message += more
    return message, list(descriptors)


def _serve(what: dict[str, Any], words: int, log: int, say: int) -> NoReturn:
    """Become the worker: its session, its environment, its streams."""
    os.setsid()
    os.environ.clear()
    os.environ.update(what["environment"])
    for descriptor, stream in ((words, 0), (log, 1), (log, 2)):
        os.dup2(descriptor, stream)
    os.close(words)
    os.close(log)
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", buffering=1, closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", buffering=1, closefd=False)
    sys.argv = [sys.argv[0], what["folder"], str(say)]
    with _AtOnce():
        raise SystemExit(worker.main())


class _AtOnce:
    """Leaving ends the process, with the exit code that is due and the traceback of an error, and nothing else.

    Libraries that had threads before the fork would wait for them when the interpreter ends, and abort.
    """

    def __enter__(self) -> None:
        """Nothing."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> NoReturn:
        """End."""
        code = error.code if isinstance(error, SystemExit) else None
        if isinstance(code, str):
            print(code, file=sys.stderr)
        elif not isinstance(error, SystemExit):
            traceback.print_exception(error)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 1)


if __name__ == "__main__":
    sys.exit(main())
