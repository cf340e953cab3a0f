"""A file for the folder .eval_results of a model on the Hub, which its leaderboards read."""

from __future__ import annotations

from collections.abc import Sequence

from wattstar.publishing.exports import Facts, Holds
from wattstar.publishing.exports._facts import UNIT, setting
from wattstar.publishing.figures import CONFIDENCE, RANGE, published
from wattstar.rating.populations import Member
from wattstar.types import Figure, Interval

suffix = ".eval-results.yaml"
holds = Holds.MODEL
figures_only = True
needs = ("dataset",)


def write(records: Sequence[Member], facts: Facts) -> bytes:
    """An entry a record, as ``huggingface_hub.EvalResultEntry`` spells it; its notes hold what it has no field for."""
    from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml
    from huggingface_hub.utils import yaml_dump  # type: ignore[attr-defined]

    assert facts.dataset is not None, "it is needed"
    entries = [
        EvalResultEntry(
            dataset_id=facts.dataset,
            task_id=record.job.task,
            value=published(name, record).wh_per_1000.mid,
            date=record.started,
            source_url=facts.url,
            source_name=f"wattstar record {name[:12]}" if facts.url else None,
            notes=_notes((name, record)),
        )
        for name, record in records
    ]
    return str(yaml_dump(eval_result_entries_to_yaml(entries), sort_keys=False)).encode()


def _notes(member: Member) -> str:
    known = setting(member)
    parts = [f"{UNIT}, lower is better", _spread(published(*member))]
    shown = (
        "method",
        "boundary",
        "hardware",
        "backend",
        "dtype",
        "quantization",
        "weights",
        "work",
        "passes",
        "record",
    )
    return "; ".join([*filter(None, parts), *(f"{key} {known[key]}" for key in shown if key in known)])


def _spread(made: Figure) -> str:
    if made.plausible is not None:
        return f"ESTIMATE, modelled, not measured: plausibly {_ends(made.plausible)} ({RANGE})"
    return f"{CONFIDENCE} {_ends(made.wh_per_1000)}" if made.wh_per_1000.low is not None else "interval not known"


def _ends(interval: Interval) -> str:
    return f"{interval.low:.4g} … {interval.high:.4g}"
