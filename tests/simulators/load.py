"""A load program for ``wattstar probe`` that drives a simulated GPU: ``load.py TRACE-FILE IDLE-WATTS BUSY-WATTS``.

The file is that of a ``Following``; each switch appends a row, in force from the moment that is answered.
"""

from __future__ import annotations

import os
import sys
import time


def main() -> None:
    """Serve the words of ``wattstar.measuring.loads``."""
    path, watts = sys.argv[1], {"off": float(sys.argv[2]), "on": float(sys.argv[3])}
    with open(path, encoding="utf-8") as file:
        origin = next(int(line.split()[1]) for line in file if line.startswith("origin"))
    out = os.open(path, os.O_WRONLY | os.O_APPEND)

    def switch(word: str) -> None:
        now = time.monotonic_ns()
        os.write(out, f"{(now - origin) / 1e9!r} {watts[word]!r}\n".encode())
        print(word, now, flush=True)

    switch("off")
    for line in sys.stdin:
        switch(line.strip())


if __name__ == "__main__":
    main()
