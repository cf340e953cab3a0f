"""Text to image: sentences of two works that paint something, and own prompts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from .edition import Row, Samples, Source, row
from .passages import chosen
from .selection import shuffled
from .texts import KJV, MOBY, REJECTED, Work, is_clean

TASK = "text-to-image"
WORDS = range(8, 31)
OF_A_WORK = 24
NAME = "{} (sentences as prompts)"
NOTE = (
    "Sentences of 8-30 words that hold at least two words for things that can be seen, in the order of a hash of the "
    "id, one a chapter. There is no right image: no target."
)
OWN = Source(
    "own prompts (synthetic)",
    "written for the build script",
    "CC0-1.0",
    "own-work.txt",
    "A noun, what it is like and where it is, in the manner of prompts that people write. No target.",
    "synthetic",
)
SOURCES = (
    replace(MOBY, name=NAME.format(MOBY.name), note=NOTE),
    replace(KJV, name=NAME.format(KJV.name), note=NOTE),
    OWN,
)
# What stands alone in old texts is often meant otherwise: "hand", "house" and "eye" are left out.
VISIBLE = re.compile(
    r"\b(?:sea|ship|boat|whale|wave|sun|moon|star|cloud|sky|mountain|hill|river|stream|rock|tree|branch|leaf|flower|"
    r"lily|grass|field|vineyard|vine|fig|olive|garden|fountain|well|lamb|sheep|goat|ox|horse|camel|lion|dove|eagle|raven|"
    r"sparrow|fish|shark|gull|albatross|mast|sail|deck|harpoon|lantern|lamp|candle|fire|snow|rain|storm|rainbow|tent|"
    r"tower|gate|wall|bridge|road|island|shore|beach|sand|harbour|lighthouse|crown|robe|gold|silver|bread|basket|net|"
    r"anchor|wheel|barrel|table|window|door|garment|altar|stone|pillar)(?:s|es)?\b"
)
PROMPTS = (
    "A red bicycle leaning against a white garden wall, morning light",
    "An old wooden lighthouse on a cliff in a storm, oil painting",
    "A bowl of ripe oranges on a blue checkered tablecloth, still life",
    "A small robot watering tomato plants in a greenhouse",
    "A grey cat asleep on a pile of newspapers, soft focus",
    "A steam train crossing a stone bridge in autumn, watercolour",
    "A glass teapot with green tea on a wooden table, studio photograph",
    "A hot air balloon over a field of sunflowers at sunrise",
    "A busy street market in the rain, umbrellas of many colours",
    "An astronaut playing chess on the moon, digital art",
    "A snowy pine forest under northern lights, wide angle",
    "A paper boat floating in a puddle, macro photograph",
    "A library with spiral stairs and tall windows, evening sun",
    "A fox made of folded paper on a black background",
    "A windmill beside a canal with tulips, flat illustration",
    "A loaf of bread and a knife on a cutting board, top view",
    "A blue fishing boat in a quiet harbour at dawn, fog",
    "A desert road leading to distant mountains, vintage postcard",
    "A violin lying on sheet music, warm light",
    "A city skyline at night reflected in a river, long exposure",
    "A child's drawing of a house with a smiling sun",
    "A wooden chair in an empty white room, minimal",
    "An owl on a snow-covered branch, pencil sketch",
    "A field of solar panels below a sky with small clouds, aerial view",
)


def samples(works: list[Work]) -> Samples:
    """The rows of two works, and the own ones."""
    rows = [
        item for work in works if work[0].work in (MOBY, KJV) for item in chosen(_painting(work), OF_A_WORK, "prompt")
    ]
    rows += [row(f"own-{number:02d}", OWN.name, None, prompt=text) for number, text in enumerate(PROMPTS, 1)]
    return Samples(TASK, SOURCES, shuffled(rows))


def _painting(work: Work) -> Iterator[Row]:
    for sentence in work:
        usable = sentence.words in WORDS and sentence.id not in REJECTED and is_clean(sentence.text)
        if usable and len(set(VISIBLE.findall(sentence.text))) >= 2 and not sentence.text.endswith("?"):
            yield row(sentence.id, NAME.format(sentence.work.name), None, prompt=sentence.text)
