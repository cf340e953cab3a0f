"""Image to text: what is in photographs and drawings, in own words, and rendered lines of three works."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

from .edition import Row, Samples, row
from .passages import chosen
from .selection import rank
from .texts import KJV, MOBY, REJECTED, SOTU, Sentence, Work, is_clean

TASK = "image-to-text"
WRITTEN = "Images of image classification; captions written for this edition, own work, CC0-1.0."
RENDERED = "{} (synthetic, rendered)"
RENDERED_NOTE = (
    "Sentences of 5-11 words, in the order of a hash of the id, one a {}, drawn with Pillow in its own font "
    "(Aileron Regular, CC0) in one or two lines; the target is what was drawn."
)
LINES = 12
"""Of each work."""
SENTENCE_WORDS = range(5, 12)
WIDTH, MARGIN = 520, 16
INKS = (("#111111", "#ffffff"), ("#1d2a4a", "#f6f1e3"), ("#f2f2f2", "#2b2b30"))
SOURCES = tuple(
    replace(work, name=RENDERED.format(work.name), kind="synthetic", note=RENDERED_NOTE.format(place))
    for work, place in ((SOTU, "speech"), (MOBY, "chapter"), (KJV, "chapter"))
)
CAPTIONS = {
    "photo-chelsea": ("A close-up of a tabby cat's face.", "A tabby cat with green eyes looks to the side."),
    "photo-coffee": (
        "A red cup of espresso on a red saucer with a spoon.",
        "A cup of coffee stands on a wooden table.",
        "An espresso in a red and white cup on a wooden table.",
    ),
    "photo-camera": (
        "A man in a dark coat looks through a camera on a tripod.",
        "A black and white photo of a man with a camera on a lawn.",
    ),
    "photo-brick": ("A wall of bricks.", "A close view of a brick wall."),
    "photo-grass": ("A patch of grass.", "Grass and fallen leaves, seen from above."),
    "photo-gravel": ("Gravel on the ground.", "Many small grey stones."),
    "photo-horse": ("The black silhouette of a horse.", "A black horse on a white background, seen from the side."),
    "photo-astronaut": (
        "A smiling woman in an orange space suit.",
        "An astronaut in an orange suit in front of a flag and a model of a space shuttle.",
        "A portrait of a woman astronaut holding a helmet.",
    ),
    "photo-shuttle": ("A model of a space shuttle.", "A model of a space shuttle on its tank with two boosters."),
    "photo-rocket": (
        "A rocket on its launch pad at dusk.",
        "A white rocket stands between towers before a launch.",
    ),
    "photo-hubble": ("Many galaxies in deep space.", "Galaxies and stars on a black sky, seen by a telescope."),
    "photo-acanthus": ("A plant with spiky leaves.", "An old photograph of a stem with thorny leaves."),
    "photo-allium": ("Flowers opening on a single stem.", "An old photograph of flower buds on a stem."),
    "photo-airplane": (
        "An old airplane seen from above.",
        "A propeller plane flies over fields, seen from above.",
        "A black and white photo of an airplane in flight.",
    ),
    "photo-canyon": (
        "A boat on a river in a canyon.",
        "A man sits in a small boat at the shore of a river between cliffs.",
    ),
    "photo-alps": ("Snowy mountains behind pine trees.", "A black and white photo of fir trees and mountains."),
    "photo-cat-motion": (
        "A series of photos of a walking and running cat.",
        "Many small pictures of a cat in motion.",
    ),
    "photo-pastoral": ("Sheep and lambs in a field.", "A flock of sheep with lambs on a meadow."),
    "photo-boats": (
        "Wooden boats on a river in front of a village.",
        "An old photograph of boats in Japan.",
    ),
    "photo-pavilion": (
        "A Chinese pavilion above a lake.",
        "A red tower with tiled roofs among trees beside a lake.",
    ),
    "photo-dahlia": ("An orange flower.", "A close-up of an orange dahlia with dark leaves behind it."),
    "drawing-clock": ("A drawing of a clock.", "A round clock with a brown frame."),
    "drawing-umbrella": ("A drawing of an umbrella.", "A red and yellow umbrella."),
    "drawing-stop-sign": ("A drawing of a stop sign.", "A red stop sign on a pole."),
    "drawing-candle": ("A drawing of a burning candle.", "A candle burns on a plate in the dark."),
    "drawing-balloon": ("A drawing of a hot air balloon.", "A red and orange balloon with a basket."),
}


def samples(shown: Samples, works: list[Work]) -> Samples:
    """Captions for images of ``shown`` (image classification), which are named and not copied, and rendered lines."""
    rows = [
        row(item["id"], item["source"], list(CAPTIONS[item["id"]]), image=item["input"]["image"])
        for item in shown.rows
        if item["id"] in CAPTIONS
    ]
    used = {item["source"] for item in rows}
    sources = tuple(replace(source, note=f"{WRITTEN} {source.note}") for source in shown.sources if source.name in used)
    files = {}
    for work in works:
        for item in chosen(_lines(work), LINES, "ocr"):
            files[item["input"]["image"]] = _rendered(item["id"], item["target"])
            rows.append(item)
    return Samples(TASK, (*sources, *SOURCES), rows, files)


def _lines(work: Work) -> Iterator[Row]:
    for sentence in work:
        if sentence.words in SENTENCE_WORDS and sentence.id not in REJECTED and _is_plain(sentence):
            path = f"{TASK}/{sentence.id}.png"
            yield row(sentence.id, RENDERED.format(sentence.work.name), sentence.text, image=path)


def _is_plain(sentence: Sentence) -> bool:
    """Whether the font has all its signs, and a reader could not mistake one for another."""
    return is_clean(sentence.text) and sentence.text.isascii() and '"' not in sentence.text


def _rendered(name: str, text: str) -> bytes:
    """One or two lines, whose size and ink the hash of the name decides."""
    chance = bytes.fromhex(rank(name, "render"))
    font = ImageFont.load_default(24 + chance[0] % 9)
    ink, paper = INKS[chance[1] % len(INKS)]
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) > WIDTH - 2 * MARGIN:
            lines.append(word)
        else:
            lines[-1] = longer
    height = round(getattr(font, "size", 24) * 1.35)
    image = Image.new("RGB", (WIDTH, height * len(lines) + 2 * MARGIN), paper)
    pen = ImageDraw.Draw(image)
    for number, line in enumerate(lines):
        pen.text((MARGIN, MARGIN + number * height), line, ink, font)
    file = BytesIO()
    image.quantize(16).save(file, "PNG", optimize=True)
    return file.getvalue()
