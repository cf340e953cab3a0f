"""Requests → jobs: everything looked up and pinned, what cannot be done refused with its reason, nothing loaded."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from wattstar import models, registry, testsets
from wattstar.errors import MeterUnavailable, UnfitEnvironment, UsageError, WattstarError
from wattstar.measuring.choosing import affinities, choose, cures
from wattstar.types import (
    Controls,
    Job,
    Method,
    ModelSpec,
    Procedure,
    Record,
    Request,
    Status,
    Task,
)

STANDARD_EDITION = "mini-2"
DEVICES = r"auto|cpu|mps|cuda:\d+"
PROCESS_SECONDS = 5.0
"""What a worker takes at the least to import its libraries and load a small model."""


@dataclass(frozen=True)
class Planned:
    """One cell: a job, or why there is none."""

    request: Request
    model: str
    job: Job | None
    refused: WattstarError | None = None

    @property
    def skipped(self) -> bool:
        """Optional, and this machine cannot serve it; a typo is refused all the same."""
        return self.request.optional and isinstance(self.refused, UnfitEnvironment)


def plan(requests: Sequence[Request]) -> list[Planned]:
    """One cell per request and model."""
    return [_planned(request, model) for request in requests for model in request.models]


def least_seconds(job: Job) -> float:
    """What the procedure alone takes; serving the samples more often than ``pass_seconds`` asks comes on top."""
    procedure = job.procedure
    return PROCESS_SECONDS + 2 * procedure.idle_seconds + procedure.passes * procedure.pass_seconds


def seen_seconds(job: Job, records: Mapping[str, Record]) -> float | None:
    """What the same job took before; ``records`` by job id."""
    from wattstar.records.codec import job_id

    earlier = records.get(job_id(job))
    return earlier.seconds if earlier and earlier.status is Status.COMPLETE else None


def _planned(request: Request, model: str) -> Planned:
    try:
        return Planned(request, model, _job(request, model))
    except WattstarError as error:
        return Planned(request, model, None, error)


def _job(request: Request, model_id: str) -> Job:
    task = registry.task(request.task)
    _check(request)
    test_set = testsets.load(task, request.edition or STANDARD_EDITION, request.samples)
    model = models.resolve(request, model_id)
    model = replace(model, options={**model.options, **request.options})
    backend = _backend(request, model, task)
    return Job(
        task=request.task,
        model=model,
        backend=backend,
        controls=_controls(request, task),
        procedure=Procedure(
            edition=test_set.edition,
            digest=test_set.digest,
            samples=len(test_set.samples),
            passes=request.passes,
            idle_seconds=request.idle_seconds,
            pass_seconds=request.pass_seconds,
        ),
        meters=_meters(request, model),
    )


def _check(request: Request) -> None:
    for name, value, least in (
        ("--passes", request.passes, 1),
        ("--batch-size", request.batch_size, 1),
        ("--new-tokens", request.new_tokens, 1),
        ("--idle-seconds", request.idle_seconds, 0),
        ("--pass-seconds", request.pass_seconds, 0),
    ):
        if value is not None and not least <= value < math.inf:
            raise UsageError(f"{name} is {value}; it must be at least {least}, and finite.")
    if not re.fullmatch(DEVICES, request.device):
        raise UsageError(f"There is no device {request.device!r}.", ["known: auto, cpu, cuda:0, cuda:1, …, mps"])
    if not request.meters:
        raise UsageError("No meter is named.", ['meters = ["auto"]', "wattstar meters"])


def _controls(request: Request, task: Task) -> Controls:
    if request.new_tokens is not None and task.controls.new_tokens is None:
        raise UsageError(f"{task.tag} generates no tokens, so --new-tokens does not apply.")
    return replace(
        task.controls,
        batch_size=request.batch_size or task.controls.batch_size,
        new_tokens=request.new_tokens or task.controls.new_tokens,
        seed=request.seed,
    )


def _backend(request: Request, model: ModelSpec, task: Task) -> str:
    """The asked one, or the first that does not refuse; the error holds every refusal."""
    if request.backend is not None:
        reason = registry.backend(request.backend).refuses(model, task)
        if reason:
            raise UsageError(
                f"The backend {request.backend!r} cannot serve {model.id}: {reason}.", ["wattstar backends"]
            )
        registry.require(f"The backend {request.backend!r}", registry.backend(request.backend).requires)
        return request.backend
    reasons = {name: registry.backend(name).refuses(model, task) for name in registry.plug_ins("backends")}
    willing = [name for name, reason in reasons.items() if reason is None]
    if not willing:
        listed = [f"{name}: {reason}" for name, reason in reasons.items()]
        raise UsageError(f"No backend can serve {model.id} ({model.format}) for {task.tag}.", listed)
    ready = [name for name in willing if not registry.missing(registry.backend(name).requires)]
    registry.require(f"The backend {willing[0]!r}", () if ready else registry.backend(willing[0]).requires)
    return ready[0]


def _meters(request: Request, model: ModelSpec) -> tuple[str, ...]:
    """The asked ones, or what suits the device: a GPU's energy must then be read, since that is what is rated."""
    automatic = request.meters == ("auto",)
    gpu = model.device != "cpu"
    names = choose(() if automatic else request.meters, require_measured=False, gpu=gpu).meters
    measured = {domain.partition(":")[0] for meter in map(registry.meter, names) if meter.method is not Method.MODELLED
                for domain in meter.affinity().domains}  # fmt: skip
    wanted = {"gpu"} if gpu else {"cpu", "dram"}
    if "system" in measured or wanted <= measured:
        return names
    absent = " and ".join(sorted(wanted - measured))
    if request.require_measured:
        message = f"A measurement was asked for, but the energy of {absent} can only be estimated here."
        raise MeterUnavailable(message, cures(affinities()))
    if gpu and automatic:
        raise MeterUnavailable(f"No meter can read the GPU that {model.id} would run on.", cures(affinities()))
    return names
