"""A record as one row of a table, with the unit in the name of every column that has one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wattstar.publishing.figures import is_estimate
from wattstar.rating.populations import figure, hardware, work
from wattstar.records.units import COUNTED, per_unit, seconds_per_query
from wattstar.types import Figure, Record, Severity, Status


@dataclass(frozen=True)
class Column:
    """What stands in a column."""

    kind: str
    """Of the values: ``string``, ``double``, ``int64`` or ``bool``."""
    meaning: str
    unit: str | None = None
    """None: a text, a count or a score."""


WH = "Wh per 1,000 queries"
COLUMNS: Mapping[str, Column] = {
    "record": Column("string", "sha256 of the record"),
    "task": Column("string", "what was asked"),
    "model": Column("string", "its id"),
    "revision": Column("string", "of the model's files"),
    "family": Column("string", "declared base model, else publisher"),
    "weights": Column("string", "pretrained, or random: of true size, and no answers"),
    "approach": Column("string", "fine-tuned for the task, or asked in words"),
    "status": Column("string", "complete, invalid, failed or interrupted; only complete ones have an energy"),
    "findings": Column("string", "gates that saw something"),
    "boundary": Column("string", "parts of the machine whose energy it is"),
    "method": Column("string", "counter, sampled, or modelled: an estimate"),
    "estimate": Column("bool", "whether the energy was modelled, not measured"),
    "coverage": Column("string", "what was added up, and by what it was read"),
    "wh_per_1000_queries": Column("double", "gross energy, mean over passes", WH),
    "wh_per_1000_queries_low": Column("double", "95 % repeatability interval", WH),
    "wh_per_1000_queries_high": Column("double", "95 % repeatability interval", WH),
    "plausible_low_wh_per_1000_queries": Column("double", "of an estimate: a range, not 95 %", WH),
    "plausible_high_wh_per_1000_queries": Column("double", "of an estimate: a range, not 95 %", WH),
    "bound_wh_per_1000_queries": Column("double", "worst error of stamps and steps", WH),
    "net_wh_per_1000_queries": Column("double", "above resident idle", WH),
    "joules_per_query": Column("double", "the same energy", "J"),
    "joules_per_input_token": Column("double", "all phases together, by what was counted", "J"),
    "joules_per_output_token": Column("double", "all phases together, by what was counted", "J"),
    "joules_per_image": Column("double", "all phases together, by what was counted", "J"),
    "joules_per_second_of_audio": Column("double", "all phases together, by what was counted", "J"),
    "seconds_per_1000_queries": Column("double", "one after the other", "s"),
    "passes": Column("int64", "counted ones"),
    "samples": Column("int64", "of the test set"),
    "quality": Column("string", "name of the score"),
    "quality_value": Column("double", "the score, on the samples whose energy was measured"),
    "quality_higher_is_better": Column("bool", "direction of the score"),
    "quality_rows": Column("int64", "that were scored"),
    "backend": Column("string", "how it was served"),
    "device": Column("string", "where it ran"),
    "hardware": Column("string", "processor or cards"),
    "dtype": Column("string", "of the weights"),
    "quantization": Column("string", "of the weights"),
    "batch_size": Column("int64", "queries served together"),
    "work": Column("string", "controls that fix the work"),
    "edition": Column("string", "of the test set"),
    "test_set_sha256": Column("string", "of the samples"),
    "wattstar": Column("string", "version that measured"),
    "started": Column("string", "ISO 8601, UTC"),
}


def flat(name: str, record: Record) -> dict[str, Any]:
    """Values by column; what is not known is None. A record that must not be rated has no energy."""
    made = figure(record)
    values = _job(name, record) | _energy(record, made) | _score(record)
    return {column: values[column] for column in COLUMNS}


def status(record: Record) -> str:
    """``complete``, ``invalid``, ``failed`` or ``interrupted``."""
    invalid = any(finding.severity is Severity.INVALID for finding in record.findings)
    return "invalid" if record.status is Status.COMPLETE and invalid else str(record.status)


def _job(name: str, record: Record) -> dict[str, Any]:
    job, model = record.job, record.job.model
    return {
        "record": name,
        "task": job.task,
        "model": model.id,
        "revision": model.revision,
        "family": model.family,
        "weights": str(model.weights),
        "approach": str(model.approach),
        "status": status(record),
        "findings": "; ".join(dict.fromkeys(f"{finding.severity}: {finding.gate}" for finding in record.findings)),
        "samples": job.procedure.samples,
        "backend": job.backend,
        "device": model.device,
        "hardware": hardware(record),
        "dtype": model.dtype,
        "quantization": model.quantization,
        "batch_size": job.controls.batch_size,
        "work": work(job.controls),
        "edition": job.procedure.edition,
        "test_set_sha256": job.procedure.digest,
        "wattstar": record.wattstar,
        "started": record.started,
    }


def _energy(record: Record, made: Figure | None) -> dict[str, Any]:
    interval = made.wh_per_1000 if made else None
    plausible = made.plausible if made else None
    net = made.net_wh_per_1000 if made else None
    joules = {one.unit: one.joules.mid for one in per_unit(record)} if made else {}
    return {
        "boundary": str(made.boundary) if made else None,
        "method": str(made.method) if made else None,
        "estimate": is_estimate(made) if made else None,
        "coverage": ", ".join(made.coverage) or None if made else None,
        "wh_per_1000_queries": interval.mid if interval else None,
        "wh_per_1000_queries_low": interval.low if interval else None,
        "wh_per_1000_queries_high": interval.high if interval else None,
        "plausible_low_wh_per_1000_queries": plausible.low if plausible else None,
        "plausible_high_wh_per_1000_queries": plausible.high if plausible else None,
        "bound_wh_per_1000_queries": made.bound_wh_per_1000 if made else None,
        "net_wh_per_1000_queries": net.mid if net else None,
        **{f"joules_per_{unit.replace(' ', '_')}": joules.get(unit) for unit in ("query", *COUNTED)},
        "seconds_per_1000_queries": seconds_per_query(record) * 1000 if record.passes else None,
        "passes": len(record.passes),
    }


def _score(record: Record) -> dict[str, Any]:
    quality = record.quality
    return {
        "quality": quality.name if quality else None,
        "quality_value": quality.value if quality else None,
        "quality_higher_is_better": quality.higher_is_better if quality else None,
        "quality_rows": quality.n if quality else None,
    }
