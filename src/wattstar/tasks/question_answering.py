"""Find the answer to a question in a text, or say that it has none."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from wattstar.types import Controls, Kind, Output, Phase, Quality, Sample, ZeroShot

title = "extractive question answering"
tag = "question-answering"
inputs: Mapping[str, Kind] = {"question": Kind.TEXT, "context": Kind.TEXT}
output = Kind.TEXT
controls = Controls(prompt_tokens=1024, input_tokens=384, stride=128, new_tokens=30)
phases: tuple[Phase, ...] = (Phase("forward", begins="batch"),)
requires: tuple[str, ...] = ()

NO_ANSWER = "unanswerable"


def score(samples: Sequence[Sample], outputs: Sequence[Output]) -> Quality | None:
    """F1 of words and exact match, after SQuAD 2.0's evaluation script: the best over a row's accepted answers.

    A target is a list of accepted answers; an empty one says that the text does not answer the question, and only
    an empty answer is right then.
    """
    pairs = [(_accepted(s.target), str(o.value)) for s, o in zip(samples, outputs, strict=True) if s.target is not None]
    if not pairs:
        return None
    exact = [max(float(normalise(a) == normalise(given)) for a in accepted) for accepted, given in pairs]
    shared = [max(_f1(a, given) for a in accepted) for accepted, given in pairs]
    further = {"exact match": sum(exact) / len(pairs)}
    return Quality("F1", sum(shared) / len(pairs), higher_is_better=True, n=len(pairs), further=further)


def normalise(answer: str) -> str:
    """Lower case, without punctuation, articles and superfluous blanks."""
    bare = "".join(sign for sign in answer.lower() if sign not in string.punctuation)
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", bare).split())


def _accepted(target: Any) -> list[str]:
    """Of the script: answers that are nothing once normalised do not count, and where none is left, "" is right."""
    answers = [target] if isinstance(target, str) else list(target)
    return [answer for answer in answers if normalise(answer)] or [""]


def _f1(accepted: str, given: str) -> float:
    wanted, found = normalise(accepted).split(), normalise(given).split()
    if not wanted or not found:
        return float(wanted == found)
    shared = sum((Counter(wanted) & Counter(found)).values())
    return 2 * shared / (len(wanted) + len(found))


def _ask(given: Mapping[str, Any]) -> str:
    return (
        f"Text: {given['context']}\n\nQuestion: {given['question']}\n"
        f'Answer with a few words copied from the text, or with "{NO_ANSWER}" if it does not say.'
    )


def _read(words: str, given: Mapping[str, Any]) -> str:
    """The first line; nothing where the model says that there is no answer."""
    line = next(iter(words.strip().splitlines()), "").strip().strip('"')
    return "" if NO_ANSWER in line.lower() else line.removeprefix("Answer:").strip()


zero_shot: ZeroShot | None = ZeroShot(_ask, _read, new_tokens=30)
