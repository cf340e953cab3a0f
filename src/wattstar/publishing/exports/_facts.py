"""What several formats say of a figure, in the same words."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from wattstar import registry
from wattstar.errors import UsageError
from wattstar.publishing.figures import CONFIDENCE, RANGE, is_estimate, published
from wattstar.publishing.words import one_line
from wattstar.rating.populations import Member, hardware, work
from wattstar.records.units import queries
from wattstar.types import Figure, Record, Source, Weights

UNIT = "Wh per 1,000 queries"


def metric(made: Figure) -> str:
    """``gpu_energy_wh_per_1000_queries``; of an estimate ``estimated_…``."""
    boundary = str(made.boundary).replace("+", "_")
    return f"{'estimated_' if is_estimate(made) else ''}{boundary}_energy_wh_per_1000_queries"


def metric_name(made: Figure) -> str:
    """In words."""
    return f"{'Estimated energy' if is_estimate(made) else 'Energy'} per 1,000 queries ({made.boundary}, {UNIT})"


def setting(member: Member) -> dict[str, str | int | float | bool]:
    """Everything that a number must not be shown without; what is not known is left out."""
    name, record = member
    made = published(*member)
    model = record.job.model
    interval, plausible = made.wh_per_1000, made.plausible
    found: Mapping[str, str | int | float | bool | None] = {
        "unit": UNIT,
        "lower_is_better": True,
        "estimate": is_estimate(made),
        "method": str(made.method),
        "boundary": str(made.boundary),
        "coverage": ", ".join(made.coverage) or None,
        "interval_low": interval.low,
        "interval_high": interval.high,
        "interval": f"{CONFIDENCE} repeatability" if interval.low is not None else None,
        "plausible_low": plausible.low if plausible else None,
        "plausible_high": plausible.high if plausible else None,
        "plausible": RANGE if plausible else None,
        "passes": made.passes,
        "hardware": hardware(record),
        "backend": record.job.backend,
        "dtype": model.dtype,
        "quantization": model.quantization,
        "weights": str(model.weights) if model.weights is Weights.RANDOM else None,
        "work": work(record.job.controls),
        "samples": record.job.procedure.samples,
        "subset": record.job.procedure.subset,
        "test_set": record.job.procedure.edition,
        "test_set_sha256": record.job.procedure.digest,
        "revision": model.revision,
        "wattstar": record.wattstar,
        "record": name,
    }
    return {key: one_line(value) if isinstance(value, str) else value for key, value in found.items()
            if value is not None}  # fmt: skip


def tag(record: Record) -> str:
    """The Hub's pipeline tag of a record's task; a task that is not installed here keeps its own name."""
    name = record.job.task
    return registry.task(name).tag if name in registry.plug_ins("tasks") else name


def model_url(record: Record) -> str | None:
    """Of a model of the Hub."""
    model = record.job.model
    return f"https://huggingface.co/{quote(model.id)}" if model.source is Source.HUB else None


def kilowatt_hours(member: Member) -> float:
    """Of the rated boundary, over all counted queries; ``UsageError`` where no pass is left in the record."""
    asked = queries(member[1])
    if not asked:
        raise UsageError(f"Record {member[0][:12]} holds no passes.", [f"wattstar show {member[0][:12]}"])
    return published(*member).wh_per_1000.mid / 1000 * asked / 1000
