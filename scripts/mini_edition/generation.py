"""Text generation: passages with the text that really follows them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby

from .edition import Row, Samples, row
from .passages import chosen, joined
from .selection import shuffled
from .texts import BOOKS, KJV, MOBY, REJECTED, SOTU, Sentence, Work, is_clean

PROMPT_WORDS = (30, 90)
TARGET_WORDS = (20, 80)
PASSAGES = 30
"""Of each work, each from another speech or chapter."""
NOTE = (
    "Prompt of 30-90 words and the 20-80 words that follow it, whole {units}, in the order of a hash of the id, one "
    "passage {place}. Left out: passages with dated or offensive words, damaged text or many figures."
)
SOURCES = (
    replace(
        SOTU,
        note=f"{NOTE.format(units='sentences', place='a speech')} Paragraph marks are missing in the package's text.",
    ),
    replace(MOBY, note=NOTE.format(units="sentences of one paragraph", place="a chapter")),
    replace(
        KJV,
        note=f"{NOTE.format(units='verses', place='a chapter')} Books: {', '.join(BOOKS)}. Printing the whole work is "
        "a Crown privilege in the United Kingdom.",
    ),
)


def samples(works: list[Work]) -> Samples:
    """The rows of all works."""
    rows = [item for work in works for item in chosen(_continuations(work), PASSAGES, "gen")]
    return Samples("text-generation", SOURCES, shuffled(rows))


def _continuations(work: Work) -> Iterator[Row]:
    """Every passage, inside one paragraph, of a fair length and clean."""
    for _, group in groupby(work, key=lambda sentence: sentence.paragraph):
        paragraph = list(group)
        for start, first in enumerate(paragraph):
            prompt = _take(paragraph[start:], PROMPT_WORDS)
            target = prompt and _take(paragraph[start + len(prompt) :], TARGET_WORDS)
            if target and first.id not in REJECTED:
                yield row(first.id, first.work.name, joined(target), prompt=joined(prompt))


def _take(sentences: list[Sentence], bounds: tuple[int, int]) -> list[Sentence]:
    """The first sentences, up to where the lower bound is reached; none if that fails."""
    count = 0
    for place, sentence in enumerate(sentences, 1):
        count += sentence.words
        if not is_clean(sentence.text) or count > bounds[1]:
            break
        if count >= bounds[0]:
            return sentences[:place]
    return []
