"""An hour in minutes: a process whose CLOCK_MONOTONIC runs so many times as fast, and whose waits are as much shorter.

A preloaded library (``clock.c``) stands before the C library; simulated sensors in the same process see the same clock,
and so do the process's children. Time spent working is not compressed: a read that takes 0.1 ms takes 0.1 ms × factor.
Out of reach: programs that do not go through the C library, sleep(3), timers that signal, time-outs of sockets.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.simulators import compiler


@dataclass(frozen=True)
class Clock:
    """As fast as the real one until its origin, ``factor`` times as fast from there on."""

    factor: int
    origin: int = field(default_factory=time.monotonic_ns)
    """Nanoseconds of CLOCK_MONOTONIC; both clocks show it at the same moment."""

    def __post_init__(self) -> None:
        if self.factor < 1:
            raise ValueError("A clock runs at least as fast as the real one.")

    def shown(self, moment: int) -> int:
        """What it shows at a real moment."""
        return moment if moment <= self.origin else self.origin + (moment - self.origin) * self.factor

    def moment(self, shown: int) -> int:
        """The first real moment at which it shows as much."""
        return shown if shown <= self.origin else self.origin - (self.origin - shown) // self.factor


def install(clock: Clock, environment: Mapping[str, str]) -> Mapping[str, str]:
    """The environment of a subprocess, with this clock beside the simulators that are already in it."""
    before = environment.get("LD_PRELOAD", "")
    return {
        **environment,
        "LD_PRELOAD": ":".join(filter(None, [str(shared_object()), before])),
        "WATTSTAR_CLOCK_SIMULATOR": f"{clock.origin} {clock.factor}",
    }


def shared_object() -> Path:
    """The library to preload, built now if it is not yet; ``RuntimeError`` where there is no C compiler."""
    return compiler.shared_object("clock.c", "libwattstar-clock.so")
