"""optimum-benchmark's ``energy_star`` scenario, from its published package, with its published YAML files.

``energy_star/*.yaml`` are copies from its repository (huggingface/optimum-benchmark, commit b263af46, Apache-2.0). What
has to be changed to run them on a machine without a GPU and without the Hub is in ``CHANGES``, and nowhere else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.cost_of_a_rating.watch import Spent
from benchmarks.cost_of_a_rating.works import Work

YAML = Path(__file__).parent / "energy_star"
CHANGES: Mapping[str, str] = {
    "backend.device=cpu": "cuda",
    "backend.device_ids=null": "0",
    "launcher.device_isolation=false": "true; it asks for an NVIDIA or ROCm driver",
    "backend.no_weights=false": "true but for generation: values drawn evenly from 0 … 1, another model",
    "scenario.latency=true": "false: seconds of each window are reported beside its energy",
    "backend.model=FOLDER": "a name on the Hub",
    "scenario.dataset_name=FOLDER": "a name on the Hub; the folder holds train.jsonl",
    "scenario.num_samples=N": "1000",
    "hydra.run.dir=FOLDER": "runs/NAME",
}
"""Override → what the file says."""
WARMS, TRACKS, SENDS = "Warming up backend", "\t+ Running ", "Sending report dictionary"
"""What it logs: the fixed warm-ups begin, a tracked stage begins, the child is done."""
LAST_STAGES = ("Running Inference tracking", "Running Text Generation tracking")


@dataclass(frozen=True)
class Prepared:
    """Where things are."""

    python: Path
    model: Path
    table: Path
    environment: Mapping[str, str]


def words(work: Work, prepared: Prepared, samples: int, folder: Path) -> list[str]:
    """The command."""
    values = {
        "backend.model": prepared.model,
        "scenario.dataset_name": prepared.table,
        "scenario.num_samples": samples,
        "hydra.run.dir": folder,
    }
    overrides = []
    for change in CHANGES:
        name, _, value = change.partition("=")
        overrides.append(f"++{name}={values.get(name, value)}")
    command = prepared.python.parent / "optimum-benchmark"
    return [str(command), "--config-dir", str(YAML), "--config-name", work.config, *overrides]


def found(work: Work, folder: Path, spent: Spent, samples: int) -> dict[str, Any]:
    """What it reports of its windows, and what its log says of the rest."""
    report = json.loads((folder / "benchmark_report.json").read_text(encoding="utf-8"))
    latency = {name: sum(report[name]["latency"]["values"]) for name in _windows(work)}
    energy = {name: report[name]["energy"]["total"] * 3.6e6 for name in _windows(work)}
    served = latency.get("forward") or latency["prefill"] + latency["decode"]
    begun = next((when for words in LAST_STAGES if (when := spent.when(words)) is not None), None)
    warmed = spent.when(WARMS)
    done = spent.when(SENDS)
    # Its ``decode`` is the whole generation less the first prefill: the window that serves answers is the sum of both.
    return {
        "samples": samples,
        "served_seconds": served,
        "own_joules": sum(energy.values()),
        "prefill_seconds": latency.get("prefill", 0.0),
        "warm_up_seconds": None if begun is None or warmed is None else begun - warmed,
        "first_query_seconds": begun,
        "tracked_seconds": None if begun is None or done is None else done - begun,
        "tracked_joules": None if begun is None or done is None else spent.joules_at(done) - spent.joules_at(begun),
    }


def _windows(work: Work) -> tuple[str, ...]:
    return ("prefill", "decode") if work.new_tokens else ("forward",)
