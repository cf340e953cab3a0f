"""An address is a meter: its answers are stamped in the middle, one that fails is forgiven, and no other is asked."""

from __future__ import annotations

import os
import socket
import time
from contextlib import AbstractContextManager
from itertools import pairwise
from threading import Thread

import pytest

from tests.simulators.server import Answer, serving
from tests.support import wait_for
from wattstar.errors import MeterUnavailable
from wattstar.measuring.sampler import Sampler
from wattstar.measuring.timeline import Domain
from wattstar.meters import _lines, _web, url
from wattstar.types import Level, Method, Scope, Window


def scope(address: str) -> Scope:
    return Scope(os.getpid(), "cpu", "/nowhere", address)


def watch(address: str, silence: float = 10.0) -> tuple[_lines.Feed, AbstractContextManager[None]]:
    """The meter's parts, asking every 20 ms instead of every second."""
    feed = _lines.Feed(f"The address {address!r}", _web.ASK_BY_HAND, silence)
    return feed, _web.polled(address, lambda text: url.values(text, address), feed, 0.02)


def stamps(feed: _lines.Feed, count: int) -> list[tuple[int, float]]:
    seen: dict[int, float] = {}

    def look() -> bool:
        seen.update(feed.read().values())
        return len(seen) >= count

    wait_for(look, f"{count} values")
    return list(seen.items())


def test_it_is_asked_for_and_sampled_and_asks_nothing_by_itself() -> None:
    with serving(lambda _: Answer("5 W")) as server:
        assert url.affinity().level is Level.ASKED
        assert url.method is Method.SAMPLED
        assert server.asked == []


def test_constant_power_gives_power_times_time_to_the_last_digit() -> None:
    with serving(lambda _: Answer("system 50 W\n")) as server:
        feed, polled = watch(server.address + "/power?now=1")
        with polled:
            seen = stamps(feed, 8)
        assert set(server.asked) == {"/power?now=1"}
    for (early, less), (late, more) in pairwise(seen):
        assert more - less == pytest.approx(50.0 * (late - early) / 1e9, rel=1e-9)


def test_a_value_is_of_the_middle_between_question_and_answer() -> None:
    """The server looks at its counter late in the question: the stamp is no further away than half the time between."""
    made: list[int] = []

    def answer(_: str) -> Answer:
        time.sleep(0.05)
        made.append(time.monotonic_ns())
        return Answer("1 J")

    with serving(answer) as server:
        asked = time.monotonic_ns()
        moment, text = _web.ask(_web.opener(server.address), server.address)
        answered = time.monotonic_ns()
    assert text == "1 J"
    assert abs(moment - made[0]) <= (answered - asked) / 2
    assert moment - asked == pytest.approx((answered - asked) / 2, rel=0.2)


def test_the_energy_of_a_window_comes_through_the_sampler() -> None:
    """At the meter's own pace; the promised precision is that of a second."""
    with serving(lambda _: Answer("50 W")) as server:
        with Sampler({f"url={server.address}": url}, scope(server.address)) as sampler:
            sampler.ready(10.0)
            begin = time.monotonic_ns()
            end = begin + 100_000_000
            assert sampler.cover(end, patience=10.0) == ()
        [line] = sampler.timelines()
    reading = Domain(line).reading([Window(begin, end)])
    assert reading is not None
    assert reading.joules == pytest.approx(5.0, rel=1e-6)
    assert set(line.gaps) == {url.PERIOD_SECONDS * 1e9}


def test_one_answer_that_fails_is_forgiven() -> None:
    answers = iter([Answer("10 J"), Answer("busy", 503), Answer(""), Answer("", 404)])
    with serving(lambda _: next(answers, Answer("30 J"))) as server:
        feed, polled = watch(server.address)
        with polled:
            wait_for(lambda: feed.read()["system"][1] == 30.0, "the answer after those that failed")


def test_failing_too_long_is_an_error_with_the_reason_and_the_cure() -> None:
    answers = iter([Answer("10 J"), Answer("10 J")])
    with serving(lambda _: next(answers, Answer("", 503))) as server:
        feed, polled = watch(server.address, silence=0.3)
        with polled, pytest.raises(MeterUnavailable, match=r"said for 0\.3 s\. it answered 503 Service") as error:
            stamps(feed, 1000)
    assert "curl" in error.value.cures[0]


ANSWERS = [
    (Answer("", 404), "it answered 404 Not Found", "curl"),
    (Answer(""), "answered with nothing", "curl"),
    (Answer('{"power": 12.5}'), "answers in JSON: '{\"power\": 12.5}'", "command=sh -c 'curl -s http://127"),
    (Answer(" [12.5]"), "answers in JSON", "jq"),
    (Answer("<html>\n5 W"), "a line that '<html>' is neither", '"123.4 W"'),
    (Answer("12.5"), "a line that '12.5' is neither", '"123.4 W"'),
    (Answer("5 W\n6 W"), "gives system 2 values at once", "their sum"),
]


@pytest.mark.parametrize(("answer", "message", "cure"), ANSWERS)
def test_an_answer_that_is_none_is_said_with_the_cure(answer: Answer, message: str, cure: str) -> None:
    with serving(lambda _: answer) as server:
        with pytest.raises(MeterUnavailable) as error, url.reader(scope(server.address)):
            pass
        assert len(server.asked) == 1
    assert message in error.value.message
    assert cure in error.value.cures[0]


@pytest.mark.parametrize("place", ["{0}/other", "/other", "file:///etc/hostname", "https://127.0.0.1:1/", "ftp://h/x"])
def test_a_redirect_is_not_followed(place: str) -> None:
    """Only what was named is asked."""
    where = [""]

    def answer(path: str) -> Answer:
        return Answer("5 W", 302, {"Location": where[0]}) if path == "/power" else Answer("5 W")

    with serving(answer) as server:
        where[0] = place.format(server.address)
        said = pytest.raises(MeterUnavailable, match=r"points to .*and only what was named")
        with said as error, url.reader(scope(server.address + "/power")):
            pass
        assert server.asked == ["/power"]
    assert where[0] in error.value.cures[0]


def test_a_redirect_that_comes_later_is_an_error_at_once() -> None:
    answers = iter([Answer("5 J"), Answer("5 J")])
    with serving(lambda _: next(answers, Answer("", 301, {"Location": "/login"}))) as server:
        feed, polled = watch(server.address)
        with polled, pytest.raises(MeterUnavailable, match=r"points to .*/login"):
            stamps(feed, 1000)


WRONG = [
    "",
    "power",
    "file:///etc/hostname",
    "ftp://127.0.0.1/power",
    "data:,5%20W",
    "http://",
    "http://host:99999/",
    "http://[::1/",
    "http://127.0.0.1/wätt",
    "http://a..b/",
]


@pytest.mark.parametrize("address", WRONG)
def test_other_schemes_and_no_addresses_are_refused(address: str) -> None:
    with pytest.raises(MeterUnavailable, match=r"is no address") as error, url.reader(scope(address)):
        pass
    assert "http://192.168.1.20/power" in error.value.cures[0]


def test_a_password_is_refused_because_records_name_the_address() -> None:
    with pytest.raises(MeterUnavailable, match=r"password") as error, url.reader(scope("http://me:word@127.0.0.1/")):
        pass
    assert "--netrc" in error.value.cures[0]
    assert "word@" not in error.value.message


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_nobody_there_is_an_error_at_once() -> None:
    address = f"http://127.0.0.1:{closed_port()}/"
    with pytest.raises(MeterUnavailable, match=r"did not answer: .*refused") as error, url.reader(scope(address)):
        pass
    assert "curl" in error.value.cures[0]


def test_a_server_that_does_not_answer_in_time_is_missed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        with pytest.raises(_web.Missed, match=r"did not answer within 0\.1 s"):
            _web.ask(_web.opener(address), address, timeout=0.1)


def test_a_server_that_does_not_speak_http_is_missed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def babble() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"220 mail ready\r\n")

        thread = Thread(target=babble)
        thread.start()
        address = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        with pytest.raises(_web.Missed, match=r"did not answer: .*220 mail ready"):
            _web.ask(_web.opener(address), address)
        thread.join()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_this_machine_is_asked_without_a_proxy(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed_port()}")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with serving(lambda _: Answer("5 W")) as server, url.reader(scope(f"http://{host}:{server.port}")) as reader:
        assert set(reader.read()) == {"system"}
