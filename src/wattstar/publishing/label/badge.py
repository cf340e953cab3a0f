"""The badge: the number and the stars on one line, 20 units high, for a README."""

from __future__ import annotations

from xml.sax.saxutils import escape

from wattstar.publishing.label import words
from wattstar.publishing.label.drawing import COLOURS, mark
from wattstar.publishing.label.embedding import metadata
from wattstar.publishing.label.facts import Facts
from wattstar.publishing.label.typesetting import FONTS, Type, plain, text, width
from wattstar.records.words import printable

HIGH = 20
SIDE = 8.0
MARK = 18.0
"""What the mark and the space after it take."""
SAID = Type(11, COLOURS["paper"], least=11)


def badge(facts: Facts) -> str:
    """The file's text: ``AI energy | 2.37 Wh/1k · 4/5``."""
    title, value = "AI energy", words.short(facts)
    first = SIDE + MARK + width(title, SAID) + SIDE
    second = width(value, SAID) + 2 * SIDE
    wide, name = plain(first + second), facts.record[:8]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" height="{HIGH}" viewBox="0 0 {wide} {HIGH}" '
        f'role="img" lang="en" aria-labelledby="badge-{name}" font-family="{FONTS}">',
        f'<title id="badge-{name}">{escape(printable(words.sentence(facts)))}</title>',
        metadata(facts),
        f'<rect width="{wide}" height="{HIGH}" rx="3" fill="{COLOURS["brand"]}"/>',
        f'<path d="M3 0H{plain(first)}V{HIGH}H3a3 3 0 0 1 -3 -3V3a3 3 0 0 1 3 -3z" fill="{COLOURS["ink"]}"/>',
        mark(SIDE, 6, 9, COLOURS["paper"]),
        text(SIDE + MARK, 14, title, SAID, width(title, SAID) + 1),
        text(first + SIDE, 14, value, SAID, width(value, SAID) + 1),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"
