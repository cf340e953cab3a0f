"""The label as PNG and PDF, drawn by Typst, in the font that comes with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from wattstar import registry
from wattstar.publishing.label.typesetting import FOLDER, known

REQUIRES = ("typst",)
DOTS = 144
"""Dots per inch: two pixels for a unit of the drawing."""
DOCUMENT = """
#set page(width: {wide}, height: auto, margin: 0pt)
#set document(title: sys.inputs.title, date: none)
#image(bytes(sys.inputs.svg), format: "svg", width: 100%, alt: sys.inputs.title)
"""
Style = Literal["png", "pdf"]
WIDE: Mapping[Style, str] = {"png": "360pt", "pdf": "90mm"}
"""Of a label in print, so that its smallest text is 8.5 pt."""
_TEXT = re.compile(r"<text[^>]*>([^<]*)</text>")


def printed(drawing: str, style: Style, title: str) -> bytes:
    """A label or badge as ``png`` or ``pdf``, the same bytes for the same drawing.

    Fonts of the machine are only used where the drawing has characters that ours lacks. Raises ``MissingPackage``.
    """
    registry.require(f"A {style.upper()}", REQUIRES)
    import typst

    made: bytes = typst.compile(  # type: ignore[misc]  # its Input stands in two parameters
        _document(drawing, style).encode(),
        format=style,
        ppi=DOTS,
        font_paths=[str(FOLDER)],
        ignore_system_fonts=known("".join(_TEXT.findall(drawing))),
        sys_inputs={"svg": drawing, "title": title},
    )
    return made


def _document(drawing: str, style: Style) -> str:
    """As wide as the drawing is, a label in print as wide as it is meant to be."""
    wide = drawing.partition('width="')[2].partition('"')[0]
    return DOCUMENT.format(wide=WIDE[style] if wide == WIDE["png"].removesuffix("pt") else f"{wide}pt")
