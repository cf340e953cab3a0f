"""From what a user calls a model to a pinned specification."""

from __future__ import annotations

import os
from pathlib import Path

from wattstar.errors import ModelUnavailable, UsageError
from wattstar.models import hub
from wattstar.models.architectures import architecture
from wattstar.models.folders import configuration, declared, folder_digest, folder_format, read_json
from wattstar.models.heads import head, ways
from wattstar.models.packages import Entry, catalogue, installed, package_path
from wattstar.models.pinned import Pinned
from wattstar.models.preparing import is_prepared, prepare, recipe_name
from wattstar.types import Approach, ModelSpec, Request, Source, Weights


def resolve(request: Request, id: str) -> ModelSpec:
    """Find out where the model's bytes come from, and pin them.

    Tried in this order: random weights where they are asked for, a folder, an installed package, the Hub. Raises
    ``UnknownName`` for random weights of an architecture that is not known, ``UsageError`` for a revision of something
    that has none and for a model whose head does not fit the task, and ``ModelUnavailable`` with cures where the
    weights cannot be had.
    """
    pinned = _pin(request, id)
    return ModelSpec(
        id=pinned.id,
        source=pinned.source,
        revision=pinned.revision,
        format=pinned.format,
        weights=request.weights,
        dtype="float32" if request.dtype is None else request.dtype,
        quantization=pinned.quantization,
        device=_device() if request.device == "auto" else request.device,
        approach=_approach(request, pinned),
        family=_family(pinned),
        trust_remote_code=request.trust_remote_code,
        options=pinned.options,
    )


def _pin(request: Request, id: str) -> Pinned:
    if request.weights == Weights.RANDOM:
        return _random(request, id)
    if id.startswith(("/", ".", "~")) or Path(id).is_dir():
        return _folder(request, id)
    entry = catalogue().get(id)
    # A revision that is not the package's own asks for the model of the Hub: it is never silently ignored.
    if entry is None or request.revision not in (None, entry.revision):
        return hub.pin(id, request.revision)
    if installed(entry):
        return _package(entry)
    if entry.hub:
        return hub.pin(id, None)
    raise ModelUnavailable(f"{id} comes in a package that is not installed: {entry.revision}.", [entry.install])


def _random(request: Request, id: str) -> Pinned:
    found = architecture(id)
    _no_revision(request, id)
    config = {"model_type": found.model_type, **found.config}
    return Pinned(id, Source.ARCHITECTURE, found.revision, found.format, config=config)


def _folder(request: Request, id: str) -> Pinned:
    folder = Path(id).expanduser()
    if not folder.is_dir():
        raise ModelUnavailable(f"There is no folder {id}.", ["check the path"])
    _no_revision(request, id)
    format = folder_format(folder)
    config = read_json(folder / configuration(format))
    base_model, quantization = declared(config)
    return Pinned(id, Source.FOLDER, folder_digest(folder), format, base_model, quantization, config=config)


def _package(entry: Entry) -> Pinned:
    options = {}
    if entry.convert is not None:
        if not is_prepared(entry):
            message = f"The files of {entry.id} are installed but not made ready yet."
            raise ModelUnavailable(message, [f"wattstar prepare {entry.id}"])
        options = {"recipe": recipe_name(entry)}
    says = (package_path(entry) if entry.convert is None else prepare(entry.id)) / "config.json"
    return Pinned(
        id=entry.id,
        source=Source.PACKAGE,
        revision=entry.revision,
        format=entry.format,
        base_model=entry.base_model,
        quantization=entry.quantization,
        options=options,
        config=read_json(says) if says.is_file() else {},
    )


def _approach(request: Request, pinned: Pinned) -> Approach:
    """How the model comes to do the task: as asked, else as its head says."""
    known = ways(request.task, pinned.config) if pinned.format == "transformers" else None
    if known is None:
        return request.approach or Approach.FINE_TUNED
    if not known:
        message = f"{pinned.id} was made for something else than {request.task}: its head is {head(pinned.config)}."
        raise UsageError(message, ["choose a model that was made for the task, or one that writes text"])
    if request.approach is not None and request.approach not in known:
        cures = [f"approach {known[0]}", "leave the approach out"]
        raise UsageError(f"{pinned.id} cannot do {request.task} {request.approach}, only {known[0]}.", cures)
    return request.approach or known[0]


def _no_revision(request: Request, id: str) -> None:
    if request.revision is not None:
        raise UsageError(f"{id} has no revisions here: it is no model of the Hub.", ["leave --revision out"])


def _device() -> str:
    """The first accelerator whose driver is loaded, else the processor; found without importing anything heavy.

    A backend whose libraries cannot use the accelerator says so: it never falls back to the processor by itself.
    """
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1")
    drivers = (Path("/dev/nvidia0"), Path("/dev/kfd"))
    return "cuda:0" if not hidden and any(driver.exists() for driver in drivers) else "cpu"


def _family(pinned: Pinned) -> str:
    """Declared base model, else publisher, else the model's own name; lower case."""
    if pinned.base_model is not None:
        return pinned.base_model.lower()
    if pinned.source is Source.FOLDER:
        return Path(pinned.id).expanduser().resolve().name.lower()
    return pinned.id.partition("/")[0].lower()
