"""Whether the samples of a pass are on the device all at once, or in turns because it has no room for them all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import psutil

from wattstar.types import Batch, Sample, Session

SHARE_OF_ROOM = 0.5
"""Of what is free, for prepared samples; the rest is for what the model holds while it works."""


@dataclass(frozen=True)
class Staged:
    """Samples on their way to the device."""

    turns: Sequence[Sequence[Sample]]
    """As few groups as there is room for, of whole batches."""
    batches: Sequence[Batch]
    """Of the first group, prepared."""


def staged(samples: Sequence[Sample], session: Session, device: str, batch_size: int) -> Staged:
    """Prepare as many samples as there is room for, which is told from the first batch."""
    first = list(session.prepare(samples[:batch_size]))
    each = sum(map(held, first)) / len(samples[:batch_size])
    room = SHARE_OF_ROOM * (session.room or (lambda: _free(device)))()
    fit = len(samples) if each * len(samples) <= room else max(1, int(room / each) // batch_size) * batch_size
    rest = samples[batch_size:fit]
    groups = [samples[i : i + fit] for i in range(0, len(samples), fit)]
    return Staged(groups, [*first, *(session.prepare(rest) if rest else ())])


def held(batch: Batch) -> int:
    """Bytes of the tensors and arrays in a prepared batch."""
    return sum(_bytes(batch.data))


def _bytes(data: Any) -> Iterator[int]:
    if isinstance(size := getattr(data, "nbytes", None), int):
        yield size
        return
    parts: Sequence[Any] = ()
    if is_dataclass(data):
        parts = [getattr(data, field.name) for field in fields(data)]
    elif isinstance(data, Mapping):
        parts = list(data.values())
    elif isinstance(data, list | tuple):
        parts = data
    for part in parts:
        yield from _bytes(part)


def _free(device: str) -> int:
    """Bytes."""
    if device.startswith("cuda"):
        import torch

        free, _ = torch.cuda.mem_get_info(device)
        return int(free)
    return int(psutil.virtual_memory().available)
