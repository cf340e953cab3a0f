"""How far a run is, on standard error: a bar with the time left on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import click

from wattstar.measuring.run import Progress
from wattstar.types import Record

STEPS = ("load", "preprocess", "idle_before", "warm_up", "pass", "idle_after")


class Show(Protocol):
    """Something that shows progress."""

    def watch(self, progress: Progress) -> None:
        """A stage or a pass began."""

    def ended(self, record: Record) -> None:
        """A job ended."""


@contextmanager
def shown(jobs: int) -> Iterator[Show]:
    """Show the progress of so many jobs."""
    if not sys.stderr.isatty():
        yield _Lines(jobs)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
               TextColumn("left:"), TimeRemainingColumn())  # fmt: skip
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        yield _Bar(bar, bar.add_task("", total=jobs * _steps(4)), jobs)


class _Lines:
    def __init__(self, jobs: int) -> None:
        self._jobs, self._ended = jobs, 0

    def watch(self, progress: Progress) -> None:
        if progress.stage == "load":
            click.echo(f"[{self._ended + 1}/{self._jobs}] {_name(progress)}: loading", err=True)
        elif progress.stage == "pass":
            total = progress.job.procedure.passes
            click.echo(
                f"[{self._ended + 1}/{self._jobs}] {_name(progress)}: pass {progress.passes + 1} of {total}", err=True
            )

    def ended(self, record: Record) -> None:
        self._ended += 1


class _Bar:
    def __init__(self, bar: object, task: object, jobs: int) -> None:
        self._bar, self._task, self._jobs, self._ended, self._step = bar, task, jobs, 0, 0

    def watch(self, progress: Progress) -> None:
        self._step += 1
        what = f"pass {progress.passes + 1}" if progress.stage == "pass" else progress.stage.replace("_", " ")
        text = f"{self._ended + 1}/{self._jobs} {_name(progress)}: {what}"
        self._bar.update(self._task, description=text, completed=self._ended * _steps(4) + self._step)  # type: ignore[attr-defined]

    def ended(self, record: Record) -> None:
        self._ended, self._step = self._ended + 1, 0
        self._bar.update(self._task, completed=self._ended * _steps(4))  # type: ignore[attr-defined]


def _steps(passes: int) -> int:
    return len(STEPS) - 1 + passes


def _name(progress: Progress) -> str:
    return f"{progress.job.task} {progress.job.model.id}"
