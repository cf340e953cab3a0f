"""How numbers and names of records are written for people."""

from __future__ import annotations

from unicodedata import category


def number(value: float) -> str:
    """Three significant digits, never in powers of ten."""
    return f"{value:.{max(0, _places(value))}f}"


def printable(text: str) -> str:
    """The text with control and format characters spelt out: a name in a record must not steer a terminal or a page."""
    if text.isprintable():  # which is most of it, and is told at once
        return text
    return "".join(sign if sign == "\n" or category(sign)[0] != "C" else repr(sign)[1:-1] for sign in text)


def _places(value: float) -> int:
    """Decimals that show three significant digits."""
    return 2 - int(f"{value:e}".partition("e")[2])
