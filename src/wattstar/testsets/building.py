"""Builds a test set by its recipe, once: draws the rows, keeps their media, writes lock and data card."""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from wattstar.errors import UsageError, VerificationFailed
from wattstar.registry import require, versions
from wattstar.testsets import hub, media, places
from wattstar.testsets.cards import card
from wattstar.testsets.converting import check_columns, labels, target_of, value_at, wanted
from wattstar.testsets.decoding import MEDIA
from wattstar.testsets.drawing import Candidate, draw, rank
from wattstar.testsets.recipe import DataSource, Drawn, Made, Recipe, as_toml, check, substitute
from wattstar.types import Kind, Sample, Task

READERS = ("datasets", "huggingface_hub", "numpy", "pyarrow", "soundfile", "scipy")
"""Distributions whose versions may decide what a test set holds."""


@dataclass(frozen=True)
class Order:
    """What is to be built."""

    recipe: Recipe
    task: Task
    open_only: bool = False
    """Take the fallback of every source that is closed to some, whether or not it can be had here."""
    replace: bool = False
    """Build again what was built."""


@dataclass(frozen=True)
class _Found:
    """What one source gave."""

    source: DataSource
    rows: Sequence[Candidate]
    usable: int


def build(order: Order, say: Callable[[str], None]) -> Path:
    """The folder of the test set; what was built already is left as it is.

    Raises ``SourceUnavailable`` where a source cannot be had, ``UsageError`` where the recipe does not fit its sources,
    and ``VerificationFailed`` where a lock's test set comes out otherwise than it did. Nothing half-made is left.
    """
    made, task = order.recipe, order.task
    check(made, task)
    target = places.home(made.edition, made.task)
    if target.is_dir() and not order.replace:
        _same(order.recipe, places.find(made.edition, made.task))
        say(f"{made.edition} for {made.task} was built already: {target}")
        return target
    require(f"Building a test set for {task.tag}", hub.needed(task))
    found = []
    for source in made.sources:
        pinned = _pinned(source, order.open_only, say)
        say(f"drawing {pinned.rows or 'all'} rows from {pinned.name} ({pinned.id} at {pinned.revision[:12]}) …")
        found.append(_found(pinned, order))
    _enough(made, found)
    with _written_whole(target) as scratch:
        lock = _write(scratch, order, found)
        if made.made is not None and made.made.digest != lock.digest:
            raise _other(made.made, lock)
    return target


def _same(wanted: Recipe, place: places.Place) -> None:
    """A lock asks for one very test set."""
    there = place.made()["digest"]
    if wanted.made is not None and wanted.made.digest != there:
        message = f"Another {wanted.edition} for {wanted.task} is built here: {there[:12]}, not the lock's."
        raise UsageError(message, ["--replace"])


def _pinned(source: DataSource, open_only: bool, say: Callable[[str], None]) -> DataSource:
    """The source at a commit, or its fallback, which is said."""
    if source.fallback is None:
        return hub.pinned(source)
    if source.closed and (open_only or source.absent):
        reason = source.closed
    else:
        try:
            return hub.pinned(replace(source, fallback=None))
        except hub.SourceClosed as error:
            reason = error.message
            say("\n  → ".join([f"wattstar: {source.name} cannot be had: {error.message}", *error.cures]))
    taken = substitute(source, reason)
    say(f"wattstar: instead of {source.name}: {taken.name} ({taken.id}), as the recipe says")
    return hub.pinned(taken)


def _found(source: DataSource, order: Order) -> _Found:
    """The rows drawn from one source."""
    left_out = 0
    usable: dict[str, Candidate] = {}
    with hub.opened(source, order.recipe.seed) as opened:
        check_columns(source, opened.features)
        names = labels(source, opened.features)
        for number, row in enumerate(opened.rows):
            candidate = _candidate(row, source, order, names)
            key = candidate.rank if candidate and source.rows is not None else str(number)
            if candidate is None or key in usable:
                left_out += 1
                continue
            usable[key] = candidate
            if source.rows is not None and len(usable) >= max(order.recipe.pool, source.rows):
                break
    everything = list(usable.values())
    rows = everything if source.rows is None or source.rows > len(everything) else draw(everything, source.rows)
    if not rows:
        raise UsageError(f"The source {source.name!r} ({source.id}) has no usable row among {left_out}.")
    lengths = [row.length for row in rows]
    drawn = Drawn(len(everything), left_out, min(lengths), median(lengths), max(lengths))
    return _Found(replace(source, drawn=drawn), rows, len(everything))


def _candidate(row: Mapping[str, Any], source: DataSource, order: Order, names: Sequence[str]) -> Candidate | None:
    """The row in the task's shape; None where it cannot be used."""
    if not wanted(row, source):
        return None
    texts, files = _fields(row, source, order.task)
    if texts is None or files is None:
        return None
    length, size = _length(texts, files, order.task)
    if length is None or (source.length and not source.length[0] <= length <= source.length[1]):
        return None
    target = target_of(row, source, names, size)
    if source.target is not None and target is None:
        return None
    input: dict[str, Any] = dict(texts)
    input |= {name: list(names) for name, kind in order.task.inputs.items() if kind is Kind.LABELS}
    return Candidate(input, target, length, files, rank(order.recipe.seed, input, target, files))


def _fields(
    row: Mapping[str, Any], source: DataSource, task: Task
) -> tuple[dict[str, str] | None, dict[str, bytes] | None]:
    """Texts and media of the input; None for those of which one is empty."""
    values = {name: value_at(row, path) for name, path in source.columns.items()}
    media_fields = [name for name in values if task.inputs[name] in MEDIA]
    texts = {name: str(value or "").strip() for name, value in values.items() if name not in media_fields}
    files = {name: _bytes(values[name]) for name in media_fields}
    return texts if all(texts.values()) else None, files if all(files.values()) else None


def _bytes(value: Any) -> bytes:
    """Of a medium, which the data set holds itself or names; empty where there is none."""
    if not value:
        return b""
    if value["bytes"] is not None:
        return bytes(value["bytes"])
    import fsspec

    with fsspec.open(value["path"], "rb") as file:
        return bytes(file.read())


def _length(
    texts: Mapping[str, str], files: Mapping[str, bytes], task: Task
) -> tuple[float | None, tuple[int, int] | None]:
    """Pixels, seconds, or characters of all texts, and an image's size; None for media that are unreadable."""
    for name, content in files.items():
        if task.inputs[name] is Kind.AUDIO:
            return media.seconds(content), None
        found = media.image(content)
        return (None, None) if found is None else (float(found[0][0] * found[0][1]), found[0])
    return float(sum(map(len, texts.values()))), None


def _enough(made: Recipe, found: Iterable[_Found]) -> None:
    """Raise ``UsageError`` where a source has fewer usable rows than are to be drawn."""
    short = [each for each in found if each.source.rows is not None and each.usable < each.source.rows]
    if short:
        counts = "; ".join(f"{each.source.name} has {each.usable}, not {each.source.rows}" for each in short)
        cures = ["ask less of it in the recipe (rows)", "widen its filter (length, where)", "add a source"]
        raise UsageError(f"Too few usable rows for {made.edition} of {made.task}: {counts}.", cures)


def _write(folder: Path, order: Order, found: Sequence[_Found]) -> Made:
    """Rows, media, lock and card; what the lock says of them."""
    rows = [row for each in found for row in _rows(folder, each, order.task)]
    content = "".join(json.dumps(_plain(row)) + "\n" for row in rows).encode()
    (folder / places.ROWS).write_bytes(content)
    made = Made(
        digest=_digest(folder, rows, order.task),
        rows=hashlib.sha256(content).hexdigest(),
        date=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        packages=versions(READERS),
    )
    lock = replace(order.recipe, sources=tuple(each.source for each in found), made=made)
    head = "# A recipe whose revisions are commits: wattstar testset build --from-lock FILE. Do not edit.\n"
    (folder / places.LOCK).write_text(head + as_toml(lock), encoding="utf-8")
    (folder / places.CARD).write_text(card(lock, order.task, len(rows)), encoding="utf-8")
    return made


def _rows(folder: Path, found: _Found, task: Task) -> Iterator[Sample]:
    """As they are kept; their media are written."""
    short = "".join(sign if sign.isalnum() else "-" for sign in found.source.name.lower())
    for number, row in enumerate(found.rows):
        name = f"{short}-{number:04d}" if found.source.rows is None else f"{short}-{row.rank[:12]}"
        paths = {field: _keep(folder, content, task.inputs[field]) for field, content in row.media.items()}
        yield Sample(name, found.source.name, {**row.input, **paths}, row.target)


def _keep(folder: Path, content: bytes, kind: Kind) -> str:
    """Write a medium, an image as it is and a clip as WAV; its path within the folder."""
    if kind is Kind.AUDIO:
        made = media.clip(content)
        suffix = "wav"
    else:
        made, found = content, media.image(content)
        suffix = found[1] if found else "bin"
    assert made is not None  # it was read before it was drawn
    path = Path("media") / f"{hashlib.sha256(made).hexdigest()}.{suffix}"
    (folder / "media").mkdir(exist_ok=True)
    (folder / path).write_bytes(made)
    return path.as_posix()


def _digest(folder: Path, rows: Sequence[Sample], task: Task) -> str:
    """Of the rows in the order in which they are loaded."""
    turns = places.in_turns(rows)
    samples = [replace(row, input={**row.input, **places.with_paths(row, task, folder)}) for row in turns]
    return places.digest(turns, samples)


def _plain(row: Sample) -> dict[str, Any]:
    return {"id": row.id, "source": row.source, "input": dict(row.input), "target": row.target}


def _other(wanted: Made, made: Made) -> VerificationFailed:
    """The same commits gave another test set: what read them differs."""
    differ = [f"{name} {wanted.packages.get(name, '–')} → {number}" for name, number in made.packages.items()
              if wanted.packages.get(name) != number]  # fmt: skip
    message = f"The lock's test set is {wanted.digest[:12]}, but {made.digest[:12]} came out."
    return VerificationFailed(
        message, [f"install the versions of the lock ({', '.join(differ) or 'no difference seen'})"]
    )


@contextmanager
def _written_whole(target: Path) -> Iterator[Path]:
    """A scratch folder beside the target, renamed when all is written: a folder of that name is always whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=".building-", dir=target.parent))
    try:
        yield scratch
        scratch.chmod(0o755)
        if target.is_dir():
            os.rename(target, Path(tempfile.mkdtemp(prefix=".replaced-", dir=target.parent)) / "old")
        os.rename(scratch, target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        for old in target.parent.glob(".replaced-*"):
            shutil.rmtree(old, ignore_errors=True)
