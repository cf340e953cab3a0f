"""Lists in a table of a plan: tasks × models × options, one table without lists for each combination."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from wattstar.errors import UsageError

AXES = ("task", "models", "backend", "weights", "dtype", "device", "batch_size", "new_tokens", "approach")
"""Fields that may be lists, in the order of the product: the first changes last."""
NAMED = ("controls", "options")
"""Tables of which each value may be a list; they change after ``AXES``, in the order in which they are written."""
LISTS = ("models", "meters")
"""Fields that are lists by themselves; the meters of a job are read together."""
MOST_JOBS = 10_000
CURE = f"lists are taken by {', '.join(AXES)}, and by the values in {' and '.join(NAMED)}"

Path = tuple[str, ...]


def expanded(table: Mapping[str, Any], where: str) -> list[dict[str, Any]]:
    """One table a combination, each with one model; ``UsageError`` for a list that is empty, or not taken there."""
    axes = dict(_axes(table, where))
    for path, values in axes.items():
        if not values:
            raise UsageError(f"{where}: {'.'.join(path)}: the list is empty.", ["name a value, or leave the field out"])
    check_count(math.prod(map(len, axes.values())), where)
    return [_chosen(table, dict(zip(axes, values, strict=True))) for values in product(*axes.values())]


def check_count(jobs: int, where: str) -> None:
    """``UsageError`` for more than anybody can have meant."""
    if jobs > MOST_JOBS:
        cures = ["shorter lists", "several plans, one after the other"]
        raise UsageError(f"{where}: {jobs:,} combinations are more than {MOST_JOBS:,}.", cures)


def _axes(table: Mapping[str, Any], where: str) -> Iterator[tuple[Path, list[Any]]]:
    for name in AXES:
        if isinstance(table.get(name), list):
            yield (name,), table[name]
    for name in NAMED:
        if isinstance(inner := table.get(name), Mapping):
            yield from (((name, key), value) for key, value in inner.items() if isinstance(value, list))
    for name, value in table.items():
        if isinstance(value, list) and name not in AXES + LISTS:
            raise UsageError(f"{where}: {name}: a list is not taken here.", [CURE])


def _chosen(table: Mapping[str, Any], values: Mapping[Path, Any]) -> dict[str, Any]:
    made = {
        name: dict(value) if name in NAMED and isinstance(value, Mapping) else value for name, value in table.items()
    }
    for path, value in values.items():
        if len(path) == 2:
            made[path[0]][path[1]] = value
        else:
            made[path[0]] = [value] if path == ("models",) else value
    return made
