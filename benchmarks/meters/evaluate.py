"""Sets what the tools read against the truth, and lets wattstar's timelines answer for the same windows and more."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.meters import schedule
from benchmarks.meters.places import Place, traces
from benchmarks.meters.schedule import Window
from benchmarks.meters.table import CUTS

from wattstar.measuring.timeline import Domain
from wattstar.records.tables import timelines_from_parquet
from wattstar.types import Edges, Method, Reading, Timeline
from wattstar.types import Window as Moments

ROWS = ("tool", "lane", "shape", "edges", "domain", "nominal", "begin", "seconds", "truth", "reading", "bound")
"""Of one window."""
Answer = Callable[[str, str, float, Moments, Edges], list[list[Any]]]
"""Tool, shape, nominal seconds, moments, edges → rows of wattstar's meters."""


def windows(
    cuts: int, places: Sequence[Place], outputs: Mapping[tuple[str, str], Path]
) -> tuple[list[list[Any]], dict[str, Any]]:
    """Rows of ``ROWS``, and notes; the last place is the one of windows that change with the load."""
    rows: list[list[Any]] = []
    notes: dict[str, Any] = {"missed": {}, "sampler_percent": {}, "errors": {}, "sampler": {}}
    lengths: dict[str, set[float]] = defaultdict(set)
    for window in (window for place in places[:-1] for window in place.lane.windows):
        lengths[window.shape].add(window.nominal)
    for place in places:
        domains, cpu = _timelines(place.folder / "wattstar.json")
        notes["sampler_percent"][place.lane.name] = round(cpu * 100, 2)
        notes["sampler"][place.lane.name] = {
            f"{domain.timeline.meter} {domain.timeline.domain}": _polls(domain.timeline) for domain in domains
        }
        answer = _answers(place, domains)
        for (lane, name), path in outputs.items():
            if lane == place.lane.name:
                rows += _peer_rows(place, name, json.loads(path.read_text()), notes, answer)
        if place is places[-1]:
            for window in place.lane.windows:
                moments = _moments(place, window)
                for edges in (Edges.LOAD_CHANGE, Edges.INSIDE):
                    rows += answer("wattstar", window.shape, window.nominal, moments, edges)
        else:
            rows += _cuts(-(-cuts // (len(places) - 1)), place, lengths, answer)
    return rows, notes


def _answers(place: Place, domains: Sequence[Domain]) -> Answer:
    """wattstar's rows for one window: the counters, and the sum of sampled power beside them."""
    gpu, cpu = traces(place)

    def answer(tool: str, shape: str, nominal: float, moments: Moments, edges: Edges) -> list[list[Any]]:
        found = []
        for domain in domains:
            line = domain.timeline
            sampled = line.method is Method.SAMPLED
            if sampled and tool != "wattstar":
                continue
            reading: Reading | None = domain.reading([moments], edges)
            truth = (gpu if line.domain.startswith("gpu") else cpu).joules(moments.begin, moments.end)
            name = "wattstar, power only" if sampled else tool
            values = (reading.joules, reading.bound) if reading else (None, None)
            found.append(_row(name, place, shape, edges, line.domain, nominal, moments, truth, *values))
        return found

    return answer


def _row(*words: Any) -> list[Any]:
    tool, place, shape, edges, domain, nominal, moments, truth, reading, bound = words
    begin = round((moments.begin - place.origin) / 1e9, 6)
    seconds = round((moments.end - moments.begin) / 1e9, 6)
    figures = [value if value is None else round(value, 3) for value in (truth, reading, bound)]
    return [tool, place.lane.name, shape, str(edges), domain[:3], nominal, begin, seconds, *figures]


def _peer_rows(
    place: Place, name: str, found: Mapping[str, Any], notes: dict[str, Any], answer: Answer
) -> list[list[Any]]:
    """A peer's windows, and wattstar's answers for the same moments."""
    by_id = {window.id: window for window in place.lane.windows}
    gpu, cpu = traces(place)
    rows: list[list[Any]] = []
    notes["missed"][name] = notes["missed"].get(name, 0) + found["missed"]
    for row in found["rows"]:
        window = by_id[row["id"]]
        if row["error"]:
            notes["errors"].setdefault(name, []).append(row["error"])
            continue
        moments = Moments(row["begin"], row["end"])
        for domain, trace in (("gpu", gpu), ("cpu", cpu)):
            truth = trace.joules(moments.begin, moments.end)
            told = (row[domain], (row["bounds"] or {}).get(domain))
            rows.append(_row(name, place, window.shape, Edges.INSIDE, domain, window.nominal, moments, truth, *told))
        rows += answer("wattstar", window.shape, window.nominal, moments, Edges.INSIDE)
    return rows


def _cuts(count: int, place: Place, lengths: Mapping[str, set[float]], answer: Answer) -> list[list[Any]]:
    """Windows cut at random from the timelines, inside the block of one shape."""
    draw = random.Random(place.lane.seed + 7)
    rows = []
    for shape, (begin, end) in place.lane.blocks.items():
        for nominal in sorted(lengths[shape]):
            if nominal * 1.3 > end - begin:
                continue
            for _ in range(count):
                seconds = nominal * draw.uniform(1 - schedule.SPREAD, 1 + schedule.SPREAD)
                start = place.origin + round(draw.uniform(begin, end - seconds) * 1e9)
                moments = Moments(start, start + round(seconds * 1e9))
                rows += answer(CUTS, shape, nominal, moments, Edges.INSIDE)
    return rows


def _polls(line: Timeline) -> dict[str, float]:
    """What the sampler achieved: gaps between the reads around a step (or between reads), and the power it saw."""
    spans = (
        line.gaps if any(line.gaps) else [late - early for early, late in zip(line.times, line.times[1:], strict=False)]
    )
    ordered = sorted(spans)
    places = {"median_ms": 0.5, "p99_ms": 0.99, "longest_ms": 1.0}
    found = {
        name: round(ordered[min(int(len(ordered) * at), len(ordered) - 1)] / 1e6, 2) for name, at in places.items()
    }
    return found | ({} if line.most_watts is None else {"most_watts": line.most_watts})


def _timelines(path: Path) -> tuple[list[Domain], float]:
    lines = timelines_from_parquet(path.with_suffix(".parquet").read_bytes())
    return [Domain(line) for line in lines], float(json.loads(path.read_text())["cpu_share"])


def _moments(place: Place, window: Window) -> Moments:
    begin = place.origin + round(window.begin * 1e9)
    return Moments(begin, place.origin + round((window.begin + window.seconds) * 1e9))
