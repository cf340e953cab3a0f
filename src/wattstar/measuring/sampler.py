"""Reads every meter in one thread of the parent process and keeps a timeline per meter and domain."""

from __future__ import annotations

import math
import random
import time
from array import array
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import pairwise
from threading import Event, Thread
from types import TracebackType
from typing import Self

from wattstar.errors import WattstarError
from wattstar.measuring.timeline import with_power_range
from wattstar.types import Meter, Observation, Reader, Scope, Timeline

SECONDS_BETWEEN_STATES = 1.0
STEPS_TO_LEARN_FROM = 8
QUIET_SHARE = 0.9
"""Of the shortest of the last steps of a counter: so long it is left alone."""
SECONDS_TO_COMBINE = 0.002
"""Meters that are due so soon are read at once: most of a read's cost is waking up."""


@dataclass
class _Line:
    """A timeline that grows; a total that is no number is left out, and a gate sees that the domain is late.

    Of a stepped counter, a total that did not change is the same step seen again, and one that did changed somewhere
    between two reads: it is stamped in the middle, with the gap. Its first total is not kept, because nobody saw when
    that step began.
    """

    stepped: bool
    refresh: int
    most_watts: float | None
    times: array[int] = field(default_factory=lambda: array("q"))
    joules: array[float] = field(default_factory=lambda: array("d"))
    gaps: array[int] = field(default_factory=lambda: array("q"))
    seen: tuple[int, float] | None = None

    @property
    def ends(self) -> int:
        """The latest moment that can be asked about."""
        if self.stepped:  # the last complete step: what follows a window is needed where load ends with it
            return self.times[-2] if len(self.times) > 1 else 0
        return self.times[-1] if self.times else 0

    def add(self, time: int, joules: float) -> None:
        if not math.isfinite(joules):
            return
        before, self.seen = self.seen, (time, joules)
        if not self.stepped:
            if before is None or time > before[0]:
                self._keep(time - self.refresh // 2, joules, self.refresh)
        elif before is not None and time > before[0] and joules != before[1]:
            gap = time - before[0]
            self._keep(time - gap // 2, joules, gap)

    def _keep(self, time: int, joules: float, gap: int) -> None:
        self.joules.append(joules)
        self.gaps.append(gap)
        self.times.append(time)


class Sampler:
    """Opens the meters, reads them until it is left, and closes them."""

    def __init__(self, meters: Mapping[str, Meter], scope: Scope) -> None:
        """Name what is read; nothing is opened."""
        self._meters, self._scope = meters, scope
        self._lines: dict[tuple[str, str], _Line] = {}
        self._stop = Event()
        self._open = ExitStack()
        self._random = random.Random()
        self._error: WattstarError | None = None
        self._states: list[Observation] = []

    def __enter__(self) -> Self:
        """Open the meters and start; raises ``MeterUnavailable``."""
        with ExitStack() as stack:
            readers = {name: stack.enter_context(meter.reader(self._scope)) for name, meter in self._meters.items()}
            # A daemon: an interpreter that ends waits for other threads before it runs anything that would stop them.
            self._thread = Thread(target=self._sample, args=(readers,), name="meters", daemon=True)
            self._thread.start()
            stack.callback(self._thread.join)
            stack.callback(self._stop.set)
            self._open = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop and close."""
        self._open.close()

    def cover(self, moment: int, patience: float = 2.0) -> tuple[str, ...]:
        """Wait until every domain has a stamp after the moment; the domains that have none in time are returned.

        An error in the sampling thread is raised here.
        """
        deadline = time.monotonic() + patience
        while True:
            self._raise()
            late = tuple(domain for (_, domain), line in list(self._lines.items()) if line.ends < moment)
            if (self._lines and not late) or time.monotonic() > deadline:
                return late
            time.sleep(0.002)

    def ready(self, patience: float) -> None:
        """Wait until every meter has spoken, stepped counters twice; those that never do are left to ``cover``."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            self._raise()
            if self._lines and all(line.ends for line in list(self._lines.values())):
                return
            time.sleep(0.002)

    def timelines(self) -> list[Timeline]:
        """What was read so far."""
        return with_power_range([self._timeline(*key, line) for key, line in list(self._lines.items())])

    def _timeline(self, meter: str, domain: str, line: _Line) -> Timeline:
        count = len(line.times)  # the sampling thread appends the time last
        module = self._meters[meter]
        return Timeline(
            domain=domain,
            meter=meter,
            method=module.method,
            times=line.times[:count],
            joules=line.joules[:count],
            plausible_factor=module.plausible_factor,
            gaps=line.gaps[:count],
            most_watts=line.most_watts,
        )

    def states(self) -> list[Observation]:
        """What devices said beside energy so far."""
        return list(self._states)

    def _raise(self) -> None:
        """What went wrong in the thread."""
        if self._error is not None:
            raise self._error
        if not self._thread.is_alive():
            raise WattstarError("The sampling thread ended by a fault of its own; see standard error.")

    def _sample(self, readers: Mapping[str, Reader]) -> None:
        try:
            self._loop(readers)
        except WattstarError as error:
            self._error = error

    def _loop(self, readers: Mapping[str, Reader]) -> None:
        due = dict.fromkeys(readers, 0.0)
        due_state = 0.0
        while not self._stop.is_set():
            now = time.monotonic()
            for name, reader in readers.items():
                if due[name] <= now + SECONDS_TO_COMBINE:
                    self._keep(name, reader)
                    due[name] = now + reader.period * (1 + reader.jitter * self._random.uniform(-1, 1))
                    if reader.stepped:
                        due[name] = max(due[name], self._quiet_until(name))
            if now >= due_state:
                for reader in readers.values():
                    self._states.extend(reader.state() if reader.state else ())
                due_state = now + SECONDS_BETWEEN_STATES
            self._stop.wait(max(0.0, min(due.values()) - time.monotonic()))

    def _quiet_until(self, meter: str) -> float:
        """The moment before which no counter of the meter has ever stepped lately: nobody need look until then."""
        lines = [line.times for (name, _), line in self._lines.items() if name == meter]
        if not lines or any(len(times) <= STEPS_TO_LEARN_FROM for times in lines):
            return 0.0
        shortest = (min(late - early for early, late in pairwise(times[-STEPS_TO_LEARN_FROM:])) for times in lines)
        return min(times[-1] + QUIET_SHARE * step for times, step in zip(lines, shortest, strict=True)) / 1e9

    def _keep(self, meter: str, reader: Reader) -> None:
        for domain, (moment, joules) in reader.read().items():
            key = (meter, domain)
            if key not in self._lines:
                self._lines[key] = _Line(reader.stepped, round(reader.refresh * 1e9), reader.limits.get(domain))
            self._lines[key].add(moment, joules)
