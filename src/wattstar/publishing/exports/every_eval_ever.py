"""A result in the format of Every Eval Ever (EvalEval), schema 0.3.0, with unit, direction and interval."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from wattstar.publishing.exports import Facts, Holds
from wattstar.publishing.exports._facts import UNIT, metric, metric_name, setting
from wattstar.publishing.figures import CONFIDENCE, is_estimate, published
from wattstar.publishing.words import one_line
from wattstar.rating.populations import Member
from wattstar.types import Figure, Quality, Record

suffix = ".every-eval-ever.json"
holds = Holds.RECORD
figures_only = True
needs = ("publisher", "relationship")

SCHEMA_VERSION = "0.3.0"


def write(records: Sequence[Member], facts: Facts) -> bytes:
    """One file. An estimate says so in the metric's id and name and in ``details``; its range is no interval there."""
    [member] = records
    _, record = member
    made, model, procedure = published(*member), one_line(record.job.model.id), record.job.procedure
    stamp = str(int(facts.made.timestamp()))
    data = {
        "dataset_name": f"wattstar {procedure.edition}, {record.job.task}",
        "source_type": "other",
        "additional_details": {"samples": str(procedure.samples), "sha256": procedure.digest},
    }
    results = [{"evaluation_name": f"wattstar {record.job.task}, energy", "source_data": data, **_energy(member, made)}]
    if record.quality is not None:
        named = f"wattstar {record.job.task}, {record.quality.name}"
        results.append({"evaluation_name": named, "source_data": data, **_score(record.quality)})
    whole = {
        "schema_version": SCHEMA_VERSION,
        "evaluation_id": f"wattstar_{record.job.task}/{model}/{stamp}",
        "evaluation_timestamp": record.started,
        "retrieved_timestamp": stamp,
        "source_metadata": _source(facts),
        "eval_library": {"name": "wattstar", "version": record.wattstar},
        "model_info": _model(record),
        "evaluation_results": results,
    }
    return (json.dumps(whole, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _source(facts: Facts) -> dict[str, Any]:
    source = {
        "source_name": "wattstar",
        "source_type": "evaluation_run",
        "source_organization_name": facts.publisher,
        "evaluator_relationship": facts.relationship,
    }
    return {**source, "additional_details": {"record_url": facts.url}} if facts.url else source


def _model(record: Record) -> dict[str, Any]:
    model, loaded = record.job.model, record.loaded
    version = loaded.packages.get(record.job.backend) if loaded else None
    details = {"deployment_type": "self_deployed", "model_availability": "unknown", "revision": model.revision}
    if loaded and loaded.parameters:
        details["parameters"] = str(loaded.parameters)
    return {
        "name": one_line(model.id),
        "id": one_line(model.id),
        "inference_engine": {"name": record.job.backend, **({"version": version} if version else {})},
        "additional_details": details,
    }


def _energy(member: Member, made: Figure) -> dict[str, Any]:
    details = {key: _text(value) for key, value in setting(member).items()}
    interval = made.wh_per_1000
    score: dict[str, Any] = {"score": interval.mid, "details": details}
    if interval.low is not None and interval.high is not None and not is_estimate(made):
        method = f"{CONFIDENCE} repeatability: this sitting, this machine, these samples; t over passes or blocks"
        ends = {"lower": interval.low, "upper": interval.high, "confidence_level": 0.95, "method": method}
        score["uncertainty"] = {"confidence_interval": ends, "num_samples": made.passes}
    config = {
        "metric_id": f"wattstar.{metric(made)}",
        "metric_name": metric_name(made),
        "metric_kind": "energy",
        "metric_unit": UNIT,
        "lower_is_better": True,
        "score_type": "continuous",
        "min_score": 0.0,
        "max_score": "Infinity",
    }
    return {"metric_config": config, "score_details": score}


def _score(quality: Quality) -> dict[str, Any]:
    # What scores a metric can have is not in a record; null says so.
    config = {
        "metric_name": quality.name,
        "lower_is_better": not quality.higher_is_better,
        "score_type": "continuous",
        "min_score": None,
        "max_score": None,
    }
    return {"metric_config": config, "score_details": {"score": quality.value, "details": {"rows": str(quality.n)}}}


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
