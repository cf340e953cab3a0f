"""What a star of a record is worth, and why it is no more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from wattstar import registry
from wattstar.rating.populations import hardware, work
from wattstar.types import Conditions, Edition, Figure, Method, Record, Standing, Weights

SAMPLES = 1000
"""Of a whole test set."""


def local(record: Record, made: Figure) -> Iterator[str]:
    """Why the record's stars hold only where it was made, whatever the population."""
    if made.method is Method.MODELLED:
        yield "modelled energy"
    if record.job.model.weights is Weights.RANDOM:
        yield "random weights"
    if record.job.procedure.subset is not None:
        yield "subset"
    elif record.job.procedure.samples != SAMPLES:
        yield f"{record.job.procedure.samples} samples, not {SAMPLES:,}"
    name, controls = record.job.task, record.job.controls
    # A record may come from a machine where another package offered its task.
    if name in registry.plug_ins("tasks"):
        standard = replace(registry.task(name).controls, seed=controls.seed)
        if controls != standard:
            yield f"not the standard controls ({work(standard)})"


def standing(
    record: Record, made: Figure, conditions: Conditions, edition: Edition | None
) -> tuple[Standing, list[str]]:
    """Of a star by a population of these conditions, of an edition or of the store's own records (None)."""
    reasons = list(local(record, made))
    if edition is None:
        reasons.insert(0, "no dated edition, only this store")
    elif hardware(record) != conditions.hardware:
        reasons.append(f"other hardware: {hardware(record)}, not {conditions.hardware}")
    if reasons:
        return Standing.UNOFFICIAL, reasons
    if edition is not None and edition.foreign:
        return Standing.INDICATIVE, [f"figures of {edition.foreign}; no model was measured both ways yet"]
    return Standing.OFFICIAL, []
