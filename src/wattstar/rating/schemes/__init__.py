"""Rules that make cuts of energies: a file each, whose name is the rule's and whose function is ``scale``.

``scale(entries, moments) -> Scale`` is pure; the first line of the file's docstring is its help. Adding one edits
nothing else.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

from wattstar import registry
from wattstar.rating.moments import Moments
from wattstar.types import Entry

STANDARD = "deviation"


@dataclass(frozen=True)
class Scale:
    """Where stars begin and end, or why nowhere."""

    cuts: tuple[float, ...] | None
    """The most Wh per 1,000 queries that earn 5, 4, 3 and 2 stars."""
    reason: str | None = None


Scheme = Callable[[Sequence[Entry], Moments], Scale]


def names() -> list[str]:
    """Of all schemes, the standard one first."""
    found = [module.name.replace("_", "-") for module in pkgutil.iter_modules(__path__)]
    return sorted(found, key=lambda name: (name != STANDARD, name))


def scheme(name: str) -> Scheme:
    """The scheme of this name; ``UnknownName`` with a suggestion."""
    if name not in names():
        raise registry.unknown("scheme", name, names())
    module = importlib.import_module(f"{__name__}.{name.replace('-', '_')}")
    return cast(Scheme, module.scale)
