"""Quality scores are those worked out by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest

from wattstar import registry
from wattstar.types import Output, Quality, Sample


def score(task: str, pairs: Sequence[tuple[Any, Any]]) -> Quality | None:
    samples = [Sample(str(i), "source", {}, target) for i, (target, _) in enumerate(pairs)]
    return registry.task(task).score(samples, [Output(value) for _, value in pairs])


def value(task: str, pairs: Sequence[tuple[Any, Any]]) -> float:
    quality = score(task, pairs)
    assert quality is not None
    return quality.value


def test_accuracy_is_the_share_of_right_labels_whatever_their_case() -> None:
    pairs = [("benign", "BENIGN"), ("injection", "benign"), ("1", 1), (None, "benign")]
    quality = score("text-classification", pairs)
    assert quality == Quality("accuracy", 2 / 3, True, 3, {"macro F1": pytest.approx((2 / 3 + 0 + 1) / 3)})


def test_a_false_target_is_a_target() -> None:
    assert value("text-classification", [(0, 0), (0, 1)]) == 0.5
    assert score("image-classification", [(0, 0), (0, 1)]) == Quality("top-1", 0.5, higher_is_better=True, n=2)


def test_top_1_takes_any_of_several_right_classes() -> None:
    pairs = [(7, 7), ([1, 2], 2), ([1, 2], 3), (None, 5)]
    assert score("image-classification", pairs) == Quality("top-1", 2 / 3, higher_is_better=True, n=3)


def test_spearman_looks_at_ranks_only() -> None:
    assert value("sentence-similarity", [(0, -5.0), (1, 0.1), (2, 0.2), (3, 1e9)]) == pytest.approx(1)
    assert value("sentence-similarity", [(0, 3.0), (1, 2.0), (2, 1.0)]) == pytest.approx(-1)
    # Ranks 1 2 3 4 against 1 3 2 4: 1 − 6·2 / (4·15).
    assert value("sentence-similarity", [(0, 0.1), (1, 0.3), (2, 0.2), (3, 0.4)]) == pytest.approx(0.8)


@pytest.mark.parametrize("pairs", [[(1, 0.5), (2, 0.5)], [(1, 0.5), (1, 0.6)], [(1, 0.5)], [(1, math.nan), (2, 0.1)]])
def test_where_a_correlation_means_nothing_there_is_none(pairs: list[tuple[float, float]]) -> None:
    assert score("sentence-similarity", pairs) is None


@pytest.mark.parametrize(
    ("target", "answer", "rate"),
    [
        ("the cat sat", "The cat sat.", 0.0),
        ("it's here", "it is here", 0.0),
        ("well-known fact", "well known fact", 0.0),
        ("one two three four", "one two four", 0.25),
        ("one two", "one two three", 0.5),
        ("one two", "", 1.0),
        ("one", "two three four", 3.0),
    ],
)
def test_word_error_rate_is_that_of_words_after_the_usual_normalisation(target: str, answer: str, rate: float) -> None:
    quality = score("automatic-speech-recognition", [(target, answer)])
    assert quality == Quality("word error rate", pytest.approx(rate), higher_is_better=False, n=1)


def test_word_error_rate_weighs_clips_by_their_words() -> None:
    pairs = [("one two three four", "one two three four"), ("five", "six"), ("", "noise")]
    quality = score("automatic-speech-recognition", pairs)
    assert quality == Quality("word error rate", pytest.approx(1 / 5), higher_is_better=False, n=2)


def test_generated_text_has_no_right_answer_yet() -> None:
    assert score("text-generation", [("target", "answer")]) is None
