"""How often stars came true over the chance they were said with, as a picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.ratings.calibration import Bin

SIDE, LEFT, TOP = 300.0, 60.0, 20.0
"""Of the square, and where it begins."""
GREEN, GREY, PALE = "#0b6e4f", "#46524e", "#e3efe9"


def reliability(bins: Sequence[Bin], asked: tuple[float, float], kept: tuple[float, float]) -> str:
    """An SVG: a dot for each bin, on the diagonal where chances keep their word; pale where they are promised to be."""
    x, width = _x(asked[0]), _x(asked[1]) - _x(asked[0])
    y, height = _y(kept[1]), _y(kept[0]) - _y(kept[1])
    lines = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 390 380" width="390" height="380" role="img" '
        'font-family="Inter, Helvetica, Arial, sans-serif" font-size="12">',
        "<title>Share of stars that are the true energy's, over the chance they were said with</title>",
        '<rect width="390" height="380" fill="#ffffff"/>',
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{PALE}" stroke="{GREEN}"/>',
        *_axes(),
        *_dots(bins),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _x(share: float) -> float:
    return LEFT + SIDE * share


def _y(share: float) -> float:
    return TOP + SIDE * (1 - share)


def _axes() -> Iterator[str]:
    yield f'<path d="M{LEFT} {TOP}V{TOP + SIDE}H{LEFT + SIDE}" fill="none" stroke="{GREY}"/>'
    yield f'<path d="M{_x(0)} {_y(0)}L{_x(1)} {_y(1)}" stroke="{GREY}" stroke-dasharray="4 4"/>'
    for tenth in range(0, 11, 2):
        share = tenth / 10
        yield f'<text x="{_x(share):.1f}" y="{TOP + SIDE + 18}" text-anchor="middle" fill="{GREY}">{share:.0%}</text>'
        yield f'<text x="{LEFT - 8}" y="{_y(share) + 4:.1f}" text-anchor="end" fill="{GREY}">{share:.0%}</text>'
    yield f'<text x="{LEFT + SIDE / 2}" y="{TOP + SIDE + 42}" text-anchor="middle">chance said</text>'
    middle = f"{TOP + SIDE / 2}"
    yield f'<text x="14" y="{middle}" text-anchor="middle" transform="rotate(-90 14 {middle})">true</text>'


def _dots(bins: Sequence[Bin]) -> Iterator[str]:
    for each in bins:
        if each.said is not None and each.true is not None:
            words = f"{each.count:,} stars said with {each.said:.1%}: {each.true:.1%} true"
            dot = f'<circle cx="{_x(each.said):.1f}" cy="{_y(each.true):.1f}" r="4" fill="{GREEN}">'
            yield f"{dot}<title>{words}</title></circle>"
