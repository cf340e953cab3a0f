"""Sentence similarity: pairs made from three works, graded by how they were made."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise

from .edition import Row, Samples, Source, row
from .selection import rank, shuffled, words
from .texts import KJV, MOBY, REJECTED, SOTU, STDLIB_LICENCE, STDLIB_NOTICE, Sentence, Work, is_clean

PAIR_WORDS = range(12, 41)
FAR = 20
"""Years or chapters. Any other book of the Bible is far away."""
NAME = "{} (synthetic pairs)"
TWO_WORKS = "two works"
NOTE = (
    "Graded by construction, not by people: 4 = one or two words dropped or two clauses swapped, 3 = a sentence and "
    "its first half to four fifths, 2 = neighbouring sentences, 1 = sentences far apart in the work, 0 = sentences of "
    "different works. {} A sentence serves once."
)


def _paired(source: Source, remark: str) -> Source:
    return replace(source, name=NAME.format(source.name), kind="synthetic", note=NOTE.format(remark))


SOURCES = (
    _paired(SOTU, "Far apart = twenty years or more."),
    _paired(MOBY, "Far apart = twenty chapters or more."),
    _paired(KJV, "Verses as sentences; far apart = another book."),
    _paired(
        Source(
            TWO_WORKS,
            "; ".join(source.origin for source in (SOTU, MOBY, KJV)),
            f"{STDLIB_LICENCE} AND {KJV.licence}",
            STDLIB_NOTICE,
        ),
        f"See also notice {KJV.notice}.",
    ),
)

# Words that can go without changing what a sentence says …
DROPPABLE = re.compile(
    r",? (also|very|indeed|therefore|still|great|now|certainly|fully|entirely|especially|already|much|then|thus|highly|"
    r"greatly|exceedingly|truly|surely|likewise|rather|quite|respectfully|earnestly|carefully|largely|perfectly|wholly|"
    r"altogether|moreover|however)\b,?(?= [a-z])"
)
# … unless they are part of "much as", "rather than", "so much" and the like.
BOUND = re.compile(
    r"\b(rather|then|much|very|still) (than|as|of|more|less)\b|\b(so|as|too|how) (much|great|very)\b|"
    r"\b(a|the|very) great (deal|many|part)\b"
)
CLAUSES = re.compile(r"([A-Z][^;:]+)[;:] ([a-z][^;:]+)\.")
# A first word in this list can be written small when its clause moves to the end.
LOWERABLE = words("The It In He They We This That There No All She His Their Our A An")
# A clause opening with one of these leans on the clause before it.
DEPENDENT = words(
    "and but for or nor so which yet that while though as when if who whose whom where because nevertheless otherwise "
    "hence it its they them he him his this these those neither none"
)
CLAUSE_START = re.compile(
    r"[;:] (?=[a-z])|, (?=(?:and (?:the|it|he|they|we|I|that)|but|so that|which|while|for|having|because|since|until|"
    r"unless|although|though) )"
)
# "If this, …" and the like are no whole sentence without what follows.
SUBORDINATE = words("If When Though Although While As Since Because")


def samples(works: list[Work]) -> Samples:
    """Twenty pairs of each grade: seven, seven and six of the three works."""
    rows: list[Row] = []
    used = set(REJECTED)
    for share, candidates in _pools(works):
        wanted = len(rows) + share
        for item in sorted(candidates, key=lambda item: rank(item["id"], "pair")):
            # A sentence serves once, so that no row helps to guess another.
            names = set(item["id"].partition("-")[2].split("_"))
            if len(rows) < wanted and not names & used:
                used |= names
                rows.append(item)
    return Samples("sentence-similarity", SOURCES, shuffled(rows))


def _pools(works: list[Work]) -> Iterator[tuple[int, list[Row]]]:
    """How many pairs are wanted, and all that can be made."""
    fit = [[sentence for sentence in work if _is_fit(sentence)] for work in works]
    for work, own, other in zip(works, fit, fit[1:] + fit[:1], strict=True):
        share = 6 if own[0].work == KJV else 7
        yield share - 3, _edited(own, 4, drop_words)
        yield 3, _edited(own, 4, swap_clauses)
        yield share, _edited(own, 3, substantial_part)
        yield share, _neighbours(work)
        yield share, _distant(own, own, 1)
        yield share, _distant(own, other, 0)


def _is_fit(sentence: Sentence) -> bool:
    """Whether a sentence can stand on its own in a pair."""
    text = sentence.text
    return sentence.words in PAIR_WORDS and text.endswith(".") and not re.search(r"[\"“”]", text) and is_clean(text)


def _edited(sentences: list[Sentence], grade: int, edit: Callable[[str], str | None]) -> list[Row]:
    made = ((sentence, edit(sentence.text)) for sentence in sentences)
    return [_pair(grade, sentence.id, sentence.work.name, (sentence.text, text)) for sentence, text in made if text]


def _neighbours(work: Work) -> list[Row]:
    return [
        _pair_of(2, first, second)
        for first, second in pairwise(work)
        if first.paragraph == second.paragraph and _is_fit(first) and _is_fit(second)
    ]


def _distant(first: list[Sentence], second: list[Sentence], grade: int) -> list[Row]:
    """Pairs from far apart in one work, or from two works."""
    left = sorted(first, key=lambda sentence: rank(sentence.id, f"left{grade}"))
    right = sorted(second, key=lambda sentence: rank(sentence.id, f"right{grade}"))
    return [
        _pair_of(grade, one, other)
        for one, other in zip(left, right, strict=False)
        if one.work != other.work or abs(one.document - other.document) >= (1 if one.work == KJV else FAR)
    ]


def _pair_of(grade: int, one: Sentence, other: Sentence) -> Row:
    work = one.work.name if one.work == other.work else TWO_WORKS
    return _pair(grade, f"{one.id}_{other.id}", work, (one.text, other.text))


def _pair(grade: int, name: str, work: str, texts: tuple[str, str]) -> Row:
    return row(f"pair{grade}-{name}", NAME.format(work), float(grade), sentence1=texts[0], sentence2=texts[1])


def drop_words(text: str) -> str | None:
    """The sentence without one or two words that carry little meaning."""
    edited = DROPPABLE.sub("", text, count=2)
    return None if edited == text or BOUND.search(text) else edited


def swap_clauses(text: str) -> str | None:
    """ "A; b." as "B; a." where neither clause leans on the other."""
    match = CLAUSES.fullmatch(text)
    if not match:
        return None
    first, second = match.groups()
    if first.split()[0] not in LOWERABLE or second.split()[0].strip(",") in DEPENDENT:
        return None
    leaning = re.search(r"\b(which|whom|whose)\b", " ".join(second.split()[:6]))
    if leaning or min(len(first.split()), len(second.split())) < 5:
        return None
    return f"{second[0].upper()}{second[1:]}; {first[0].lower()}{first[1:]}."


def substantial_part(text: str) -> str | None:
    """The first half to four fifths of a sentence, up to where a new clause begins."""
    if text.split()[0] in SUBORDINATE:
        return None
    total = len(text.split())
    for match in reversed(list(CLAUSE_START.finditer(text))):
        part = text[: match.start()]
        size = len(part.split())
        loose = part.split()[-1].strip(",") in DEPENDENT or re.search(r"\bbetween\b|[(—]", part)
        if size >= 7 and 0.5 <= size / total <= 0.8 and not loose:
            return part + "."
    return None
