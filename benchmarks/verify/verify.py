"""Does ``wattstar verify`` find what is forged, and pass what is honest?

PYTHONPATH=. python benchmarks/verify/verify.py > benchmarks/verify/output.txt

100 runs of the fake world, whose tasks, batches, powers, passes and lengths are drawn at random; then every forgery of
tests/measuring/forging.py, planted into a record, each with all digests and names made right again.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from tests.measuring.forging import FORGERIES, forge
from tests.support import fake_job

from wattstar.measuring.nursery import Nursery
from wattstar.measuring.observer import Circumstances
from wattstar.measuring.run import run
from wattstar.measuring.verify import Verdict, verify
from wattstar.records.codec import canonical, digest
from wattstar.records.store import Store
from wattstar.types import Job

RECORDS, SEED = 100, 1
TASKS = ("text-classification", "text-generation", "sentence-similarity", "question-answering", "summarization",
         "automatic-speech-recognition", "image-classification", "object-detection")  # fmt: skip


def main() -> None:
    """Make, verify, forge, verify again, and print."""
    with tempfile.TemporaryDirectory() as folder, Nursery([]) as nursery:
        files, began = [], time.perf_counter()
        draw = random.Random(SEED)
        for _ in range(RECORDS):
            record = run(_job(draw), Circumstances(Store(Path(folder) / "store"), start=nursery.start))
            files.append(Path(folder) / "store" / "records" / f"{digest(canonical(record))}.json")
        print(f"{RECORDS} honest records of the fake world (seed {SEED}), made in {time.perf_counter() - began:.0f} s")
        _honest(files)
        _forged(Path(folder), nursery)


def _job(draw: random.Random) -> Job:
    passes, samples = draw.choice([1, 2, 4, 5, 10]), draw.randint(1, 12)
    return fake_job(
        draw.choice(TASKS),
        id=f"fake/{draw.randrange(10**9)}",
        controls={"batch_size": draw.randint(1, 5), "seed": draw.randrange(100)},
        procedure={
            "samples": samples,
            "subset": draw.choice([None, None, samples]),
            "passes": passes,
            "most_passes": passes if passes < 4 else draw.choice([passes, 10]),
            "idle_seconds": draw.choice([0.0, 1.0, 30.0]),
            "pass_seconds": draw.choice([0.0, 1.0, 3.0]),
        },
        watts=f"{draw.uniform(60, 700):.3f},{draw.uniform(60, 700):.3f}",
        seconds=f"{draw.uniform(0.001, 0.3):.4f},{draw.uniform(0.001, 0.3):.4f}",
        cold=draw.choice(["1,0", "2,40", "1.2,10"]),
    )


def _honest(files: Sequence[Path]) -> None:
    times, wrong = [], 0
    for file in files:
        began = time.perf_counter()
        verdict = verify(file)
        times.append(time.perf_counter() - began)
        wrong += not verdict.holds
        for check in verdict.checks:
            for words in check.problems:
                print(f"  WRONG {file.stem[:12]} {check.name}: {words}")
    print(f"add up: {len(files) - wrong} of {len(files)}; {median(times) * 1e3:.0f} ms a record (median)\n")


def _forged(folder: Path, nursery: Nursery) -> None:
    """Of one record of two phases; another one is there to steal from."""
    circumstances = Circumstances(Store(folder / "originals"), start=nursery.start)
    one = _original("one", "0.05,0.2", circumstances)
    two = _original("two", "0.05,0.25", circumstances)
    found = 0
    print(f"{'forgery':<34} {'found by':<14} what it says first")
    for number, (name, (edit, check, words)) in enumerate(FORGERIES.items()):
        verdict = verify(forge(one, edit, folder / str(number), two))
        said = _said(verdict, check, words)
        found += said is not None
        print(f"{name:<34} {check if said else 'NOT FOUND':<14} {said or ''}")
    print(f"\nfound: {found} of {len(FORGERIES)} forgeries, each signed anew; Python {sys.version.split()[0]}")


def _original(name: str, seconds: str, circumstances: Circumstances) -> Path:
    job = fake_job(
        "text-generation",
        id=f"fake/{name}",
        controls={"batch_size": 2},
        procedure={"samples": 5, "pass_seconds": 3.0, "idle_seconds": 2.0},
        watts="300,150",
        seconds=seconds,
    )
    record = run(job, circumstances)
    return circumstances.store.folder / "records" / f"{digest(canonical(record))}.json"


def _said(verdict: Verdict, check: str, words: str) -> str | None:
    problems = [problem for made in verdict.checks if made.name == check for problem in made.problems]
    return next((problem for problem in problems if words in problem), None)


if __name__ == "__main__":
    main()
