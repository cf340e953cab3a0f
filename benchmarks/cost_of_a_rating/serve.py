"""A wattstar run that is interrupted from outside: plan, run, and a line for each stage and pass that begins.

python serve.py TASK MODEL SAMPLES STORE
"""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.cost_of_a_rating.works import EDITION

from wattstar import Circumstances, Request, Store, plan, run
from wattstar.errors import Interrupted
from wattstar.measuring.observer import Progress

MANY = 500
"""Passes, more than there is time for: they are ended by Ctrl-C."""


def main() -> None:
    """Serve until SIGINT; what was marked until then is in the store."""
    task, model, samples, store = sys.argv[1:]
    request = Request(
        task=task,
        models=(model,),
        device="cpu",
        edition=EDITION,
        samples=int(samples),
        passes=MANY,
        warm_up_seconds=20.0,
        idle_seconds=0.0,
    )
    [cell] = plan([request])
    if cell.job is None:
        raise SystemExit(f"refused: {cell.refused}")
    try:
        run(cell.job, Circumstances(Store(Path(store)), watch=announce))
    except Interrupted:
        print("interrupted", flush=True)


def announce(progress: Progress) -> None:
    """The stage that begins."""
    print(progress.stage, flush=True)


if __name__ == "__main__":
    main()
