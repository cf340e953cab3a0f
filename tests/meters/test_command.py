"""Any program is a meter: what it prints is stamped, summed up and bounded, and what it does wrong is said."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from tests.simulators import printing, trace
from tests.support import alive, wait_for
from wattstar.errors import MeterUnavailable
from wattstar.measuring.sampler import Sampler
from wattstar.measuring.timeline import Domain
from wattstar.meters import command
from wattstar.types import Level, Method, Reader, Scope, Window

SPEAKS = "while :; do echo 50 W; sleep 0.02; done"


def scope(line: str) -> Scope:
    return Scope(os.getpid(), "cpu", "/nowhere", line)


def shell(script: str) -> str:
    return shlex.join(["sh", "-c", script])


def stamps(reader: Reader, count: int, domain: str = "system") -> list[tuple[int, float]]:
    """So many different ones; the stamp is the middle of what the reader promises."""
    seen: dict[int, float] = {}

    def look() -> bool:
        for name, (moment, joules) in reader.read().items():
            if name == domain:
                seen[moment - round(reader.refresh * 1e9) // 2] = joules
        return len(seen) >= count

    wait_for(look, f"{count} values")
    return list(seen.items())


def test_it_is_asked_for_and_sampled() -> None:
    assert command.affinity().level is Level.ASKED
    assert command.method is Method.SAMPLED


def test_constant_power_gives_power_times_time_to_the_last_digit() -> None:
    before = time.monotonic_ns()
    with command.reader(scope(shell(SPEAKS))) as reader:
        seen = stamps(reader, 8)
    assert before < seen[0][0] < seen[-1][0] < time.monotonic_ns(), "lines are stamped when they arrive"
    for (early, less), (late, more) in pairwise(seen):
        assert more - less == pytest.approx(50.0 * (late - early) / 1e9, rel=1e-9)


def test_the_energy_of_a_window_of_changing_power_is_right_within_its_bound(tmp_path: Path) -> None:
    """Through the real sampler: power runs up and down, and the program prints it ten times a second."""
    truth = trace.sine(100.0, 300.0, 1.3)
    line = printing.command(truth.write(tmp_path), "W", 0.1)
    with Sampler({f"command={line}": command}, scope(line)) as sampler:
        sampler.ready(10.0)
        begin = time.monotonic_ns()
        time.sleep(1.5)
        end = time.monotonic_ns()
        assert sampler.cover(end, patience=10.0) == ()
    [found] = sampler.timelines()
    assert (found.domain, found.method) == ("system", Method.SAMPLED)
    reading = Domain(found).reading([Window(begin, end)])
    assert reading is not None
    assert abs(reading.joules - truth.joules(begin, end)) <= reading.bound
    assert 0 < reading.bound < 0.5 * reading.joules


def test_a_total_of_joules_is_passed_on(tmp_path: Path) -> None:
    """It is stamped after it was made, so that the truth at the stamp is a little more."""
    truth = trace.square(20.0, 400.0, 0.1)
    with command.reader(scope(printing.command(truth.write(tmp_path), "J", 0.03, "cpu:1"))) as reader:
        seen = stamps(reader, 8, "cpu:1")
        assert set(reader.read()) == {"cpu:1"}
    assert all(joules <= truth.joules(truth.origin, moment) for moment, joules in seen)
    assert all(more > less for (_, less), (_, more) in pairwise(seen))


def test_a_program_that_ends_is_started_anew_every_second() -> None:
    """Its last line needs no newline; the promised precision is that of a second."""
    with command.reader(scope("printf '70 W'")) as reader:
        seen = stamps(reader, 2)
    [(early, less), (late, more)] = seen[:2]
    assert more - less == pytest.approx(70.0 * (late - early) / 1e9, rel=1e-9)
    assert (late - early) / 1e9 > command.PERIOD_SECONDS * (1 - command.JITTER) / 2
    assert reader.refresh >= command.PERIOD_SECONDS


def test_several_domains_have_a_total_each() -> None:
    script = "n=0; while :; do n=$((n+1)); echo gpu:0 $n J; echo gpu:1 7 J; echo; echo 10 W; sleep 0.03; done"
    with command.reader(scope(shell(script))) as reader:
        stamps(reader, 4)
        totals = {domain: joules for domain, (_, joules) in reader.read().items()}
    assert totals["gpu:0"] >= 4
    assert totals["gpu:1"] == 7
    assert totals["system"] > 0


def test_no_shell_reads_the_words(tmp_path: Path) -> None:
    file = tmp_path / "made"
    with pytest.raises(MeterUnavailable, match="5 W; touch"), command.reader(scope(f"echo 5 W; touch {file}")):
        pass
    assert not file.exists()


def not_executable(folder: Path) -> str:
    (folder / "watts.sh").write_text("echo 5 W\n")
    return str(folder / "watts.sh")


WRONG: list[tuple[str | Callable[[Path], str], str, str]] = [
    ("/nowhere/watts.sh --now", "cannot be started: .*No such file", "check the path"),
    (not_executable, "cannot be started: .*Permission denied", "may be executed"),
    ("", "no command", "--meter 'command="),
    ("echo '5 W", "cannot be split: No closing quotation", "close"),
    (shell("echo 5 W; echo no sensor >&2; exit 3"), "exit code 3.*'5 W'.*standard error: no sensor$", "by hand"),
    (shell("kill -9 $$"), "signal 9", "by hand"),
    ("true", "ended without saying a value", '"123.4 W"'),
    ("echo 12 Watt", "'12 Watt' is neither", '"123.4 W"'),
    ("echo -5 W", "'-5 W' is neither", '"123.4 W"'),
    ("echo psys:0 5 W", "has a domain that is none of", '"123.4 W"'),
    ("echo 1e999 J", "too large", '"123.4 W"'),
    (shell("echo 5 W; echo 6 W"), "gave system two values at once", "their sum"),
    (shell("echo 5 W; sleep 0.03; echo 6 J; sleep 9"), "said in W and J", "one unit"),
    (shell("echo 6 J; sleep 0.03; echo 5 J; sleep 9"), r"went back from 6\.0 to 5\.0 J", "measure again"),
    (shell("yes 5 W"), "lines came at once", "flush"),
    (shell("yes 5 W | tr -d '\\n'"), "5 W5 W.*…' is neither", '"123.4 W"'),
]


@pytest.mark.parametrize(("line", "message", "cure"), WRONG)
def test_what_a_program_does_wrong_is_said_with_the_cure(
    line: str | Callable[[Path], str], message: str, cure: str, tmp_path: Path
) -> None:
    line = line if isinstance(line, str) else line(tmp_path)

    def read() -> None:
        with command.reader(scope(line)) as reader:
            stamps(reader, 1000)

    with pytest.raises(MeterUnavailable, match=message) as error:
        read()
    assert cure in " ".join(error.value.cures)


def test_silence_before_the_first_value_is_an_error() -> None:
    began = time.monotonic()
    line = shell("echo warming up >&2; exec sleep 60")
    said = pytest.raises(MeterUnavailable, match=r"nothing was said for 0\.3 s\..*warming up")
    with said as error, command.opened(line, silence=0.3):
        pass
    assert "flush" in error.value.cures[0]
    assert time.monotonic() - began < 30


def test_silence_later_is_an_error_that_shows_the_last_line() -> None:
    line = shell("echo 5 W; sleep 0.05; echo 6 W; exec sleep 60")
    with command.opened(line, silence=0.5) as reader:
        assert reader.read()["system"][1] > 0
        with pytest.raises(MeterUnavailable, match=r"nothing was said for 0\.5 s\. Its last line was '6 W'"):
            stamps(reader, 1000)


def test_an_error_reaches_who_waits_for_the_sampler() -> None:
    line = shell("echo 5 W; sleep 0.1; echo 6 W; sleep 0.3; echo nonsense; sleep 9")
    sampler = Sampler({f"command={line}": command}, scope(line))
    with sampler, pytest.raises(MeterUnavailable, match="'nonsense' is neither"):
        sampler.cover(time.monotonic_ns() + 10**12, patience=20.0)


def started(file: Path) -> list[psutil.Process]:
    return [psutil.Process(int(line)) for line in file.read_text().split()]


@pytest.mark.parametrize("ending", ["left", "failed"])
def test_the_program_and_what_it_started_are_ended(ending: str, tmp_path: Path) -> None:
    file = tmp_path / "pids"
    line = shell(f"echo $$ >{file}; sleep 600 & echo $! >>{file}; {SPEAKS}")
    with command.reader(scope(line)) as reader:
        processes = started(file)
        assert len(processes) == 2
        if ending == "failed":
            with pytest.raises(MeterUnavailable):
                raise MeterUnavailable("another meter failed")
        else:
            stamps(reader, 2)
    assert alive(processes) == []


def test_the_program_is_ended_when_it_cannot_be_used(tmp_path: Path) -> None:
    file = tmp_path / "pids"
    line = shell(f"sleep 600 & echo $! >{file}; echo nonsense; sleep 600")
    with pytest.raises(MeterUnavailable, match="nonsense"), command.reader(scope(line)):
        pass
    assert alive(started(file)) == []
