"""Question answering: questions that patterns put to three works, a quarter of them without an answer."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import zip_longest

from .edition import Row, Samples, Source, row
from .passages import document, joined, passages
from .selection import rank, shuffled, words
from .texts import KJV, MOBY, SOTU, Work

NAME = "{} (synthetic questions)"
CONTEXT_WORDS = (60, 180)
ANSWERED, UNANSWERED = 24, 8
"""Of each work."""
NOTE = (
    "Questions were made by patterns, not by people: {}. An empty target: the text does not say. Texts of 60-180 words "
    "in whole sentences, in the order of a hash of the id; at most two of a speech or chapter."
)


def _questioned(work: Source, questions: str) -> Source:
    return replace(work, name=NAME.format(work.name), kind="synthetic", note=NOTE.format(questions))


SOURCES = (
    _questioned(SOTU, "the only year, month or foreign country that a text names"),
    _questioned(MOBY, "the only person of a list that a text names, or who said a quoted sentence"),
    _questioned(KJV, "the only place of a list that a text names, or who spoke to whom"),
)
NATIONS = (
    "Great Britain|Britain|England|Scotland|Ireland|France|Spain|Portugal|Belgium|Netherlands|Denmark|Norway|Sweden|"
    "Russia|Prussia|Germany|Austria|Hungary|Switzerland|Italy|Greece|Turkey|Poland|Egypt|Morocco|Algiers|Tunis|Tripoli|"
    "Liberia|Persia|Siam|Korea|Japan|Hawaii|Canada|(?<!New )Mexico|Texas|Cuba|Haiti|Santo Domingo|Guatemala|Honduras|"
    "Salvador|Nicaragua|Costa Rica|Panama|Colombia|Venezuela|Ecuador|Peru|Bolivia|Chile|Argentine Republic|Brazil"
)
MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
PERSONS = (
    "Ahab|Starbuck|Stubb|Flask|Peleg|Bildad|Elijah|Father Mapple|Boomer|Bunger|Perth|Gabriel|Steelkilt|Radney|Jonah"
)
PLACES = (
    "Jerusalem|Bethlehem|Nazareth|Galilee|Capernaum|Jericho|Samaria|Judaea|Bethany|Bethel|Hebron|Canaan|Egypt|Goshen|"
    "Babylon|Assyria|Damascus|Antioch|Ephesus|Corinth|Athens|Cyprus|Macedonia|Philippi|Caesarea|Joppa|Rome|Syria|Moab|"
    "Midian|Haran|Sinai|Horeb|Zion|Jordan|Lebanon|Tyre|Sidon|Ramah|Shechem|Nineveh|Cana|Gerar|Gilead|"
    "Judah|Israel|Mamre|Zoan|Arnon|Abelmizraim|Sodom|Gaza|Ashdod|Ophir|Eden|Shiloh|Salem|Pamphylia|Cilicia|Asia"
)
# These are peoples and men too.
AMBIGUOUS = frozenset(words("Israel Judah"))
# What a question asks for, and the pattern of which its text holds one value, or none.
FIXED = {
    SOTU: (
        ("Which year does the text name?", r"1[78]\d\d|19[0-2]\d"),
        ("Which month does the text name?", MONTHS),
        ("Which foreign country does the text name?", NATIONS),
    ),
    MOBY: (("Which person does the text name?", PERSONS),),
    KJV: (("Which place does the text name?", PLACES),),
}
SPOKE = re.compile(r"\b(the LORD|God|[A-Z][a-z]+) (?:said|spake|answered and said) unto (God|[A-Z][a-z]+)\b")
CRIED = re.compile(
    r'(?:^| )"([A-Z][^"]{11,140}?)[,—]*" (?:said|cried|muttered|exclaimed|replied|answered) ([A-Z][a-z]+)'
)
NO_NAMES = frozenset(words("And He They The Then She It I Now But Thou Ye We Thus So Captain Who"))


@dataclass(frozen=True)
class Asked:
    """A text and what it is asked."""

    id: str
    work: Source
    context: str
    kind: str
    question: str
    answers: tuple[str, ...]
    names: tuple[str, ...] = ()
    """Whom the question is about; a text that holds none of them does not answer it."""


def samples(works: list[Work]) -> Samples:
    """The rows of all works."""
    rows: list[Row] = []
    for work in works:
        contexts = [(passage[0].id, joined(passage)) for passage in passages(work, CONTEXT_WORDS)]
        source = work[0].work
        fixed = list(_fixed(source, contexts))
        spoken = list(_spoken(source, contexts))
        served: Counter[str] = Counter()
        rows += _picked([item for item in (*fixed, *spoken) if item.answers], ANSWERED, served)
        rows += _picked([item for item in fixed if not item.answers] + _displaced(spoken), UNANSWERED, served)
    return Samples("question-answering", SOURCES, shuffled(rows))


def _fixed(source: Source, contexts: Iterable[tuple[str, str]]) -> Iterator[Asked]:
    for name, text in contexts:
        for question, pattern in FIXED[source]:
            found = tuple(set(re.findall(rf"\b(?:{pattern})\b", text)))
            if len(found) <= 1 and not AMBIGUOUS & set(found):
                yield Asked(name, source, text, question, question, found)


def _spoken(source: Source, contexts: Iterable[tuple[str, str]]) -> Iterator[Asked]:
    """Who said what to whom, where it is said of one only."""
    for name, text in contexts:
        if source == MOBY:
            for words_said, speaker in CRIED.findall(text):
                if speaker not in NO_NAMES and len(CRIED.findall(text)) == 1:
                    yield Asked(name, source, text, "who", f'Who said "{words_said}"?', (speaker,), (words_said,))
        if source == KJV:
            found = SPOKE.findall(text)
            if len(found) == 1 and not NO_NAMES & set(found[0]):
                [(speaker, hearer)] = found
                answers = tuple(dict.fromkeys((speaker, speaker.removeprefix("the "))))
                yield Asked(name, source, text, "who", f"Who spoke to {hearer}?", answers, (hearer,))
                yield Asked(name, source, text, "whom", f"To whom did {speaker} speak?", (hearer,), (speaker,))


def _displaced(items: list[Asked]) -> list[Asked]:
    """Questions put to a text of another chapter, which says nothing of them."""
    contexts = sorted(items, key=lambda item: rank(item.id, "context"))
    questions = sorted(items, key=lambda item: rank(item.id, "question"))
    return [
        replace(question, id=context.id, context=context.context, answers=())
        for context, question in zip(contexts, questions, strict=True)
        if document(context.id) != document(question.id)
        and not any(name in context.context for name in (*question.names, *question.answers))
    ]


def _picked(items: list[Asked], count: int, served: Counter[str]) -> list[Row]:
    """So many rows, kinds of questions taking turns, a text once and a chapter twice at most."""
    by_kind: dict[str, list[Asked]] = {}
    for item in sorted(items, key=lambda item: rank(f"{item.id}:{item.kind}", "qa")):
        by_kind.setdefault(item.kind, []).append(item)
    rows: list[Row] = []
    for item in (item for turn in zip_longest(*by_kind.values()) for item in turn if item is not None):
        chapter = document(item.id)
        if len(rows) < count and served[chapter] < 2 and not served[item.id]:
            served.update((chapter, item.id))
            inputs = {"question": item.question, "context": item.context}
            rows.append(row(f"{item.id}", NAME.format(item.work.name), list(item.answers), **inputs))
    return rows
