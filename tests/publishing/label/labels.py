"""Records of every task with any name, an edition of its own, and what their labels say."""

from __future__ import annotations

from dataclasses import replace

from tests.support import fake_job, written
from wattstar import registry
from wattstar.publishing.label.facts import By, Claims, Facts, facts
from wattstar.rating.populations import Member, conditions, entry, figure, population
from wattstar.types import (
    Boundary,
    Edition,
    Figure,
    Gpu,
    Interval,
    Loaded,
    Machine,
    Method,
    Quality,
    Record,
    Source,
    Standing,
    Weights,
)

TASKS = tuple(registry.plug_ins("tasks"))
LONG = "a-publisher-with-a-long-name/" + "an-even-longer-name-of-a-model-" * 2 + "7B-GGUF"
assert len(LONG) >= 96
MACHINE = Machine(
    "a processor",
    64,
    2**39,
    "Linux",
    "3.11",
    (Gpu(0, "GPU-1", "NVIDIA H100 80GB HBM3", 85_000_000_000, 700.0, "570"),),
    {},
)


def measured(
    task: str = "image-classification", wh: float = 2.37, id: str = "maker/model", **changes: object
) -> Member:
    """A record of a whole test set on a GPU, as it would be on a machine that has one."""
    job = fake_job(task, id=id)
    model = replace(job.model, weights=Weights.PRETRAINED, device="cuda:0", dtype="bfloat16", source=Source.HUB)
    job = replace(job, backend="transformers", controls=registry.task(task).controls, model=model)
    job = replace(job, procedure=replace(job.procedure, samples=1000, digest="d" * 64))
    fields = {
        "job": job,
        "machine": MACHINE,
        "loaded": Loaded(8_030_261_248, None, {"transformers": "5.23.0"}),
        "quality": Quality("accuracy", 0.8123, True, 1000),
    }
    return written(wh, id, spread=0.015, **{**fields, **changes})


def estimated(task: str = "image-classification", id: str = "maker/model") -> Member:
    """A record whose energy was modelled, on a processor."""
    _, record = measured(task, id=id)
    made = Figure(
        boundary=Boundary.CPU_DRAM,
        method=Method.MODELLED,
        wh_per_1000=Interval(0.91, 0.933, 0.96),
        bound_wh_per_1000=0.0,
        plausible=Interval(0.4665, 0.933, 1.866),
        passes=4,
        coverage=("cpu:0 by estimate", "dram:0 by estimate"),
    )
    job = replace(record.job, model=replace(record.job.model, device="cpu"))
    return measured(task, id=id, job=job, figures=(made,), rated=Boundary.CPU_DRAM)


def edition(task: str = "image-classification", models: int = 12) -> Edition:
    """Of models that take 0.2 Wh, 0.2 × 1.6 Wh, …, each of its own maker."""
    members = [measured(task, 0.2 * 1.6**place, f"maker-{place}/model") for place in range(models)]
    return edition_of(members)


def edition_of(members: list[Member]) -> Edition:
    """Their own, under the conditions of the first."""
    first = figure(members[0][1])
    assert first is not None
    entries = [entry(name, record, made) for name, record in members if (made := figure(record)) is not None]
    found = population(conditions(members[0][1], first), entries)
    return Edition("2026-11", "of the tests", None, (found,), ())


def told(member: Member, by: Edition | None = None, **claims: object) -> Facts:
    """What the record's label says."""
    return facts(*member, Claims(by=By(by) if by else None, **claims))  # type: ignore[arg-type]


def official(said: Facts) -> Facts:
    """As if the edition shipped with the package."""
    assert said.place is not None
    return replace(said, place=replace(said.place, standing=Standing.OFFICIAL, reasons=()))


def renamed(record: Record, id: str) -> Record:
    """The same with another name."""
    return replace(record, job=replace(record.job, model=replace(record.job.model, id=id)))
