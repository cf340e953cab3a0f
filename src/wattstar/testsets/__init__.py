"""The samples: rows with a source and a target, in dated editions; media are decoded in one place.

An edition is a folder with a ``manifest.toml`` (what came from where, under which licence) and one file of rows a task.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from itertools import zip_longest
from pathlib import Path

from wattstar.errors import UsageError
from wattstar.registry import unknown
from wattstar.testsets.decoding import SampleUnreadable, decode
from wattstar.types import Kind, Sample, Task

__all__ = ["MEDIA", "SampleUnreadable", "TestSet", "decode", "editions", "load"]

MEDIA = (Kind.IMAGE, Kind.AUDIO)


@dataclass(frozen=True)
class TestSet:
    """The first ``len(samples)`` rows of one task in one edition."""

    edition: str
    digest: str
    """sha256 over the rows and their media, in order."""
    samples: tuple[Sample, ...]


@cache
def editions() -> Mapping[str, Path]:
    """Editions that are here, by name."""
    manifests = sorted(Path(__file__).parent.glob("*/manifest.toml"))
    return {tomllib.loads(file.read_text(encoding="utf-8"))["edition"]: file.parent for file in manifests}


def load(task: Task, edition: str, count: int | None = None) -> TestSet:
    """The first ``count`` rows (all where None), sources taking turns so that every beginning is a fair mixture."""
    if edition not in editions():
        raise unknown("edition", edition, editions())
    folder = editions()[edition]
    file = folder / f"{task.tag}.jsonl"
    if not file.exists():
        raise UsageError(f"The edition {edition!r} has no samples for {task.tag}.", ["wattstar tasks"])
    rows = _in_turns([Sample(**json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines()])
    if count is not None and not 0 < count <= len(rows):
        cure = f"--samples 1 … {len(rows)}, or leave it out for all"
        raise UsageError(f"The edition {edition!r} has {len(rows)} samples for {task.tag}, not {count}.", [cure])
    samples = tuple(_with_paths(row, task, folder) for row in rows[:count])
    return TestSet(edition, _digest(rows[:count], samples), samples)


def _in_turns(rows: list[Sample]) -> list[Sample]:
    by_source: dict[str, list[Sample]] = {}
    for row in rows:
        by_source.setdefault(row.source, []).append(row)
    return [row for turn in zip_longest(*by_source.values()) for row in turn if row is not None]


def _with_paths(row: Sample, task: Task, folder: Path) -> Sample:
    """A missing or empty path stays as it is: ``decode`` names the sample."""
    media = {name: row.input.get(name) for name, kind in task.inputs.items() if kind in MEDIA}
    paths = {name: str(folder / path) for name, path in media.items() if path and isinstance(path, str)}
    return replace(row, input={**row.input, **paths})


def _digest(rows: list[Sample], samples: tuple[Sample, ...]) -> str:
    total = hashlib.sha256()
    for part in _bytes(rows, samples):
        total.update(hashlib.sha256(part).digest())
    return total.hexdigest()


def _bytes(rows: list[Sample], samples: tuple[Sample, ...]) -> Iterator[bytes]:
    for row, sample in zip(rows, samples, strict=True):
        yield json.dumps([row.id, row.source, dict(row.input), row.target], sort_keys=True).encode()
        for name, value in sample.input.items():
            if value != row.input[name]:
                yield _media(Path(value))


def _media(path: Path) -> bytes:
    """Empty where there is no such file: ``decode`` names the sample then, as it does other unreadable ones."""
    return path.read_bytes() if path.is_file() else b""
