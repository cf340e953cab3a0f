"""The worker's path and the bare loop in one process, a sample each in random order: sees what noise hides otherwise.

python inside.py SPECIFICATION.json; two copies of the model, no parent, no meters. Standard input has to stay open.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.cost_of_a_rating import bare, works

from wattstar import Request, plan, registry, testsets
from wattstar.measuring.channel import Channel
from wattstar.measuring.work import Work


def main() -> None:
    """Print the seconds of each pair: the worker's, the bare loop's; ends where the two do not read the same tokens."""
    specification = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    draw = random.Random(works.SEED)
    with served(specification) as (serve, tokens):
        predict, batches, others = bare.LOADERS[specification["work"]](specification)
        count = len(batches)
        if tokens != others:
            raise SystemExit(f"not the same work: {tokens} tokens, and {others} in the bare loop")
        sides = (serve, lambda place: predict(batches[place % count]))
        pairs = []
        for place in range(-count, specification["pairs"]):
            order = draw.sample((0, 1), 2)
            taken = {which: timed(sides[which], place + count) for which in order}
            if place >= 0:
                pairs.append((taken[0], taken[1]))
    bare.say({"pairs": pairs, "tokens": tokens})


@contextmanager
def served(specification: dict[str, Any]) -> Iterator[tuple[Callable[[int], Any], int]]:
    """A function that serves the sample in a place as the worker does, and the number of tokens that all have."""
    count = len(specification["rows"])
    names = {"task": specification["task"], "models": (specification["model"],), "edition": works.EDITION}
    [cell] = plan([Request(**names, device="cpu", samples=count)])
    if cell.job is None:
        raise SystemExit(f"refused: {cell.refused}")
    job, task = cell.job, registry.task(cell.job.task)
    rows = testsets.load(task, job.procedure.edition, count).samples
    samples = [testsets.decode(row, task, job.controls) for row in rows]
    procedure = replace(job.procedure, idle_seconds=0.0)
    with (
        Path("/dev/null").open("wb") as out,
        registry.backend(job.backend).session(job.model, task, job.controls) as made,
    ):
        work = Work(procedure, made, Channel(out))
        work.batches = made.prepare(samples)
        yield (
            lambda place: work._batch(0, place, work.batches[place % count]),
            sum(sum(batch.data.lengths) for batch in work.batches),
        )


def timed(serve: Callable[[int], Any], place: int) -> float:
    """Seconds."""
    began = time.perf_counter_ns()
    serve(place)
    return (time.perf_counter_ns() - began) / 1e9


if __name__ == "__main__":
    main()
