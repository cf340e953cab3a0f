"""Records as people publish them: measured on a card, estimated on a processor, without an energy."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.support import written
from wattstar.rating.populations import Member
from wattstar.records.store import Store
from wattstar.types import (
    Boundary,
    Figure,
    Finding,
    Gpu,
    Interval,
    Loaded,
    Machine,
    Method,
    Pass,
    Quality,
    Reading,
    Severity,
    Source,
    Weights,
    Window,
)

SECOND = 1_000_000_000
CARD = Gpu(0, "GPU-1", "A Card", 80 * 10**9, 400.0, "555")


def measured(wh_per_1000: float = 10.0, id: str = "some/model", **changes: Any) -> Member:
    """±10 %; two passes of 100 queries, 2 s each, 20 tokens in and 5 out a query, on a card that a counter read."""
    joules = wh_per_1000 / 1000 * 3600 * 100
    energy = (Reading("gpu:0", "nvml", Method.COUNTER, joules, 0.1),)
    counts = {"tokens_in": 2000, "tokens_out": 500}
    passes = tuple(
        Pass(i, Window(4 * i * SECOND, (4 * i + 2) * SECOND), 1, 100, energy, counts, None) for i in range(2)
    )
    fields: dict[str, Any] = {
        "passes": passes,
        "machine": Machine("A Processor", 8, 64 * 2**30, "Linux 6", "3.11.7", (CARD,), {}),
        "loaded": Loaded(7_000_000_000, None, {"fake": "1.0"}),
        "quality": Quality("accuracy", 0.9, True, 100),
        **changes,
    }
    name, record = written(wh_per_1000, id, spread=0.1, **fields)
    model = replace(record.job.model, source=Source.HUB, revision="a" * 40, weights=Weights.PRETRAINED, device="cuda:0")
    return name, replace(record, job=replace(record.job, model=model))


def estimated(wh_per_1000: float = 10.0, id: str = "some/model") -> Member:
    """Modelled from the processor's time: plausibly ×/÷ 2."""
    name, record = measured(wh_per_1000, id)
    parts = tuple(
        Reading(domain, "estimate", Method.MODELLED, joules, 0.0, 2.0)
        for domain, joules in (("cpu:0", 3240.0), ("dram:0", 360.0))
    )
    made = Figure(
        boundary=Boundary.CPU_DRAM,
        method=Method.MODELLED,
        wh_per_1000=Interval(wh_per_1000 * 0.99, wh_per_1000, wh_per_1000 * 1.01),
        bound_wh_per_1000=0.0,
        plausible=Interval(wh_per_1000 / 2, wh_per_1000, wh_per_1000 * 2),
        passes=2,
        coverage=("cpu:0 by estimate", "dram:0 by estimate"),
    )
    return name, replace(
        record,
        figures=(made,),
        rated=Boundary.CPU_DRAM,
        passes=tuple(replace(counted, energy=parts) for counted in record.passes),
        job=replace(record.job, model=replace(record.job.model, device="cpu")),
        machine=replace(record.machine, gpus=()),
        quality=None,
    )


def invalid(id: str = "some/model") -> Member:
    """Measured, and a gate forbids to use it."""
    return measured(id=id, findings=(Finding("power", Severity.INVALID, "It drew more than it can."),))


def stored(folder: Path, *members: Member) -> list[str]:
    """In a store; the beginnings of their ids, in order."""
    store = Store(folder)
    return [store.add(record)[:12] for _, record in members]


def named(member: Member, id: str) -> Member:
    """The same record of a model that calls itself so."""
    name, record = member
    return name, replace(record, job=replace(record.job, model=replace(record.job.model, id=id)))
