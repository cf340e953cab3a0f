"""When each phase ran inside a pass, from a record's marks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wattstar import registry
from wattstar.publishing.site.power import COLUMNS
from wattstar.types import Approach, Job, Mark, Pass, Window

NARROW = 1.5
"""Columns; phases that are narrower than that would be drawn as one block."""


@dataclass(frozen=True)
class Lane:
    """One phase."""

    name: str
    path: str
    """Path data: a block for each time that it ran; ``COLUMNS`` wide, 100 high."""
    times: int
    seconds: float
    """Mean, of one time."""
    drawn: bool
    """Whether its blocks can be told apart."""


def lanes(job: Job, counted: Pass, marks: Sequence[Mark], window: Window) -> list[Lane]:
    """The phases of the pass, in the order in which they first ran."""
    names = phase_names(job)
    blocks: dict[str, list[tuple[int, int]]] = {}
    running: tuple[str, int] | None = None
    for mark in marks:
        if mark.pass_index != counted.index or mark.batch is None:
            continue
        if running:
            blocks.setdefault(running[0], []).append((running[1], mark.time))
        running = None if mark.name == "batch_end" else (names.get(mark.name, mark.name), mark.time)
    return [_lane(name, found, window) for name, found in blocks.items()]


def phase_names(job: Job) -> Mapping[str, str]:
    """The mark that a phase begins with → its name; empty where the task is not known here."""
    if job.task not in registry.plug_ins("tasks"):
        return {}
    task = registry.task(job.task)
    asked = task.zero_shot if job.model.approach is Approach.ZERO_SHOT else None
    return {phase.begins: phase.name for phase in (asked.phases if asked else task.phases)}


def _lane(name: str, blocks: Sequence[tuple[int, int]], window: Window) -> Lane:
    long = window.end - window.begin
    places = [(COLUMNS * (at - window.begin) / long, COLUMNS * (end - window.begin) / long) for at, end in blocks]
    mean = sum(end - at for at, end in blocks) / len(blocks)
    drawn = COLUMNS * mean / long >= NARROW
    shown = places if drawn else [(places[0][0], places[-1][1])]
    path = "".join(f"M{at:.1f} 0H{end:.1f}V100H{at:.1f}Z" for at, end in shown)
    return Lane(name, path, len(blocks), mean / 1e9, drawn)
