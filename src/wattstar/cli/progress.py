"""How far a run is, on standard error: a bar with the time left on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

import click

from wattstar.measuring.observer import Progress
from wattstar.records.words import printable
from wattstar.types import Job, Record

STEPS_BESIDE_PASSES = 6
"""load, preprocess, idle before, warm up, first phase, idle after."""
BAR = 24
BESIDE = BAR + len(" 0:00:00 -:--:-- left ")
"""Columns of a terminal that the bar and the times take: what is done gets the others, and none of these."""


class Show(Protocol):
    """Something that shows progress."""

    def watch(self, progress: Progress) -> None:
        """A stage or a pass began."""

    def ended(self, record: Record) -> None:
        """A job ended."""


@contextmanager
def shown(jobs: Sequence[Job]) -> Iterator[Show]:
    """Show the progress of the jobs."""
    if not sys.stderr.isatty():
        yield _Lines(jobs)
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar
    from rich.text import Text

    left = TextColumn("left", style="dim")
    # Names are no markup: a model may lie in a folder called [/b].
    what = TextColumn("{task.description}", markup=False)
    columns = (BarColumn(BAR), TimeElapsedColumn(), TimeRemainingColumn(), left, what)
    console = Console(stderr=True)
    with Bar(*columns, console=console, transient=True, speed_estimate_period=300) as bar:
        task = bar.add_task("", total=sum(_steps(job) for job in jobs))

        def update(words: str, done: int) -> None:
            said = Text(words)
            said.truncate(max(0, console.width - BESIDE), overflow="ellipsis")
            bar.update(task, description=said.plain, completed=done)

        yield _Bar(jobs, update)


class _Lines:
    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs = jobs

    def watch(self, progress: Progress) -> None:
        if progress.stage in ("load", "pass"):
            click.echo(f"[{_place(progress, self._jobs)}] {_what(progress)}", err=True)

    def ended(self, record: Record) -> None:
        pass


class _Bar:
    def __init__(self, jobs: Sequence[Job], update: Callable[[str, int], None]) -> None:
        self._jobs, self._update = jobs, update
        self._done, self._step = 0, 0

    def watch(self, progress: Progress) -> None:
        self._step += 1
        job = progress.job
        words = printable(f"{_place(progress, self._jobs)} {_stage(progress)}: {job.model.id}, {job.task}")
        self._update(words, self._done + self._step - 1)

    def ended(self, record: Record) -> None:
        self._step = 0
        self._done += _steps(record.job)
        self._update("", self._done)


def _place(progress: Progress, jobs: Sequence[Job]) -> str:
    """Jobs may take turns."""
    return f"{jobs.index(progress.job) + 1}/{len(jobs)}"


def _steps(job: Job) -> int:
    return STEPS_BESIDE_PASSES + job.procedure.passes


def _what(progress: Progress) -> str:
    """``text-generation org/model: pass 2 of 4``."""
    return printable(f"{progress.job.task} {progress.job.model.id}: {_stage(progress)}")


def _stage(progress: Progress) -> str:
    if progress.stage != "pass":
        return progress.stage.replace("_", " ")
    procedure = progress.job.procedure
    fixed = procedure.passes == procedure.most_passes
    return f"pass {progress.passes + 1} of {procedure.passes}{'' if fixed else f'–{procedure.most_passes}'}"
