"""The meters put to use on anything: a block of Python, a function, a command."""

from __future__ import annotations

import atexit
import functools
import inspect
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from threading import Lock
from typing import ParamSpec, TypeVar

from wattstar import registry
from wattstar.errors import MeterUnavailable, UnfitEnvironment, UsageError, WattstarError
from wattstar.measuring import gates
from wattstar.measuring.choosing import Choice, choose
from wattstar.measuring.sampler import Sampler
from wattstar.measuring.timeline import Domain, best, readings, total
from wattstar.types import ALL_DEVICES, Edges, Finding, Method, Reading, Scope, Window

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

TOO_SHORT = "{seconds:.3g} s are too short to be measured: fewer than ten steps of the counters."
REPEAT = "repeat the work inside one window, until it lasts a second"
SECONDS_TO_OPEN = 12.0
"""At most: a stepped counter must have been seen to step twice before a window can begin."""
WORKS_LATER = (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction)
WAIT = ("sh", "-c", 'read -r go <"/dev/fd/$1" && shift && exec "$@"', "sh")
"""Holds a command, process id and all, until the meters are ready; it never begins if they cannot be. Not ``<&``: some
shells know descriptors of one digit only."""


@dataclass
class Measurement:
    """What a window took; filled when it has ended."""

    window: Window | None = None
    energy: tuple[Reading, ...] = ()
    """One reading a domain, the best; those of ``Method.MODELLED`` are estimates."""
    left_out: tuple[str, ...] = ()
    """What is on this machine and was not read, and the cure."""
    notes: tuple[Finding, ...] = ()
    exit_code: int | None = None
    """Of the command, where it was one."""

    @property
    def seconds(self) -> float:
        """From begin to end; ``UsageError`` while the window is open."""
        window = self._ended()
        return (window.end - window.begin) / 1e9

    @property
    def measured(self) -> tuple[Reading, ...]:
        """The readings that are no estimates."""
        return tuple(reading for reading in self.energy if reading.method is not Method.MODELLED)

    @property
    def shares(self) -> tuple[Reading, ...]:
        """What counters say of a window that is too short for them: a share of their steps, within its bound."""
        modelled = (reading for reading in self.energy if reading.method is Method.MODELLED)
        return tuple(reading for reading in modelled if reading.plausible_factor is None)

    @property
    def estimated(self) -> tuple[Reading, ...]:
        """The readings that are estimates, and stand beside the others: never in one sum with them."""
        return tuple(reading for reading in self.energy if reading.plausible_factor is not None)

    @property
    def joules(self) -> float:
        """All that was measured, or of the whole system where that was; ``MeterUnavailable`` where nothing was."""
        self._ended()
        if self.measured:
            return total(self.measured)
        if self.shares:
            raise MeterUnavailable(TOO_SHORT.format(seconds=self.seconds), [REPEAT, "shares, which have their bounds"])
        cures = ["estimated_joules, which says in its name what it is"] if self.estimated else []
        message = "Nothing was measured, energy could only be estimated." if cures else "Nothing was measured."
        raise MeterUnavailable(message, [*cures, "wattstar doctor"])

    @property
    def estimated_joules(self) -> float:
        """All that was estimated: plausibly within the readings' factor; ``MeterUnavailable`` where nothing was."""
        self._ended()
        if not self.estimated:
            raise MeterUnavailable("Nothing was estimated.", ["joules", "wattstar doctor"])
        return total(self.estimated)

    def _ended(self) -> Window:
        if self.window is None:
            raise UsageError("The window has not ended yet.")
        return self.window


@contextmanager
def measure() -> Iterator[Measurement]:
    """Measure what is done in the block, by this process and its children.

    The first use opens the meters, which takes a few tenths of a second; they stay open until the process ends, so that
    every later window costs microseconds to begin. Leaving waits for the next steps of slow counters, and raises
    ``MeterUnavailable`` where a reading cannot be trusted, unless the block itself has raised something.
    """
    meters = _own_meters()
    found = Measurement(left_out=meters.choice.left_out)
    meters.sampler.touch()
    begin = time.monotonic_ns()
    with meters.window(begin):
        completed = False
        try:
            yield found
            completed = True
        finally:
            end = time.monotonic_ns()
            # What the block has raised comes before what its meters would.
            with nullcontext() if completed else suppress(WattstarError):
                meters.fill(found, begin, end)


def measured(function: Callable[Parameters, Result]) -> Callable[Parameters, tuple[Result, Measurement]]:
    """A function that returns its result and what it took; ``UsageError`` for one that works after it has returned."""
    if any(is_later(function) for is_later in WORKS_LATER):
        message = f"{function.__name__} does its work when it is awaited or iterated over, not when it is called."
        raise UsageError(message, ["with measure(): around that"])

    @functools.wraps(function)
    def measuring(*args: Parameters.args, **kwargs: Parameters.kwargs) -> tuple[Result, Measurement]:
        with measure() as found:
            result = function(*args, **kwargs)
        return result, found

    return measuring


def measure_command(command: Sequence[str], meters: Sequence[str] = (), require_measured: bool = False) -> Measurement:
    """Run a command and measure it; ``meters`` empty means all that can read here."""
    if not command:
        raise UsageError("There is no command to measure.", ["wattstar measure -- COMMAND"])
    choice = choose(meters, require_measured)
    found = Measurement(left_out=choice.left_out)
    hold, go = os.pipe()
    with ExitStack() as stack:
        try:
            process = stack.enter_context(subprocess.Popen([*WAIT, str(hold), *command], pass_fds=(hold,)))
        finally:
            os.close(hold)
            # Closed before the process is waited for: one that was never let go then ends.
            stack.callback(os.close, go)
        sampler = stack.enter_context(_sampler(choice, process.pid))
        sampler.touch()
        try:
            os.write(go, b"\n")
        except BrokenPipeError:
            raise UnfitEnvironment("The command was ended before it began.", ["measure again"]) from None
        begin = time.monotonic_ns()
        _wait(process.pid)
        # Load begins and ends with a command.
        _fill(found, sampler, Window(begin, time.monotonic_ns()), Edges.LOAD_CHANGE)
        found.exit_code = process.wait()
    if require_measured and not found.measured:
        raise MeterUnavailable(TOO_SHORT.format(seconds=found.seconds), [REPEAT])
    return found


def _wait(pid: int) -> None:
    """Until a command has ended; it stays a zombie, so that its last CPU time can be read.

    Ctrl-C reaches the command too, as the way to end many: a first one is left to it, and what it took is still said.
    """
    try:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    except KeyboardInterrupt:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


@dataclass
class _Meters:
    """The meters of this process, and where the windows that are open begin."""

    choice: Choice
    sampler: Sampler
    close: Callable[[], None]
    begins: list[int]
    pid: int = field(default_factory=os.getpid)

    def fill(self, found: Measurement, begin: int, end: int) -> None:
        """As ``_fill``; ``UsageError`` in a forked child, in which no thread reads these meters."""
        if self.pid != os.getpid():
            message = "The block that is measured was entered in another process, before a fork."
            raise UsageError(message, ["enter it in the child, or leave it in the parent only"])
        # What goes on around a block nobody knows.
        _fill(found, self.sampler, Window(begin, end), Edges.INSIDE)

    @contextmanager
    def window(self, begin: int) -> Iterator[None]:
        """While a window is open, nothing of it is forgotten; what lies before all open windows is, once a second."""
        self.begins.append(begin)
        try:
            yield
        finally:
            self.begins.remove(begin)


class _Own:
    """The meters of this process: opened by the first who asks, anew after they failed, and by a forked child."""

    def __init__(self) -> None:
        self.begin_anew()
        os.register_at_fork(after_in_child=self.begin_anew)

    def begin_anew(self) -> None:
        self._opening = Lock()
        self._meters: _Meters | None = None

    def __call__(self) -> _Meters:
        with self._opening:
            if self._meters is not None and not self._meters.sampler.is_reading:
                self._meters.close()
                self._meters = None
            if self._meters is None:
                self._meters = _opened()
            return self._meters


_own_meters = _Own()


def _opened() -> _Meters:
    choice = choose((), require_measured=False)
    stack = ExitStack()
    begins: list[int] = []
    needed = functools.partial(_first, begins)
    sampler = stack.enter_context(_sampler(choice, os.getpid(), needed))
    atexit.register(stack.close)
    return _Meters(choice, sampler, stack.close, begins)


def _first(begins: Sequence[int]) -> int:
    """The moment from which on stamps are needed: now, where no window is open."""
    return min(begins, default=time.monotonic_ns())


@contextmanager
def _sampler(choice: Choice, pid: int, needed: Callable[[], int] = lambda: 0) -> Iterator[Sampler]:
    meters = {name: registry.meter(name) for name in choice.meters}
    with Sampler(meters, Scope(pid, ALL_DEVICES, ""), needed) as sampler:
        sampler.ready(SECONDS_TO_OPEN)
        yield sampler


def _fill(found: Measurement, sampler: Sampler, window: Window, edges: Edges) -> None:
    """Work the window out, just after its end; ``MeterUnavailable`` where a reading cannot be trusted."""
    sampler.enclose()
    found.window = window
    late = sampler.cover(window.end)
    timelines = sampler.timelines(window.begin)
    energy = readings([Domain(timeline) for timeline in timelines], [window], edges)
    seen = gates.states(sampler.states(), [window])
    broken = [
        *gates.jumps(timelines, [window]),
        *gates.falls(timelines, [window]),
        *gates.cross_check([energy]),
        *gates.drawn(energy, [window], timelines),
    ]
    for finding in broken:
        raise MeterUnavailable(
            f"The reading cannot be trusted: {finding.message}.", ["wattstar doctor", "--meter NAME"]
        )
    read = {reading.domain for reading in energy}
    silent = {*late, *(line.domain for line in timelines)} - read
    if silent:
        message = (
            f"No meter read {', '.join(sorted(silent))} from begin to end; "
            "the sum of the others would look like less energy."
        )
        raise MeterUnavailable(message, ["wattstar doctor", "--meter NAME"])
    found.energy = best(energy)
    found.notes = (
        *gates.replaced(timelines, energy),
        *seen,
        *gates.gaps(sampler.sampling(), [window]),
        *gates.caveats(found.energy, sampler.caveats()),
    )
