"""One job → one record: a worker in its own process, meters in this one, a journal on the disk."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from wattstar.errors import Interrupted, MeterUnavailable, StoreUnusable, WattstarError
from wattstar.measuring import environment
from wattstar.measuring.attempt import Attempt, subset_of
from wattstar.measuring.observer import Circumstances, Observer
from wattstar.measuring.process import WorkerLost
from wattstar.measuring.results import fold
from wattstar.records.codec import canonical, job_id
from wattstar.records.store import append
from wattstar.types import Failure, Job, Record, Status


def run(job: Job, circumstances: Circumstances) -> Record:
    """Measure the job and add its record to the store, whatever happens; ``Interrupted`` after Ctrl-C."""
    store = circumstances.store
    attempt = Attempt(job, environment=environment.describe(job))
    observer = Observer(attempt, circumstances)
    folder = store.job_folder(job_id(job))
    append(folder / "job.json", canonical(job).decode())
    try:
        attempt.subset = subset_of(job)
        observer.follow(folder)
    except StoreUnusable:
        raise
    except (WorkerLost, KeyboardInterrupt, WattstarError) as error:
        attempt.failure = failure_of(error, attempt)
    with undisturbed():
        record = fold(attempt, store)
        store.add(record)
        store.clear(folder)
    if record.status is Status.INTERRUPTED:
        raise Interrupted(stopped(attempt), [f"wattstar list -o {store.folder}"])
    return record


def failure_of(error: WorkerLost | KeyboardInterrupt | WattstarError, attempt: Attempt) -> Failure:
    """What stopped an attempt, as its record says it."""
    if isinstance(error, WorkerLost):
        return error.failure
    if isinstance(error, KeyboardInterrupt):
        return Failure("interrupted", stopped(attempt), ("the same command again",), exit_code=130)
    reason = "meter" if isinstance(error, MeterUnavailable) else "environment"
    return Failure(reason, error.message, error.cures, exit_code=error.exit_code)


def stopped(attempt: Attempt) -> str:
    """What a user is told after Ctrl-C."""
    return f"Stopped by the user; {len(attempt.passes)} finished passes are kept."


@contextmanager
def undisturbed() -> Iterator[None]:
    """Ctrl-C and a polite kill wait until the record is written; they reach the main thread only."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    waiting: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda number, frame: waiting.append(number)) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    for late in waiting:
        signal.raise_signal(late)
