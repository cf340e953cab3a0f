"""Say in a few sentences what a text says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wattstar.types import WRITING, Controls, Kind, Output, Phase, Quality, Sample, ZeroShot

title = "summarization"
tag = "summarization"
inputs: Mapping[str, Kind] = {"text": Kind.TEXT}
output = Kind.TEXT
controls = Controls(prompt_tokens=512, new_tokens=60, stops_early=True, thinking="off")
phases: tuple[Phase, ...] = WRITING
requires: tuple[str, ...] = ("rouge-score",)


def score(samples: Sequence[Sample], outputs: Sequence[Output]) -> Quality | None:
    """ROUGE-L (F-measure, stemmed, mean over rows; Lin 2004), and how long answers are beside their references."""
    from rouge_score.rouge_scorer import RougeScorer

    pairs = [(str(s.target), str(o.value)) for s, o in zip(samples, outputs, strict=True) if s.target]
    if not pairs:
        return None
    scorer = RougeScorer(["rougeL"], use_stemmer=True)
    found = [scorer.score(target, answer)["rougeL"].fmeasure for target, answer in pairs]
    ratio = sum(len(answer.split()) for _, answer in pairs) / sum(len(target.split()) for target, _ in pairs)
    value = sum(found) / len(found)
    return Quality("ROUGE-L", value, higher_is_better=True, n=len(pairs), further={"words to reference's": ratio})


def _ask(given: Mapping[str, Any]) -> str:
    return f"Summarize the following text in one or two sentences.\n\n{given['text']}"


def _read(words: str, given: Mapping[str, Any]) -> str:
    return words.strip()


zero_shot: ZeroShot | None = ZeroShot(_ask, _read, new_tokens=60)
