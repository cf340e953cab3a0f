"""The samples: rows with a source and a target, in dated editions; media are decoded in one place.

The embedded edition is a folder with a ``manifest.toml`` (what came from where, under which licence) and one file of
rows a task. Others are built by recipes, see ``building``, and checked whenever they are loaded.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from wattstar.errors import UsageError
from wattstar.testsets.decoding import MEDIA, SampleUnreadable, decode
from wattstar.testsets.places import changed, damaged, digest, editions, find, with_paths
from wattstar.testsets.subset import Subset, draw, work
from wattstar.types import Sample, Task

__all__ = ["MEDIA", "SampleUnreadable", "Subset", "TestSet", "decode", "draw", "editions", "load", "verify", "work"]


@dataclass(frozen=True)
class TestSet:
    """The first ``len(samples)`` rows of one task in one edition."""

    edition: str
    digest: str
    """sha256 over the rows and their media, in order."""
    samples: tuple[Sample, ...]


def load(task: Task, edition: str, count: int | None = None) -> TestSet:
    """The first ``count`` rows (all where None), sources taking turns so that every beginning is a fair mixture.

    ``VerificationFailed`` where a built edition's rows or media are not those that were built.
    """
    place = find(edition, task.tag)
    rows = place.rows()
    if count is not None and not 0 < count <= len(rows):
        cure = f"--samples 1 … {len(rows)}, or leave it out for all"
        raise UsageError(f"The edition {edition!r} has {len(rows)} samples for {task.tag}, not {count}.", [cure])
    used = rows[:count]
    samples = tuple(replace(row, input={**row.input, **with_paths(row, task, place.folder)}) for row in used)
    if place.lock is not None and (files := changed(samples, task)):
        raise damaged(place, files)
    return TestSet(edition, digest(used, samples), samples)


def verify(task: Task, edition: str) -> TestSet:
    """All rows, each file's sha256 and the digest over them worked out again.

    ``VerificationFailed`` names what is not as it was built. The embedded edition has no lock to be compared with.
    """
    place, found = find(edition, task.tag), load(task, edition)
    if place.lock is not None and found.digest != place.made()["digest"]:
        raise damaged(place, [place.lock])
    return found
