"""Say in words what an image shows, or what is written in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wattstar.types import WRITING, Controls, Kind, Output, Phase, Quality, Sample, ZeroShot

title = "image to text"
tag = "image-to-text"
inputs: Mapping[str, Kind] = {"image": Kind.IMAGE}
output = Kind.TEXT
controls = Controls(new_tokens=20, stops_early=True)
phases: tuple[Phase, ...] = WRITING
requires: tuple[str, ...] = ("pillow", "rouge-score", "jiwer")


def score(samples: Sequence[Sample], outputs: Sequence[Output]) -> Quality | None:
    """ROUGE-L to the best of a row's captions, and the word error rate of rows whose text is written in the image.

    A target is a list of captions, or what is written (str). Where there are no captions, the word error rate is the
    quality.
    """
    pairs = [(s.target, str(o.value)) for s, o in zip(samples, outputs, strict=True) if s.target]
    written = [(target, answer) for target, answer in pairs if isinstance(target, str)]
    captions = [(target, answer) for target, answer in pairs if not isinstance(target, str)]
    errors = _word_errors(written) if written else None
    if captions:
        further = {} if errors is None else {"word error rate": errors}
        value = sum(_overlap(target, answer) for target, answer in captions) / len(captions)
        return Quality("ROUGE-L", value, higher_is_better=True, n=len(captions), further=further)
    if errors is None:
        return None
    return Quality("word error rate", errors, higher_is_better=False, n=len(written))


def _overlap(references: Sequence[str], answer: str) -> float:
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(["rougeL"], use_stemmer=True)
    return float(scorer.score_multi(list(references), answer)["rougeL"].fmeasure)


def _word_errors(pairs: Sequence[tuple[str, str]]) -> float:
    import jiwer

    usual = jiwer.Compose(
        [
            jiwer.ToLowerCase(),
            jiwer.RemovePunctuation(),
            jiwer.RemoveMultipleSpaces(),
            jiwer.Strip(),
            jiwer.ReduceToListOfListOfWords(),
        ]
    )
    references, answers = [target for target, _ in pairs], [answer for _, answer in pairs]
    return float(jiwer.wer(references, answers, reference_transform=usual, hypothesis_transform=usual))


def _ask(given: Mapping[str, Any]) -> str:
    return "What does this image show or say? Answer in one short sentence."


def _read(words: str, given: Mapping[str, Any]) -> str:
    return words.strip()


zero_shot: ZeroShot | None = ZeroShot(_ask, _read, new_tokens=20)
