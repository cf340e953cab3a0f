"""The samples: rows with a source and a target, in dated editions; media are decoded in one place.

An edition is a folder with a ``manifest.toml`` (what came from where, under which licence) and one file of rows a task.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
import wave
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from itertools import zip_longest
from pathlib import Path
from typing import Any

from wattstar.errors import GateFailed, UsageError
from wattstar.registry import unknown
from wattstar.types import Controls, Kind, Sample, Task

MEDIA = (Kind.IMAGE, Kind.AUDIO)


class SampleUnreadable(GateFailed):
    """A sample that cannot be decoded; the message names it."""


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


def decode(sample: Sample, task: Task, controls: Controls) -> Sample:
    """The sample with its media as arrays; ``SampleUnreadable`` names one that cannot be decoded."""
    decoded = dict(sample.input)
    for name, kind in task.inputs.items():
        value = sample.input.get(name)
        if value is None or value == "":
            raise SampleUnreadable(f"sample {sample.id}: {name} is empty")
        if kind in MEDIA:
            decoded[name] = _DECODERS[kind](sample.id, Path(value), controls)
    return replace(sample, input=decoded)


def _in_turns(rows: list[Sample]) -> list[Sample]:
    by_source: dict[str, list[Sample]] = {}
    for row in rows:
        by_source.setdefault(row.source, []).append(row)
    return [row for turn in zip_longest(*by_source.values()) for row in turn if row is not None]


def _with_paths(row: Sample, task: Task, folder: Path) -> Sample:
    media = {name: str(folder / row.input[name]) for name, kind in task.inputs.items() if kind in MEDIA}
    return replace(row, input={**row.input, **media})


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


def _image(name: str, path: Path, controls: Controls) -> Any:
    """An RGB ``PIL.Image``."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            return image.convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise SampleUnreadable(f"sample {name}: {path.name} is not a readable image: {error}") from error


def _audio(name: str, path: Path, controls: Controls) -> Any:
    """float32 in −1…1, mono, at ``controls.sampling_rate``, cut to ``controls.audio_seconds``."""
    import numpy

    try:
        with wave.open(str(path)) as clip:
            channels, width, rate = clip.getnchannels(), clip.getsampwidth(), clip.getframerate()
            length = clip.getnframes() * channels * width
            frames = clip.readframes(clip.getnframes())
    except (OSError, EOFError, wave.Error) as error:
        raise SampleUnreadable(f"sample {name}: {path.name} is not a readable WAV file: {error}") from error
    if (channels, width, rate) != (1, 2, controls.sampling_rate):
        wanted = f"mono, 16 bit, {controls.sampling_rate} Hz"
        found = f"{channels} channel(s), {8 * width} bit, {rate} Hz"
        raise SampleUnreadable(f"sample {name}: {path.name} is {found}, not {wanted}")
    if not frames or len(frames) != length:
        raise SampleUnreadable(f"sample {name}: {path.name} holds {len(frames)} of {length} bytes of sound")
    sound = numpy.frombuffer(frames, dtype="<i2").astype(numpy.float32) / 32768.0
    most = controls.audio_seconds
    return sound if most is None else sound[: round(most * rate)]


_DECODERS: Mapping[Kind, Callable[[str, Path, Controls], Any]] = {Kind.IMAGE: _image, Kind.AUDIO: _audio}
