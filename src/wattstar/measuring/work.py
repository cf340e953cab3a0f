"""What a worker does with the batches of its job: serve them in the order of the procedure, and stamp when."""

from __future__ import annotations

import itertools
import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from wattstar.errors import WattstarError
from wattstar.measuring.channel import Channel
from wattstar.measuring.phase_gates import FIRST
from wattstar.measuring.staging import staged
from wattstar.measuring.steady import ROUNDS_A_PASS
from wattstar.types import Batch, Mark, MarkFunction, Output, Procedure, Sample, Session

BLOCKS = 4
"""A pass is told in so many parts."""
BLOCKS_OF_A_SUBSET = 20
"""Each of like work, which energy is fitted over."""
OF_THE_PROCEDURE = frozenset(
    name + end
    for name in ("load", "preprocess", "idle_before", "warm_up", "round", "pass", "window", "batch", "idle_after")
    for end in ("", "_end")
)
"""Names of marks that a backend must not give: a window would end where it says."""
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
    turns: Sequence[Sequence[Sample]] = ()
    """The samples; several groups where they are on the device in turns."""
    batches: Sequence[Batch] = ()
    """Of the group that is there."""
    repeats: int = 1
    served: list[Sample] = field(default_factory=list)
    """Of the last pass, in the order of its outputs, which is the backend's."""
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

    def await_turn(self) -> None:
        """Where others are served beside this model, rest until they have done their part."""
        self._rest_until(self.channel.turn())

    def idle(self, name: str) -> None:
        """The model is loaded and nothing is asked."""
        if self.procedure.idle_seconds:
            with self.stage(name):
                self.session.sleep(self.procedure.idle_seconds)

    def prepare(self, samples: Sequence[Sample], device: str, batch_size: int) -> None:
        """Bring them to the device, as many as there is room for."""
        found = staged(samples, self.session, device, batch_size)
        self.turns, self.batches = found.turns, found.batches

    def warm_up(self) -> None:
        """Serve every batch once, then rounds of equal work until the parent has seen that they are steady.

        It judges a round while the next one runs: a device that waits for the verdict would cool down.
        """
        with self.stage("warm_up"):
            cold = [self._uncounted(batch) for batch in self.batches]
            served, warm = self._round(0)
            index, word, told = 0, "again", ""
            while word == "again":
                self.channel.say("round", {"index": index})
                index += 1
                # The fastest one: were a round that something else held up the measure, passes would be too short.
                warm = min(warm, self._round(index, served)[1])
                word, told = self.channel.word()
        sweep = sum(cold) * warm / sum(cold[i % len(cold)] for i in range(served)) if warm else 0.0
        self.repeats = max(1, math.ceil(float(told) / sweep - ROUNDING)) if sweep else 1

    def passes(self) -> None:
        """Counted ones, until the parent has enough; in a sitting those of others lie between them."""
        for index in itertools.count():
            self.count(index)
            word, moment = self.channel.word()
            self._rest_until(int(moment or 0))
            if word != "again":
                return

    def count(self, index: int) -> None:
        """One counted pass: what is told of it is the same for every one."""
        self.served, self.outputs = [], []
        if self.channel.seated:
            self._return_to_work()
        blocks = self._window(index, "pass", 0) if len(self.turns) == 1 else self._in_turns(index)
        self._check()
        counts: Counter[str] = Counter()
        for output in self.outputs:
            counts.update({name: number * self.repeats for name, number in output.counts.items()})
        queries = sum(block["queries"] for block in blocks)
        words = {"index": index, "repeats": self.repeats, "queries": queries, "counts": counts, "blocks": blocks}
        self.channel.say("pass", words)

    def first_phase(self, ends: str | None = None) -> None:
        """Serve batches up to the mark that ends their first phase, for as long as a pass is meant to last.

        It confirms what the phase is worked out to take in the passes, so it is done where idle is measured too.
        ``ends`` None: there is only one phase.
        """
        if ends is None or not self.procedure.idle_seconds:
            return
        with self.stage(FIRST):
            began = self.session.now()
            for number in itertools.cycle(range(len(self.batches))):
                self.mark("batch", None, number)
                try:
                    self.session.predict(self.batches[number], _stop_at(ends))
                except _Stopped:
                    self.mark("batch_end", None, number)
                self.channel.breathe(now := self.session.now())
                if (now - began) / 1e9 >= self.procedure.pass_seconds:
                    break

    def _rest_until(self, moment: int) -> None:
        """Workers of a sitting agree on what has passed; on the machine's own clock it always has."""
        if (late := moment - self.session.now()) > 0:
            self.session.sleep(late / 1e9)

    def _return_to_work(self) -> None:
        """Serve as long as a round of the warm-up: caches and clocks are still those of the model before."""
        began = self.session.now()
        for batch in itertools.cycle(self.batches):
            self._uncounted(batch)
            if (self.session.now() - began) / 1e9 >= self.procedure.pass_seconds / ROUNDS_A_PASS:
                return

    def _in_turns(self, index: int) -> list[dict[str, Any]]:
        """Bring one group after another to the device and serve it in a window of its own."""
        blocks: list[dict[str, Any]] = []
        place = 0
        self.channel.flush(self.mark("pass", index))
        for number, samples in enumerate(self.turns):
            self.batches = ()  # makes room
            self.batches = list(self.session.prepare(samples))
            blocks += self._window(index, "window", place, number)
            place = blocks[-1]["last"] + 1
        self.channel.flush(self.mark("pass_end", index))
        return blocks

    def _window(self, index: int, name: str, place: int, number: int | None = None) -> list[dict[str, Any]]:
        """Serve what is on the device, between an uncounted lead-in and lead-out batch: its edges lie in the load.

        Tells its blocks; its first batch has this place in the pass.
        """
        raw: dict[int, Any] = {}
        order, blocks = arranged(len(self.batches), self.repeats, self.procedure, len(self.turns))
        self.session.predict(self.batches[order[-1]], ignore)
        self.channel.flush(self.mark(name, index, number))
        for i, each in enumerate(order):
            raw[each] = self._batch(index, place + i, self.batches[each])
        end = self.mark(name + "_end", index, number)
        self.session.predict(self.batches[order[0]], ignore)
        self.served += [sample for batch in self.batches for sample in batch.samples]
        self.outputs += [out for i, batch in enumerate(self.batches) for out in self._answers(batch, raw[i])]
        self.channel.flush(end)
        return [self._told([order[i] for i in block], place + block.start) for block in blocks]

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

    def _batch(self, index: int, place: int, batch: Batch) -> Any:
        began = self.mark("batch", index, place)
        raw = self.session.predict(batch, lambda name: self._named(name, index, place))
        ended = self.mark("batch_end", index, place)
        for sample in batch.samples:
            self.seconds[sample.id].append((ended - began) / 1e9 / len(batch.samples))
        self.channel.breathe(ended)
        return raw

    def _check(self) -> None:
        """``WattstarError`` unless the backend has served each sample that it was given, and no other."""
        given = [sample.id for samples in self.turns for sample in samples]
        if sorted(given) != sorted(sample.id for sample in self.served):
            message = f"The backend served {len(self.served)} samples, which are not the {len(given)} it was given."
            raise WattstarError(message)

    def _named(self, name: str, index: int, place: int) -> None:
        """A mark that the backend gives; ``WattstarError`` where it takes one of the procedure's names."""
        if name in OF_THE_PROCEDURE:
            raise WattstarError(f"The backend marks {name!r}, which is the procedure's own word.")
        self.mark(name, index, place)

    def _answers(self, batch: Batch, raw: Any) -> Sequence[Output]:
        """One output per sample, in order; ``WattstarError`` where the backend does not keep to that."""
        outputs = self.session.finish(batch, raw)
        if len(outputs) != len(batch.samples):
            raise WattstarError(f"The backend gave {len(outputs)} answers to {len(batch.samples)} samples.")
        for name, count in ((name, count) for output in outputs for name, count in output.counts.items()):
            if not isinstance(count, int) or count < 0:
                raise WattstarError(f"The backend counted {count!r} {name}.")
        return outputs

    def _told(self, numbers: Sequence[int], first: int) -> dict[str, Any]:
        """Of a block: the places of its first and last batch, its queries, and their mean work."""
        samples = [sample for number in numbers for sample in self.batches[number].samples]
        works = [self.works[sample.id] for sample in samples] if self.works else []
        mean = sum(works) / len(works) if works else None
        return {"first": first, "last": first + len(numbers) - 1, "queries": len(samples), "work": mean}


def arranged(count: int, repeats: int, procedure: Procedure, turns: int) -> tuple[list[int], list[range]]:
    """The order in which the batches of one of so many turns are served, and the blocks in it.

    Every pass is the same: what lies in one place of it holds the same samples. Of a subset like work stays together,
    each part is repeated in its place.
    """
    if procedure.subset is None:
        order = list(range(count)) * repeats
        return order, parts(len(order), max(1, BLOCKS // turns))
    groups = parts(count, BLOCKS_OF_A_SUBSET)
    order = [number for group in groups for _ in range(repeats) for number in group]
    return order, [range(group.start * repeats, group.stop * repeats) for group in groups]


def parts(count: int, wanted: int) -> list[range]:
    """So many things in a row, cut into equal parts as far as that goes; none is empty."""
    edges = sorted({round(i * count / wanted) for i in range(wanted + 1)})
    return [range(begin, end) for begin, end in pairwise(edges)]


class _Stopped(Exception):
    """A batch that need not be finished."""


def _stop_at(end: str) -> MarkFunction:
    """A mark function that leaves ``predict`` at this mark, through whatever library calls it."""

    def mark(name: str) -> None:
        if name == end:
            raise _Stopped

    return mark


def ignore(name: str) -> None:
    """The mark function of batches that do not count."""
