"""The label: one self-contained SVG, the same bytes for the same facts.

Reading order is visual order: who and what · the number and its doubt · its place · the conditions · the record. Each
section begins at a height and says where it ends, so that nothing is left empty and nothing is covered.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from xml.sax.saxutils import escape

from wattstar.publishing.label import words
from wattstar.publishing.label.drawing import COLOURS, hatching, mark, qr_code, scale, stars
from wattstar.publishing.label.embedding import metadata
from wattstar.publishing.label.facts import Facts, Place
from wattstar.publishing.label.typesetting import FONTS, Type, fitted, plain, text, width, wrapped
from wattstar.records.words import number, printable
from wattstar.types import Method, Standing

WIDE = 360
LEFT, RIGHT = 20.0, 340.0
ROOM = RIGHT - LEFT
INK, MUTED, BRAND = COLOURS["ink"], COLOURS["muted"], COLOURS["brand"]
SMALL = Type(12, MUTED)
EDGES = Type(13, INK)
UNIT_ROOM = 38.0
LINE = 15.5
QR_SIDE = 90.0
NAMES = 64.0
"""Room of the conditions' names."""


@dataclass(frozen=True)
class Section:
    """A part of the card, and where it ends."""

    drawn: tuple[str, ...]
    end: float


def svg(facts: Facts) -> str:
    """The file's text."""
    drawn: tuple[str, ...] = ()
    end = 0.0
    for section in (_bar, _model, _energy, _place, _conditions, _record):
        made = section(facts, end)
        drawn, end = drawn + made.drawn, made.end
    return "\n".join([*_head(facts, plain(end)), *drawn, "</svg>"]) + "\n"


def _head(facts: Facts, high: str) -> list[str]:
    name = facts.record[:8]
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDE}" height="{high}" viewBox="0 0 {WIDE} {high}" '
        f'role="img" lang="en" aria-labelledby="title-{name} desc-{name}" font-family="{FONTS}">',
        f'<title id="title-{name}">{escape(printable(f"Energy label of {facts.model}"))}</title>',
        f'<desc id="desc-{name}">{escape(printable(words.sentence(facts)))}</desc>',
        metadata(facts),
        f"<defs>{hatching(f'hatch-{name}')}</defs>",
        f'<rect x="1" y="1" width="{WIDE - 2}" height="{plain(float(high) - 2)}" rx="9" fill="{COLOURS["paper"]}" '
        f'stroke="{INK}" stroke-width="2"/>',
    ]


def _bar(facts: Facts, top: float) -> Section:
    drawn = (
        f'<path d="M1 46V10a9 9 0 0 1 9 -9H350a9 9 0 0 1 9 9V46z" fill="{INK}"/>',
        mark(LEFT, 16, 14, COLOURS["paper"]),
        text(LEFT + 26, 30, "wattstar", Type(17, COLOURS["paper"], bold=True), 80),
        text(RIGHT, 29, _capital(facts.title), Type(13, COLOURS["paper"], anchor="end"), ROOM - 112),
    )
    return Section(drawn, top + 46)


def _model(facts: Facts, top: float) -> Section:
    publisher, _, name = facts.model.rpartition("/")
    drawn = [text(LEFT, top + 22, publisher, SMALL, ROOM)] if publisher else []
    top += 44 if publisher else 30
    drawn += [
        text(LEFT, top, name, Type(21, INK, bold=True), ROOM),
        text(LEFT, top + 19, words.size(facts), SMALL, ROOM),
    ]
    return Section(tuple(drawn), top + 33)


def _energy(facts: Facts, top: float) -> Section:
    """The number, and beside it its doubt, which is never cut: what is too long for that stands below."""
    edges, kind = words.doubt(facts)
    large, unit = Type(46, INK, bold=True, least=36), Type(20, INK, bold=True)
    beside = ROOM - width(edges, EDGES) - UNIT_ROOM - 8
    value, shown = fitted(words.value(facts), beside, large)
    below = value != words.value(facts)
    if below:
        value, shown = fitted(words.value(facts), ROOM - UNIT_ROOM, replace(large, least=12))
    wide = width(value, shown)
    drawn = [
        _line(top),
        text(LEFT, top + 22, words.heading(facts), Type(13, INK), ROOM),
        text(LEFT, top + 67, value, shown, wide),
        text(LEFT + wide + 7, top + 67, words.UNIT, unit, UNIT_ROOM - 7),
    ]
    if below:
        drawn.append(text(LEFT, top + 87, f"{edges} · {kind}", EDGES, ROOM))
    else:
        drawn.append(text(RIGHT, top + 49, edges, replace(EDGES, anchor="end"), ROOM))
        drawn.append(text(RIGHT, top + 67, kind, replace(SMALL, anchor="end"), 90))
    end = top + (100 if below else 80)
    if facts.method is not Method.MODELLED:
        return Section(tuple(drawn), end)
    place = f'x="{plain(LEFT)}" y="{plain(end - 3)}" width="{plain(ROOM)}" height="5"'
    return Section((*drawn, f'<rect {place} fill="{_hatched(facts)}"/>'), end + 6)


def _place(facts: Facts, top: float) -> Section:
    """Scale, stars and what they rest on; or why there are none."""
    place = facts.place
    if place is None:
        return _no_stars(facts, top)
    top += 18
    cuts = 15 if place.cuts else 0
    drawn = [
        *scale(LEFT, top, ROOM, place, facts.plausible or facts.wh_per_1000),
        text(LEFT, top + 34 + cuts, f"least {number(place.least)} {words.UNIT}", SMALL, ROOM / 2 - 4),
        text(RIGHT, top + 34 + cuts, f"most {number(place.most)} {words.UNIT}", Type(12, MUTED, anchor="end"), 150),
    ]
    top += 50 + cuts
    below = _no_stars(facts, top - 8) if place.stars is None else _stars(facts, place, top)
    return Section((*drawn, *below.drawn), below.end)


def _no_stars(facts: Facts, top: float) -> Section:
    """Said as large as stars would be, with the reason."""
    said = text(LEFT, top + 22, "No stars", Type(15, INK, bold=True), ROOM)
    below = _paragraph(top + 40, words.no_stars(facts), SMALL, 6)
    if facts.place is None:
        return Section((said, *below.drawn), below.end)
    more = _paragraph(below.end, _capital(words.edition(facts, facts.place)), SMALL, 2)
    return Section((said, *below.drawn, *more.drawn), more.end)


def _stars(facts: Facts, place: Place, top: float) -> Section:
    count = place.stars or 0
    fill = BRAND if place.standing is Standing.OFFICIAL else _hatched(facts)
    drawn = [
        *stars(LEFT, top, 26, place.span or (count, count), fill),
        text(LEFT + 166, top + 11, words.stars(place), Type(15, INK, bold=True), ROOM - 166),
        text(LEFT + 166, top + 27, words.chance(place), SMALL, ROOM - 166),
    ]
    below = _paragraph(top + 47, _capital(words.edition(facts, place)), SMALL, 2)
    why = words.standing(place)
    if why:
        more = _paragraph(below.end + 1, why, SMALL, 3)
        return Section((*drawn, *below.drawn, *more.drawn), more.end)
    return Section((*drawn, *below.drawn), below.end)


def _paragraph(top: float, said: str, type: Type, lines: int) -> Section:
    """A sentence in at most so many lines; ``top`` is the first one's base."""
    made = wrapped(printable(said), ROOM, type, lines)
    drawn = [text(LEFT, top + (type.size + 3.5) * index, line, type, ROOM) for index, line in enumerate(made)]
    return Section(tuple(drawn), top + (type.size + 3.5) * len(made))


def _conditions(facts: Facts, top: float) -> Section:
    drawn = [_line(top)]
    y = top + 20
    for name, value in words.rows(facts).items():
        drawn.append(text(LEFT, y, name, SMALL, NAMES - 4))
        for line in wrapped(printable(value), ROOM - NAMES, Type(12, INK), 3):
            drawn.append(text(LEFT + NAMES, y, line, Type(12, INK), ROOM - NAMES))
            y += LINE
    return Section(tuple(drawn), y - 3)


def _record(facts: Facts, top: float) -> Section:
    room = ROOM - QR_SIDE
    bold = Type(14, BRAND, bold=True)
    lines = wrapped(words.status(facts), room, SMALL, 2)
    drawn = [
        _line(top),
        qr_code(RIGHT - QR_SIDE + 8, top + 4, QR_SIDE, facts.address),
        text(LEFT, top + 22, facts.status.capitalize(), bold, room),
        *(text(LEFT, top + 39 + 14 * index, line, SMALL, room) for index, line in enumerate(lines)),
        text(LEFT, top + 71, f"record {facts.record[:16]}", SMALL, room),
        text(LEFT, top + 86, words.locator(facts), Type(12, INK), room),
    ]
    return Section(tuple(drawn), top + 100)


def _capital(said: str) -> str:
    return said[:1].upper() + said[1:]


def _hatched(facts: Facts) -> str:
    return f"url(#hatch-{facts.record[:8]})"


def _line(y: float) -> str:
    return f'<path d="M{plain(LEFT)} {plain(y)}H{plain(RIGHT)}" stroke="{COLOURS["hairline"]}" stroke-width="1"/>'
