"""Records and editions that mean harm, or mean nothing: whatever a stranger may put into a store."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from enum import Enum
from itertools import count
from typing import Any

from tests.publishing.site.boards import edition, various
from wattstar.types import Edition, Record

HARM = (
    "\"><script>alert('@')</script><img src=x onerror=\"alert('@')\"></title></template></style><svg/onload=alert('@')>"
    "' autofocus onfocus=alert('@') {{ 7 * 7 }} javascript:alert('@') \u202e../../../x"
)
"""For markup, attributes, templates, addresses and paths, with the sign that turns what follows around."""


def harmful(value: Any, number: Any) -> Any:
    """The same with harm in every text of it, keys of mappings too; words of closed vocabularies stay."""
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        return HARM.replace("@", str(next(number)))
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{one.name: harmful(getattr(value, one.name), number) for one in fields(value)})
    if isinstance(value, dict):
        return {harmful(key, number) if isinstance(key, str) else key: harmful(one, number)
                for key, one in value.items()}  # fmt: skip
    if isinstance(value, tuple):
        return tuple(harmful(one, number) for one in value)
    return value


def hostile_record() -> Record:
    """A record that counts, of which every text is harm."""
    return harmful(various(1)[0][1], count())  # type: ignore[no-any-return]


def hostile_edition() -> Edition:
    """Its populations have nine entries, which differ in their names; the newest edition there is."""
    made = harmful(edition([f"p-{n}/m" for n in range(9)]), count(1000))
    return made  # type: ignore[no-any-return]
