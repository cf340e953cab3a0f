"""Reads a plug that draws 100 W, but misbehaves some time after it was opened, as WATTSTAR_ODD says."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from wattstar.types import Affinity, Level, Method, Reader, Scope

requires: tuple[str, ...] = ()
method = Method.SAMPLED
plausible_factor: float | None = None
gain: float | None = None
argument: str | None = None
confirmed = False

WATTS = 100.0
PAUSE = 3.0
"""Seconds."""


def affinity() -> Affinity:
    """Always here, for those who ask."""
    return Affinity(Level.ASKED, ("system",), "a plug that misbehaves")


@contextmanager
def reader(scope: Scope) -> Iterator[Reader]:
    """WATTSTAR_ODD: seconds, then ``silent``, ``nan`` (no number), ``falling`` (energy flows back) or ``pausing``."""
    seconds, how = os.environ["WATTSTAR_ODD"].split()
    opened = time.monotonic_ns()
    turn = opened + round(float(seconds) * 1e9)

    def read() -> Mapping[str, tuple[int, float]]:
        nonlocal turn
        now = time.monotonic_ns()
        if now >= turn and how == "pausing":
            turn = 2 * now  # once
            time.sleep(PAUSE)
            now = time.monotonic_ns()
        joules = (now - opened) / 1e9 * WATTS
        if now < turn:
            return {"system": (now, joules)}
        later = {"nan": float("nan"), "falling": (2 * turn - now - opened) / 1e9 * WATTS}
        return {"system": (now, later[how])} if how in later else {}

    yield Reader(read, period=0.05)
