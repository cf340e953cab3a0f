"""The facts inside the file: one line of JSON in ``<metadata>``, with its digest."""

from __future__ import annotations

import json
from typing import Any

from wattstar.errors import VerificationFailed
from wattstar.publishing.label.facts import Facts
from wattstar.records.codec import canonical, decode, digest, encode, parsed

SCHEMA = "wattstar-label-1"
BEGIN, END = '<metadata id="wattstar-label">', "</metadata>"
_ESCAPES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})
"""JSON's own spelling of what XML would read as markup. Other characters than ASCII's are spelt so too: XML allows not
all of them, and some turn the direction of what follows."""


def metadata(facts: Facts) -> str:
    """The element."""
    carried = {"schema": SCHEMA, "digest": digest(canonical(facts)), "facts": encode(facts)}
    return BEGIN + json.dumps(carried, separators=(",", ":"), allow_nan=False).translate(_ESCAPES) + END


def embedded(document: str) -> Facts:
    """The facts that a label, badge or HTML figure carries; ``VerificationFailed`` where there are none, or changed."""
    _, begin, rest = document.partition(BEGIN)
    carried, end, after = rest.partition(END)
    if not begin or not end or BEGIN in after:
        raise VerificationFailed("This is no label: it carries no data.", ["an SVG or HTML that wattstar label made"])
    return _checked(_parsed(carried))


def _parsed(carried: str) -> dict[str, Any]:
    try:
        data = parsed(carried)
    except (ValueError, RecursionError) as error:
        raise VerificationFailed(f"The label's data cannot be read: {error}.") from error
    schema = data.get("schema") if isinstance(data, dict) else None
    if schema != SCHEMA or set(data) != {"schema", "digest", "facts"}:
        raise VerificationFailed(f"The label's data are of another kind than {SCHEMA}: {json.dumps(schema)[:60]}.")
    assert isinstance(data, dict)
    return data


def _checked(data: dict[str, Any]) -> Facts:
    facts = decode(Facts, data["facts"])
    if digest(canonical(facts)) != data["digest"]:
        raise VerificationFailed("The label's data were changed: their digest is another.")
    return facts
