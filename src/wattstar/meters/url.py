"""Asks an address every second for watts or joules, such as that of a smart plug or a PDU in the network.

The answer has the lines of ``_lines.py`` and ``docs/meters.md``. Its moment is the middle between question and answer:
the server's value is of then, give or take half the time in between, which is far less than the second between two.

The method is ``sampled`` for joules too: from outside nobody can tell a counter from a server that adds up power.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from wattstar.errors import MeterUnavailable
from wattstar.meters import _lines, _web
from wattstar.types import Affinity, Level, Method, Reader, Scope

requires: tuple[str, ...] = ()
method = Method.SAMPLED
plausible_factor: float | None = None
gain: float | None = None
argument: str | None = "an address that answers with watts or joules"
confirmed = False

PERIOD_SECONDS = 1.0
JITTER = 0.2
"""Each question is moved at random by so much of the period, and the next counts from it: a load of the same period
would alias otherwise."""


def affinity() -> Affinity:
    """Asks only what was named."""
    return Affinity(Level.ASKED, ("system",), "what a server answers; --meter 'url=http://192.168.1.20/power'")


@contextmanager
def reader(scope: Scope) -> Iterator[Reader]:
    """Ask until it is left."""
    with opened(scope.argument) as found:
        yield found


@contextmanager
def opened(address: str, silence: float = _lines.SILENCE_SECONDS) -> Iterator[Reader]:
    """Ask an address, and wait for its first answer; raises ``MeterUnavailable``."""
    feed = _lines.Feed(f"The address {_lines.shown(address)}", _web.ASK_BY_HAND, silence)
    with _web.polled(address, lambda text: values(text, address), feed, PERIOD_SECONDS, JITTER):
        yield _lines.sampled(feed, PERIOD_SECONDS)


def values(text: str, address: str) -> Sequence[_lines.Value]:
    """The values of one answer; ``MeterUnavailable`` where a line says something else, or a domain has two."""
    lines = [line for line in text.splitlines() if line.strip()]
    if text.lstrip()[:1] in ("{", "["):
        cure = f"""--meter "command=sh -c 'curl -s {address} | jq -r …'", which prints NUMBER W"""
        raise MeterUnavailable(f"{address} answers in JSON: {_lines.shown(text.strip())}.", [cure])
    try:
        found = [_lines.parse(line) for line in lines]
    except ValueError as error:
        cure = f"{_lines.WRITE_THIS}, or --meter 'command=…' with a program that does"
        raise MeterUnavailable(f"{address} answers with a line that {error}.", [cure]) from error
    if not found:
        raise _web.Missed("it answered with nothing.")
    [(domain, count)] = Counter(value.domain for value in found).most_common(1)
    if count > 1:
        cure = "one value for each domain, such as their sum"
        raise MeterUnavailable(f"{address} gives {domain} {count} values at once.", [cure])
    return found
