"""What a star of a record is worth, and why it is no more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from wattstar import registry
from wattstar.rating.editions import is_shipped
from wattstar.rating.populations import conditions, work
from wattstar.types import Conditions, Edition, Figure, Method, Record, Standing, Weights

SAMPLES = 1000
"""Of a whole test set."""


def standing(
    record: Record, made: Figure, theirs: Conditions, edition: Edition | None
) -> tuple[Standing, tuple[str, ...]]:
    """Of a star by a population under ``theirs``, of an edition or of the store's own records (None); with reasons."""
    reasons = [*_circumstances(conditions(record, made), theirs, edition), *_local(record, made)]
    if reasons:
        return Standing.UNOFFICIAL, tuple(reasons)
    if edition is not None and edition.foreign:
        return Standing.INDICATIVE, (f"figures of {edition.foreign}; no model was measured both ways yet",)
    return Standing.OFFICIAL, ()


def obstacles(record: Record, made: Figure, theirs: Conditions) -> tuple[str, ...]:
    """Why no star of a population can be given to the figure: it is of something else."""
    ours = conditions(record, made)
    pairs = [
        ("boundary", ours.boundary, theirs.boundary),
        ("size class", ours.size_class, theirs.size_class),
        ("work", ours.work, theirs.work),
    ]
    return tuple(
        f"other {what}: {one or 'unknown'}; the edition's: {other or 'any'}"
        for what, one, other in pairs
        if one != other
    )


def same_hardware(ours: str, theirs: str, foreign: bool) -> bool:
    """Whether a record's hardware is a population's: by its whole name, or by all the words that a publisher gives."""
    return _words(theirs) <= _words(ours) if foreign else ours == theirs


def _words(name: str) -> set[str]:
    return set(re.findall(r"[a-z0-9]+", name.lower()))


def _circumstances(ours: Conditions, theirs: Conditions, edition: Edition | None) -> Iterator[str]:
    """Of the population and of where the figure was made."""
    if edition is None:
        yield "no dated edition, only this store"
        return
    if not is_shipped(edition):
        yield "not an edition that ships with wattstar"
    if not same_hardware(ours.hardware, theirs.hardware, edition.foreign is not None):
        yield f"other hardware: {ours.hardware}; the edition's: {theirs.hardware}"
    if edition.foreign is None and ours.method != theirs.method:
        yield f"read otherwise: {ours.method}; the edition's: {theirs.method}"
    if edition.foreign is None and ours.procedure != theirs.procedure:
        yield f"another procedure: {ours.procedure}; the edition's: {theirs.procedure}"


def _local(record: Record, made: Figure) -> Iterator[str]:
    """Of the record itself."""
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
            yield f"not at the standard controls, {work(standard)}"
