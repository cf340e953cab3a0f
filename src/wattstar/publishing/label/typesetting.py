"""Text that stays in its room: SVG does not wrap, so that widths are known before anything is drawn.

Widths are those of Arimo, which Arial, Helvetica and Liberation Sans share. A text that could outgrow its room in
another font, or has characters that the table lacks, also says how wide it is (``textLength``), and the reader's font
is squeezed to that.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from unicodedata import combining, east_asian_width
from xml.sax.saxutils import escape

from wattstar.records.words import printable

FONTS = "Helvetica, Arial, 'Liberation Sans', Arimo, sans-serif"
FOLDER = Path(__file__).parent / "font"
LEAST_SIZE = 12.0
"""On a label printed 90 mm wide that is 8.5 pt; below, it is not read."""
STEP = 0.5
OTHERS = 0.6
"""Width, in parts of the size, of a character that is neither in the table nor as wide as it is high: Hebrew, Arabic, …
are about so wide, and squeezed to it where not."""
WIDEST = 1.25
"""Other sans-serif fonts are up to so many times as wide: DejaVu Sans and Verdana about 1.17."""
ELLIPSIS = "…"
MOST_MARKS = 2
"""On one letter; no orthography needs more."""


@dataclass(frozen=True)
class Type:
    """How a text is set."""

    size: float
    fill: str
    bold: bool = False
    anchor: str = "start"
    """``start``, ``middle`` or ``end`` of the text is at its x."""
    least: float = LEAST_SIZE


@cache
def advances() -> Mapping[str, Mapping[str, int]]:
    """Character → width in thousandths of the size, for ``regular`` and ``bold``."""
    made: Mapping[str, Mapping[str, int]] = json.loads((FOLDER / "advances.json").read_text(encoding="utf-8"))
    return made


def known(text: str) -> bool:
    """Whether the table has all of its characters."""
    return all(sign in advances()["regular"] for sign in text)


def width(text: str, type: Type) -> float:
    """In the drawing's units."""
    table = advances()["bold" if type.bold else "regular"]
    return type.size * sum(table[sign] / 1000 if sign in table else _unknown(sign) for sign in text)


def _unknown(sign: str) -> float:
    if combining(sign):
        return 0.0
    return 1.0 if east_asian_width(sign) in "WF" else OTHERS


def fitted(text: str, room: float, type: Type) -> tuple[str, Type]:
    """The text and how it is set so that it fits: smaller, then without its middle."""
    size = type.size
    while size > type.least and width(text, replace(type, size=size)) > room:
        size = max(type.least, size - STEP)
    type = replace(type, size=size)
    return _without_middle(text, room, type), type


def _without_middle(text: str, room: float, type: Type) -> str:
    """As much of both ends as fits; the end of a name tells more than its middle."""
    if len(text) < 2 or width(text, type) <= room:
        return text

    def short(kept: int) -> str:
        return text[: kept - kept // 2] + ELLIPSIS + _from_base(text[len(text) - kept // 2 :])

    most = bisect_right(range(1, len(text)), room, key=lambda kept: width(short(kept), type))
    return short(max(most, 1))


def _from_base(tail: str) -> str:
    """Without the marks at its beginning that belong to the character that went."""
    return tail.lstrip("".join(sign for sign in tail if combining(sign)))


def wrapped(text: str, room: float, type: Type, lines: int) -> list[str]:
    """The text in at most so many lines, broken at spaces; what is too much is cut in the last one's middle."""
    made: list[str] = [""]
    for word in text.split(" "):
        longer = f"{made[-1]} {word}".strip()
        if width(longer, type) <= room or not made[-1] or len(made) == lines:
            made[-1] = longer
        else:
            made.append(word)
    return [_without_middle(line, room, type) for line in made]


def text(x: float, y: float, words: str, type: Type, room: float) -> str:
    """A ``<text>`` that stays within ``room``, whatever the words and the font."""
    shown, type = fitted(_flat(words), room, type)
    wide = width(shown, type)
    held = not known(shown) or wide * WIDEST > room
    parts = [f'x="{plain(x)}" y="{plain(y)}" font-size="{plain(type.size)}" fill="{type.fill}"']
    parts += ['font-weight="700"'] * type.bold
    parts += [f'text-anchor="{type.anchor}"'] * (type.anchor != "start")
    parts += [f'textLength="{plain(wide)}" lengthAdjust="spacingAndGlyphs"'] * (held and wide > 0)
    return f"<text {' '.join(parts)}>{escape(shown)}</text>"


def _flat(words: str) -> str:
    """One line without control characters, nor towers of marks that would reach into other lines."""
    signs: list[str] = []
    for sign in printable(words).replace("\n", " "):
        if not (combining(sign) and all(map(combining, signs[-MOST_MARKS:])) and len(signs) >= MOST_MARKS):
            signs.append(sign)
    return "".join(signs)


def plain(value: float) -> str:
    """A coordinate: two decimals at most, the same on every machine."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
