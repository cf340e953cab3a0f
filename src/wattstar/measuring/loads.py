"""Loads that are switched on and off: what a probe of sensors needs. ``python -m wattstar.measuring.loads cuda:0``.

Devices: ``cuda:N``, or ``cpu=SHARE``: one core, busy for that share of the time.

The protocol, for any program: it reads lines ``on`` and ``off`` from standard input and answers each, as soon as it is
so, with ``on NANOSECONDS`` or ``off NANOSECONDS`` (CLOCK_MONOTONIC) on standard output. When it is ready it begins with
such an ``off``, and it ends when its input ends.
"""

from __future__ import annotations

import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import IO, Self

from wattstar.errors import UnfitEnvironment

PROTOCOL = "python -m pydoc wattstar.measuring.loads"
SECONDS_TO_START = 120.0
SECONDS_TO_SWITCH = 10.0
TURN_SECONDS = 0.02
MATRIX = 4096
"""Rows and columns: a product of two takes about a millisecond on an H100, so that it can be switched off quickly."""


class Load:
    """A load program that runs; ``UnfitEnvironment`` where it does not do what it should."""

    def __init__(self, command: Sequence[str]) -> None:
        """Name the program; it is started by ``with``."""
        self._command = list(command)

    def __enter__(self) -> Self:
        """Start it and wait until it is ready."""
        self._errors = tempfile.TemporaryFile()  # a pipe that nobody reads would fill
        try:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, text=True
            )
        except OSError as error:
            self._errors.close()
            raise UnfitEnvironment(f"The load {self._command[0]!r} cannot be started: {error}.") from error
        try:
            self._answer("off", SECONDS_TO_START)
        except UnfitEnvironment:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it."""
        with suppress(BrokenPipeError):
            self._stream(self._process.stdin).close()
        try:
            self._process.wait(SECONDS_TO_SWITCH)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._stream(self._process.stdout).close()
        self._errors.close()

    @property
    def pid(self) -> int:
        """Of the program."""
        return self._process.pid

    def switch(self, word: str) -> int:
        """``on`` or ``off``; returns the moment from which it is so, nanoseconds of CLOCK_MONOTONIC."""
        stream, asked = self._stream(self._process.stdin), time.monotonic_ns()
        with suppress(BrokenPipeError):
            stream.write(word + "\n")
            stream.flush()
        moment = self._answer(word, SECONDS_TO_SWITCH)
        if not asked <= moment <= time.monotonic_ns():
            message = f"The load said that it was {word} at {moment} ns, which is not now by CLOCK_MONOTONIC."
            raise UnfitEnvironment(message, [PROTOCOL])
        return moment

    def wave(self, period: float, seconds: float) -> tuple[int, int]:
        """On for half of each period, off for the other; returns the moments of begin and end."""
        began = self.switch("on")
        for turn in range(1, round(2 * seconds / period)):
            _sleep_until(began + round(turn * period / 2 * 1e9))
            self.switch("off" if turn % 2 else "on")
        return began, self.switch("off")

    def _answer(self, word: str, seconds: float) -> int:
        output = self._stream(self._process.stdout)
        line = output.readline() if select.select([output], [], [], seconds)[0] else ""
        said, _, moment = line.strip().partition(" ")
        if said == word and moment.isdecimal():
            return int(moment)
        if not line and self._process.poll() is None:
            raise UnfitEnvironment(f"The load did not switch {word} within {seconds:.0f} s.", ["--load COMMAND"])
        if line:
            raise UnfitEnvironment(f"The load said {line.strip()!r} where '{word} NANOSECONDS' was due.", [PROTOCOL])
        self._errors.seek(0)
        last = self._errors.read().decode(errors="replace").strip().splitlines()[-1:] or ["no word"]
        raise UnfitEnvironment(f"The load ended: {last[0]}", ["pip install torch", "--load COMMAND"])

    @staticmethod
    def _stream(stream: IO[str] | None) -> IO[str]:
        assert stream is not None
        return stream


def own(device: str) -> list[str]:
    """The command of our own load on a device."""
    return [sys.executable, "-m", "wattstar.measuring.loads", device]


def _sleep_until(moment: int) -> None:
    if (left := moment - time.monotonic_ns()) > 0:
        time.sleep(left / 1e9)


def _serve(work: Callable[[], None], finish: Callable[[], None]) -> None:
    """Work a little, look for a word, again and again."""
    finish()
    print("off", time.monotonic_ns(), flush=True)
    on = False
    while True:
        if select.select([sys.stdin], [], [], 0 if on else None)[0]:
            word = sys.stdin.readline().strip()
            if word not in ("on", "off"):
                return
            on = word == "on"
            finish()
            print(word, time.monotonic_ns(), flush=True)
        if on:
            work()


def _cuda(device: str) -> tuple[Callable[[], None], Callable[[], None]]:
    """Products of matrices in half precision, two in flight."""
    import torch

    left, right = (torch.randn(MATRIX, MATRIX, device=device, dtype=torch.float16) for _ in range(2))

    def work() -> None:
        torch.matmul(left, right)
        torch.matmul(left, right)
        torch.cuda.synchronize(device)

    work()
    return work, lambda: torch.cuda.synchronize(device)


def _cpu(share: float) -> tuple[Callable[[], None], Callable[[], None]]:
    """Adds numbers for the share of each turn, and sleeps for the rest."""

    def work() -> None:
        end = time.monotonic() + TURN_SECONDS
        while time.monotonic() < end - TURN_SECONDS * (1 - share):
            sum(range(2_000))
        time.sleep(max(0.0, end - time.monotonic()))

    return work, lambda: None


if __name__ == "__main__":
    device, _, part = sys.argv[1].partition("=")
    _serve(*(_cpu(float(part)) if device == "cpu" else _cuda(device)))
