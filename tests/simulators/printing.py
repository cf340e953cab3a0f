"""A program that prints what a power meter would say of a trace: for the meter ``command``, as a user's own would be.

    python -m tests.simulators.printing FILE.trace W|J SECONDS [DOMAIN]

prints a line every so many seconds until it is ended: the power at that moment, or the joules since the trace's origin.
"""

from __future__ import annotations

import shlex
import sys
import time
from pathlib import Path

from tests.simulators import trace


def command(file: Path, unit: str, seconds: float, domain: str = "") -> str:
    """The words that start it."""
    return shlex.join([sys.executable, "-m", "tests.simulators.printing", str(file), unit, str(seconds), domain])


def main(file: str, unit: str, seconds: str, domain: str) -> None:
    """Print until somebody ends it."""
    truth = trace.read(Path(file))
    while True:
        now = time.monotonic_ns()
        number = truth.watts(now) if unit == "W" else truth.joules(truth.origin, now)
        print(domain, repr(number), unit, flush=True)
        time.sleep(float(seconds))


if __name__ == "__main__":
    main(*sys.argv[1:])
