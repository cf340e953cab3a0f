"""Drawings of single objects that ImageNet-1k has a class for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import cos, pi, sin

from PIL import Image, ImageDraw, ImageFont

from .edition import Source

SOURCE = Source(
    "own drawings",
    "made by the build script",
    "Apache-2.0",
    "own-work.txt",
    "Flat drawings of single objects made with Pillow, 400 x 400 pixels.",
    "drawing",
)
# Drawings are made on a large canvas and halved, which smooths their edges.
CANVAS = 800
SKY = "#cfe6f5"
WALL = "#e9e4da"
Pen = ImageDraw.ImageDraw


def around(x: float, y: float, radius: float) -> tuple[float, float, float, float]:
    """The bounding box of a circle."""
    return x - radius, y - radius, x + radius, y + radius


def polar(x: float, y: float, radius: float, angle: float) -> tuple[float, float]:
    """A point on a circle; angles are turns, clockwise from the top."""
    return x + radius * sin(2 * pi * angle), y - radius * cos(2 * pi * angle)


def _clock(pen: Pen) -> None:
    pen.ellipse(around(400, 400, 330), fill="#5a3a1e")
    pen.ellipse(around(400, 400, 295), fill="#fbf8ee")
    font = ImageFont.load_default(60)
    for hour in range(1, 13):
        pen.text(polar(400, 400, 240, hour / 12), str(hour), "#222222", font, anchor="mm")
    for minute in range(60):
        inner = 275 if minute % 5 else 268
        ends = [polar(400, 400, inner, minute / 60), polar(400, 400, 288, minute / 60)]
        pen.line(ends, "#222222", 4)
    pen.line([(400, 400), polar(400, 400, 140, 10.17 / 12)], "#111111", 18)
    pen.line([(400, 400), polar(400, 400, 205, 10 / 60)], "#111111", 12)
    pen.line([polar(400, 400, 50, 0.92), polar(400, 400, 215, 0.42)], "#c02020", 5)
    pen.ellipse(around(400, 400, 16), fill="#c02020")


SEGMENTS = {"1": "bc", "2": "abged", "4": "fgbc", "8": "abcdefg"}


def _digital_clock(pen: Pen) -> None:
    pen.rectangle((0, 560, 800, 800), fill="#b98a5a")
    pen.rounded_rectangle((60, 220, 740, 600), 40, fill="#2b2b30")
    pen.rectangle((100, 265, 700, 545), fill="#120606")
    bars = {
        "a": (10, 0, 90, 16), "b": (84, 10, 100, 95), "c": (84, 105, 100, 190),
        "d": (10, 184, 90, 200), "e": (0, 105, 16, 190), "f": (0, 10, 16, 95),
        "g": (10, 92, 90, 108),
    }  # fmt: skip
    for left, digit in zip((130, 260, 440, 570), "1248", strict=True):
        for segment in SEGMENTS[digit]:
            x0, y0, x1, y1 = bars[segment]
            pen.rectangle((left + x0, 305 + y0, left + x1, 305 + y1), fill="#ff3020")
    for y in (365, 440):
        pen.rectangle((391, y, 409, y + 18), fill="#ff3020")


def _traffic_light(pen: Pen) -> None:
    pen.rectangle((380, 600, 420, 800), fill="#666666")
    pen.rounded_rectangle((270, 60, 530, 640), 40, fill="#222222")
    for y, colour in ((165, "#ff2a1a"), (350, "#4d4410"), (535, "#12401c")):
        pen.ellipse(around(400, y, 82), fill=colour)
        pen.arc(around(400, y, 92), 180, 360, "#000000", 16)


def _stop_sign(pen: Pen) -> None:
    pen.rectangle((385, 560, 415, 800), fill="#8a8f94")
    for radius, colour in ((300, "#ffffff"), (280, "#c1121f")):
        corners = [polar(400, 330, radius, (corner + 0.5) / 8) for corner in range(8)]
        pen.polygon(corners, fill=colour)
    pen.text((400, 330), "STOP", "#ffffff", ImageFont.load_default(190), anchor="mm")


def _umbrella(pen: Pen) -> None:
    colours = ("#d7263d", "#f2c14e")
    pen.line([(400, 80), (400, 640)], "#4a2f1b", 16)
    pen.arc((400 - 84, 590, 408, 690), 0, 180, "#4a2f1b", 16)
    pen.pieslice((80, 120, 720, 760), 180, 360, fill=colours[0])
    pen.pieslice((240, 120, 560, 760), 180, 360, fill=colours[1])
    pen.pieslice((345, 120, 455, 760), 180, 360, fill=colours[0])
    for left in range(80, 720, 160):
        # Scallops cut out of the lower edge.
        pen.ellipse((left, 405, left + 160, 475), fill=SKY)
    pen.line([(400, 404), (400, 640)], "#4a2f1b", 16)


def _balloon(pen: Pen) -> None:
    pen.ellipse(around(400, 300, 245), fill="#e4572e")
    for half, colour in ((165, "#f3a712"), (75, "#e4572e")):
        pen.ellipse((400 - half, 55, 400 + half, 545), fill=colour)
    pen.polygon([(238, 484), (562, 484), (450, 610), (350, 610)], fill="#a63c1c")
    for x in (355, 445):
        pen.line([(x, 608), (x, 672)], "#333333", 5)
    pen.rectangle((340, 670, 460, 750), fill="#8b5a2b")
    for y in (690, 710, 730):
        pen.line([(340, y), (460, y)], "#5e3a18", 4)


def _crossword(pen: Pen) -> None:
    rows = ("...#...#.", ".#.#.#.#.", ".....#...", "#.#.#.##.", "...#.#...", ".##.#.#.#",
            "...#.....", ".#.#.#.#.", ".#...#...")  # fmt: skip
    small, large = ImageFont.load_default(20), ImageFont.load_default(48)
    count = 0
    for row, line in enumerate(rows):
        for column, cell in enumerate(line):
            x, y = 40 + 80 * column, 40 + 80 * row
            fill = "#000000" if cell == "#" else "#ffffff"
            pen.rectangle((x, y, x + 80, y + 80), fill, "#000000", 3)
            if cell == "." and (row == 0 or column == 0 or line[column - 1] == "#"):
                count += 1
                pen.text((x + 6, y + 4), str(count), "#000000", small)
    for column, letter in enumerate("WATTS"):
        pen.text((82 + 80 * column, 246), letter, "#1d3f8a", large, anchor="mm")


def _abacus(pen: Pen) -> None:
    pen.rectangle((70, 110, 730, 690), outline="#7a4a21", width=36)
    colours = ("#d62828", "#f4a300", "#2a9d4a", "#1d5fbf", "#7b2d8b")
    for row, colour in enumerate(colours):
        y = 200 + 100 * row
        pen.line([(106, y), (694, y)], "#555555", 8)
        for bead in range(10):
            gap = 110 if bead >= 3 + row else 0
            x = 132 + 46 * bead + gap
            pen.ellipse((x - 21, y - 34, x + 21, y + 34), colour, "#222222", 2)


def _envelope(pen: Pen) -> None:
    pen.rectangle((90, 210, 710, 620), "#fbf3dc", "#7d7461", 6)
    pen.line([(90, 620), (340, 410)], "#b5ab92", 6)
    pen.line([(710, 620), (460, 410)], "#b5ab92", 6)
    pen.polygon([(90, 210), (710, 210), (400, 460)], "#f1e5c3", "#7d7461", 6)
    pen.ellipse(around(400, 440, 48), fill="#b3202c")


def _hourglass(pen: Pen) -> None:
    for y in (90, 660):
        pen.rounded_rectangle((200, y, 600, y + 50), 16, fill="#6b4423")
    for x in (225, 555):
        pen.rectangle((x, 140, x + 20, 660), fill="#8a5a33")
    glass = [(270, 140), (530, 140), (520, 280), (412, 400), (520, 520), (530, 660), (270, 660),
             (280, 520), (388, 400), (280, 280)]  # fmt: skip
    pen.polygon(glass, "#e6f3f8", "#6f8fa0", 6)
    pen.polygon([(291, 285), (509, 285), (406, 396), (394, 396)], fill="#e0b050")
    pen.line([(400, 396), (400, 640)], "#e0b050", 6)
    pen.polygon([(277, 656), (523, 656), (400, 545)], fill="#e0b050")


def _candle(pen: Pen) -> None:
    for radius, colour in ((230, "#33233a"), (160, "#4a3346"), (100, "#6b4a50")):
        pen.ellipse(around(400, 215, radius), fill=colour)
    pen.ellipse((200, 660, 600, 760), fill="#9a7b3c")
    pen.ellipse((240, 665, 560, 735), fill="#c49d4e")
    pen.rectangle((330, 330, 470, 695), fill="#f4ecd8")
    pen.ellipse((330, 670, 470, 720), fill="#f4ecd8")
    pen.ellipse((330, 310, 470, 350), fill="#fff7e2")
    pen.line([(400, 330), (400, 275)], "#222222", 8)
    pen.polygon([(400, 110), (445, 225), (355, 225)], fill="#ffb52e")
    pen.ellipse((352, 185, 448, 295), fill="#ffb52e")
    pen.ellipse((375, 215, 425, 290), fill="#fff3b0")


def _dumbbell(pen: Pen) -> None:
    pen.rectangle((0, 560, 800, 800), fill="#c9b79c")
    pen.rectangle((90, 388, 710, 432), fill="#aab2b8")
    for left, half in ((130, 120), (195, 165), (550, 165), (615, 120)):
        pen.rounded_rectangle((left, 410 - half, left + 55, 410 + half), 18, "#26282b", "#000000", 4)
    pen.rectangle((265, 380, 535, 440), fill="#7c858c")
    for x in range(285, 535, 20):
        pen.line([(x, 380), (x - 12, 440)], "#5d656b", 4)


def _jack_o_lantern(pen: Pen) -> None:
    pen.polygon([(370, 190), (430, 190), (450, 90), (400, 80)], fill="#3f6b2a")
    for left, right in ((90, 380), (420, 710), (180, 480), (320, 620), (270, 530)):
        pen.ellipse((left, 170, right, 690), "#e8741a", "#b9530d", 6)
    for x in (285, 515):
        pen.polygon([(x - 75, 400), (x + 75, 400), (x, 290)], fill="#ffd84a")
    pen.polygon([(370, 470), (430, 470), (400, 410)], fill="#ffd84a")
    mouth = [(220, 500), (290, 545), (310, 510), (350, 555), (400, 525), (450, 555), (490, 510),
             (510, 545), (580, 500), (530, 600), (470, 575), (440, 630), (360, 630), (330, 575),
             (270, 600)]  # fmt: skip
    pen.polygon(mouth, fill="#ffd84a")


def _bow_tie(pen: Pen) -> None:
    pen.polygon([(400, 400), (110, 230), (90, 420), (120, 570)], "#1f3c88", "#10204a", 5)
    pen.polygon([(400, 400), (690, 230), (710, 420), (680, 570)], "#1f3c88", "#10204a", 5)
    for x, y in ((160, 310), (160, 400), (160, 490), (230, 355), (230, 445), (300, 400)):
        for side in (x, 800 - x):
            pen.ellipse(around(side, y, 14), fill="#f4f4f4")
    pen.rounded_rectangle((350, 340, 450, 460), 24, "#182f6c", "#10204a", 5)


def _spider_web(pen: Pen) -> None:
    for spoke in range(14):
        pen.line([(400, 400), polar(400, 400, 390, spoke / 14)], "#e9efe9", 4)
    for ring in range(1, 11):
        for spoke in range(14):
            start, end = spoke / 14, (spoke + 1) / 14
            # Threads sag towards the middle of the web.
            middle = polar(400, 400, 33 * ring, start + 1 / 28)
            ends = polar(400, 400, 36 * ring, start), polar(400, 400, 36 * ring, end)
            pen.line([ends[0], middle, ends[1]], "#e9efe9", 3)


# Drawing, ImageNet classes, background.
DRAWINGS: tuple[tuple[Callable[[Pen], None], list[int] | int, str], ...] = (
    (_clock, [409, 892], WALL),
    (_digital_clock, 530, WALL),
    (_traffic_light, 920, SKY),
    (_stop_sign, 919, SKY),
    (_umbrella, 879, SKY),
    (_balloon, 417, SKY),
    (_crossword, 918, "#ffffff"),
    (_abacus, 398, WALL),
    (_envelope, 549, "#8fb0c9"),
    (_hourglass, 604, WALL),
    (_candle, 470, "#241a2b"),
    (_dumbbell, 543, WALL),
    (_jack_o_lantern, 607, "#1b1a2e"),
    (_bow_tie, 457, WALL),
    (_spider_web, 815, "#2f4033"),
)


def drawings() -> Iterator[tuple[str, list[int] | int, Image.Image]]:
    """Name, ImageNet classes and picture."""
    for draw, target, background in DRAWINGS:
        image = Image.new("RGB", (CANVAS, CANVAS), background)
        draw(ImageDraw.Draw(image))
        name = draw.__name__[1:].replace("_", "-")
        yield name, target, image.resize((CANVAS // 2, CANVAS // 2), Image.Resampling.LANCZOS)
