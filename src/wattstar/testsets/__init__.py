"""The samples: rows with a source and a target, in dated editions; media are decoded in one place.

The embedded edition is a folder with a ``manifest.toml`` (what came from where, under which licence) and one file of
rows a task. Others are built by recipes, see ``building``, and checked whenever they are loaded.
"""

from __future__ import annotations

import wave
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from wattstar.errors import GateFailed, UsageError
from wattstar.testsets.places import MEDIA, changed, damaged, digest, editions, find, with_paths
from wattstar.types import Controls, Kind, Sample, Task

__all__ = ["MEDIA", "SampleUnreadable", "TestSet", "decode", "editions", "load", "verify"]


class SampleUnreadable(GateFailed):
    """A sample that cannot be decoded; the message names it."""


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
