"""What worker and parent say to each other: one JSON object a line from the worker, one word a line from the parent.

worker → parent: ``{"mark": {...}}`` (many), ``{"round": {...}}`` after each round of the warm-up, ``{"pass": {...}}``
after each counted pass, ``{"row": {...}}`` per sample, ``{"done": {...}}`` or ``{"failed": {...}}`` at the end.
parent → worker: after every round and pass ``again`` or ``enough``; after the last round, what a pass shall last:
``enough SECONDS``.

In a sitting workers take turns. Each asks for its own with ``{"turn": {}}`` before whatever it does that others would
disturb, and rests until it hears ``go MOMENT``; so does the word after a pass end its rest. Nothing of its turn lies
before that moment, at which the one before has ended.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, BinaryIO

from wattstar.types import Mark

FLUSH_NANOSECONDS = 500_000_000


class Channel:
    """The worker's end."""

    def __init__(self, out: BinaryIO, seated: bool = False) -> None:
        """Take the pipe to the parent; listen to standard input for its words, and end when it is closed.

        ``seated``: others are served beside this one.
        """
        self._out, self.seated = out, seated
        self._marks: list[Mark] = []
        self._flushed = 0
        self._words: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()

    def mark(self, mark: Mark) -> None:
        """Keep a mark; costs a list append."""
        self._marks.append(mark)

    def breathe(self, now: int) -> None:
        """Send the kept marks now and then, so that the parent sees progress; called between batches."""
        if now - self._flushed > FLUSH_NANOSECONDS:
            self.flush(now)

    def flush(self, now: int) -> None:
        """Send the kept marks."""
        lines = "".join(json.dumps({"mark": asdict(mark)}) + "\n" for mark in self._marks)
        self._out.write(lines.encode())
        self._out.flush()
        self._marks.clear()
        self._flushed = now

    def say(self, what: str, content: Mapping[str, Any]) -> None:
        """Send one message."""
        self._out.write((json.dumps({what: dict(content)}) + "\n").encode())
        self._out.flush()

    def turn(self) -> int:
        """In a sitting, wait for this worker's turn: the moment before which it has not begun."""
        if not self.seated:
            return 0
        self.flush(self._flushed)
        self.say("turn", {})
        return int(self.word()[1])

    def word(self) -> tuple[str, str]:
        """Wait for the parent's word, and what follows it."""
        word, _, more = self._words.get().partition(" ")
        return word, more

    def _listen(self) -> None:
        for line in sys.stdin:
            self._words.put(line.strip())
        # The parent is gone, so nobody will ever read what this process measures: free the device at once.
        os._exit(0)
