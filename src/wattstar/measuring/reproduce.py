"""Whether a record's job can be measured again here just as it was, and what else has changed since then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import wattstar
from wattstar import models, registry, testsets
from wattstar.errors import ModelUnavailable, UnfitEnvironment
from wattstar.measuring import environment, machine
from wattstar.measuring.choosing import choose
from wattstar.types import Job, Machine, Record, Request, Source


def require(job: Job) -> None:
    """Raise the error that says what the job needs and cannot have here, with the cure; load nothing."""
    task, backend = registry.task(job.task), registry.backend(job.backend)
    registry.require(f"The task {job.task!r}", task.requires)
    registry.require(f"The backend {job.backend!r}", backend.requires)
    found = testsets.load(task, job.procedure.edition, job.procedure.samples)
    if found.digest != job.procedure.digest:
        message = f"The samples of {job.task} in the edition {job.procedure.edition!r} are not those of the record"
        raise UnfitEnvironment(
            f"{message}: {found.digest[:12]}, not {job.procedure.digest[:12]}.",
            [f"wattstar testset build {job.task} --edition {job.procedure.edition} --replace", "ask who measured it"],
        )
    choose(job.meters, require_measured=False)
    _require_device(job)
    _require_model(job)


def changes(record: Record) -> tuple[str, ...]:
    """What is not as the record says it was, in words: machine, drivers, packages, commit, container, variables."""
    here = machine.describe(registry.versions(record.loaded.packages if record.loaded else ()))
    then, now = _facts(record.machine), _facts(here)
    then["wattstar"], now["wattstar"] = record.wattstar, wattstar.__version__
    if record.environment is not None:
        present = environment.describe(record.job)
        for name in ("commit", "container"):
            then[name], now[name] = getattr(record.environment, name), getattr(present, name)
        then |= {f"${name}": value for name, value in record.environment.variables.items()}
        now |= {f"${name}": value for name, value in present.variables.items()}
    return tuple(_different(then, now))


def _require_device(job: Job) -> None:
    kind, _, index = job.model.device.partition(":")
    known = {gpu.index for gpu in machine.describe({}).gpus}
    if kind == "cuda" and int(index or 0) not in known:
        message = f"The job ran on {job.model.device}, and there is none here."
        raise UnfitEnvironment(message, ["a machine with such a device", "wattstar doctor"])


def _require_model(job: Job) -> None:
    """The very same bytes: nothing is fetched that was not pinned."""
    pinned = job.model
    request = Request(
        task=job.task,
        models=(pinned.id,),
        weights=pinned.weights,
        revision=pinned.revision if pinned.source is Source.HUB else None,
        dtype=pinned.dtype,
        device=pinned.device,
        approach=pinned.approach,
        trust_remote_code=pinned.trust_remote_code,
    )
    found = models.resolve(request, pinned.id)
    if found.revision != pinned.revision:
        raise ModelUnavailable(
            f"{pinned.id} is another one here: {found.revision}, not {pinned.revision}.",
            [f"get {pinned.revision} back", "wattstar run, which measures what is here now"],
        )


def _facts(known: Machine) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "processor": known.cpu,
        "cores": known.cores,
        "memory": f"{known.memory_bytes / 1e9:.0f} GB",
        "system": known.system,
        "Python": known.python,
    }
    for gpu in known.gpus:
        facts |= {
            f"GPU {gpu.index}": f"{gpu.name} ({gpu.uuid})",
            f"GPU {gpu.index}'s power limit": gpu.power_limit_watts and f"{gpu.power_limit_watts:g} W",
            "driver": gpu.driver,
        }
    return facts | dict(known.packages)


def _different(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for name in dict.fromkeys([*then, *now]):
        if then.get(name) != now.get(name):
            yield f"{name}: {_said(then.get(name))} then, {_said(now.get(name))} now"


def _said(value: Any) -> str:
    return "none" if value is None else repr(value) if value == "" else str(value)
