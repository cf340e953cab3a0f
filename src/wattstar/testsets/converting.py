"""From a row of a data set to the fields of a task's input, and to a target."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from wattstar.errors import UsageError
from wattstar.testsets.recipe import DataSource, Target


def columns(source: DataSource) -> list[str]:
    """All columns and paths that a source's description names."""
    paths = [*source.columns.values(), *source.where, *source.most]
    if source.target is None:
        return paths
    column = source.target.column
    parts = (source.target.label, *source.target.box) if source.target.form == "boxes" else ()
    return [*paths, column, *(f"{column}.{part}" for part in parts)]


def wanted(row: Mapping[str, Any], source: DataSource) -> bool:
    """Whether ``where`` and ``most`` let the row through; a value that is missing never does."""
    for path, least in source.most.items():
        value = value_at(row, path)
        if value is None or not value <= least:
            return False
    return all(value_at(row, path) == value for path, value in source.where.items())


def check_columns(source: DataSource, features: Mapping[str, Any]) -> None:
    """Raise ``UsageError`` unless the data set has every column that is named."""
    for path in columns(source):
        feature_at(source, features, path)


def feature_at(source: DataSource, features: Mapping[str, Any], path: str) -> Any:
    """The type that a data set declares for a column or a part of it; None where it declares none."""
    node: Any = features
    for part in path.split("."):
        while node is not None and hasattr(node, "feature"):  # a list: what its members are
            node = node.feature
        if part.isdigit() or node is None:
            continue
        if not isinstance(node, Mapping) or part not in node:
            there = ", ".join(node) if isinstance(node, Mapping) else "no parts"
            raise UsageError(
                f"The source {source.name!r} ({source.id}) has no column {path!r}.", [f"there is: {there}"]
            )
        node = node[part]
    return node


def value_at(row: Any, path: str) -> Any:
    """What a row holds there: a number picks a member of a list, a name goes into every member."""
    value = row
    for part in path.split("."):
        if value is None:
            return None
        value = value[part] if isinstance(value, Mapping) else _member(value, part)
    return value


def _member(values: Sequence[Any], part: str) -> Any:
    if not part.isdigit():
        return [value[part] for value in values]
    return values[int(part)] if int(part) < len(values) else None


def labels(source: DataSource, features: Mapping[str, Any]) -> list[str]:
    """Names of the classes, in the order of their numbers; empty where there are none."""
    if source.labels or source.target is None:
        return list(source.labels)
    more = f".{source.target.label}" if source.target.form == "boxes" else ""
    node = feature_at(source, features, source.target.column + more)
    while hasattr(node, "feature"):
        node = node.feature
    return list(getattr(node, "names", None) or ())


def target_of(row: Mapping[str, Any], source: DataSource, names: Sequence[str], size: tuple[int, int] | None) -> Any:
    """The right answer in the shape a task's ``score`` reads; None where the row has none.

    ``size`` is the image's width and height, for boxes in shares of it.
    """
    if source.target is None:
        return None
    value = value_at(row, source.target.column)
    if value is None:
        return None
    if source.target.form == "boxes":
        return [_object(one, source.target, names, size) for one in _objects(value)]
    return _FORMS[source.target.form](value, names)


def _class(value: Any, names: Sequence[str]) -> str:
    if isinstance(value, str):
        return value
    if not 0 <= int(value) < len(names):
        raise UsageError(f"There is no name for class {value}.", ["give the source labels = […], one a class"])
    return names[int(value)]


def _texts(value: Any, names: Sequence[str]) -> list[str]:
    """Each once, in their order."""
    texts = [value] if isinstance(value, str) else [str(one) for one in value]
    return list(dict.fromkeys(text.strip() for text in texts if text.strip()))


_FORMS: Mapping[str, Callable[[Any, Sequence[str]], Any]] = {
    "text": lambda value, names: str(value).strip() or None,
    "texts": _texts,
    "number": lambda value, names: float(value),
    "class": _class,
    "index": lambda value, names: [int(value)],
}


def _objects(value: Any) -> list[Mapping[str, Any]]:
    """One mapping an object, also where each part of the objects is a list of its own."""
    if isinstance(value, Mapping):
        return [dict(zip(value, parts, strict=True)) for parts in zip(*value.values(), strict=True)]
    return list(value)


def _object(
    one: Mapping[str, Any], target: Target, names: Sequence[str], size: tuple[int, int] | None
) -> dict[str, Any]:
    numbers = [value_at(one, path) for path in target.box]
    corners = _corners(numbers[0] if len(numbers) == 1 else numbers, target.layout, size)
    return {"label": _class(value_at(one, target.label), names), "box": [round(edge, 2) for edge in corners]}


def _corners(box: Sequence[float], layout: str, size: tuple[int, int] | None) -> list[float]:
    """Left, top, right, bottom in pixels."""
    first, second, third, fourth = map(float, box)
    if layout == "corners":
        return [first, second, third, fourth]
    if layout == "corner and size":
        return [first, second, first + third, second + fourth]
    assert size is not None
    width, height = size
    left, top = (first - third / 2) * width, (second - fourth / 2) * height
    return [left, top, left + third * width, top + fourth * height]
