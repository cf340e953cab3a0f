"""Requests → jobs: everything looked up and pinned, what cannot be done refused with its reason, nothing loaded."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar, cast

from wattstar import models, registry, testsets
from wattstar.errors import MeterUnavailable, UnfitEnvironment, UsageError, WattstarError
from wattstar.measuring import fit
from wattstar.measuring.choosing import affinities, choose, cures
from wattstar.types import (
    Approach,
    Controls,
    Job,
    Kind,
    Method,
    ModelSpec,
    Procedure,
    Request,
    Task,
)

Value = TypeVar("Value")

STANDARD_EDITION = "mini-2"
DEVICES = r"auto|cpu|mps|cuda:\d+"
THINKING = ("off", "on", "low", "medium", "high")
QUICK_SHARE = 5
"""One of so many samples is served."""
LEAST_SUBSET = 40
"""Two for each block that the energy is fitted over."""
QUICK_PASS_SECONDS = 1.0
"""Where a counter's steps make more of it, it is longer: see ``steady.pass_seconds``."""
A_DAY, MANY = 86_400.0, 1e9
MOST_ERROR = 0.5
"""Of the mean: whoever asks for more means per cent."""


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
    once = _Once()
    return [_planned(request, model, once) for request in requests for model in request.models]


class _Once:
    """What many cells of a grid ask for is looked up once; that it cannot be had is an answer too."""

    def __init__(self) -> None:
        self._found: dict[tuple[object, ...], Any] = {}

    def __call__(self, look: Callable[[], Value], *key: object) -> Value:
        if key not in self._found:
            try:
                self._found[key] = look()
            except WattstarError as error:
                self._found[key] = error
        found = self._found[key]
        if isinstance(found, WattstarError):
            raise found
        return cast(Value, found)


def _planned(request: Request, model: str, once: _Once) -> Planned:
    try:
        return Planned(request, model, _job(request, model, once))
    except WattstarError as error:
        return Planned(request, model, None, error)


def _job(request: Request, model_id: str, once: _Once) -> Job:
    task = registry.task(request.task)
    _check(request)
    edition = STANDARD_EDITION if request.edition is None else request.edition
    test_set = once(lambda: testsets.load(task, edition, request.samples), request.task, edition, request.samples)
    told = (request.task, request.weights, request.revision, request.dtype, request.device, request.approach)
    model = once(lambda: models.resolve(request, model_id), model_id, *told, request.trust_remote_code)
    model = replace(model, options={**model.options, **request.options})
    backend, controls = _backend(request, model, task), _controls(request, task, model)
    meters = once(lambda: _meters(request, model), request.meters, request.require_measured, model.id, model.device)
    job = Job(
        task=request.task,
        model=model,
        backend=backend,
        controls=controls,
        procedure=_procedure(request, test_set, meters),
        meters=meters,
    )
    once(lambda: fit.check(model), model.id, model.revision, model.dtype, model.device)
    return job


def _procedure(request: Request, test_set: testsets.TestSet, meters: Sequence[str]) -> Procedure:
    procedure = Procedure(
        edition=test_set.edition,
        digest=test_set.digest,
        samples=len(test_set.samples),
        target_error=request.target_error,
        warm_up_seconds=request.warm_up_seconds,
        idle_seconds=_idle_seconds(request, meters),
        pass_seconds=_pass_seconds(request),
        subset=_subset(len(test_set.samples)) if request.quick else None,
    )
    if request.passes is None:
        return procedure
    return replace(procedure, passes=request.passes, most_passes=request.passes)


def _idle_seconds(request: Request, meters: Sequence[str]) -> float:
    """The asked ones; else those of the procedure, but where all is estimated: that tells nothing of a rest."""
    if request.idle_seconds is not None:
        return request.idle_seconds
    estimates = all(registry.meter(name).method is Method.MODELLED for name in meters)
    return 0.0 if estimates else Procedure.idle_seconds


def _pass_seconds(request: Request) -> float:
    if request.pass_seconds is not None:
        return request.pass_seconds
    return QUICK_PASS_SECONDS if request.quick else Procedure.pass_seconds


def _subset(samples: int) -> int | None:
    """How many of the samples stand for all; None where there are so few that all are served."""
    count = max(LEAST_SUBSET, samples // QUICK_SHARE)
    return count if count < samples else None


def _check(request: Request) -> None:
    for name, value, least, most in (
        ("--passes", request.passes, 1, MANY),
        ("--batch-size", request.batch_size, 1, MANY),
        ("--new-tokens", request.new_tokens, 1, MANY),
        ("--target-error", request.target_error, 0.001, MOST_ERROR),
        ("--warm-up-seconds", request.warm_up_seconds, 0, A_DAY),
        ("--idle-seconds", request.idle_seconds, 0, A_DAY),
        ("--pass-seconds", request.pass_seconds, 0, A_DAY),
    ):
        if value is not None and not least <= value <= most:
            raise UsageError(f"{name} is {value:g}; it must be at least {least}, and at most {most:g}.")
    for name in ("quick", "require_measured", "trust_remote_code", "optional"):
        if not isinstance(getattr(request, name), bool):
            raise UsageError(f"{name} is {getattr(request, name)!r}; it must be True or False.")
    if not re.fullmatch(DEVICES, request.device):
        raise UsageError(f"There is no device {request.device!r}.", ["known: auto, cpu, cuda:0, cuda:1, …, mps"])
    if not request.meters:
        raise UsageError("No meter is named.", ['meters = ["auto"]', "wattstar meters"])


def _controls(request: Request, task: Task, model: ModelSpec) -> Controls:
    """The task's standard ones, but for what is asked; ``UsageError`` for what does not apply, or is out of range."""
    from pydantic import ValidationError

    from wattstar.records.codec import adapter, first_problem

    named = {"batch_size": request.batch_size, "new_tokens": request.new_tokens, "seed": request.seed}
    asked = {**request.controls, **{name: value for name, value in named.items() if value is not None}}
    known = [field.name for field in fields(Controls) if _applies(field.name, task, model)]
    for name in asked:
        if name not in known:
            raise UsageError(f"{task.tag} has no control {name!r} that could be set.", [f"known: {', '.join(known)}"])
    try:
        controls: Controls = adapter(Controls).validate_python({**vars(task.controls), **asked})
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
