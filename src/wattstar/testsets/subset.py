"""What a query's energy grows with, known before it is served; and a part of the samples, drawn by it."""

from __future__ import annotations

import hashlib
import wave
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wattstar.testsets import reference
from wattstar.testsets.drawing import STRATA
from wattstar.types import Controls, Kind, Sample, Task


@dataclass(frozen=True)
class Subset:
    """Samples that stand for all."""

    samples: tuple[Sample, ...]
    """In the order of work."""
    works: tuple[float, ...]
    """Of these samples."""
    population: tuple[float, ...]
    """Of all samples."""


def work(sample: Sample, task: Task, controls: Controls) -> float:
    """Characters of its texts, as far as they are read; else seconds of its audio; else of its images the size.

    An image counts 1 where all are brought to one size, and the ratio of its sides where only the shorter one is given.
    Media are paths, of which no more than the header is read. A field that cannot be read counts 0: ``decode`` names
    the sample when it is to be served.
    """
    by_kind = {kind: 0.0 for kind in _AMOUNTS}
    for name, kind in task.inputs.items():
        if kind in by_kind:
            by_kind[kind] += _AMOUNTS[kind](sample.input.get(name), controls)
    return next((amount for amount in by_kind.values() if amount), 0.0)


def draw(samples: Sequence[Sample], task: Task, controls: Controls, count: int) -> Subset:
    """So many of the samples; ``controls.seed`` decides which. ``ValueError`` where there are not so many."""
    works = {sample.id: work(sample, task, controls) for sample in samples}
    chosen = drawn(samples, works, count, controls.seed)
    return Subset(chosen, tuple(works[sample.id] for sample in chosen), tuple(works[sample.id] for sample in samples))


def drawn(samples: Sequence[Sample], works: Mapping[str, float], count: int, seed: int) -> tuple[Sample, ...]:
    """From each decile of work its share, in the order of work: served so, consecutive batches are of like work.

    ``works``: sample id → work. The same samples and seed give the same draw, in whatever order the samples come.
    """
    if not 0 < count <= len(samples):
        raise ValueError(f"{count} of {len(samples)} samples cannot be drawn")
    ordered = sorted(samples, key=lambda sample: (works[sample.id], sample.id))
    chosen: list[Sample] = []
    for stratum in range(STRATA):
        begin, end = (len(ordered) * edge // STRATA for edge in (stratum, stratum + 1))
        share = count * end // len(ordered) - count * begin // len(ordered)
        chosen += sorted(ordered[begin:end], key=lambda sample: _rank(sample, seed))[:share]
    return tuple(sorted(chosen, key=lambda sample: (works[sample.id], sample.id)))


def _rank(sample: Sample, seed: int) -> str:
    return hashlib.sha256(f"{seed} {sample.id}".encode()).hexdigest()


def _characters(value: Any, controls: Controls) -> float:
    if not isinstance(value, str):
        return 0.0
    return float(len(value if controls.prompt_tokens is None else reference.cut(value, controls.prompt_tokens)))


def _seconds(value: Any, controls: Controls) -> float:
    try:
        with wave.open(str(value)) as clip:
            seconds: float = clip.getnframes() / clip.getframerate()
    except (OSError, EOFError, wave.Error):
        return 0.0
    return seconds if controls.audio_seconds is None else min(seconds, controls.audio_seconds)


def _size(value: Any, controls: Controls) -> float:
    if controls.shortest_edge is None:
        return 1.0
    from PIL import Image

    try:
        with Image.open(str(value)) as image:
            return float(max(image.size) / min(image.size))
    except (OSError, SyntaxError, ValueError):
        return 0.0


_AMOUNTS: Mapping[Kind, Callable[[Any, Controls], float]] = {
    Kind.TEXT: _characters,
    Kind.AUDIO: _seconds,
    Kind.IMAGE: _size,
}
"""By what the work of a sample is told: the first of them that it has."""
