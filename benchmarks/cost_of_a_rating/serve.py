"""A wattstar run that is interrupted from outside: plan, run, and a line when the counted pass begins.

python serve.py TASK MODEL SAMPLES STORE
"""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.cost_of_a_rating.works import EDITION
from wattstar import Circumstances, Request, Store, plan, run
from wattstar.errors import Interrupted
from wattstar.measuring.run import Progress

LONG = 1e5
"""Seconds of the one pass: it is ended by Ctrl-C."""


def main() -> None:
    """Serve until SIGINT; what was marked until then is in the store."""
    task, model, samples, store = sys.argv[1:]
    request = Request(
        task=task,
        models=(model,),
        device="cpu",
        edition=EDITION,
        samples=int(samples),
        passes=1,
        warm_up_seconds=5.0,
        idle_seconds=0.0,
        pass_seconds=LONG,
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
