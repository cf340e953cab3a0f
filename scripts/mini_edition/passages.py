"""Passages of a work: neighbouring sentences of one paragraph, all of them clean."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from .edition import Row
from .selection import rank
from .texts import REJECTED, Sentence, Work, is_clean

Passage = list[Sentence]


def passages(work: Work, bounds: tuple[int, int]) -> Iterator[Passage]:
    """From every sentence on, as many as are needed for so many words at least, if they are not too many then."""
    for _, group in groupby(work, key=lambda sentence: sentence.paragraph):
        paragraph = list(group)
        for start in range(len(paragraph)):
            if passage := _taken(paragraph[start:], bounds):
                yield passage


def joined(passage: Passage) -> str:
    """As running text."""
    return " ".join(sentence.text for sentence in passage)


def chosen(candidates: Iterable[Row], count: int, salt: str) -> list[Row]:
    """So many rows in the order of a hash of their id, each from another speech or chapter."""
    by_document: dict[str, Row] = {}
    for item in sorted(candidates, key=lambda item: rank(item["id"], salt)):
        by_document.setdefault(document(item["id"]), item)
    return list(by_document.values())[:count]


def document(name: str) -> str:
    """The speech or chapter that a sentence's id names."""
    return name.rpartition("-")[0]


def _taken(sentences: list[Sentence], bounds: tuple[int, int]) -> Passage:
    count = 0
    for place, sentence in enumerate(sentences, 1):
        count += sentence.words
        if sentence.id in REJECTED or not is_clean(sentence.text) or count > bounds[1]:
            break
        if count >= bounds[0]:
            return sentences[:place]
    return []
