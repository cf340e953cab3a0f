"""The lines by which a program or a server says watts or joules, and the totals that are made of them.

A line is ``[DOMAIN] NUMBER W`` or ``[DOMAIN] NUMBER J``, as ``123.4 W`` or ``gpu:0 5678 J``; without a domain it is of
``system``. Watts are the power at the line's moment and are integrated, trapezoid by trapezoid; joules are a total
that only grows. One domain keeps to one unit.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from threading import Condition

from wattstar.errors import MeterUnavailable
from wattstar.types import Reader

SILENCE_SECONDS = 10.0
"""So long may a source say nothing."""
READ_SECONDS = 0.1
"""A read looks only at what has come already."""
WRITE_THIS = 'write lines such as "123.4 W", "5678.9 J" or "gpu:0 123.4 W"'
BEGIN_ANEW = "measure again; nothing of this attempt can be trusted"
MOST_SHOWN = 120

NUMBER = re.compile(r"\+?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
DOMAIN = re.compile(r"system|(gpu|cpu|dram):[0-9]+")


@dataclass(frozen=True)
class Value:
    """What one line says."""

    domain: str
    number: float
    unit: str
    """``W`` or ``J``."""


def parse(line: str) -> Value:
    """What a line says; ``ValueError`` where it is none of the protocol's."""
    words = line.split()
    domain = words.pop(0) if len(words) == 3 else "system"
    if len(words) != 2 or words[1] not in ("W", "J") or not NUMBER.fullmatch(words[0]):
        raise ValueError(f"{shown(line)} is neither NUMBER W nor NUMBER J, with or without a domain before it")
    if not DOMAIN.fullmatch(domain):
        raise ValueError(f"{shown(line)} has a domain that is none of system, gpu:0, gpu:1, …, cpu:0, …, dram:0, …")
    if not math.isfinite(number := float(words[0])):
        raise ValueError(f"{shown(line)} is too large")
    return Value(domain, number, words[1])


def shown(text: str) -> str:
    """In quotes, on one line, and not too long."""
    return repr(text if len(text) <= MOST_SHOWN else text[:MOST_SHOWN] + "…")


@dataclass
class _Total:
    """Joules so far of one domain."""

    moment: int
    value: Value
    joules: float

    def add(self, moment: int, value: Value) -> None:
        """Raises ``ValueError`` of a sentence and its cure where the value cannot follow the one before."""
        if value.unit != self.value.unit:
            units = f"{self.value.unit} and {value.unit}"
            raise ValueError(f"{value.domain} was said in {units}.", "keep to one unit for each domain")
        if value.unit == "W":
            self.joules += (moment - self.moment) / 1e9 * (value.number + self.value.number) / 2
        elif value.number < self.joules:
            went = f"the total of {value.domain} went back from {self.joules} to {value.number} J: it began anew."
            raise ValueError(went, BEGIN_ANEW)
        else:
            self.joules = value.number
        self.moment, self.value = moment, value


class Feed:
    """Totals that one thread writes and another reads; what goes wrong in the first is raised in the second."""

    def __init__(self, source: str, cure: str, silence: float = SILENCE_SECONDS) -> None:
        """``source`` begins each message: ``the command './watts'``; ``cure`` ends the one about silence."""
        self._source, self._cure, self._silence = source, cure, silence
        self._totals: dict[str, _Total] = {}
        self._interval: float | None = None
        self._error: MeterUnavailable | None = None
        self._trouble = ""
        self._heard = time.monotonic()
        self._changed = Condition()

    def put(self, values: Iterable[Value], moment: int) -> None:
        """Take values of one moment, nanoseconds of CLOCK_MONOTONIC, later than those before."""
        with self._changed:
            for value in values:
                self._put(value, moment)
                self._heard, self._trouble = time.monotonic(), ""
            self._changed.notify_all()

    def _put(self, value: Value, moment: int) -> None:
        total = self._totals.get(value.domain)
        if total is None:
            self._totals[value.domain] = _Total(moment, value, value.number if value.unit == "J" else 0.0)
            return
        if self._interval is None:
            self._interval = (moment - total.moment) / 1e9
        try:
            total.add(moment, value)
        except ValueError as error:
            self.fail(*error.args)

    def fail(self, what: str, *cures: str) -> None:
        """From now on nothing can be read; the first reason stays."""
        self.give_up(MeterUnavailable(f"{self._source}: {what}", cures))

    def give_up(self, error: MeterUnavailable) -> None:
        """As ``fail``, with an error that names the source itself."""
        with self._changed:
            self._error = self._error or error
            self._changed.notify_all()

    def miss(self, what: str, *cures: str) -> None:
        """One try went wrong: that ends it at the beginning, and later after too long a silence."""
        with self._changed:
            if not self._totals:
                self.fail(what, *cures)
            self._trouble = f" {what}"

    def hint(self, what: str) -> None:
        """What to say in addition should the source fall silent."""
        with self._changed:
            self._trouble = f" {what}" if what else ""

    def first(self) -> None:
        """Wait for the first value; raises ``MeterUnavailable``."""
        with self._changed:
            while not self._totals:
                self._raise()
                self._changed.wait(self._silence / 10)

    def interval(self) -> float:
        """Wait for a second value of one domain: the seconds between the two; raises ``MeterUnavailable``."""
        with self._changed:
            while self._interval is None:
                self._raise()
                self._changed.wait(self._silence / 10)
            return self._interval

    def read(self) -> Mapping[str, tuple[int, float]]:
        """Domain → (moment, joules so far); raises ``MeterUnavailable``."""
        with self._changed:
            self._raise()
            return {domain: (total.moment, total.joules) for domain, total in self._totals.items()}

    def _raise(self) -> None:
        if self._error is None and time.monotonic() - self._heard > self._silence:
            self.fail(f"nothing was said for {self._silence:g} s.{self._trouble}", self._cure)
        if self._error is not None:
            raise self._error


def sampled(feed: Feed, interval: float) -> Reader:
    """A reader of what comes every ``interval`` seconds.

    Between two values power changed at any moment, and a sensor behind a program shows a while that it does not tell:
    a total is of its stamp give or take half the interval. The stamp that is handed over is the end of that range, as
    ``Reader.refresh`` has it.
    """
    half = round(interval * 1e9) // 2

    def read() -> Mapping[str, tuple[int, float]]:
        return {domain: (moment + half, joules) for domain, (moment, joules) in feed.read().items()}

    return Reader(read, READ_SECONDS, refresh=2 * half / 1e9)
