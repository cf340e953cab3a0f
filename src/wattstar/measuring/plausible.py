"""What does not happen while a device does the same work again and again: in the timeline of its counter, in its time.

``window`` is that of a counted pass. A device's own limit says more where it is known: ``timeline.jumps``.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from statistics import median

from wattstar.types import Mark, Method, Timeline, Window

STILL_SECONDS, STILL_SHARE = 1.0, 0.005
"""A busy device does not draw less than so small a share of its usual power for so long."""
LEAP, LEAST_STEPS = 20.0, 20
"""Of so many steps, one with more energy than all others and so many times the usual power is no work."""

STALL_SECONDS, STALL = 1.0, 5.0
"""A batch that takes so much longer, and so many times as long, as it usually does was held up."""


def falls(line: Timeline, window: Window) -> float | None:
    """Joules by which the total fell in a window, at the most at once: the counter began anew. None: it never did."""
    lowest = min((joules for _, joules in _steps(line, window)), default=0.0)
    return -lowest if lowest < 0 else None


def stands_still(line: Timeline, window: Window) -> float | None:
    """Seconds for which a counter stood still in a window, where they are too many for a busy device; else None.

    What a meter adds up from power may well be nothing for a while, and so may an estimate.
    """
    steps = list(_steps(line, window))
    drawn = [joules / duration for duration, joules in steps if joules > 0]
    if line.method is not Method.COUNTER or not drawn:
        return None
    least = STILL_SHARE * median(drawn)
    longest = run = 0.0
    for duration, joules in steps:
        run = run + duration if joules < least * duration else 0.0
        longest = max(longest, run)
    # Between two reads, or two refreshes, nobody knows.
    unseen = 2 * max(line.gaps, default=0) / 1e9
    return longest if longest >= max(STILL_SECONDS, unseen) else None


def leaps(line: Timeline, window: Window) -> float | None:
    """Watts of a step that dwarfs all others of a window, of a device whose limit is not known; None: there is none."""
    steps = list(_steps(line, window))
    drawn = [joules / duration for duration, joules in steps if joules > 0]
    if line.most_watts is not None or len(drawn) < LEAST_STEPS:
        return None
    duration, joules = max(steps, key=lambda step: step[1])
    others = sum(step[1] for step in steps) - joules
    watts = joules / duration
    return watts if joules > others and watts > LEAP * median(drawn) else None


def stalls(marks: Sequence[Mark]) -> Mapping[int, float]:
    """Pass → seconds for which some of its batches were held up: longer than those of the same place in other passes.

    One place holds the same samples in every pass. Of one pass alone, or two, nothing can be said.
    """
    begun = {(mark.pass_index, mark.batch): mark.time for mark in marks if mark.name == "batch"}
    places: dict[int, dict[int, float]] = defaultdict(dict)
    for mark in marks:
        began = begun.get((mark.pass_index, mark.batch))
        if mark.name == "batch_end" and mark.pass_index is not None and mark.batch is not None and began is not None:
            places[mark.batch][mark.pass_index] = (mark.time - began) / 1e9
    lost: dict[int, float] = defaultdict(float)
    for taken in (taken for taken in places.values() if len(taken) > 2):
        usual = median(taken.values())
        for index, seconds in taken.items():
            if seconds > max(usual + STALL_SECONDS, STALL * usual):
                lost[index] += seconds - usual
    return lost


def _steps(line: Timeline, window: Window) -> Iterator[tuple[float, float]]:
    """Seconds and joules of each step that lies in the window, or reaches into it."""
    first = max(bisect_right(line.times, window.begin) - 1, 0)
    last = min(bisect_left(line.times, window.end), len(line.times) - 1)
    for i in range(first, last):
        yield (line.times[i + 1] - line.times[i]) / 1e9, line.joules[i + 1] - line.joules[i]
