"""What the meters that ask a server share: one question, and a thread that asks it again and again."""

from __future__ import annotations

import http.client
import ipaddress
import random
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Thread

from wattstar.errors import MeterUnavailable
from wattstar.meters import _lines

TIMEOUT_SECONDS = 2.0
MOST_BYTES = 64 * 2**20
"""Of an answer; a metrics page of a large Kubernetes node has some megabytes."""
ASK_BY_HAND = "look whether it answers: curl -v ADDRESS"

Take = Callable[[str], Sequence[_lines.Value]]
"""The text of an answer → its values; raises ``MeterUnavailable``."""


class Missed(Exception):
    """The server did not answer this time, or not well; the next time it may."""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Only what was named is fetched."""

    def redirect_request(self, *_: object) -> None:
        """None: the redirect is left as an error."""


def checked(address: str) -> str:
    """The address; ``MeterUnavailable`` unless it is one of http or https, with a host and without a password."""
    try:
        parts = urllib.parse.urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise MeterUnavailable(f"{_lines.shown(address)} is no address: {error}.", [_example()]) from error
    if parts.scheme not in ("http", "https") or not host:
        raise MeterUnavailable(f"{_lines.shown(address)} is no address of http or https.", [_example()])
    if parts.username is not None:
        message = "An address with a password in it would be written into every record."
        raise MeterUnavailable(message, ["--meter 'command=curl --silent --netrc ADDRESS'"])
    return address


def _example() -> str:
    return "write it in full, such as http://192.168.1.20/power"


def opener(address: str) -> urllib.request.OpenerDirector:
    """Asks an address without following redirects, and this machine's own without a proxy."""
    proxies = [urllib.request.ProxyHandler({})] if _loopback(address) else []
    return urllib.request.build_opener(_NoRedirects, *proxies)


def _loopback(address: str) -> bool:
    host = urllib.parse.urlsplit(address).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def ask(server: urllib.request.OpenerDirector, address: str, timeout: float = TIMEOUT_SECONDS) -> tuple[int, str]:
    """The moment in the middle between question and answer, and the answer.

    Raises ``Missed``, or ``MeterUnavailable`` where asking again is of no use.
    """
    began = time.monotonic_ns()
    try:
        with server.open(address, timeout=timeout) as answer:
            data = answer.read(MOST_BYTES + 1)
    except urllib.error.HTTPError as error:
        with error:
            if 300 <= error.code < 400:
                raise _elsewhere(address, error.headers.get("Location", "elsewhere")) from error
            raise Missed(f"it answered {error.code} {error.reason}.") from error
    except UnicodeError as error:
        raise MeterUnavailable(f"{_lines.shown(address)} is no address: {error}.", [_example()]) from error
    except TimeoutError as error:
        raise Missed(f"it did not answer within {timeout:g} s.") from error
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise Missed(f"it did not answer: {reason or type(error).__name__}.") from error
    if len(data) > MOST_BYTES:
        raise MeterUnavailable(f"{address} answered with more than {MOST_BYTES} bytes.", [ASK_BY_HAND])
    return (began + time.monotonic_ns()) // 2, data.decode(errors="replace")


def _elsewhere(address: str, target: str) -> MeterUnavailable:
    target = urllib.parse.urljoin(address, target)
    return MeterUnavailable(f"{address} points to {target}, and only what was named is asked.", [f"name it: {target}"])


@contextmanager
def polled(address: str, take: Take, feed: _lines.Feed, period: float, jitter: float = 0.0) -> Iterator[None]:
    """Ask every ``period`` seconds, moved at random by so much of it, and feed what comes; waits for the first."""
    stop = Event()
    server = opener(checked(address))

    def follow() -> None:
        while not stop.is_set():
            began = time.monotonic()
            try:
                moment, text = ask(server, address)
                feed.put(take(text), moment)
            except Missed as missed:
                feed.miss(str(missed), ASK_BY_HAND)
            except MeterUnavailable as error:
                return feed.give_up(error)
            due = began + period * (1 + jitter * random.uniform(-1, 1))
            stop.wait(max(0.0, due - time.monotonic()))

    thread = Thread(target=follow, name="web", daemon=True)
    thread.start()
    try:
        feed.first()
        yield
    finally:
        stop.set()
        thread.join(2 * TIMEOUT_SECONDS)  # a question that is under way is not broken off
