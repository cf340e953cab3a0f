"""Several jobs of one task, measured in turns by workers that live at the same time: one record each.

All models are loaded before anything is counted. Then come blocks of one pass of each, in an order that is drawn for
two blocks at a time, the second in the order of the first reversed (A B, B A): what changes evenly with time, such as
the warmth of a room, falls out of the ratio of two models. A worker that has not its turn rests, model loaded.

An attempt is whole or nothing: what an interrupted sitting left is never gone on with.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import islice
from typing import Any

from wattstar.errors import Interrupted, StoreUnusable, WattstarError
from wattstar.measuring import environment
from wattstar.measuring.attempt import Attempt, subset_of
from wattstar.measuring.observer import Circumstances, Observer, Scene
from wattstar.measuring.process import WorkerLost
from wattstar.measuring.results import fold, needed
from wattstar.measuring.run import failure_of, stopped, undisturbed
from wattstar.measuring.worker import SITTING
from wattstar.records.codec import canonical, job_id
from wattstar.records.store import append
from wattstar.types import LEAST_PAIRS, Failure, Job, Record, Sitting, Status


def sit(jobs: Sequence[Job], seed: int, circumstances: Circumstances) -> tuple[Record, ...]:
    """Measure the jobs in turns and add a record of each to the store, whatever happens; ``Interrupted`` after Ctrl-C.

    The jobs have one procedure, task and device; see ``seating.sittings``.
    """
    sitting = Sitting(uuid.uuid4().hex, seed, tuple(job_id(job) for job in jobs))
    players = [_Player(Attempt(job, environment=environment.describe(job), sitting=sitting), circumstances)
               for job in jobs]  # fmt: skip
    try:
        _play(players, seed)
    except StoreUnusable:
        raise
    except _Ended as ended:
        _end(players, ended.failure)
    except (KeyboardInterrupt, WattstarError) as error:
        for player in players:
            _end([player], failure_of(error, player.attempt))
    store = circumstances.store
    with undisturbed():
        records = tuple(fold(player.attempt, store) for player in players)
        for record, player in zip(records, players, strict=True):
            store.add(record)
            store.clear(player.folder)
    if any(record.status is Status.INTERRUPTED for record in records):
        passes = min((player.attempt for player in players), key=lambda attempt: len(attempt.passes))
        raise Interrupted(stopped(passes), [f"wattstar list -o {store.folder}"])
    return records


def orders(seed: int, count: int) -> Iterator[list[int]]:
    """Of each block, which of so many models come first, second, …"""
    draw = random.Random(seed)
    while True:
        order = draw.sample(range(count), count)
        yield order
        yield order[::-1]


class _Ended(Exception):
    """A worker could not do its part; ``failure``: what the others' records say of it."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class _Player(Observer):
    """One of several workers that take turns."""

    def __init__(self, attempt: Attempt, circumstances: Circumstances) -> None:
        super().__init__(attempt, circumstances)
        self.folder = circumstances.store.job_folder(job_id(self.job))
        append(self.folder / "job.json", canonical(self.job).decode())
        append(self.folder / SITTING, canonical(attempt.sitting).decode())

    def sit_down(self, stack: ExitStack) -> None:
        """Start the worker and the meters, until the stack is left."""
        with self._noted():
            self.attempt.subset = subset_of(self.job)
            self._scene = stack.enter_context(self.scene(self.folder))
            self._messages = self._scene.worker.messages()

    def play(self, word: str, moment: int) -> None:
        """Give the worker its turn, and listen until it has done its part."""
        self.say(word, moment)
        self.listen()

    def say(self, word: str, moment: int) -> None:
        """Let it go on from a moment; it does so while others are listened to."""
        self._scene.worker.say(f"{word} {moment}")

    def listen(self) -> None:
        """Until its part is done; ``_Ended`` where it cannot be."""
        with self._noted():
            for what, content in self._messages:
                if what != "turn":
                    self.hear(what, content, self._scene)
                if what in ("turn", "pass"):
                    return
        if self.attempt.failure is not None:
            self._give_up(self.attempt.failure)

    @property
    def latest(self) -> int:
        """The last moment of which its worker has spoken."""
        return self.attempt.marks[-1].time if self.attempt.marks else 0

    def _pass(self, content: dict[str, Any], scene: Scene) -> None:
        self.keep(content, scene)

    @contextmanager
    def _noted(self) -> Iterator[None]:
        try:
            yield
        except StoreUnusable:
            raise
        except (WorkerLost, WattstarError) as error:
            self.attempt.failure = failure_of(error, self.attempt)
            self._give_up(self.attempt.failure)

    def _give_up(self, failure: Failure) -> None:
        message = f"Its sitting ended with {self.job.model.id}: {failure.message}"
        raise _Ended(Failure("partner", message, failure.cures, exit_code=failure.exit_code))


def _play(players: Sequence[_Player], seed: int) -> None:
    """From the first worker's start to the last one's end."""
    with ExitStack() as stack:
        for player in players:
            player.sit_down(stack)
        for player in players:
            player.listen()
        _one_by_one(players)  # load, preprocess
        _together(players)  # idle
        _one_by_one(players)  # warm up
        _blocks(players, seed)
        _one_by_one(players)  # first phase
        _together(players)  # idle
        _one_by_one(players)  # score


def _blocks(players: Sequence[_Player], seed: int) -> None:
    """So many as the one that scatters most needs, and at least as many as make a comparison."""
    procedure = players[0].job.procedure
    word, done, wanted = "go", 0, max(procedure.passes, LEAST_PAIRS)
    for order in orders(seed, len(players)):
        for place in order:
            players[place].play(word, _now(players))
        word, done = "again", done + 1
        if done == procedure.passes:
            wanted = max(wanted, *(needed(player.attempt.passes, procedure) for player in players))
        if done >= wanted:
            break
    for player in players:
        player.play("enough", _now(players))


def _one_by_one(players: Sequence[_Player]) -> None:
    for player in players:
        player.play("go", _now(players))


def _together(players: Sequence[_Player]) -> None:
    """Resting takes nothing from others who rest."""
    moment = _now(players)
    for player in players:
        player.say("go", moment)
    for player in players:
        player.listen()


def _now(players: Sequence[_Player]) -> int:
    """By the clock that workers stamp with: nothing has happened after it."""
    return max(player.latest for player in players)


def _end(players: Sequence[_Player], failure: Failure) -> None:
    """Those that have neither failed themselves nor said their last word have this reason."""
    for player in players:
        if player.attempt.failure is None and player.attempt.done is None:
            player.attempt.failure = failure


def expected(sitting: Sitting, blocks: int) -> list[str]:
    """The ``job_id`` of each pass of so many blocks, in the order of time."""
    drawn = islice(orders(sitting.seed, len(sitting.jobs)), blocks)
    return [sitting.jobs[place] for order in drawn for place in order]
