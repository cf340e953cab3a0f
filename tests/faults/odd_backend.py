"""The fake backend, with one fault of a backend: ``how``; or on the real clock, where a simulated driver is read."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from wattstar.backends import fake
from wattstar.types import Batch, Controls, MarkFunction, ModelSpec, Output, Sample, Session, Task

requires: tuple[str, ...] = ()
refuses = fake.refuses


def real(session: Session) -> Session:
    """Waits 20 ms a batch, as a device would, and leaves the power to the simulated driver."""

    def predict(batch: Batch, mark: MarkFunction) -> None:
        time.sleep(0.02)

    return replace(session, predict=predict, now=time.monotonic_ns, sleep=time.sleep)


def says_that_the_pass_ends(session: Session) -> Session:
    """After each batch."""

    def predict(batch: Batch, mark: MarkFunction) -> None:
        session.predict(batch, mark)
        mark("pass_end")

    return replace(session, predict=predict)


def drops_a_sample(session: Session) -> Session:
    """As one that leaves out what is too long."""
    return replace(session, prepare=lambda samples: session.prepare(samples[:-1]))


def serves_one_twice(session: Session) -> Session:
    """As many samples as were asked for."""
    return replace(session, prepare=lambda samples: session.prepare([*samples[:-1], samples[0]]))


def sorts(session: Session) -> Session:
    """The last one first, as one that serves long texts together; each answer names its sample."""

    def prepare(samples: Sequence[Sample]) -> Sequence[Batch]:
        return session.prepare(samples[::-1])

    return replace(session, prepare=prepare, finish=lambda batch, raw: [Output(s.id) for s in batch.samples])


def answers_unevenly(session: Session) -> Session:
    """Two answers to one sample and none to the next: as many as samples in all."""
    answers = iter(range(2**31))
    return replace(session, finish=lambda batch, raw: [Output("x")] * (2 if next(answers) % 2 else 0))


def counts_less_than_nothing(session: Session) -> Session:
    """As where volumes are worked out from a missing number of samples."""
    return replace(session, finish=lambda batch, raw: [Output("x", {"tokens_out": -9})] * len(batch.samples))


def counts_no_number(session: Session) -> Session:
    """As where a mean over nothing is counted."""
    wrong: Mapping[str, int] = {"tokens_out": math.nan}  # type: ignore[dict-item]
    return replace(session, finish=lambda batch, raw: [Output("x", wrong)] * len(batch.samples))


def writes_much(session: Session) -> Session:
    """Ten million characters a sample."""
    return replace(session, finish=lambda batch, raw: [Output("x" * 10_000_000)] * len(batch.samples))


def is_held_up(session: Session) -> Session:
    """For three seconds, in the 20th batch that it serves: by somebody who stops the process, say."""
    served = iter(range(1, 2**31))

    def predict(batch: Batch, mark: MarkFunction) -> None:
        session.predict(batch, mark)
        session.sleep(3.0 * (next(served) == 20))

    return replace(session, predict=predict)


def varies(session: Session) -> Session:
    """Every batch takes another time."""
    draw = random.Random(1)

    def predict(batch: Batch, mark: MarkFunction) -> None:
        session.predict(batch, mark)
        session.sleep(draw.uniform(0, 0.2))

    return replace(session, predict=predict)


@contextmanager
def session(model: ModelSpec, task: Task, controls: Controls) -> Iterator[Session]:
    """The fake one, changed."""
    how: Callable[[Session], Session] = globals()[model.options["how"]]
    options = {name: value for name, value in model.options.items() if name != "how"}
    with fake.session(replace(model, options=options), task, controls) as session:
        yield how(session)
