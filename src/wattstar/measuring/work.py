"""What a worker does with the batches of its job: serve them in the order of the procedure, and stamp when."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from wattstar.measuring.channel import Channel
from wattstar.measuring.steady import ROUNDS_A_PASS
from wattstar.types import Batch, Mark, Output, Procedure, Session

BLOCKS = 4
"""A pass is told in so many parts."""
BLOCKS_OF_A_SUBSET = 20
"""Each of like work, which energy is fitted over."""
ROUNDING = 1e-9
"""Of a number of repeats, so that 2.0000000001 is 2."""


@dataclass
class Work:
    """Serves batches and stamps them."""

    procedure: Procedure
    session: Session
    channel: Channel
    works: Mapping[str, float] = field(default_factory=dict)
    """Sample id → ``testsets.work``, where a subset stands for all."""
    batches: Sequence[Batch] = ()
    order: Sequence[int] = ()
    """Of a pass: indexes of batches; known once it is warm."""
    blocks: Sequence[range] = ()
    """Places in the order."""
    repeats: int = 1
    outputs: list[Output] = field(default_factory=list)
    """Of the last pass."""
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """Sample id → what its share of its batch took, each time."""

    def mark(self, name: str, pass_index: int | None = None, batch: int | None = None) -> int:
        """Stamp."""
        now = self.session.now()
        self.channel.mark(Mark(name, now, pass_index, batch))
        return now

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Stamp a part of the work that is shown beside the rated one."""
        self.channel.flush(self.mark(name))
        yield
        self.channel.flush(self.mark(name + "_end"))

    def idle(self, name: str) -> None:
        """The model is loaded and nothing is asked."""
        if self.procedure.idle_seconds:
            with self.stage(name):
                self.session.sleep(self.procedure.idle_seconds)

    def warm_up(self) -> None:
        """Serve every batch once, then rounds of equal work until the parent has seen that they are steady.

        It judges a round while the next one runs: a device that waits for the verdict would cool down.
        """
        with self.stage("warm_up"):
            cold = [self._uncounted(batch) for batch in self.batches]
            served, _ = self._round(0)
            index, word, told = 0, "again", ""
            while word == "again":
                self.channel.say("round", {"index": index})
                index += 1
                _, warm = self._round(index, served)
                word, told = self.channel.word()
        sweep = sum(cold) * warm / sum(cold[i % len(cold)] for i in range(served)) if warm else 0.0
        self._arrange(max(1, math.ceil(float(told) / sweep - ROUNDING)) if sweep else 1)

    def count(self, index: int) -> None:
        """One counted pass, between an uncounted lead-in and lead-out batch: its edges lie in continuous load."""
        raw: dict[int, Any] = {}
        self.session.predict(self.batches[self.order[-1]], ignore)
        self.channel.flush(self.mark("pass", index))
        for place, number in enumerate(self.order):
            raw[number] = self._batch(index, place, self.batches[number])
        end = self.mark("pass_end", index)
        self.session.predict(self.batches[self.order[0]], ignore)
        self.outputs = [out for i, batch in enumerate(self.batches) for out in self.session.finish(batch, raw[i])]
        self.channel.flush(end)
        counts: Counter[str] = Counter()
        for output in self.outputs:
            counts.update({name: number * self.repeats for name, number in output.counts.items()})
        blocks = [self._told(block) for block in self.blocks]
        queries = sum(block["queries"] for block in blocks)
        words = {"index": index, "repeats": self.repeats, "queries": queries, "counts": counts, "blocks": blocks}
        self.channel.say("pass", words)

    def _uncounted(self, batch: Batch) -> float:
        """Seconds."""
        began = self.session.now()
        self.session.predict(batch, ignore)
        ended = self.session.now()
        self.channel.breathe(ended)
        return (ended - began) / 1e9

    def _round(self, index: int, most: int | None = None) -> tuple[int, float]:
        """Serve so many batches, the first ones; or find out how many a round has. Returns how many, and seconds."""
        least = self.procedure.pass_seconds / ROUNDS_A_PASS
        began = self.mark("round", None, index)
        served, seconds = 0, 0.0
        while served < most if most else not served or (self.session.now() - began) / 1e9 < least:
            seconds += self._uncounted(self.batches[served % len(self.batches)])
            served += 1
        self.channel.flush(self.mark("round_end", None, index))
        return served, seconds

    def _arrange(self, repeats: int) -> None:
        """Fix the work of a pass: every pass is the same, and what lies in one place of it holds the same samples.

        Of a subset like work stays together: each part is repeated in its place.
        """
        self.repeats, count = repeats, len(self.batches)
        if self.procedure.subset is None:
            self.order = list(range(count)) * repeats
            self.blocks = parts(len(self.order), BLOCKS)
            return
        groups = parts(count, BLOCKS_OF_A_SUBSET)
        self.order = [number for group in groups for _ in range(repeats) for number in group]
        self.blocks = [range(group.start * repeats, group.stop * repeats) for group in groups]

    def _batch(self, index: int, place: int, batch: Batch) -> Any:
        began = self.mark("batch", index, place)
        raw = self.session.predict(batch, lambda name: self.channel.mark(Mark(name, self.session.now(), index, place)))
        ended = self.mark("batch_end", index, place)
        for sample in batch.samples:
            self.seconds[sample.id].append((ended - began) / 1e9 / len(batch.samples))
        self.channel.breathe(ended)
        return raw

    def _told(self, block: range) -> dict[str, Any]:
        """Of a block: the place of its first batch, its queries, and their mean work."""
        samples = [sample for place in block for sample in self.batches[self.order[place]].samples]
        works = [self.works[sample.id] for sample in samples] if self.works else []
        mean = sum(works) / len(works) if works else None
        return {"first": block.start, "queries": len(samples), "work": mean}


def parts(count: int, wanted: int) -> list[range]:
    """So many things in a row, cut into equal parts as far as that goes; none is empty."""
    edges = sorted({round(i * count / wanted) for i in range(wanted + 1)})
    return [range(begin, end) for begin, end in pairwise(edges)]


def ignore(name: str) -> None:
    """The mark function of batches that do not count."""
