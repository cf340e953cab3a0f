"""How long ``wattstar --help`` takes, beside ``import click`` alone, interleaved on one machine; prints a table.

python benchmarks/startup/startup.py | tee benchmarks/startup/output.txt
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from statistics import median

ROUNDS = 40
BIN = Path(sys.executable).parent
COMMANDS = {
    "python -c 'pass'": [sys.executable, "-c", "pass"],
    "python -c 'import click'": [sys.executable, "-c", "import click"],
    "python -c 'import wattstar'": [sys.executable, "-c", "import wattstar"],
    "wattstar --help": [str(BIN / "wattstar"), "--help"],
    "wattstar tasks": [str(BIN / "wattstar"), "tasks"],
}


def seconds(command: list[str]) -> float:
    """Wall time of one run."""
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began


def main() -> None:
    """Run all commands in turns and print medians and ratios."""
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(ROUNDS):
        for name, command in COMMANDS.items():
            times[name].append(seconds(command))
    base = median(times["python -c 'import click'"])
    print(f"median of {ROUNDS} interleaved runs; Python {sys.version.split()[0]}")
    for name, found in times.items():
        print(f"{name:30} {median(found) * 1000:7.1f} ms   {median(found) / base:5.2f} × import click")


if __name__ == "__main__":
    main()
