"""The shapes of a label: colours, mark, stars, scale, QR code; each a piece of SVG."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from wattstar.publishing.label.facts import Place
from wattstar.publishing.label.typesetting import Type, plain, text
from wattstar.records.words import number
from wattstar.types import Interval, Standing

COLOURS: Mapping[str, str] = {
    "paper": "#FFFFFF",
    "ink": "#15211D",
    "muted": "#46524E",
    "brand": "#0B6E4F",
    "outline": "#5F6B6A",
    "tint": "#E6F0EC",
    "hairline": "#C9D3CF",
}
"""Contrast is tested: texts 4.5 : 1 on what lies under them, stars and frames 3 : 1 (WCAG 2.2, 1.4.3 and 1.4.11).
``hairline`` only divides, and says nothing."""
STAR = [
    (radius * math.sin(math.pi * corner / 5), -radius * math.cos(math.pi * corner / 5))
    for corner in range(10)
    for radius in ((1.0, 0.46)[corner % 2],)
]
CUT = Type(12, COLOURS["ink"], anchor="middle", least=7)
"""A number may be set small, never cut."""
QUIET = 4
"""Modules left empty around a QR code: ISO/IEC 18004, 9.1."""


def mark(x: float, y: float, height: float, colour: str) -> str:
    """Our own: a trace of power in the shape of a w, ending in a point."""
    points = [(0, 0.1), (0.3, 1), (0.6, 0.35), (0.9, 1), (1.2, 0.1)]
    line = " ".join(f"{plain(x + height * a)},{plain(y + height * b)}" for a, b in points)
    return (
        f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="{plain(height * 0.16)}" '
        f'stroke-linejoin="round" stroke-linecap="round"/>'
        f'<circle cx="{plain(x + height * 1.2)}" cy="{plain(y + height * 0.1)}" r="{plain(height * 0.17)}" '
        f'fill="{colour}"/>'
    )


def hatching(name: str) -> str:
    """The pattern of everything that is not official, to be filled with ``url(#NAME)``."""
    return (
        f'<pattern id="{name}" width="4" height="4" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        f'<rect width="4" height="4" fill="{COLOURS["paper"]}"/>'
        f'<rect width="2" height="4" fill="{COLOURS["brand"]}"/></pattern>'
    )


def stars(x: float, y: float, size: float, span: tuple[int, int], fill: str) -> Iterator[str]:
    """Five stars of which so many are filled; between least and most only their left halves are."""
    least, most = span
    for place in range(5):
        centre = x + size / 2 + place * size * 1.2
        points = [(centre + a * size / 2, y + size / 2 + b * size / 2) for a, b in STAR]
        edge = f'stroke="{COLOURS["brand" if place < most else "outline"]}" stroke-width="1.5" stroke-linejoin="round"'
        inside = fill if place < least else "none"
        yield f'<polygon points="{_points(points)}" fill="{inside}" {edge}/>'
        if least <= place < most:
            half = [point for point in points if point[0] <= centre + 1e-6]
            half.sort(key=lambda point: points.index(point) if points.index(point) else 10)
            yield f'<polygon points="{_points(half)}" fill="{fill}"/>'


def _points(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{plain(a)},{plain(b)}" for a, b in points)


def scale(x: float, y: float, wide: float, place: Place, energy: Interval) -> Iterator[str]:
    """Five equal cells from the thriftiest to the hungriest model, the cuts between them in Wh, and where this one is.

    Inside a cell places go by ln. The line under the marker is the energy's interval, where it is known.
    """
    ends = (min(place.least, energy.mid), *(place.cuts or ()), max(place.most, energy.mid))
    cell = wide / (len(ends) - 1)
    low, here, high = (x + cell * _position(value, ends) for value in _known(energy))
    for each in range(len(ends) - 1):
        inside = x + each * cell <= here <= x + (each + 1) * cell and place.stars == 5 - each
        yield from _cell(x + each * cell, y, cell, Cell(5 - each if place.cuts else None, inside, place.standing))
    if high - low > 8:  # a shorter one would be hidden by the marker
        yield f'<path d="M{plain(low)} {plain(y - 3)}H{plain(high)}" stroke="{COLOURS["ink"]}" stroke-width="2"/>'
    tip = min(max(here, x + 5), x + wide - 5)
    yield f'<path d="M{plain(tip)} {plain(y - 3)}l-5 -8h10z" fill="{COLOURS["ink"]}"/>'
    for each, cut in enumerate(place.cuts or (), 1):
        yield text(x + each * cell, y + 33, number(cut), CUT, cell - 3)
    if place.cuts:
        yield text(x + wide, y + 33, "Wh", Type(12, COLOURS["ink"], anchor="end"), cell / 2 - 3)


def _known(energy: Interval) -> tuple[float, float, float]:
    low, high = (energy.mid if end is None or end <= 0 else end for end in (energy.low, energy.high))
    return low, energy.mid, high


@dataclass(frozen=True)
class Cell:
    """Of the scale."""

    stars: int | None
    here: bool
    standing: Standing


def _cell(x: float, y: float, wide: float, cell: Cell) -> Iterator[str]:
    """Filled where the model is and its stars are official, framed where they are not."""
    filled = cell.here and cell.standing is Standing.OFFICIAL
    fill, ink = (COLOURS["brand"], COLOURS["paper"]) if filled else (COLOURS["tint"], COLOURS["ink"])
    edge = f'stroke="{COLOURS["brand"]}" stroke-width="2.5"' if cell.here else f'stroke="{COLOURS["outline"]}"'
    inset = 1.5 if cell.here else 0.5
    place = f'x="{plain(x + inset)}" y="{plain(y)}" width="{plain(wide - 2 * inset)}" height="19"'
    yield f'<rect {place} fill="{fill}" {edge}/>'
    if cell.stars:
        yield text(x + wide / 2 - 3, y + 13.8, str(cell.stars), Type(12, ink, bold=cell.here, anchor="end"), 12)
        points = [(x + wide / 2 + 5 + a * 5.5, y + 9.7 + b * 5.5) for a, b in STAR]
        yield f'<polygon points="{_points(points)}" fill="{ink}"/>'


def _position(energy: float, ends: Sequence[float]) -> float:
    """In cells from the left; inside a cell by ln; a cut belongs to the better cell, and the ends hold everything."""
    index = sum(energy > cut for cut in ends[1:-1])
    low, high = ends[index], ends[index + 1]
    share = math.log(energy / low) / math.log(high / low) if high > low else 0.5
    return index + min(max(share, 0.0), 1.0)


def qr_code(x: float, y: float, side: float, payload: str) -> str:
    """Version 4 (33 × 33), level M, with its quiet zone inside ``side``."""
    import segno

    made = segno.make_qr(payload, error="m", version=4, boost_error=False)
    rows = [bytes(row) for row in made.matrix]
    module = side / (len(rows) + 2 * QUIET)
    runs = [f"M{start} {line}h{length}v1h-{length}z" for line, row in enumerate(rows) for start, length in _runs(row)]
    return (
        f'<path transform="translate({plain(x + QUIET * module)} {plain(y + QUIET * module)}) scale({module:.4f})" '
        f'fill="{COLOURS["ink"]}" d="{"".join(runs)}"/>'
    )


def _runs(row: bytes) -> Iterator[tuple[int, int]]:
    """Where dark modules begin, and how many follow one another."""
    start = 0
    while (start := row.find(1, start)) >= 0:
        end = row.find(0, start)
        end = len(row) if end < 0 else end
        yield start, end - start
        start = end
