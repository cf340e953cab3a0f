"""The results as tables in Markdown; every ratio and every interval is worked out here, from what was measured."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

T_9 = 2.262
"""Two-sided 95 % quantile of Student's t, 9 degrees of freedom."""
TEN = 10


@dataclass(frozen=True)
class Cost:
    """Of a figure, everything included."""

    tool: str
    wall: float
    joules: float
    half_width: float | None
    """Of its 95 % interval, a share of the mean; None: not known."""
    words: str
    """What was done."""


def page(results: Mapping[str, Any]) -> str:
    """The whole page."""
    about, works = results["about"], results["works"]
    note = [f"*{about['note']}*\n"] if "note" in about else []
    parts = ["# What a rating costs\n", *note, _head(about), *_short(works)]
    parts += [*_harness(works), *_costs(works), *_waste(works)]
    return "\n".join([*parts, *_failed(works), *_changes(about)])


def _head(about: Mapping[str, Any]) -> str:
    ours, theirs, counts = about["ours"], about["theirs"], about["size"]["samples"]
    samples = ", ".join(f"{name} {count:,}" for name, count in counts.items())
    return (
        f"{about['began']}, {about['processor']}, {about['cores']} cores, no GPU, {about['system']}; "
        f"load when it began {about['load_before']:.2f}, nice {about['nice']}.\n"
        f"wattstar {ours['wattstar']} with torch {ours['torch']}, transformers {ours['transformers']}; "
        f"optimum-benchmark {theirs['optimum-benchmark']} with torch {theirs['torch']}, "
        f"transformers {theirs['transformers']}.\n"
        f"{samples} samples, batch 1, float32, {about['cores']} threads for all. Joules of all: CPU seconds of "
        f"the whole process tree × {about['watts_per_core']:g} W ({about['watts_source']}) + memory × 0.375 W/GB: "
        f"*estimates*, ×/÷ 2; ratios do not depend on the watts.\n"
    )


def _short(works: Mapping[str, Any]) -> list[str]:
    """A line a model."""
    lines = []
    for name, found in works.items():
        made = {cost.tool: cost for cost in costs(found)}
        own, words = made.pop("wattstar", None), []
        added = [f"{(each['per_sample']['mid'] - 1) * 100:+.2f} %" for each in found.get("overhead", [])]
        if added:
            words.append(f"wattstar adds {', '.join(added)} to a sample")
        for cost in made.values():
            if own is not None:
                ratios = f"{cost.wall / own.wall:.1f} × its time and {cost.joules / own.joules:.1f} × its joules"
                words.append(f"ten passes of {cost.tool} take {ratios}")
        lines.append(f"- {name}: {'; '.join(words) or 'nothing was measured yet'}")
    return [*lines, ""]


def _harness(works: Mapping[str, Any]) -> list[str]:
    lines = [
        "## Time a sample over the bare loop\n",
        "Each harness beside a bare loop that does the same work on the same libraries. wattstar: neighbouring turns\n"
        "in one sitting, median [95 %]; a second row is a second sitting. optimum-benchmark: its own seconds of the\n"
        "window over the bare loop's passes before and after it. In one process: the worker's path and the bare loop\n"
        "in turns, without parent and meters.\n",
        *_header(
            "model", "bare loop, ms", "wattstar, a sample", "its model call", "mean of a turn",
            "pairs of samples, turns", "in one process", "its bare loop, ms", "optimum-benchmark",
        ),
    ]  # fmt: skip
    for name, found in works.items():
        sittings = list(zip_longest(found.get("overhead", []), found.get("inside", []))) or [(None, None)]
        for number, (each, inside) in enumerate(sittings):
            theirs = _rival_overhead([] if number else found.get("optimum-benchmark", []))
            lines.append(_row(name, *_overhead(each or {}), _ratio(inside) if inside else "–", *theirs))
    return [*lines, ""]


def _overhead(each: Mapping[str, Any]) -> list[str]:
    if not each:
        return ["–"] * 5
    ratios = [_ratio(each[which]) for which in ("per_sample", "inside", "per_turn")]
    return [f"{each['bare_seconds'] * 1e3:.1f}", *ratios, f"{each['pairs_of_samples']}, {each['pairs_of_turns']}"]


def _rival_overhead(commands: Sequence[Mapping[str, Any]]) -> list[str]:
    if not commands:
        return ["–", "–"]
    bare = statistics.fmean(seconds / each["samples"] for each in commands for seconds in each["bare_seconds"])
    ratios = [each["served_seconds"] / statistics.fmean(each["bare_seconds"]) for each in commands]
    return [f"{bare * 1e3:.1f}", ", ".join(f"{(ratio - 1) * 100:+.1f} %" for ratio in ratios)]


def _ratio(summary: Mapping[str, float]) -> str:
    low, mid, high = ((summary[name] - 1) * 100 for name in ("low", "mid", "high"))
    return f"{mid:+.2f} % [{low:+.2f}, {high:+.2f}]"


def costs(found: Mapping[str, Any]) -> list[Cost]:
    """Of the three tools, as far as they were measured."""
    makers = {"wattstar": _wattstar, "optimum-benchmark": _rival, "bare": _bare}
    return [make(found[name], found["samples"]) for name, make in makers.items() if found.get(name)]


def _wattstar(runs: Sequence[Mapping[str, Any]], samples: int) -> Cost:
    each = runs[-1]
    part = f"{each['subset']} of {each['samples']} samples" if each["subset"] else f"{each['samples']} samples"
    command = each["words"][each["words"].index("run") :]
    place = command.index("--out")
    words = f"`wattstar {' '.join(command[:place] + command[place + 2 :])}`: {len(each['served'])} passes, {part}"
    return Cost("wattstar", each["wall_seconds"], each["joules"], each["half_width"], words)


def _rival(runs: Sequence[Mapping[str, Any]], samples: int) -> Cost:
    """Ten commands of all samples: what was not run is that of the samples that were, and of their commands."""
    more = [samples / each["samples"] - 1 for each in runs]
    walls = [each["wall_seconds"] + m * each["tracked_seconds"] for each, m in zip(runs, more, strict=True)]
    joules = [each["joules"] + m * each["tracked_joules"] for each, m in zip(runs, more, strict=True)]
    half = _half_of_ten([each["own_joules"] for each in runs])
    words = f"ten commands, from {_from(len(runs), runs[0]['samples'], samples, 'command')}"
    return Cost("optimum-benchmark", TEN * statistics.fmean(walls), TEN * statistics.fmean(joules), half, words)


def _bare(runs: Sequence[Mapping[str, Any]], samples: int) -> Cost:
    """Start, then ten passes of all samples."""
    each = runs[-1]
    passes, scale = each["passes"], samples / each["samples"]
    seconds, joules = [one["seconds"] for one in passes], [one["joules"] for one in passes]
    start = each["wall_seconds"] - sum(seconds), each["joules"] - sum(joules)
    words = f"ten passes, from {_from(len(passes), each['samples'], samples, 'pass')}"
    wall = start[0] + TEN * scale * statistics.fmean(seconds)
    return Cost("bare loop", wall, start[1] + TEN * scale * statistics.fmean(joules), _half_of_ten(joules), words)


def _from(count: int, part: int, samples: int, what: str) -> str:
    plural = what if count == 1 else what + ("es" if what.endswith("s") else "s")
    return f"{count} {plural}" + ("" if part == samples else f" of {part} samples")


def _half_of_ten(values: Sequence[float]) -> float | None:
    """Half of the 95 % interval that ten such values give, from the scatter of those that were measured."""
    if len(values) < 2:
        return None
    return T_9 * statistics.stdev(values) / math.sqrt(TEN) / statistics.fmean(values)


def _costs(works: Mapping[str, Any]) -> list[str]:
    lines = [
        "## From the command to a figure with its interval\n",
        "Everything included: start, load, warm-up, the other tools' ten passes. Neither of them states an interval:\n"
        "theirs is Student's over ten passes, with the scatter of those that were run (optimum-benchmark: of the\n"
        "joules it reports, of its own model). Fewer than ten, or fewer samples, are scaled up, as said.\n",
        *_header("model", "tool", "what", "wall, s", "estimated J", "± 95 %", "±1 % reached", "wall ×", "J ×"),
    ]
    for name, found in works.items():
        made = costs(found)
        own = next((cost for cost in made if cost.tool == "wattstar"), None)
        for cost in made:
            ratios = [_times(cost.wall, own.wall), _times(cost.joules, own.joules)] if own else ["–", "–"]
            half = "–" if cost.half_width is None else f"{cost.half_width * 100:.2f} %"
            reached = "–" if cost.half_width is None else "yes" if cost.half_width <= 0.01 else "no"
            spent = [f"{cost.wall:,.0f}", f"{cost.joules:,.0f}"]
            lines.append(_row(name, cost.tool, cost.words, *spent, half, reached, *ratios))
    return [*lines, ""]


def _times(value: float, own: float) -> str:
    return f"{value / own:.2f}"


def _waste(works: Mapping[str, Any]) -> list[str]:
    lines = [
        "## What is not the figure's\n",
        "Of one command. Start: until the first sample that counts, warm-up included. Parent: the process that was\n"
        "started, which holds no model. A second prefill is given beside all tracked seconds.\n",
        *_header(
            "model", "tool", "start, s", "of it warm-up, s", "second prefill, s", "parent, CPU s", "of wall", "peak, MB"
        ),
    ]
    for name, found in works.items():
        for tool in ("wattstar", "optimum-benchmark", "bare"):
            for each in found.get(tool, [])[-1:]:
                lines.append(_row(name, tool, *_wasted(tool, each)))
    return [*lines, ""]


def _wasted(tool: str, each: Mapping[str, Any]) -> list[str]:
    peak = f"{each['peak_bytes'] / 1e6:,.0f}"
    if tool == "bare":
        return [f"{each['passes'][0]['begin']:.1f}", "0", "0", "–", "–", peak]
    warm_up = each["stages"].get("warm_up") if tool == "wattstar" else each["warm_up_seconds"]
    second = each.get("prefill_seconds", 0.0)
    share = f"{each['parent_cpu_seconds'] / each['wall_seconds'] * 100:.1f} %"
    prefill = f"{second:.1f} of {each['tracked_seconds']:.1f}" if second else "0"
    parent = f"{each['parent_cpu_seconds']:.1f}"
    return [_seconds(each["first_query_seconds"]), _seconds(warm_up), prefill, parent, share, peak]


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"


def _failed(works: Mapping[str, Any]) -> list[str]:
    lines = [f"- {name}: {words}" for name, found in works.items() for words in found.get("failed", [])]
    return ["## What failed\n", *lines, ""] if lines else []


def _changes(about: Mapping[str, Any]) -> list[str]:
    lines = [f"- `{change}` (published: {was})" for change, was in about["changes"].items()]
    return ["## What was changed to run optimum-benchmark's files here\n", *lines, ""]


def _header(*names: str) -> list[str]:
    return [_row(*names), "|" + "---|" * len(names)]


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"
