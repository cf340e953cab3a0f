"""How much better one model answers than another, sample by sample: what both find hard is no difference between them.

Any score of a task will do, also one that is no mean over samples (word error rate, rank correlation, mAP): it is
worked out again without each of 20 groups of samples (delete-a-group jackknife, Kott, Journal of Official Statistics
17, 2001, 521-526; the grouped form of Tukey's), and from how the two models' scores differ each time follows

    error² = (G − 1)/G · Σ (d₍g₎ − d̄)²,     half width = t(G − 1) · error.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from wattstar.records.intervals import student
from wattstar.types import Interval, Kind, Output, Quality, Sample, Task

GROUPS = 20
"""As few independent units as an interval may be told from (design §6.8)."""
Answer = tuple[Sample, Output]


@dataclass(frozen=True)
class Scores:
    """Of one model's answers."""

    samples: tuple[str, ...]
    """Ids, in order."""
    without: tuple[float, ...]
    """Each of the groups."""


def scores(answers: Sequence[Answer], task: Task) -> Scores | None:
    """The task's score without each group; None where a group has no score, or the answers were not kept.

    Of images only digests are kept.
    """
    if task.output is Kind.IMAGE or len(answers) < GROUPS:
        return None
    # Drawn, alike for every model: rows of a test set come from its sources in turns.
    drawn = random.Random(0).sample(list(answers), len(answers))
    groups = [drawn[number::GROUPS] for number in range(GROUPS)]
    alone, whole = [_score(group, task) for group in groups], _score(answers, task)
    if whole is None:
        return None
    known = [each for each in alone if each is not None]
    mean = sum(each.value * each.n for each in known) / max(sum(each.n for each in known), 1)
    if len(known) == GROUPS and sum(each.n for each in known) == whole.n and math.isclose(mean, whole.value):
        # A mean over samples: what is left without a group follows, and scoring once is enough.
        without = [(whole.value * whole.n - each.value * each.n) / (whole.n - each.n) for each in known]
    else:
        rest = [[pair for place, pair in enumerate(drawn) if place % GROUPS != number] for number in range(GROUPS)]
        found = [_score(group, task) for group in rest]
        without = [each.value for each in found if each is not None]
    ids = tuple(sample.id for sample, _ in answers)
    return Scores(ids, tuple(without)) if len(without) == GROUPS else None


def gain(thrifty: Quality | None, greedy: Quality | None, one: Scores | None, other: Scores | None) -> Interval | None:
    """The greedy model's quality less the thrifty one's; of unknown width where answers were not kept alike."""
    if thrifty is None or greedy is None or thrifty.name != greedy.name:
        return None
    mid = greedy.value - thrifty.value
    if one is None or other is None or one.samples != other.samples:
        return Interval(None, mid, None)
    differences = [second - first for first, second in zip(one.without, other.without, strict=True)]
    mean = fmean(differences)
    error = math.sqrt((GROUPS - 1) / GROUPS * sum((each - mean) ** 2 for each in differences))
    half = student(GROUPS - 1) * error
    return Interval(mid - half, mid, mid + half)


def _score(answers: Sequence[Answer], task: Task) -> Quality | None:
    return task.score([sample for sample, _ in answers], [output for _, output in answers])
