"""Turns the windows into the table."""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

Row = Mapping[str, Any]
CUTS = "wattstar, random cuts"
NEGLIGIBLE = 3e-3
"""Joules: figures are rounded to 0.001 J, and counters step by 0.001 J."""


def median(values: Sequence[float]) -> float:
    """The middle."""
    return percentile(values, 0.5)


def percentile(values: Iterable[float], at: float) -> float:
    """Linear between ranks."""
    ordered = sorted(values)
    place = at * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


def write(results: Mapping[str, Any], folder: Path) -> None:
    """``results.json`` with the windows of every tool, ``cuts.json.gz`` with those cut at random, and ``table.md``."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = results["windows"]
    head = {key: value for key, value in results.items() if key != "windows"}
    measured = "".join(f",\n{json.dumps(row, separators=(',', ':'))}" for row in rows if row[0] != CUTS)[2:]
    text_of_head = json.dumps(head, indent=1)[:-2]
    (folder / "results.json").write_text(f'{text_of_head},\n "windows": [\n{measured}\n]}}\n', encoding="utf-8")
    cut = {"columns": results["columns"], "windows": [row for row in rows if row[0] == CUTS]}
    packed = gzip.compress(json.dumps(cut, separators=(",", ":")).encode(), 9, mtime=0)
    (folder / "cuts.json.gz").write_bytes(packed)
    (folder / "table.md").write_text(text(results), encoding="utf-8")


def text(results: Mapping[str, Any]) -> str:
    """The whole table as Markdown."""
    columns = results["columns"]
    rows = [dict(zip(columns, row, strict=True)) for row in results["windows"]]
    inside = [row for row in rows if row["shape"] != "idle-busy-idle"]
    parts = ["# Energy readings beside the truth, on simulated sensors\n", _about(results)]
    for domain, title in (("gpu", "GPU (NVML, counter steps of 100 ms)"), ("cpu", "CPU (RAPL)")):
        for shapes in (("square",), ("ramp", "burst")):
            chosen = [row for row in inside if row["domain"] == domain and row["shape"] in shapes]
            parts += [f"## {title}, {' and '.join(shapes)} load\n", _errors(chosen)]
    parts += ["## wattstar: bias and bound\n", _bounds(inside)]
    parts += ["## wattstar: windows that begin and end with the load (idle, busy, idle; GPU and CPU)\n"]
    parts += [_edges([row for row in rows if row["shape"] == "idle-busy-idle"])]
    parts += ["## Cost\n", _costs(results)]
    return "\n".join(parts)


def _about(results: Mapping[str, Any]) -> str:
    about, notes = results["about"], results["notes"]
    errors = {name: len(found) for name, found in notes["errors"].items()}
    return (
        f"Python {about['python']}, {about['cores']} cores. Seeds {about['seed']} and {about['lane_seeds']}.\n"
        f"Load between {about['gpu_watts']} W (GPU) and {about['cpu_watts']} W (CPU), periods {about['periods']} s.\n"
        f"|error| in %: median / 95th percentile / worst; then the share of windows read as exactly 0. n: windows.\n"
        f"Windows that began too late and were left out: {notes['missed']}; that raised: {errors or 'none'}.\n"
    )


def _errors(rows: Sequence[Row]) -> str:
    lengths = sorted({row["nominal"] for row in rows})
    lines = [
        "| tool | " + " | ".join(f"{nominal:g} s" for nominal in lengths) + " |",
        "|---" * (len(lengths) + 1) + "|",
    ]
    for tool, group in _grouped(rows, "tool").items():
        by_length = _grouped(group, "nominal")
        lines.append(f"| {tool} | " + " | ".join(_cell(by_length.get(nominal, [])) for nominal in lengths) + " |")
    return "\n".join(lines) + "\n"


def _cell(rows: Sequence[Row]) -> str:
    found = [row for row in rows if row["reading"] is not None]
    if not found:
        return "–"
    off = [abs(_error(row)) for row in found]
    zero = sum(row["reading"] == 0 for row in found) / len(found)
    none = f", none {len(rows) - len(found)}" if len(found) < len(rows) else ""
    figures = " / ".join(_figure(value) for value in (median(off), percentile(off, 0.95), max(off)))
    return f"{figures}; zero {zero:.0%}; n {len(found)}{none}"


def _bounds(rows: Sequence[Row]) -> str:
    lines = ["| domain | load | tool | length | bias % | bound, median % of reading | truth inside the bound | n |"]
    lines.append("|---" * 8 + "|")
    known = [row for row in rows if row["bound"] is not None]
    for (domain, shape, tool, nominal), group in _grouped(known, "domain", "shape", "tool", "nominal").items():
        lines.append(f"| {domain} | {shape} | {tool} | {nominal:g} s | {_bound_words(group)} |")
    counters = [row for row in known if row["tool"] != "wattstar, power only"]
    for domain, group in _grouped(counters, "domain").items():
        lines.append(f"| {domain} | all | all counters | all | {_bound_words(group)} |")
    return "\n".join(lines) + "\n"


def _edges(rows: Sequence[Row]) -> str:
    lines = ["| domain | tool | edges told | length | bias % | p50 % | p95 % | worst % | truth inside the bound | n |"]
    lines.append("|---" * 10 + "|")
    known = [row for row in rows if row["reading"] is not None]
    for (domain, tool, edges, nominal), group in _grouped(known, "domain", "tool", "edges", "nominal").items():
        off = [abs(_error(row)) for row in group]
        figures = " | ".join(_figure(v) for v in (median(off), percentile(off, 0.95), max(off)))
        bias = f"{_bias(group):+.2f}"
        words = (
            f"{domain} | {tool} | {edges} | {nominal:g} s | {bias} | {figures} | {_inside(group):.3%} | {len(group)}"
        )
        lines.append(f"| {words} |")
    return "\n".join(lines) + "\n"


def _bound_words(rows: Sequence[Row]) -> str:
    wide = median([row["bound"] / max(row["reading"], NEGLIGIBLE) * 100 for row in rows])
    return f"{_bias(rows):+.2f} | {_figure(wide)} | {_inside(rows):.3%} | {len(rows)}"


def _bias(rows: Sequence[Row]) -> float:
    """Of the energy of all windows together, per cent."""
    return float(sum(row["reading"] - row["truth"] for row in rows) / sum(row["truth"] for row in rows) * 100)


def _inside(rows: Sequence[Row]) -> float:
    return float(sum(abs(row["reading"] - row["truth"]) <= row["bound"] + NEGLIGIBLE for row in rows) / len(rows))


def _costs(results: Mapping[str, Any]) -> str:
    names = ["import ms", "set-up ms", "first begin ms", "first 1 s window off by %", "tenth 0.2 s window off by %"]
    names += ["begin ms", "end ms", "CPU % of a core", "packages", "MB", "version"]
    lines = ["| tool | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for tool, cost in results["costs"].items():
        weight = results["weights"][tool.split(" ")[0].split(".")[0]]
        keys = ("import_ms", "setup_ms", "first_begin_ms", "first_error", "tenth_error", "begin_ms", "end_ms")
        values = [_figure(cost[key]) for key in (*keys, "cpu_percent")]
        values += [str(weight[key]) for key in ("packages", "megabytes", "version")]
        lines.append(f"| {tool} | " + " | ".join(values) + " |")
    shares = list(results["notes"]["sampler_percent"].values())
    lines.append(f"\nwattstar's sampler beside all other tools, lane by lane: {shares} % of a core.")
    return "\n".join(lines) + "\n"


def _error(row: Row) -> float:
    """Per cent."""
    return float((row["reading"] / row["truth"] - 1) * 100)


def _figure(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _grouped(rows: Sequence[Row], *keys: str) -> dict[Any, list[Row]]:
    found: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        found[row[keys[0]] if len(keys) == 1 else tuple(row[key] for key in keys)].append(row)
    return dict(sorted(found.items()))
