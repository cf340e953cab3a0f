"""Numbers and names as the site writes them; ``static/js/format.js`` writes them alike."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from functools import cache
from hashlib import sha256
from typing import Any

from wattstar.types import Interval

UNKNOWN = "–"


def number(value: float | None) -> str:
    """Three significant digits, thousands apart, never in powers of ten: ``0.0123``, ``12.3``, ``12,300``."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    if value == 0:
        return "0"
    rounded = float(f"{value:.2e}")
    return f"{rounded:,.{max(0, 2 - exponent(rounded))}f}"


def exponent(value: float) -> int:
    """Of the power of ten below: 12.3 → 1."""
    return math.floor(math.log10(abs(value)) + 1e-12)


def parts(value: float | None) -> tuple[str, str]:
    """Before the decimal point, and from it on: the two halves of a column aligned at the point."""
    whole, point, rest = number(value).partition(".")
    return whole, point + rest


def half_width(interval: Interval) -> str:
    """``± 1.4 %`` of the mid value, or that it is not known."""
    if interval.high is None or interval.mid <= 0:
        return "± ?"
    share = (interval.high - interval.mid) / interval.mid * 100
    return f"± {share:.{0 if share >= 9.95 else 1}f} %"


def how_sure(interval: Interval, plausible: Interval | None) -> str:
    """The half width, or the factor of an estimate's plausible range, beside which an interval would mislead."""
    if plausible is None or plausible.high is None or plausible.mid <= 0:
        return half_width(interval)
    return f"×/÷ {plausible.high / plausible.mid:.3g}"


def count(value: float | None) -> str:
    """Parameters: ``22.7 M``, ``7.2 B``."""
    if value is None:
        return UNKNOWN
    for size, sign in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if value >= size * 0.9995:
            return f"{number(value / size)} {sign}"
    return number(value)


def seconds(value: float | None) -> str:
    """With the unit that suits."""
    if value is None:
        return UNKNOWN
    return f"{number(value)} s" if value >= 1 else f"{number(value * 1000)} ms"


def times(value: float | None) -> str:
    """``5.2×``."""
    return UNKNOWN if value is None else f"{number(value)}×"


def tick(value: float) -> str:
    """A power of ten on an axis: ``0.01``, ``10,000``."""
    return f"{value:,.{max(0, -exponent(value))}f}"


def many(number_of: int, word: str, words: str | None = None) -> str:
    """``1 model``, ``2 models``."""
    return f"{number_of:,} {word if number_of == 1 else words or word + 's'}"


@cache
def slug(name: str) -> str:
    """A name as a part of a path: readable, safe on every file system, and one for each name."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    safe = plain[:60].strip("-")
    return safe if safe == name else f"{safe or 'x'}-{sha256(name.encode()).hexdigest()[:6]}"


def capital(words: str) -> str:
    """With a capital, the rest as it is."""
    return words[:1].upper() + words[1:]


FILTERS: Mapping[str, Callable[..., Any]] = {
    "number": number,
    "parts": parts,
    "half_width": half_width,
    "how_sure": how_sure,
    "count_of": count,
    "seconds": seconds,
    "times": times,
    "tick": tick,
    "many": many,
    "slug": slug,
    "capital": capital,
}
