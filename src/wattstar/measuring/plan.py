"""Requests → jobs: everything looked up and pinned, what cannot be done refused with its reason, nothing loaded."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from wattstar import models, registry, testsets
from wattstar.errors import MeterUnavailable, UnfitEnvironment, UsageError, WattstarError
from wattstar.measuring.choosing import affinities, choose, cures
from wattstar.types import (
    Approach,
    Controls,
    Job,
    Kind,
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
THINKING = ("off", "on", "low", "medium", "high")
QUICK_SHARE = 5
"""One of so many samples is served."""
LEAST_SUBSET = 40
"""Two for each block that the energy is fitted over."""
QUICK_PASS_SECONDS = 2.0
"""Where a counter's steps make more of it, it is longer: see ``steady.pass_seconds``."""
A_DAY = 86_400.0
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
    edition = STANDARD_EDITION if request.edition is None else request.edition
    test_set = testsets.load(task, edition, request.samples)
    model = models.resolve(request, model_id)
    model = replace(model, options={**model.options, **request.options})
    backend = _backend(request, model, task)
    return Job(
        task=request.task,
        model=model,
        backend=backend,
        controls=_controls(request, task, model),
        procedure=_procedure(request, test_set),
        meters=_meters(request, model),
    )


def _procedure(request: Request, test_set: testsets.TestSet) -> Procedure:
    procedure = Procedure(
        edition=test_set.edition,
        digest=test_set.digest,
        samples=len(test_set.samples),
        target_error=request.target_error,
        warm_up_seconds=request.warm_up_seconds,
        idle_seconds=request.idle_seconds,
        pass_seconds=_pass_seconds(request),
        subset=_subset(len(test_set.samples)) if request.quick else None,
    )
    if request.passes is None:
        return procedure
    return replace(procedure, passes=request.passes, most_passes=request.passes)


def _pass_seconds(request: Request) -> float:
    if request.pass_seconds is not None:
        return request.pass_seconds
    return QUICK_PASS_SECONDS if request.quick else Procedure.pass_seconds


def _subset(samples: int) -> int | None:
    """How many of the samples stand for all; None where there are so few that all are served."""
    count = max(LEAST_SUBSET, samples // QUICK_SHARE)
    return count if count < samples else None


def _check(request: Request) -> None:
    for name, value, least in (
        ("--passes", request.passes, 1),
        ("--batch-size", request.batch_size, 1),
        ("--new-tokens", request.new_tokens, 1),
        ("--target-error", request.target_error, 0.001),
        ("--warm-up-seconds", request.warm_up_seconds, 0),
        ("--idle-seconds", request.idle_seconds, 0),
        ("--pass-seconds", request.pass_seconds, 0),
    ):
        if value is not None and not least <= value < math.inf:
            raise UsageError(f"{name} is {value}; it must be at least {least}, and finite.")
        if name.endswith("-seconds") and value is not None and value > A_DAY:
            raise UsageError(f"{name} is {value:g}; it must be at most a day, {A_DAY:g}.")
    for name in ("quick", "require_measured", "trust_remote_code", "optional"):
        if not isinstance(getattr(request, name), bool):
            raise UsageError(f"{name} is {getattr(request, name)!r}; it must be True or False.")
    if not re.fullmatch(DEVICES, request.device):
        raise UsageError(f"There is no device {request.device!r}.", ["known: auto, cpu, cuda:0, cuda:1, …, mps"])
    if not request.meters:
        raise UsageError("No meter is named.", ['meters = ["auto"]', "wattstar meters"])


def _controls(request: Request, task: Task, model: ModelSpec) -> Controls:
    """The task's standard ones, but for what is asked; ``UsageError`` for what does not apply, or is out of range."""
    from pydantic import TypeAdapter, ValidationError

    from wattstar.records.codec import first_problem

    named = {"batch_size": request.batch_size, "new_tokens": request.new_tokens, "seed": request.seed}
    asked = {**request.controls, **{name: value for name, value in named.items() if value is not None}}
    known = [field.name for field in fields(Controls) if _applies(field.name, task, model)]
    for name in asked:
        if name not in known:
            raise UsageError(f"{task.tag} has no control {name!r} that could be set.", [f"known: {', '.join(known)}"])
    try:
        controls = TypeAdapter(Controls).validate_python({**vars(task.controls), **asked})
    except ValidationError as error:
        raise UsageError(f"The controls of {task.tag}: {first_problem(error)}.") from error
    for name in asked:
        _check_control(name, getattr(controls, name))
    return controls


def _applies(name: str, task: Task, model: ModelSpec) -> bool:
    """Whether a control says something about this work: the task sets it, or leaves it to the model."""
    standard = getattr(task.controls, name)
    if name == "stops_early":
        return _applies("new_tokens", task, model)
    if name in ("new_tokens", "thinking") and model.approach is Approach.ZERO_SHOT:
        return True
    if name == "image_size" and Kind.IMAGE in task.inputs.values():
        return True
    if name == "input_tokens" and Kind.TEXT in task.inputs.values():
        return True
    return standard is not None


def _check_control(name: str, value: Any) -> None:
    if name == "thinking" and value not in THINKING:
        raise UsageError(f"thinking is {value!r}.", [f"known: {', '.join(THINKING)}"])
    if isinstance(value, int | float) and name not in ("seed", "stops_early"):
        least = 0 if name in ("guidance", "threshold", "stride") else 1 if isinstance(value, int) else 0.01
        if not least <= value < math.inf:
            raise UsageError(f"{name} is {value}; it must be at least {least}, and finite.")


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
