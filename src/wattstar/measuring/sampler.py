"""Reads every meter in one thread of the parent process and keeps a timeline per meter and domain."""

from __future__ import annotations

import random
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Self

from wattstar.errors import MeterUnavailable, WattstarError
from wattstar.measuring.lines import Watched
from wattstar.types import LongGap, Meter, Observation, Sampling, Scope, SensorProfile, Timeline

SECONDS_BETWEEN_STATES = 1.0
SECONDS_TO_COMBINE = 0.002
"""Meters that are due so soon are read at once: most of a read's cost is waking up."""
PATIENCE, INTERVALS = 2.0, 4.0
"""A domain that says nothing for so many seconds, and so many of its own intervals, is given up."""
LONGEST_SLEEP = 0.1
"""So long the end of the sampler is waited for at most."""
SECONDS_TO_ANSWER = 5.0
"""A meter that is read has so long, as a driver whose device is gone may never return."""
SECONDS_BETWEEN_LOOKS = 0.005
"""Of one who waits for a counter's step."""


class Sampler:
    """Opens the meters, reads them until it is left, and closes them."""

    def __init__(self, meters: Mapping[str, Meter], scope: Scope, needed: Callable[[], int] = lambda: 0) -> None:
        """Name what is read; nothing is opened. ``needed``: the moment before which all may be forgotten."""
        self._meters, self._scope, self._needed = meters, scope, needed
        self._watched: list[Watched] = []
        self._stop = Event()
        self._growing = Lock()
        self._open = ExitStack()
        self._error: WattstarError | None = None
        self._states: list[Observation] = []
        self._cost = _Cost()

    def __enter__(self) -> Self:
        """Open the meters and start; raises ``MeterUnavailable``."""
        with ExitStack() as stack:
            for name, meter in self._meters.items():
                scope = replace(self._scope, argument=name.partition("=")[2])
                self._watched.append(Watched(name, meter, stack.enter_context(meter.reader(scope))))
            # A daemon: an interpreter that ends waits for other threads before it runs anything that would stop them.
            self._thread = Thread(target=self._sample, name="meters", daemon=True)
            self._thread.start()
            stack.callback(self._thread.join, SECONDS_TO_ANSWER)
            stack.callback(self._stop.set)
            self._open = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop and close."""
        self._open.close()

    def cover(self, moment: int, patience: float | None = None) -> tuple[str, ...]:
        """Wait until every domain has a stamp after the moment; the domains that have none in time are returned.

        So are the names of meters that have said nothing of any domain.
        ``patience``: seconds; left out, as many as suit the slowest meter. An error of the sampling thread is raised.
        """
        slowest = max((line.interval for w in self._watched for line in w.open_lines()), default=0.0)
        deadline = time.monotonic() + (max(PATIENCE, INTERVALS * slowest) if patience is None else patience)
        while True:
            self._raise()
            lines = [line for watched in self._watched for line in watched.open_lines()]
            mute = [watched.name for watched in self._watched if not watched.lines]
            late = (*(line.domain for line in lines if line.ends < moment), *mute)
            if (lines and not late) or time.monotonic() > deadline:
                return late
            time.sleep(SECONDS_BETWEEN_LOOKS)

    def ready(self, patience: float) -> None:
        """Wait until every meter has spoken, stepped counters twice; those that never do are left to ``cover``."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            self._raise()
            lines = [watched.open_lines() for watched in self._watched]
            if all(group and all(line.ends for line in group) for group in lines):
                return
            time.sleep(SECONDS_BETWEEN_LOOKS)

    def touch(self) -> None:
        """Read the meters without steps now: a stamp then lies beside the edge of a window. Takes less than 1 ms."""
        self._read([watched for watched in self._watched if not watched.reader.stepped])

    def enclose(self) -> None:
        """Read them on both sides of now: a total is as old as ``refresh``, so the second read waits for so long."""
        self.touch()
        refreshed = [watched for watched in self._watched if 0 < watched.reader.refresh <= LONGEST_SLEEP]
        time.sleep(max((watched.reader.refresh for watched in refreshed), default=0.0))
        self._read([watched for watched in refreshed if not watched.reader.stepped])

    def _read(self, chosen: Sequence[Watched]) -> None:
        with self._still():
            for watched in chosen:
                watched.read(time.monotonic(), 0.0)

    def timelines(self, since: int = 0) -> list[Timeline]:
        """What was read so far, or from a moment on; ``MeterUnavailable`` where a meter does not answer."""
        with self._still():
            return [line for watched in self._watched for line in watched.timelines(since)]

    @contextmanager
    def _still(self) -> Iterator[None]:
        """Nothing grows meanwhile."""
        if not self._growing.acquire(timeout=SECONDS_TO_ANSWER):
            raise MeterUnavailable(f"A meter has not answered for {SECONDS_TO_ANSWER:g} s.", ["wattstar doctor"])
        try:
            yield
        finally:
            self._growing.release()

    def _forget(self, before: int) -> None:
        """Drop what is older than a moment: a sampler that runs for days must not grow."""
        for watched in self._watched:
            for line in watched.open_lines():
                line.forget(before)
        del self._states[: bisect_left(self._states, before, key=lambda seen: seen.time)]

    def caveats(self) -> dict[tuple[str, str], str]:
        """(meter, domain) → what no bound contains."""
        return {(w.name, domain): words for w in self._watched for domain, words in w.reader.caveats.items()}

    def profiles(self) -> tuple[SensorProfile, ...]:
        """Of the devices that are read, where they were probed."""
        return tuple(profile for watched in self._watched for profile in watched.reader.profiles)

    def states(self) -> list[Observation]:
        """What devices said beside energy so far."""
        return list(self._states)

    def sampling(self) -> Sampling:
        """What reading has cost so far, and how regular it was."""
        return Sampling(
            cpu_share=self._cost.share,
            mean_lateness=self._cost.late / max(self._cost.wakes, 1),
            worst_lateness=self._cost.latest,
            longest_gaps={watched.name: watched.longest_gap for watched in self._watched},
            too_long=tuple(LongGap(w.name, gap) for w in self._watched for gap in w.too_long),
        )

    @property
    def is_reading(self) -> bool:
        """Whether nothing has gone wrong so far."""
        return self._error is None and self._thread.is_alive()

    def _raise(self) -> None:
        """What went wrong in the thread."""
        if self._error is not None:
            raise self._error
        if not self._thread.is_alive():
            raise WattstarError("The sampling thread ended by a fault of its own; see standard error.")

    def _sample(self) -> None:
        try:
            self._loop()
        except WattstarError as error:
            self._error = error

    def _loop(self) -> None:
        draw = random.Random()
        due_state = 0.0
        while not self._stop.is_set():
            now = time.monotonic()
            with self._growing:
                for watched in self._watched:
                    if watched.may_be_read(now, SECONDS_TO_COMBINE):
                        watched.read(now, draw.uniform(-1, 1))
                if now >= due_state:
                    for watched in self._watched:
                        self._states.extend(watched.reader.state() if watched.reader.state else ())
                    self._forget(self._needed())
                    due_state = now + SECONDS_BETWEEN_STATES
            self._cost.sleep_until(min(min(watched.due for watched in self._watched), now + LONGEST_SLEEP))


class _Cost:
    """What the thread costs; a sleep costs less than waiting for an event with a timeout does."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.wakes, self.late, self.latest, self.cpu = 0, 0.0, 0.0, 0.0

    def sleep_until(self, moment: float) -> None:
        left = moment - time.monotonic()
        if left > 0:
            time.sleep(left)
            late = time.monotonic() - moment
            self.late += late
            self.latest = max(self.latest, late)
        self.wakes += 1
        self.cpu = time.thread_time()

    @property
    def share(self) -> float:
        """Of one core."""
        return self.cpu / max(time.monotonic() - self.began, 1e-9)
