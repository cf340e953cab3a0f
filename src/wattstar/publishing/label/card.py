"""The label: one self-contained SVG, the same bytes for the same facts.

Reading order is visual order: who and what · the number and its doubt · its place · the conditions · the record.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape

from wattstar.publishing.label import words
from wattstar.publishing.label.drawing import COLOURS, hatching, mark, qr_code, scale, stars
from wattstar.publishing.label.embedding import metadata
from wattstar.publishing.label.facts import Facts, Place
from wattstar.publishing.label.typesetting import FONTS, Type, plain, text, width, wrapped
from wattstar.records.words import number, printable
from wattstar.types import Method, Standing

WIDE, HIGH = 360, 560
LEFT, RIGHT = 20.0, 340.0
ROOM = RIGHT - LEFT
INK, MUTED, BRAND = COLOURS["ink"], COLOURS["muted"], COLOURS["brand"]
SMALL = Type(12, MUTED)


def svg(facts: Facts) -> str:
    """The file's text."""
    name = facts.record[:8]
    title = f"wattstar energy label: {printable(facts.model)}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDE}" height="{HIGH}" viewBox="0 0 {WIDE} {HIGH}" '
        f'role="img" lang="en" aria-labelledby="title-{name} desc-{name}" font-family="{FONTS}">',
        f'<title id="title-{name}">{escape(title)}</title>',
        f'<desc id="desc-{name}">{escape(printable(words.sentence(facts)))}</desc>',
        metadata(facts),
        f"<defs>{hatching(f'hatch-{name}')}</defs>",
        f'<rect x="1" y="1" width="{WIDE - 2}" height="{HIGH - 2}" rx="9" fill="{COLOURS["paper"]}" stroke="{INK}" '
        'stroke-width="2"/>',
        *_bar(facts),
        *_model(facts),
        *_energy(facts, f"url(#hatch-{name})"),
        *_place(facts, f"url(#hatch-{name})"),
        *_conditions(facts),
        *_record(facts),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _bar(facts: Facts) -> Iterator[str]:
    yield f'<path d="M1 46V10a9 9 0 0 1 9 -9H350a9 9 0 0 1 9 9V46z" fill="{INK}"/>'
    yield mark(LEFT, 16, 14, COLOURS["paper"])
    yield text(LEFT + 26, 30, "wattstar", Type(17, COLOURS["paper"], bold=True), 80)
    title = facts.title[:1].upper() + facts.title[1:]
    yield text(RIGHT, 29, title, Type(13, COLOURS["paper"], anchor="end"), ROOM - 112)


def _model(facts: Facts) -> Iterator[str]:
    publisher, _, name = facts.model.rpartition("/")
    if publisher:
        yield text(LEFT, 67, publisher, SMALL, ROOM)
    yield text(LEFT, 89, name, Type(21, INK, bold=True), ROOM)
    yield text(LEFT, 108, words.size(facts), SMALL, ROOM)


def _energy(facts: Facts, hatched: str) -> Iterator[str]:
    yield _line(120)
    yield text(LEFT, 142, words.heading(facts), Type(13, INK), ROOM)
    large, unit = Type(46, INK, bold=True), Type(20, INK, bold=True)
    value = words.value(facts)
    edge = LEFT + min(width(value, large), 190)
    yield text(LEFT, 186, value, large, 190)
    yield text(edge + 7, 186, words.UNIT, unit, 36)
    edges, kind = words.doubt(facts)
    room = RIGHT - edge - 46
    yield text(RIGHT, 169, edges, Type(13, INK, anchor="end"), room)
    yield text(RIGHT, 186, kind, Type(12, MUTED, anchor="end"), room)
    if facts.method is Method.MODELLED:
        yield f'<rect x="{plain(LEFT)}" y="194" width="{plain(ROOM)}" height="5" fill="{hatched}"/>'


def _place(facts: Facts, hatched: str) -> Iterator[str]:
    """Scale, stars and what they rest on; or why there are none."""
    place, top = facts.place, 214.0
    if place is not None:
        yield from scale(LEFT, top, ROOM, place, facts.wh_per_1000.mid)
        ends = f"{number(place.least)} {words.UNIT} the least", f"the most {number(place.most)} {words.UNIT}"
        yield text(LEFT, top + 48, ends[0], SMALL, ROOM / 2 - 4)
        yield text(RIGHT, top + 48, ends[1], Type(12, MUTED, anchor="end"), ROOM / 2 - 4)
        top += 58
    if place is None or place.stars is None:
        yield from _paragraph(top + 14, words.no_stars(facts), 3 if place else 5)
        return
    fill = BRAND if place.standing is Standing.OFFICIAL else hatched
    yield from stars(LEFT, top, 25, place.span or (place.stars, place.stars), fill)
    yield from _said(place, top)


def _said(place: Place, top: float) -> Iterator[str]:
    yield text(LEFT + 160, top + 11, words.stars(place), Type(15, INK, bold=True), ROOM - 160)
    yield text(LEFT + 160, top + 26, words.chance(place), SMALL, ROOM - 160)
    lines = [words.edition(place)[:1].upper() + words.edition(place)[1:], words.standing(place) or ""]
    for number_, line in enumerate(filter(None, lines)):
        yield text(LEFT, top + 43 + 15 * number_, line, SMALL, ROOM)


def _paragraph(top: float, said: str, lines: int) -> Iterator[str]:
    type = Type(13, INK)
    for index, line in enumerate(wrapped(printable(said), ROOM, type, lines)):
        yield text(LEFT, top + 17 * index, line, type, ROOM)


def _conditions(facts: Facts) -> Iterator[str]:
    yield _line(340)
    for index, (name, value) in enumerate(words.rows(facts).items()):
        yield text(LEFT, 358 + 15.5 * index, name, SMALL, 60)
        yield text(LEFT + 64, 358 + 15.5 * index, value, Type(12, INK), ROOM - 64)


def _record(facts: Facts) -> Iterator[str]:
    yield _line(462)
    yield qr_code(RIGHT - 83, 466, 90, facts.address)
    room = ROOM - 92
    yield text(LEFT, 482, facts.status.capitalize(), Type(14, BRAND, bold=True), room)
    for index, line in enumerate(wrapped(words.status(facts), room, SMALL, 2)):
        yield text(LEFT, 498 + 14 * index, line, SMALL, room)
    yield text(LEFT, 530, f"record {facts.record[:16]}", SMALL, room)
    yield text(LEFT, 545, words.locator(facts), Type(12, INK), room)


def _line(y: float) -> str:
    return f'<path d="M{plain(LEFT)} {plain(y)}H{plain(RIGHT)}" stroke="{COLOURS["hairline"]}" stroke-width="1"/>'
