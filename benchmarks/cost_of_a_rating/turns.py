"""What a harness adds to each sample: two processes that are both loaded and warm take turns of seconds, A B B A.

wattstar runs as it always does, parent, meters and worker, and is frozen (SIGSTOP) with all its processes while it is
the bare loop's turn. Both serve the same few samples again and again; of each turn the first samples are left out, as
caches are cold. The time of a sample is from its begin to the next one's begin: what is done between samples counts.
"""

from __future__ import annotations

import json
import select
import shutil
import signal
import statistics
import subprocess
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

from benchmarks.cost_of_a_rating import watch

Stamp = tuple[int, int, int]
"""Place, begin and end in nanoseconds. Places count on from sample to sample; where one is missing, something else was
done between."""
LEFT_OUT = 2
"""Samples at the begin of a turn."""
SECONDS_TO_LOAD = 180.0


class NoAnswer(Exception):
    """A process said nothing in time, or ended."""


class Partner:
    """A process that is spoken to line by line; leaving the context ends it."""

    def __init__(self, words: Sequence[object], environment: Mapping[str, str], log: Path) -> None:
        """Name the command and the file for what it says on standard error."""
        self._words, self._environment, self._log = words, environment, log
        self._rest = b""

    def __enter__(self) -> Self:
        """Start it."""
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                list(map(str, self._words)),
                env=dict(self._environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        return self

    def __exit__(self, *error: object) -> None:
        """End it and all it started."""
        watch.end(self.process)
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()

    def ask(self, word: str, seconds: float) -> Any:
        """Say a word and wait for the JSON that answers it."""
        assert self.process.stdin is not None
        self.process.stdin.write(word.encode() + b"\n")
        self.process.stdin.flush()
        return json.loads(self.line(seconds))

    def line(self, seconds: float) -> str:
        """What it says next; ``NoAnswer`` after so many seconds."""
        assert self.process.stdout is not None
        deadline = time.monotonic() + seconds
        while b"\n" not in self._rest:
            ready, _, _ = select.select([self.process.stdout], [], [], max(0.0, deadline - time.monotonic()))
            data = self.process.stdout.read1(1 << 16) if ready else b""  # type: ignore[attr-defined]
            if not data:
                raise NoAnswer(f"{' '.join(map(str, self._words[:3]))} said nothing for {seconds:g} s; see {self._log}")
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        return line.decode()

    def wait_for(self, word: str, seconds: float) -> None:
        """Until it says so."""
        deadline = time.monotonic() + seconds
        while self.line(max(0.0, deadline - time.monotonic())) != word:
            pass


@contextmanager
def thawed(partner: Partner) -> Iterator[None]:
    """It runs inside, and is frozen outside."""
    watch.tell(watch.tree(partner.process.pid)[::-1], signal.SIGCONT)
    yield
    watch.tell(watch.tree(partner.process.pid), signal.SIGSTOP)


@dataclass(frozen=True)
class Turn:
    """One side's stamps of one turn."""

    harness: bool
    begin: int
    end: int
    stamps: tuple[Stamp, ...] = ()


def alternate(harness: Partner, bare: Partner, turns: int, seconds: float) -> list[Turn]:
    """A B B A …; the bare loop's turns with stamps, the harness's windows without: its own log has them."""
    made = []
    watch.tell(watch.tree(harness.process.pid), signal.SIGSTOP)
    for number in range(2 * turns):
        if number % 4 in (0, 3):
            with thawed(harness):
                begin = time.monotonic_ns()
                time.sleep(seconds)
                end = time.monotonic_ns()
            made.append(Turn(True, begin, end))
        else:
            stamps = bare.ask(f"serve {seconds}", seconds + 60)["stamps"]
            made.append(Turn(False, stamps[0][1], stamps[-1][2], tuple((p, b, e) for p, b, e in stamps)))
    return made


def interrupted(harness: Partner) -> None:
    """Thaw it and end it as Ctrl-C does, so that it writes its record."""
    with_all = watch.tree(harness.process.pid)
    watch.tell(with_all[::-1], signal.SIGCONT)
    watch.tell(with_all[:1], signal.SIGINT)
    harness.wait_for("interrupted", 60)


def served(turn: Turn, stamps: Sequence[Stamp], count: int) -> Mapping[int, list[tuple[float, float]]]:
    """Of each of ``count`` samples, how often it was served: seconds from begin to the next begin, and to its end."""
    inside = [stamp for stamp in stamps if turn.begin <= stamp[1] and stamp[2] <= turn.end]
    found: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for (place, begin, end), (following, after, _) in list(pairwise(inside))[LEFT_OUT:]:
        if following == place + 1:
            found[place % count].append(((after - begin) / 1e9, (end - begin) / 1e9))
    return found


@dataclass(frozen=True)
class Pair:
    """Two neighbouring turns, one of each side; ratios are the harness's time over the bare loop's."""

    single: tuple[float, ...]
    """Of each sample's median times."""
    inside: tuple[float, ...]
    """The same of the model's call alone."""
    whole: float
    """Of the sums over the samples of their mean times."""
    bare_seconds: float
    """A sample, by the bare loop."""


def compare(turns: Sequence[Turn], stamps: Sequence[Stamp], count: int) -> dict[str, Any]:
    """The harness's time a sample over the bare loop's, from each pair of neighbouring turns of both.

    ``per_sample``: median over samples and pairs of the ratio of a sample's median times. ``inside``: the same, of the
    model's call alone. ``per_turn``: of mean times, which also see what happens rarely; median over the pairs of turns.
    Raises ``NoAnswer`` where no two turns have a sample in common.
    """
    neighbours = [(one, other) for one, other in pairwise(turns) if one.harness != other.harness]
    pairs = [pair for one, other in neighbours if (pair := _pair(one, other, stamps, count))]
    if not pairs:
        raise NoAnswer("No two turns have a sample in common: the turns are too short.")
    return {
        "pairs_of_turns": len(pairs),
        "pairs_of_samples": sum(len(pair.single) for pair in pairs),
        "per_sample": summary([ratio for pair in pairs for ratio in pair.single]),
        "inside": summary([ratio for pair in pairs for ratio in pair.inside]),
        "per_turn": summary([pair.whole for pair in pairs]),
        "bare_seconds": statistics.median(pair.bare_seconds for pair in pairs),
        "turns": [pair.whole for pair in pairs],
    }


def _pair(one: Turn, other: Turn, stamps: Sequence[Stamp], count: int) -> Pair | None:
    harness, bare = (one, other) if one.harness else (other, one)
    sides = served(harness, stamps, count), served(bare, bare.stamps, count)
    both = sorted(sides[0].keys() & sides[1].keys())
    if not both:
        return None

    def ratios(which: int) -> tuple[float, ...]:
        return tuple(_middle(sides[0][sample], which) / _middle(sides[1][sample], which) for sample in both)

    sums = [sum(statistics.fmean(time for time, _ in side[sample]) for sample in both) for side in sides]
    return Pair(ratios(0), ratios(1), sums[0] / sums[1], sums[1] / len(both))


def _middle(times: Sequence[tuple[float, float]], which: int) -> float:
    return statistics.median(time[which] for time in times)


def summary(values: Sequence[float]) -> dict[str, float]:
    """Median with its 95 % interval by ranks (binomial, normal approximation)."""
    ordered = sorted(values)
    reach = 0.98 * len(ordered) ** 0.5
    low = max(0, round(len(ordered) / 2 - reach) - 1)
    high = min(len(ordered) - 1, round(len(ordered) / 2 + reach))
    return {"low": ordered[low], "mid": statistics.median(ordered), "high": ordered[high]}


@contextmanager
def loaded(words: Sequence[Any], environment: Mapping[str, str], folder: Path) -> Iterator[Partner]:
    """A bare loop that has loaded and served for a second."""
    with Partner(words, environment, folder / "bare.log") as bare:
        json.loads(bare.line(SECONDS_TO_LOAD))
        bare.ask("serve 1", SECONDS_TO_LOAD)
        yield bare


@contextmanager
def serving(words: Sequence[Any], environment: Mapping[str, str], folder: Path) -> Iterator[tuple[Partner, Path]]:
    """wattstar in its counted pass, and its store, which is new."""
    store = folder / "overhead"
    shutil.rmtree(store, ignore_errors=True)
    with Partner([*words, store], environment, folder / "serve.log") as harness:
        harness.wait_for("pass", SECONDS_TO_LOAD)
        yield harness, store
