"""The model-index of a model card: YAML for the head of a README.md on the Hub."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from wattstar.publishing.exports import Facts, Holds
from wattstar.publishing.exports._facts import metric, metric_name, setting, tag
from wattstar.publishing.figures import published
from wattstar.publishing.words import one_line
from wattstar.rating.populations import Member

suffix = ".model-index.yaml"
holds = Holds.MODEL
figures_only = True
needs = ()


def write(records: Sequence[Member], facts: Facts) -> bytes:
    """Results of energy, and of quality where it was scored, as ``huggingface_hub.EvalResult`` spells them.

    The metrics' ``args`` hold unit, interval and set-up, for which the format has no field of its own; an estimate's
    type and name say that it is one. Never ``co2_eq_emissions``: that field is of training.
    """
    from huggingface_hub import ModelCardData

    results = [result for member in records for result in _results(member, facts)]
    card = ModelCardData(model_name=one_line(records[0][1].job.model.id), eval_results=results)
    return (card.to_yaml() + "\n").encode()


def _results(member: Member, facts: Facts) -> Iterator[Any]:
    from huggingface_hub import EvalResult

    name, record = member
    made, quality, procedure = published(*member), record.quality, record.job.procedure
    of_the_data: dict[str, Any] = {
        "task_type": tag(record),
        "task_name": record.job.task,
        "dataset_type": facts.dataset or f"wattstar-{procedure.edition}",
        "dataset_name": f"wattstar {procedure.edition}, {procedure.samples} samples",
        "dataset_config": procedure.digest[:12],
        "source_url": facts.url,
        "source_name": f"wattstar record {name[:12]}" if facts.url else None,
    }
    yield EvalResult(
        metric_type=metric(made),
        metric_name=metric_name(made),
        metric_value=made.wh_per_1000.mid,
        metric_args=setting(member),
        **of_the_data,
    )
    if quality is not None:
        args = {"higher_is_better": quality.higher_is_better, "rows": quality.n, "record": name}
        yield EvalResult(metric_type=quality.name, metric_value=quality.value, metric_args=args, **of_the_data)
