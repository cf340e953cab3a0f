"""What differs between two trees of plain JSON values: what was written, and what is worked out again."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

RELATIVE = ABSOLUTE = 1e-9
"""Sums of the same numbers differ by less between versions of Python; on one they do not differ at all."""
LABELS = ("index", "name", "boundary", "domain", "meter", "gate")
"""What things in a list are told apart by."""


def differences(written: Any, again: Any, where: str) -> Iterator[str]:
    """One sentence for each leaf that is not alike."""
    if isinstance(written, Mapping) and isinstance(again, Mapping):
        yield from _of_mappings(written, again, where)
    elif isinstance(written, list) and isinstance(again, list):
        yield from _of_lists(written, again, where)
    elif not alike(written, again):
        yield f"{where}: written {shown(written)}, worked out again {shown(again)}"


def alike(one: Any, other: Any) -> bool:
    """Equal; numbers that are no integers, within ``RELATIVE``."""
    if isinstance(one, float) and isinstance(other, float | int) and not isinstance(other, bool):
        return math.isclose(one, other, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
    return bool(one == other)


def shown(value: Any) -> str:
    """A value in a sentence: numbers in full, others as they begin."""
    if value is None:
        return "nothing"
    if isinstance(value, Mapping | list):
        return f"{len(value)} parts"
    return f"{value!r}" if isinstance(value, int | float) else str(value)[:80]


def _of_mappings(written: Mapping[str, Any], again: Mapping[str, Any], where: str) -> Iterator[str]:
    for name in [*written, *(name for name in again if name not in written)]:
        yield from differences(written.get(name), again.get(name), f"{where}: {name}".removeprefix(": "))


def _of_lists(written: Sequence[Any], again: Sequence[Any], where: str) -> Iterator[str]:
    first, second = _labels(written), _labels(again)
    if first != second:
        yield f"{where}: written {_listed(first)}, worked out again {_listed(second)}"
        return
    for label, one, other in zip(first, written, again, strict=True):
        yield from differences(one, other, f"{where} {label}")


def _labels(parts: Sequence[Any]) -> list[str]:
    return [_label(part) or str(place) for place, part in enumerate(parts)]


def _label(part: Any) -> str:
    known = part if isinstance(part, Mapping) else {}
    return " ".join(str(known[name]) for name in LABELS if name in known)


def _listed(labels: Sequence[str]) -> str:
    return ", ".join(labels) or "none"
