"""A forger: edits a record and its tables, and gives every changed file its right name again."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet

from wattstar.errors import VerificationFailed
from wattstar.records.codec import decode, digest, job_id
from wattstar.records.store import TABLES
from wattstar.types import Job

Edit = Callable[["Forged"], None]
SECOND = 1_000_000_000


@dataclass
class Forged:
    """What is edited: plain JSON, and tables as rows."""

    record: dict[str, Any]
    tables: dict[str, list[dict[str, Any]]]
    schemas: dict[str, pyarrow.Schema]
    other: Forged | None = None
    """Another record, to steal from."""
    keep_job_id: bool = False

    @classmethod
    def read(cls, file: Path, other: Path | None = None) -> Forged:
        record = json.loads(file.read_bytes())
        found = {
            kind: pyarrow.parquet.read_table(file.parent.parent / kind / f"{record[kind]}.parquet")
            for kind in TABLES
            if record[kind]
        }
        return cls(
            record,
            {kind: table.to_pylist() for kind, table in found.items()},
            {kind: table.schema for kind, table in found.items()},
            cls.read(other) if other else None,
        )

    def write(self, store: Path) -> Path:
        """Into a store of its own, every digest and id right; the record's file is returned."""
        for kind, rows in self.tables.items():
            sink = io.BytesIO()
            pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows, schema=self.schemas[kind]), sink)
            name = digest(sink.getvalue())
            self.record[kind] = name
            _put(store / kind / f"{name}.parquet", sink.getvalue())
        with suppress(VerificationFailed):  # of what is no job any more
            if not self.keep_job_id:
                self.record["job_id"] = job_id(decode(Job, self.record["job"]))
        text = json.dumps(self.record, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        return _put(store / "records" / f"{digest(text)}.json", text)


def forge(file: Path, edit: Edit, store: Path, other: Path | None = None) -> Path:
    """A forged copy of a record in a store of its own."""
    forged = Forged.read(file, other)
    edit(forged)
    return forged.write(store)


def copied(file: Path, store: Path) -> Path:
    """The record with its store, as it is."""
    shutil.copytree(file.parent.parent, store)
    return store / "records" / file.name


def _put(file: Path, data: bytes) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    return file


def set_to(path: str, value: Any) -> Edit:
    """``passes.1.queries``: that value; a function makes it from the old one."""

    def edit(forged: Forged) -> None:
        *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
        place: Any = forged.record
        for part in parents:
            place = place[part]
        place[last] = value(place[last]) if callable(value) else value

    return edit


def rows(kind: str, change: Any) -> Edit:
    """The rows of a table, as ``change`` makes them."""

    def edit(forged: Forged) -> None:
        forged.tables[kind] = list(change(forged.tables[kind]))

    return edit


def each_row(kind: str, chosen: Any, **values: Any) -> Edit:
    """In the chosen rows of a table these values; a function makes them from the old ones."""

    def edit(forged: Forged) -> None:
        found = [row for row in forged.tables[kind] if chosen(row)]
        assert found, "there is something to forge"
        for row in found:
            row |= {name: make(row[name]) if callable(make) else make for name, make in values.items()}

    return edit


def stolen(kind: str) -> Edit:
    def edit(forged: Forged) -> None:
        assert forged.other is not None
        forged.tables[kind] = forged.other.tables[kind]

    return edit


def swap_passes(forged: Forged) -> None:
    """Each under the other's number."""
    passes = forged.record["passes"]
    passes[1], passes[2] = passes[2] | {"index": 1}, passes[1] | {"index": 2}


def exchange_passes(forged: Forged) -> None:
    passes = forged.record["passes"]
    passes[1], passes[2] = passes[2], passes[1]


def duplicate_pass(forged: Forged) -> None:
    passes = forged.record["passes"]
    passes.append(passes[-1] | {"index": len(passes)})


def duplicate_pass_and_marks(forged: Forged) -> None:
    """A fifth pass, with marks that lie where the fourth one's do."""
    duplicate_pass(forged)
    forged.record["job"]["procedure"] |= {"passes": 5, "most_passes": 5}
    marks = forged.tables["marks"]
    last = max(mark["pass_index"] for mark in marks if mark["pass_index"] is not None)
    copies = [mark | {"pass_index": last + 1} for mark in marks if mark["pass_index"] == last]
    place = max(i for i, mark in enumerate(marks) if mark["pass_index"] == last) + 1
    forged.tables["marks"] = marks[:place] + copies + marks[place:]


def drop_pass(forged: Forged) -> None:
    """The one that took most, say."""
    forged.record["passes"].pop()


def truncate(timeline: list[dict[str, Any]]) -> list[dict[str, Any]]:
    middle = sorted(row["time"] for row in timeline)[len(timeline) // 2]
    return [row for row in timeline if row["time"] <= middle]


def thin(timeline: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without every third stamp of the graphics processor."""
    return [row for i, row in enumerate(timeline) if row["domain"] != "gpu:0" or i % 3]


def of_pass(name: str, index: int) -> Any:
    return lambda mark: mark["name"] == name and mark["pass_index"] == index


def gpu(row: dict[str, Any]) -> bool:
    return bool(row["domain"] == "gpu:0")


def backwards(timeline: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """In the middle the total falls for one stamp."""
    own = [row for row in timeline if gpu(row)]
    own[len(own) // 2]["joules"] = own[len(own) // 2 - 1]["joules"] - 1.0
    return timeline


def times(factor: float) -> Any:
    return lambda value: value * factor


def plus(more: float) -> Any:
    return lambda value: value + more


def scaled_passes(forged: Forged) -> None:
    """A tenth less everywhere that is rated."""
    for counted in forged.record["passes"]:
        for reading in counted["energy"]:
            reading["joules"] *= 0.9
    for figure in forged.record["figures"]:
        figure["wh_per_1000"] = {name: value * 0.9 for name, value in figure["wh_per_1000"].items()}


def another_job(forged: Forged) -> None:
    """Under the old name."""
    forged.record["job"]["model"]["id"] = "fake/thrifty"
    forged.keep_job_id = True


def no_failure(forged: Forged) -> None:
    forged.record |= {"status": "interrupted", "failure": None}


def no_samples(forged: Forged) -> None:
    forged.tables.pop("samples")
    forged.record |= {"samples": None}


FORGERIES: dict[str, tuple[Edit, str, str]] = {  # name → what is done, the check that finds it, and what that says
    "a changed joule": (set_to("passes.1.energy.0.joules", plus(1)), "readings", "pass 1: energy gpu:0 fake: joules"),
    "a tenth less in every pass and figure": (scaled_passes, "readings", "joules"),
    "a phase less": (set_to("phases.0.wh_per_1000.mid", times(0.9)), "figures", "phase prefill gpu:0: wh_per_1000"),
    "a block's joules": (set_to("passes.0.blocks.1.energy.0.joules", times(0.9)), "readings", "blocks"),
    "a smaller bound": (set_to("passes.0.energy.0.bound", 5.0), "readings", "bound"),
    "a better method": (set_to("passes.0.energy.0.method", "sampled"), "readings", "method"),
    "swapped passes": (swap_passes, "readings", "pass 1: window: begin"),
    "passes in another order": (exchange_passes, "marks", "not numbered"),
    "a duplicated pass": (duplicate_pass, "marks", "passes 0, 1, 2, 3 were marked, passes 0, 1, 2, 3, 4 are written"),
    "a duplicated pass with its marks": (duplicate_pass_and_marks, "attempt", "pass 4 begins before pass 3 has ended"),
    "a pass left out": (drop_pass, "marks", "passes 0, 1, 2, 3 were marked, passes 0, 1, 2 are written"),
    "a truncated timeline": (rows("timelines", truncate), "findings", "gpu:0 not read from begin to end"),
    "stamps left out": (rows("timelines", thin), "readings", "gpu:0"),
    "another model's timeline": (stolen("timelines"), "readings", "pass 0: energy"),
    "another model's marks": (stolen("marks"), "batches", "pass 0: 6 batches were marked"),
    "another model's samples": (stolen("samples"), "times", "is written to have taken"),
    "a pass that ends later": (each_row("marks", of_pass("pass_end", 2), time=plus(999)), "readings", "pass 2: window"),
    "a shifted batch": (each_row("marks", of_pass("first_token", 1), time=plus(SECOND)), "batches", "pass 1: batch 0"),
    "a batch without its end": (
        rows("marks", lambda marks: [m for m in marks if not (of_pass("batch_end", 1)(m) and m["batch"] == 3)]),
        "batches",
        "pass 1: batch 3 does not begin and end once",
    ),
    "an edited count": (set_to("passes.3.counts.tokens_out", plus(-1)), "counts", "pass 3: counts"),
    "edited counts of a sample": (
        each_row("samples", lambda row: True, counts='{"tokens_in": 8, "tokens_out": 9}'),
        "counts",
        "9 tokens were written, 10 were asked for",
    ),
    "more queries": (set_to("passes.2.queries", plus(5)), "counts", "pass 2: 20 queries"),
    "more repeats": (set_to("passes.2.repeats", plus(1)), "batches", "pass 2"),
    "a dropped sample": (rows("samples", lambda samples: samples[:-1]), "samples", "4 rows of 5 samples"),
    "a sample twice": (rows("samples", lambda samples: [*samples[:-1], samples[0]]), "samples", "has 2 rows"),
    "samples in another order": (rows("samples", lambda samples: samples[::-1]), "samples", "not in the order"),
    "a changed target": (each_row("samples", lambda row: True, target='"mine"'), "samples", "its target is written"),
    "quicker samples": (each_row("samples", lambda row: True, seconds=times(0.5)), "times", "its batches say"),
    "a score of nothing": (
        set_to("quality", {"name": "accuracy", "value": 1.0, "higher_is_better": True, "n": 5, "further": {}}),
        "quality",
        "nothing that could have been scored",
    ),
    "a narrower interval": (
        set_to("figures.0.wh_per_1000", lambda old: old | {"high": old["mid"] * 1.001}),
        "figures",
        "figure gpu: wh_per_1000: high",
    ),
    "a smaller figure": (set_to("figures.0.wh_per_1000.mid", times(0.99)), "figures", "figure gpu: wh_per_1000: mid"),
    "a smaller bound of the figure": (set_to("figures.0.bound_wh_per_1000", 1.0), "figures", "bound_wh_per_1000"),
    "other coverage": (set_to("figures.1.coverage", ["cpu:0 by rapl"]), "figures", "coverage"),
    "the wrong boundary": (set_to("rated", "cpu+dram"), "figures", "rated: written cpu+dram"),
    "a figure left out": (set_to("figures", lambda old: old[1:]), "figures", "worked out again gpu"),
    "an edited rest": (set_to("stages.2.energy.0.joules", times(2)), "readings", "stage idle_before"),
    "a steadier warm-up": (set_to("warm_up.drift", -0.5), "readings", "warm-up: drift"),
    "a total that falls": (rows("timelines", backwards), "timelines", "gpu:0 by fake: the total falls"),
    "stamps that stand still": (each_row("timelines", gpu, time=5), "timelines", "stamps do not increase"),
    "a lower power limit": (each_row("timelines", gpu, most_watts=100.0), "findings", "limit: pass 0: gpu:0 drew"),
    "an estimate for a counter": (each_row("timelines", gpu, plausible_factor=2.0), "methods", "plausible factor 2"),
    "another method": (each_row("timelines", gpu, method="sampled"), "methods", "this meter's readings are counter"),
    "a meter nobody asked for": (each_row("timelines", gpu, meter="nvml"), "timelines", "the job names no such meter"),
    "another batch size": (set_to("job.controls.batch_size", 1), "batches", "in batches of 1"),
    "more new tokens": (set_to("job.controls.new_tokens", 20), "counts", "10 tokens were written, 20 were asked for"),
    "more samples": (set_to("job.procedure.samples", 120), "samples", "5 rows of 120 samples"),
    "another test set": (set_to("job.procedure.digest", "0" * 64), "samples", "the edition mini-2 has the digest"),
    "more passes": (set_to("job.procedure.passes", 10), "status", "complete, with 4 passes; the procedure asks for 10"),
    "another job": (another_job, "job", "the job's is"),
    "a shorter attempt": (set_to("seconds", 1.0), "attempt", "the attempt took 1.000 s"),
    "a neighbour of less than nothing": (set_to("passes.0.foreign_cpu", -1.0), "counts", "other processes used -1.0"),
    "an invented finding": (
        set_to("findings", [{"gate": "trend", "severity": "note", "message": "energy drifted"}]),
        "findings",
        "written, but not seen again: note: trend",
    ),
    "no loaded model": (set_to("loaded", None), "status", "complete, without a loaded model"),
    "an interruption without a reason": (no_failure, "status", "no failure says why"),
    "no samples": (no_samples, "status", "without its samples"),
    "another schema": (set_to("schema_version", 9), "schema", "schema version 9"),
    "a field too many": (lambda f: f.record.update(surplus=1), "schema", "surplus"),
}  # fmt: skip
