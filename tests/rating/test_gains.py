"""How much better: by sample, because what both models find hard is no difference between them."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from statistics import stdev
from typing import Any

import pytest

from wattstar import registry
from wattstar.rating.gains import GROUPS, Answer, Scores, gain, scores
from wattstar.types import Interval, Output, Quality, Sample


def answered(pairs: Sequence[tuple[Any, Any]]) -> list[Answer]:
    return [(Sample(str(i), "source", {}, target), Output(value)) for i, (target, value) in enumerate(pairs)]


def gained(task: str, first: list[Answer], second: list[Answer]) -> Interval:
    module = registry.task(task)
    qualities = [module.score([s for s, _ in each], [o for _, o in each]) for each in (first, second)]
    found = gain(*qualities, scores(first, module), scores(second, module))
    assert found is not None
    return found


def classes(right: Sequence[bool]) -> list[Answer]:
    return answered([(i % 2, i % 2 if well else 2) for i, well in enumerate(right)])


def test_of_a_mean_the_error_is_that_of_the_differences_sample_by_sample() -> None:
    """Twenty samples are twenty groups: Student's interval of 20 differences."""
    draw = random.Random(1)
    one, other = ([draw.random() < share for _ in range(GROUPS)] for share in (0.5, 0.8))
    differences = [int(b) - int(a) for a, b in zip(one, other, strict=True)]
    found = gained("image-classification", classes(one), classes(other))
    half = 2.093 * stdev(differences) / math.sqrt(GROUPS)
    assert found.mid == pytest.approx(sum(differences) / GROUPS)
    assert (found.low, found.high) == (pytest.approx(found.mid - half), pytest.approx(found.mid + half))


def test_models_that_err_alike_are_told_apart_though_each_score_is_unsure() -> None:
    """Both fail on the same 400 of 1,000; one also on ten more: ± 3 % of a score alone, ± 0.6 % of the difference."""
    hard = [i % 5 in (1, 3) for i in range(1000)]
    one = [not each for each in hard]
    other = [each and i % 100 for i, each in enumerate(one)]
    found = gained("image-classification", classes(one), classes([bool(each) for each in other]))
    assert found.mid == pytest.approx(-0.01)
    assert found.low is not None
    assert found.high is not None
    assert -0.02 < found.low < found.high < 0


@pytest.mark.parametrize("task", ["sentence-similarity", "automatic-speech-recognition"])
def test_scores_that_are_no_means_have_an_interval_too(task: str) -> None:
    """Of two models that know as much the interval holds 0, of one that guesses it does not."""
    draw = random.Random(2)

    def says(noise: float) -> list[Answer]:
        if task == "sentence-similarity":
            return answered([(i / 200, i / 200 + draw.gauss(0, noise)) for i in range(200)])
        words = [" ".join(str(draw.randrange(9)) for _ in range(10 + i % 3)) for i in range(200)]
        heard = (" ".join("x" if draw.random() < noise else word for word in each.split()) for each in words)
        return answered(list(zip(words, heard, strict=True)))

    good, as_good, bad = says(0.1), says(0.1), says(0.6)
    alike, worse = gained(task, good, as_good), gained(task, good, bad)
    assert alike.low is not None
    assert alike.high is not None
    assert alike.low < 0 < alike.high
    assert worse.low is not None
    assert worse.high is not None
    assert worse.low * worse.high > 0


def test_twins_are_rarely_called_better_or_worse() -> None:
    """Two models of the same skill, 200 times: about 5 % of the intervals miss 0."""
    draw = random.Random(3)

    def twin() -> list[Answer]:
        return classes([draw.random() < 0.7 for _ in range(100)])

    found = [gained("image-classification", twin(), twin()) for _ in range(200)]
    missed = sum(not (each.low or 0) <= 0 <= (each.high or 0) for each in found)
    assert 1 <= missed <= 22


def test_what_cannot_be_told_by_sample_has_no_width() -> None:
    kind = registry.task("image-classification")
    few, many = classes([True] * (GROUPS - 1)), classes([True] * 40)
    assert scores(few, kind) is None
    assert scores([], kind) is None
    assert scores(answered([(None, 1)] * 40), kind) is None, "nothing to score against"
    assert scores(answered([("x", "sha256:0")] * 40), registry.task("text-to-image")) is None
    assert scores(answered([("a", "b")] * 40), registry.task("text-classification")) is None, "other classes"
    one, other = Quality("top-1", 0.5, True, 40), Quality("top-1", 0.75, True, 40)
    known = scores(many, kind)
    assert gain(one, other, known, None) == Interval(None, 0.25, None)
    assert known is not None
    assert gain(one, other, known, Scores(known.samples[::-1], known.without)) == Interval(None, 0.25, None)
    assert gain(one, None, known, known) is None
    assert gain(one, Quality("F1", 0.5, True, 40), known, known) is None
