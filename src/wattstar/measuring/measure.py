"""The meters put to use on anything: a block of Python, a function, a command."""

from __future__ import annotations

import atexit
import functools
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from wattstar import registry
from wattstar.errors import MeterUnavailable, UsageError
from wattstar.measuring import gates
from wattstar.measuring.sampler import Sampler
from wattstar.measuring.timeline import Domain, best, readings
from wattstar.types import ALL_DEVICES, Edges, Level, Meter, Method, Reading, Scope, Window

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

SECONDS_TO_OPEN = 2.0
"""A stepped counter must have been seen to step twice before a window can begin."""
WAIT = ("sh", "-c", 'read -r go <&"$WATTSTAR_GO"; exec "$@"', "sh")
"""Holds a command, process id and all, until the meters are ready."""


@dataclass
class Measurement:
    """What a window took; filled when it has ended."""

    window: Window | None = None
    energy: tuple[Reading, ...] = ()
    """One reading a domain, the best; those of ``Method.MODELLED`` are estimates."""
    exit_code: int | None = None
    """Of the command, where it was one."""

    @property
    def seconds(self) -> float:
        """From begin to end; ``UsageError`` while the window is open."""
        if self.window is None:
            raise UsageError("The window has not ended yet.")
        return (self.window.end - self.window.begin) / 1e9

    @property
    def joules(self) -> float:
        """The sum over domains; ``MeterUnavailable`` where nothing could be read."""
        if not self.energy:
            raise MeterUnavailable("No meter has read the whole window.", ["wattstar doctor"])
        return sum(reading.joules for reading in self.energy)


@contextmanager
def measure() -> Iterator[Measurement]:
    """Measure what is done in the block, by this process and its children.

    The first use opens the meters, which takes a few tenths of a second; they stay open until the process ends, so that
    every later window costs microseconds to begin. Leaving waits for the next steps of slow counters.
    """
    sampler = _own_sampler()
    found = Measurement()
    begin = time.monotonic_ns()
    try:
        yield found
    finally:
        _fill(found, sampler, begin, time.monotonic_ns())


def measured(function: Callable[Parameters, Result]) -> Callable[Parameters, tuple[Result, Measurement]]:
    """A function that returns its result and what it took."""

    @functools.wraps(function)
    def measuring(*args: Parameters.args, **kwargs: Parameters.kwargs) -> tuple[Result, Measurement]:
        with measure() as found:
            result = function(*args, **kwargs)
        return result, found

    return measuring


def measure_command(command: Sequence[str], meters: Sequence[str] = (), require_measured: bool = False) -> Measurement:
    """Run a command and measure it; ``meters`` empty means all that can read here."""
    chosen = _chosen(meters, require_measured)
    found = Measurement()
    hold, go = os.pipe()
    environment = os.environ | {"WATTSTAR_GO": str(hold)}
    with ExitStack() as stack:
        stack.callback(os.close, go)
        try:
            process = stack.enter_context(subprocess.Popen([*WAIT, *command], pass_fds=(hold,), env=environment))
        finally:
            os.close(hold)
        sampler = stack.enter_context(Sampler(chosen, Scope(process.pid, ALL_DEVICES, "")))
        sampler.ready(SECONDS_TO_OPEN)
        os.write(go, b"\n")
        begin = time.monotonic_ns()
        # The process stays a zombie until its last CPU time was read.
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        _fill(found, sampler, begin, time.monotonic_ns())
        found.exit_code = process.wait()
    return found


@functools.cache
def _own_sampler() -> Sampler:
    sampler = Sampler(_chosen((), require_measured=False), Scope(os.getpid(), ALL_DEVICES, "")).__enter__()
    atexit.register(sampler.__exit__, None, None, None)
    sampler.ready(SECONDS_TO_OPEN)
    return sampler


def _fill(found: Measurement, sampler: Sampler, begin: int, end: int) -> None:
    late = sampler.cover(end)
    found.window = Window(begin, end)
    timelines = sampler.timelines()
    energy = readings([Domain(timeline) for timeline in timelines], [found.window], Edges.LOAD_CHANGE)
    for finding in [*gates.jumps(timelines, [found.window]), *gates.cross_check([energy])]:
        raise MeterUnavailable(
            f"The reading cannot be trusted: {finding.message}.", ["wattstar doctor", "--meter NAME"]
        )
    silent = set(late) - {reading.domain for reading in energy}
    if silent:
        message = (
            f"No meter read {', '.join(sorted(silent))} to the end; the sum of the others would look like less energy."
        )
        raise MeterUnavailable(message, ["wattstar doctor", "--meter NAME"])
    found.energy = best(energy)


def _chosen(names: Sequence[str], require_measured: bool) -> dict[str, Meter]:
    """The named meters, or every real one and estimates for what these leave open."""
    known = {name: registry.meter(name) for name in names or registry.plug_ins("meters")}
    affinities = {name: meter.affinity() for name, meter in known.items()}
    least = Level.ASKED if names else Level.ESTIMATE
    chosen = {name: meter for name, meter in known.items() if affinities[name].level >= least}
    reasons = [f"{name}: {a.reason}" + (f"; {a.cure}" if a.cure else "") for name, a in affinities.items()]
    if names and len(chosen) < len(known):
        raise MeterUnavailable("A meter that was asked for cannot read here.", reasons)
    if not chosen:
        raise UsageError("No meter is named.", ["wattstar meters"])
    if require_measured and all(meter.method is Method.MODELLED for meter in chosen.values()):
        raise MeterUnavailable("A measurement was asked for, but energy can only be estimated here.", reasons)
    return chosen
