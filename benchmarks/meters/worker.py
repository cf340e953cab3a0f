"""Runs one tool through a plan of windows: ``worker.py TOOL PLAN OUTPUT``; in the tool's environment."""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.meters.tools import TOOLS, Tool

LATE = 0.4
"""Seconds; a window that cannot begin within so much of its moment is left out."""


def main() -> None:
    """Set the tool up, say how long it took, measure every window of the plan."""
    name, plan_file, output = sys.argv[1:4]
    plan: dict[str, Any] = json.loads(Path(plan_file).read_text())
    entry = TOOLS[name]
    found: dict[str, Any] = {"rows": [], "missed": 0}
    try:
        tool = _set_up(entry.make, entry.module, found)
    except Exception as error:  # noqa: BLE001 (whatever a tool raises is its answer)
        found["error"] = _words(error)
    else:
        _measure(tool, plan, found)
    Path(output).write_text(json.dumps(found))
    sys.stdout.flush()
    os._exit(0)


def _set_up(make: type[Tool], module: str, found: dict[str, Any]) -> Tool:
    began = time.perf_counter()
    import_module(module)
    imported = time.perf_counter()
    tool = make()
    found["import_ms"] = (imported - began) * 1e3
    found["setup_ms"] = (time.perf_counter() - imported) * 1e3
    return tool


def _measure(tool: Tool, plan: dict[str, Any], found: dict[str, Any]) -> None:
    """Every window at its moment, after the plan's origin or else after now."""
    origin = plan["origin"] or time.monotonic_ns()
    for number, begin, seconds in plan["windows"]:
        moment = origin + round(begin * 1e9)
        if plan["origin"] and time.monotonic_ns() > moment + LATE * 1e9:
            found["missed"] += 1
            continue
        _until(moment)
        found["rows"].append(_window(tool, number, seconds))


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:300]


def _window(tool: Tool, number: int, seconds: float) -> dict[str, Any]:
    """One window: moments in nanoseconds of CLOCK_MONOTONIC, joules, and CPU seconds of tool and helpers."""
    row: dict[str, Any] = {"id": number, "gpu": None, "cpu": None, "error": None}
    cpu = _cpu_seconds()
    row["call"] = time.monotonic_ns()
    try:
        tool.begin()
        row["begin"] = time.monotonic_ns()
        _until(row["begin"] + round(seconds * 1e9))
        row["cpu_seconds"] = _cpu_seconds() - cpu
        row["end"] = time.monotonic_ns()
        row["gpu"], row["cpu"] = tool.end()
    except Exception as error:  # noqa: BLE001 (whatever a tool raises is its answer)
        row["error"] = _words(error)
    row["done"] = time.monotonic_ns()
    row["words"], row["bounds"] = getattr(tool, "words", None), getattr(tool, "bounds", None)
    return row


def _until(moment: int) -> None:
    while (left := moment - time.monotonic_ns()) > 0:
        time.sleep(left / 1e9)


def _cpu_seconds() -> float:
    """Of this process, and of children that run or have ended; 10 ms is the finest step for children that run."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime + sum(map(_running, _children(os.getpid())))


def _children(parent: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{parent}/task").glob("*/children"):
        with suppress(OSError):  # a thread that has just ended
            for child in map(int, task.read_text().split()):
                found += [child, *_children(child)]
    return found


def _running(process: int) -> float:
    try:
        words = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, words[11:13])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
