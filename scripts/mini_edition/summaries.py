"""Summarization: passages without their principal sentence, which stands for the summary that nobody wrote."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from .edition import Row, Samples, Source, row
from .passages import Passage, chosen, joined, passages
from .selection import shuffled
from .texts import KJV, MOBY, SOTU, Work

NAME = "{} (synthetic reference: gap sentence)"
PASSAGE_WORDS = (120, 300)
REFERENCE_WORDS = range(10, 56)
PASSAGES = 28
"""Of each work, each from another speech or chapter."""
NOTE = (
    "No summary of these texts was written by anybody. The reference is the passage's principal sentence, taken out of "
    "the text: the one whose words overlap most (F1) with those of the others, as in the pre-training of PEGASUS "
    "(Zhang et al. 2020). ROUGE-L against it ranks models that see the same rows; it does not say how good a summary "
    "is. 120-300 words in {}, in the order of a hash of the id, one passage {}."
)


def _gapped(work: Source, units: str, place: str) -> Source:
    return replace(work, name=NAME.format(work.name), kind="synthetic", note=NOTE.format(units, place))


SOURCES = (
    _gapped(SOTU, "whole sentences", "a speech"),
    _gapped(MOBY, "whole sentences of one paragraph", "a chapter"),
    _gapped(KJV, "whole verses of one chapter", "a chapter"),
)


def samples(works: list[Work]) -> Samples:
    """The rows of all works."""
    rows = [item for work in works for item in chosen(_gaps(work), PASSAGES, "sum")]
    return Samples("summarization", SOURCES, shuffled(rows))


def _gaps(work: Work) -> Iterator[Row]:
    for passage in passages(work, PASSAGE_WORDS):
        place = _principal(passage)
        rest = passage[:place] + passage[place + 1 :]
        text, reference = joined(rest), passage[place].text
        # A refrain would still stand in the text.
        if len(rest) >= 4 and passage[place].words in REFERENCE_WORDS and reference not in text:
            first = passage[0]
            yield row(first.id, NAME.format(first.work.name), reference, text=text)


def _principal(passage: Passage) -> int:
    """The sentence whose words overlap most with those of the others; the first of equals."""
    words = [Counter(re.findall(r"[a-z]+", sentence.text.lower())) for sentence in passage]
    whole = sum(words, Counter[str]())
    scores = []
    for own in words:
        rest = whole - own
        scores.append(2 * (own & rest).total() / (own.total() + rest.total()))
    return scores.index(max(scores))
