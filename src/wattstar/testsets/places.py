"""Where editions lie: the embedded one in this package, the built ones in the user's cache, each file checked."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import zip_longest
from pathlib import Path

from wattstar.errors import UnfitEnvironment, UsageError, VerificationFailed
from wattstar.registry import unknown
from wattstar.testsets import recipe
from wattstar.testsets.decoding import MEDIA
from wattstar.types import Sample, Task

ROWS, LOCK, CARD = "rows.jsonl", "recipe.lock.toml", "README.md"
"""In the folder of a built test set, beside ``media/``, whose files are named by their sha256."""


@dataclass(frozen=True)
class Place:
    """The samples of one task in one edition."""

    edition: str
    tag: str
    folder: Path
    """What the paths of media start from."""
    file: Path
    """One row a line."""
    lock: Path | None
    """None: embedded, without one."""

    def rows(self) -> list[Sample]:
        """All rows, sources taking turns so that every beginning is a fair mixture.

        ``VerificationFailed`` where a built set's rows are not those that were built.
        """
        content = self.file.read_bytes()
        if self.lock is not None and hashlib.sha256(content).hexdigest() != self.made()["rows"]:
            raise damaged(self, [self.file])
        return in_turns([Sample(**json.loads(line)) for line in content.splitlines()])

    def made(self) -> Mapping[str, str]:
        """Of the lock: ``digest`` and ``rows``, see ``recipe.Made``."""
        assert self.lock is not None
        try:
            made: Mapping[str, str] = tomllib.loads(self.lock.read_text(encoding="utf-8"))["made"]
        except (OSError, ValueError, KeyError) as error:
            raise damaged(self, [self.lock]) from error
        return made


def editions() -> Mapping[str, Path]:
    """Editions that are here, by name, with their folders."""
    built = {path.name: path for path in sorted(_built().glob("[!.]*")) if path.is_dir()}
    return {**built, **_embedded()}


def home(edition: str, tag: str) -> Path:
    """Where a built test set lies or will lie."""
    return _built() / edition / tag


def find(edition: str, tag: str) -> Place:
    """The samples of a task.

    ``UnknownName`` where nobody knows the edition, ``UnfitEnvironment`` where there is a recipe and nothing was built
    by it, ``UsageError`` where the edition has nothing for the task.
    """
    if edition in _embedded():
        folder = _embedded()[edition]
        file = folder / f"{tag}.jsonl"
        if file.exists():
            return Place(edition, tag, folder, file, None)
    elif (folder := home(edition, tag)).is_dir():
        return Place(edition, tag, folder, folder / ROWS, folder / LOCK)
    elif (recipe.RECIPES / edition / f"{tag}.toml").exists():
        message = f"The edition {edition!r} was not built for {tag} on this machine."
        raise UnfitEnvironment(message, [f"wattstar testset build {tag} --edition {edition}"])
    elif edition not in {*editions(), *recipe.planned()}:
        raise unknown("edition", edition, {*editions(), *recipe.planned()})
    raise UsageError(f"The edition {edition!r} has no samples for {tag}.", ["wattstar tasks"])


def with_paths(row: Sample, task: Task, folder: Path) -> dict[str, str]:
    """The row's media, by field. A missing or empty path is left out: ``decode`` names the sample."""
    media = {name: row.input.get(name) for name, kind in task.inputs.items() if kind in MEDIA}
    return {name: str(folder / path) for name, path in media.items() if path and isinstance(path, str)}


def in_turns(rows: Sequence[Sample]) -> list[Sample]:
    """Sources taking turns, each in its order."""
    by_source: dict[str, list[Sample]] = {}
    for row in rows:
        by_source.setdefault(row.source, []).append(row)
    return [row for turn in zip_longest(*by_source.values()) for row in turn if row is not None]


def digest(rows: Sequence[Sample], samples: Sequence[Sample]) -> str:
    """sha256 over the rows and their media, in order."""
    total = hashlib.sha256()
    for part in _bytes(rows, samples):
        total.update(hashlib.sha256(part).digest())
    return total.hexdigest()


def changed(samples: Sequence[Sample], task: Task) -> list[Path]:
    """Media of a built set that are missing or whose sha256 is not their name."""
    files = [Path(sample.input[name]) for sample in samples for name, kind in task.inputs.items() if kind in MEDIA]
    return [file for file in files if hashlib.sha256(_media(file)).hexdigest() != file.stem]


def damaged(place: Place, files: Sequence[Path]) -> VerificationFailed:
    """What is said of files that are no longer as they were built."""
    names = ", ".join(str(file.relative_to(place.folder)) for file in files[:3])
    more = f" and {len(files) - 3} more" if len(files) > 3 else ""
    return VerificationFailed(
        f"The test set {place.edition} for {place.tag} is not as it was built: {names}{more} in {place.folder}.",
        [f"wattstar testset build {place.tag} --edition {place.edition} --replace"],
    )


@cache
def _embedded() -> Mapping[str, Path]:
    manifests = sorted(Path(__file__).parent.glob("*/manifest.toml"))
    return {tomllib.loads(file.read_text(encoding="utf-8"))["edition"]: file.parent for file in manifests}


def _built() -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("wattstar") / "testsets"


def _bytes(rows: Sequence[Sample], samples: Sequence[Sample]) -> Iterator[bytes]:
    for row, sample in zip(rows, samples, strict=True):
        yield json.dumps([row.id, row.source, dict(row.input), row.target], sort_keys=True).encode()
        for name, value in sample.input.items():
            if value != row.input[name]:
                yield _media(Path(value))


def _media(path: Path) -> bytes:
    """Empty where there is no such file: ``decode`` names the sample then, as it does other unreadable ones."""
    return path.read_bytes() if path.is_file() else b""
