"""Measures what a rating costs: by a bare PyTorch loop, by wattstar, by optimum-benchmark's energy_star, side by side.

python benchmarks/cost_of_a_rating/run.py --out benchmarks/cost_of_a_rating/output
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "src"))
sys.path.insert(0, str(ROOT))

from benchmarks.cost_of_a_rating import about, rating, rival, table, turns, watch, works  # noqa: E402
from benchmarks.cost_of_a_rating.works import WORKS, Work  # noqa: E402
from benchmarks.meters import environment  # noqa: E402

from wattstar.errors import WattstarError  # noqa: E402

REQUIREMENTS = HERE.parent / "meters" / "requirements-optimum-benchmark.txt"
START_SECONDS = 240.0
"""A command may take so long beside the samples before it is ended."""
LEAST_TURN = 3.0
"""Seconds."""
SLOWEST = 10.0
"""A sample may take so many times ``Work.rate_seconds``: a parent that spins takes one core of two."""
NAMES = [work.name for work in WORKS]
SWEEPS = 14
"""wattstar serves the fifth that ``--quick`` takes at most so often, and for at most a minute more each time."""
ERRORS = (turns.NoAnswer, rating.NoRecord, WattstarError, OSError, ValueError, LookupError)
"""What a step can end by without ending the others."""


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    samples: Mapping[str, int]
    """Work → of its test set."""
    part: Mapping[str, int]
    """Work → of the samples, so many are served by the bare loop and optimum-benchmark; left out: all."""
    turns: int
    """Of each side, where per-sample times are compared."""
    commands: int
    """Of optimum-benchmark; its method asks for ten."""
    passes: int
    """Of the bare loop, which are compared with ten."""
    words: tuple[str, ...] = ()
    """Further ones of wattstar's command."""
    shorter: float = 1.0
    """Of ``Work.turn_seconds`` and ``Work.pairs``; of ``Work.few``, cubed."""


FULL = Size({**dict.fromkeys(NAMES, 1000), "generation": 300}, {"generation": 20}, turns=16, commands=2, passes=5)
FAST = Size(
    dict.fromkeys(NAMES, 100),
    {"generation": 4, "similarity": 20, "classification": 20},
    turns=2,
    commands=1,
    passes=2,
    shorter=0.4,
)


@dataclass(frozen=True)
class Place:
    """Where things lie."""

    folder: Path
    python: Path
    """optimum-benchmark's interpreter."""

    @property
    def environment(self) -> dict[str, str]:
        """Of every command: no network, the same threads, caches of its own."""
        threads = str(len(os.sched_getaffinity(0)))
        own = {
            "OMP_NUM_THREADS": threads,
            "MKL_NUM_THREADS": threads,
            "HF_HUB_OFFLINE": "1",
            "HF_DATASETS_OFFLINE": "1",
            "HF_HOME": str(self.folder / "huggingface"),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
            "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}",
        }
        return os.environ | own


def main() -> None:
    """Make everything ready, measure work by work, write results and table after every step."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what was started is ended then, too
    options = _options()
    size = _size(options)
    python = environment.build(options.environment / REQUIREMENTS.stem, REQUIREMENTS)
    place = Place(options.folder.resolve(), python)
    described = about.describe(size, python) | ({"note": options.note} if options.note else {})
    results: dict[str, Any] = {"about": described, "works": _kept(options)}
    benches = [Bench(work, size, place) for work in WORKS if not options.only or work.name in options.only]
    for bench in benches:
        name = bench.work.name
        found = results["works"].setdefault(name, bench.about())
        for what, step in _steps(bench):
            print(f"{name}: {what} …", flush=True)
            try:
                made = step()
            except ERRORS as error:
                print(f"{name}: {what} failed: {error}", flush=True)
                found.setdefault("failed", []).append(f"{what}: {type(error).__name__}: {error}")
            else:
                found.setdefault(what.rpartition(" ")[0] or what, []).append(made)
            _save(results, options)
    print((options.out / "table.md").read_text(encoding="utf-8"))


def _options() -> Any:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    scratch = Path(tempfile.gettempdir())
    parser.add_argument("--out", type=Path, default=HERE / "output")
    parser.add_argument("--folder", type=Path, default=scratch / "wattstar-cost", help="for caches, stores and logs")
    parser.add_argument("--environment", type=Path, default=scratch / "wattstar-meters-tools")
    parser.add_argument("--fast", action="store_true", help="tiny, to see that everything runs")
    parser.add_argument("--only", action="append", choices=NAMES, help="what --out has of the others is kept")
    parser.add_argument("--samples", type=int)
    parser.add_argument("--part", type=int, help="of the samples of generation, for all but wattstar")
    parser.add_argument("--turns", type=int, help="of each side, where per-sample times are compared")
    parser.add_argument(
        "--commands",
        type=int,
        help="of optimum-benchmark: 10 are its method; 0: only times a sample, beside --out's",
    )
    parser.add_argument("--passes", type=int, help="of the bare loop")
    parser.add_argument("--word", action="append", help="of wattstar's command, such as --word=--pass-seconds=5")
    parser.add_argument("--note", help="what the table's reader has to know of this run")
    return parser.parse_args()


def _size(options: Any) -> Size:
    size = FAST if options.fast else FULL
    asked = {name: getattr(options, name) for name in ("turns", "commands", "passes")}
    size = replace(size, **{name: value for name, value in asked.items() if value is not None})
    samples = dict.fromkeys(NAMES, options.samples) if options.samples else size.samples
    size = replace(size, words=tuple(options.word or ()), samples=samples)
    return replace(size, part={"generation": options.part}) if options.part else size


def _kept(options: Any) -> dict[str, Any]:
    """What an earlier run found of works that this one is not asked for, or no command of; say so in ``--note``."""
    earlier = options.out / "results.json"
    if not options.only or not earlier.exists():
        return {}
    works = json.loads(earlier.read_text(encoding="utf-8"))["works"]
    return {name: works[name] for name in works if name not in options.only or options.commands == 0}


def _save(results: Mapping[str, Any], options: Any) -> None:
    """Without this machine's folders."""
    works = {name: results["works"][name] for name in NAMES if name in results["works"]}
    results = {**results, "works": works}
    text = json.dumps(results, indent=1)
    places = {options.folder.resolve(): "FOLDER", options.environment.resolve(): "ENVIRONMENT"}
    for place, word in (places | {Path(sys.executable): "python", ROOT: "."}).items():
        text = text.replace(str(place), word)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "results.json").write_text(text + "\n", encoding="utf-8")
    (options.out / "table.md").write_text(table.page(results), encoding="utf-8")


def _steps(bench: Bench) -> Sequence[tuple[str, Callable[[], Any]]]:
    """Name (with a number) and what it does; the three tools in turns."""
    steps: list[tuple[str, Callable[[], Any]]] = [("overhead", bench.overhead), ("inside", bench.inside)]
    for number in range(bench.size.commands):
        steps.append((f"optimum-benchmark {number + 1}", bench.rival))
        if number == 0:
            steps += [("wattstar 1", bench.wattstar), ("bare 1", bench.bare)]
    return steps


class Bench:
    """One work, its files written."""

    def __init__(self, work: Work, size: Size, place: Place) -> None:
        """Write what each tool reads."""
        self.work, self.size, self.place = work, size, place
        self.folder = place.folder / work.name
        self.folder.mkdir(parents=True, exist_ok=True)
        self.samples = size.samples[work.name]
        rows = works.inputs(work, self.samples)
        self.rows = rows[: max(2, round(work.few * size.shorter**3))]
        self.part = works.spread(rows, min(size.part.get(work.name, self.samples), self.samples))
        self.model = works.model_folder(work)
        cache = place.folder / "cache"
        works.write_edition(cache, work, rows)
        _link(cache / "wattstar" / "models")
        old = works.readable_by_transformers_4(self.model, self.folder / "model")
        data = works.write_table(self.folder / "data", work, self.part)
        self.prepared = rival.Prepared(place.python, old, data, place.environment)
        self.count = 0

    def about(self) -> dict[str, Any]:
        """What is measured."""
        return {"task": self.work.task, "model": self.work.model, "samples": self.samples}

    @property
    def limit(self) -> float:
        """Seconds that one pass may take."""
        return START_SECONDS + SLOWEST * self.work.rate_seconds * len(self.part)

    def overhead(self) -> dict[str, Any]:
        """wattstar's time a sample over the bare loop's."""
        with self._alone(self.rows) as bare, self._serving() as (harness, store):
            made = turns.alternate(
                harness, bare, self.size.turns, max(LEAST_TURN, self.work.turn_seconds * self.size.shorter)
            )
            turns.interrupted(harness)
        return turns.compare(made, rating.stamps(store, len(self.rows)), len(self.rows))

    def inside(self) -> dict[str, float]:
        """The same in one process, of the worker's path alone."""
        pairs = max(8, round(self.work.pairs * self.size.shorter))
        words = [sys.executable, HERE / "inside.py", self._specification(self.rows, self.model, False, pairs)]
        with turns.Partner(words, self.place.environment, self.folder / "inside.log") as process:
            made = json.loads(process.line(self.limit + 2 * SLOWEST * self.work.rate_seconds * pairs))["pairs"]
        return turns.summary([ours / theirs for ours, theirs in made])

    def rival(self) -> dict[str, Any]:
        """One command of optimum-benchmark, between two passes of the bare loop on its own libraries."""
        self.count += 1
        folder = self.folder / f"optimum-benchmark-{self.count}"
        words = rival.words(self.work, self.prepared, len(self.part), folder / "run")
        with self._beside() as bare:
            before = bare.ask("pass", self.limit)
            spent = watch.run(watch.Command(words, folder, self.place.environment, 3 * self.limit))
            after = bare.ask("pass", self.limit)
        if spent.code != 0:
            raise rating.NoRecord(f"ended with {spent.code}; see {folder}")
        found = rival.found(self.work, folder / "run", spent, len(self.part))
        return {**spent.written(), **found, "bare_seconds": [before["seconds"], after["seconds"]]}

    def wattstar(self) -> dict[str, Any]:
        """One command of wattstar, as a user gives it, on all samples."""
        folder = self.folder / "wattstar"
        shutil.rmtree(folder, ignore_errors=True)
        words = [*rating.words(self.work, self.samples, folder / "store"), *self.size.words]
        limit = START_SECONDS + SWEEPS * (60 + SLOWEST * self.work.rate_seconds * self.samples / 5)
        spent = watch.run(watch.Command(words, folder, self.place.environment, limit))
        return {**spent.written(), **rating.found(folder / "store", spent)}

    def bare(self) -> dict[str, Any]:
        """All passes of the bare loop, in one process."""
        folder = self.folder / "bare"
        specification = self._specification(self.part, self.model, together=False)
        words = [sys.executable, str(HERE / "bare.py"), str(specification)]
        says = "pass\n" * self.size.passes
        limit = self.limit * self.size.passes
        spent = watch.run(watch.Command(words, folder, self.place.environment, limit, says))
        said = [json.loads(line) for _, line in spent.lines if line.startswith("{")]
        passes = [each for each in said if "seconds" in each]
        if spent.code != 0 or len(passes) != self.size.passes:
            raise rating.NoRecord(f"ended with {spent.code} after {len(passes)} passes; see {folder}")
        for each in passes:
            begin = (each["began"] - spent.began) / 1e9
            each["joules"] = spent.joules_at(begin + each["seconds"]) - spent.joules_at(begin)
            each["begin"] = begin
        return {**spent.written(), "samples": len(self.part), "ready": said[0], "passes": passes}

    def _specification(self, rows: Sequence[Mapping[str, str]], model: Path, together: bool, pairs: int = 0) -> Path:
        file = self.folder / f"bare-{len(rows)}-{'together' if together else 'apart'}-{pairs}.json"
        content = {
            "work": self.work.name,
            "task": self.work.task,
            "model": self.work.model,
            "pairs": pairs,
            "folder": str(model),
            "rows": list(rows),
            "together": together,
            "new_tokens": self.work.new_tokens,
        }
        file.write_text(json.dumps(content), encoding="utf-8")
        return file

    def _alone(self, rows: Sequence[Mapping[str, str]]) -> Any:
        specification = self._specification(rows, self.model, together=False)
        return turns.loaded([sys.executable, HERE / "bare.py", specification], self.place.environment, self.folder)

    def _beside(self) -> Any:
        specification = self._specification(self.part, self.prepared.model, together=True)
        return turns.loaded([self.place.python, HERE / "bare.py", specification], self.place.environment, self.folder)

    def _serving(self) -> Any:
        words = [sys.executable, HERE / "serve.py", self.work.task, self.work.model, str(len(self.rows))]
        return turns.serving(words, self.place.environment, self.folder)


def _link(models: Path) -> None:
    """wattstar finds the models that are ready already; only the test sets are the benchmark's own."""
    from platformdirs import user_cache_path

    models.parent.mkdir(parents=True, exist_ok=True)
    if not models.is_symlink():
        models.symlink_to(user_cache_path("wattstar") / "models")


if __name__ == "__main__":
    main()
