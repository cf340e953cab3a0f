"""Reads any program that prints watts or joules, such as a script around IPMI, a PDU or a smart plug.

The lines are those of ``_lines.py`` and ``docs/meters.md``. A program either keeps running and prints a line each time
it has a new value, or prints and ends, and is then started anew every second. A line is stamped when it arrives.

The method is ``sampled`` for joules too: from outside nobody can tell a counter from a program that adds up power.
No shell reads the words; ``command=sh -c '…'`` asks for one.
"""

from __future__ import annotations

import os
import random
import selectors
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import IO

from wattstar.errors import MeterUnavailable
from wattstar.meters import _lines
from wattstar.types import Affinity, Level, Method, Reader, Scope

requires: tuple[str, ...] = ()
method = Method.SAMPLED
plausible_factor: float | None = None
gain: float | None = None
argument: str | None = "a command that prints watts or joules"
confirmed = False

PERIOD_SECONDS = 1.0
"""From one start to the next of a program that prints and ends."""
JITTER = 0.2
"""Each start is moved at random by so much of the period, and the next counts from it: a load of the same period would
alias otherwise."""
LOOK_SECONDS = 0.05
SECONDS_TO_END = 2.0
MOST_OF_A_LINE = 4096
MOST_AT_ONCE = 64
AT_ONCE_SECONDS = 0.01
LONG_AGO = -(10**12)
MOST_OF_STANDARD_ERROR = 500
FLUSH = "end every line with a newline and flush it, as stdbuf -oL COMMAND does, at least once a second"


def affinity() -> Affinity:
    """Works wherever a program can be started, for those who name one."""
    return Affinity(Level.ASKED, ("system",), "what a program prints; --meter 'command=./watts.sh'")


@contextmanager
def reader(scope: Scope) -> Iterator[Reader]:
    """Start the program; what it started is ended with it."""
    with opened(scope.argument) as found:
        yield found


@contextmanager
def opened(line: str, silence: float = _lines.SILENCE_SECONDS) -> Iterator[Reader]:
    """Start what a command line says, and wait until it has said two values; raises ``MeterUnavailable``."""
    feed = _lines.Feed(f"The command {_lines.shown(line)}", FLUSH, silence)
    program = _Program(_words(line), feed)
    thread = Thread(target=program.follow, name="command", daemon=True)
    thread.start()
    try:
        feed.first()
        interval = feed.interval()
        yield _lines.sampled(feed, max(interval, PERIOD_SECONDS if program.starts > 1 else _lines.READ_SECONDS))
    finally:
        program.stop.set()
        thread.join(2 * SECONDS_TO_END)


def _words(line: str) -> list[str]:
    """As a shell would split them; ``MeterUnavailable`` where a quote is open or nothing is there."""
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise MeterUnavailable(f"The command {_lines.shown(line)} cannot be split: {error}.", ["close it"]) from error
    if not words:
        raise MeterUnavailable("The meter 'command' was given no command.", ["--meter 'command=./watts.sh'"])
    return words


@dataclass
class _Program:
    """A program that is run again and again, and what it says."""

    words: Sequence[str]
    feed: _lines.Feed
    stop: Event = field(default_factory=Event)
    starts: int = 0
    good: bool = True
    said: dict[str, int] = field(default_factory=dict)
    """Domain → moment of its last value of this run."""
    twice: str = ""
    """A domain that had two values at once in this run."""
    line: str = ""
    """The last one that was seen."""
    complaint: str = ""
    """The end of standard error."""

    def follow(self) -> None:
        """Run it until it is stopped or something is wrong."""
        while self.good and not self.stop.is_set():
            began = time.monotonic()
            self.said, self.twice, self.complaint = {}, "", ""
            self._run()
            due = began + PERIOD_SECONDS * (1 + JITTER * random.uniform(-1, 1))
            self.stop.wait(max(0.0, due - time.monotonic()))

    def _run(self) -> None:
        self.starts += 1
        try:
            process = subprocess.Popen(
                self.words,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:  # ValueError: a null byte
            return self._fail(f"it cannot be started: {error}.", "check the path, and that it may be executed")
        try:
            self._listen(process)
        finally:
            _end(process)
        if self.good and not self.stop.is_set():
            self._judge(process.returncode)

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        """Until standard output is closed and the process has ended."""
        assert process.stdout is not None
        assert process.stderr is not None
        rest = b""
        with selectors.DefaultSelector() as selector:
            for stream in (process.stdout, process.stderr):
                selector.register(stream, selectors.EVENT_READ)
            while self.good and not self.stop.is_set():
                ended = _has_ended(process)  # asked before looking: what it wrote is then all there
                for key, _ in selector.select(LOOK_SECONDS):
                    chunk, moment = os.read(key.fd, 65536), time.monotonic_ns()
                    if not chunk:
                        selector.unregister(key.fileobj)
                    if key.fileobj is process.stderr:
                        self._hear_complaint(chunk)
                    else:
                        rest = self._hear(rest, chunk, moment)
                if ended and process.stdout not in selector.get_map():
                    return

    def _hear(self, rest: bytes, chunk: bytes, moment: int) -> bytes:
        """Take what has come; returns the line that has only begun. At the end of the file a line needs no newline."""
        *lines, rest = (rest + chunk).split(b"\n")
        if len(lines) > MOST_AT_ONCE:
            self._fail(f"{len(lines)} lines came at once, so that nobody knows of when they are.", FLUSH)
        if not chunk or len(rest) > MOST_OF_A_LINE:
            lines, rest = [*lines, rest], b""
        for raw in lines:
            text = raw.decode(errors="replace").strip()
            if text and self.good:
                self._take(text, moment)
        return rest

    def _take(self, text: str, moment: int) -> None:
        self.line = text
        try:
            value = _lines.parse(text)
        except ValueError as error:
            return self._fail(f"the line {error}.", _lines.WRITE_THIS)
        if moment - self.said.get(value.domain, LONG_AGO) < AT_ONCE_SECONDS * 1e9:
            self.twice = value.domain
        self.said[value.domain] = moment
        self.feed.put([value], moment)
        self.feed.hint(self._seen())

    def _hear_complaint(self, chunk: bytes) -> None:
        self.complaint = (self.complaint + chunk.decode(errors="replace"))[-MOST_OF_STANDARD_ERROR:]
        self.feed.hint(self._seen())

    def _judge(self, code: int) -> None:
        if code:
            how = f"exit code {code}" if code > 0 else f"signal {-code}"
            self._fail(f"it ended with {how}.", "run it by hand, and make it end with exit code 0")
        elif not self.said:
            self._fail("it ended without saying a value.", _lines.WRITE_THIS)
        elif self.twice:
            self._fail(
                f"it gave {self.twice} two values at once.", "print one value for each domain, such as their sum"
            )

    def _fail(self, what: str, cure: str) -> None:
        self.good = False
        self.feed.fail(f"{what} {self._seen()}".rstrip(), cure)

    def _seen(self) -> str:
        last = f"Its last line was {_lines.shown(self.line)}." if self.line else ""
        complaint = " ".join(self.complaint.split())
        return f"{last} On standard error: {complaint}".strip() if complaint else last


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """It is left to be collected, so that its group keeps its number and no stranger's is ended."""
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process and what it started, and collect it.

    What belongs to another user, as behind ``sudo``, cannot be ended, but cannot write any more either.
    """
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    streams: list[IO[bytes] | None] = [process.stdout, process.stderr]
    for stream in streams:
        if stream is not None:
            stream.close()
    with suppress(subprocess.TimeoutExpired):
        process.wait(SECONDS_TO_END)
