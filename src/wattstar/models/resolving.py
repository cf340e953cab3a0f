"""From what a user calls a model to a pinned specification."""

from __future__ import annotations

import os
from pathlib import Path

from wattstar.errors import ModelUnavailable, UsageError
from wattstar.models import hub
from wattstar.models.architectures import architecture
from wattstar.models.folders import configuration, declared, folder_digest, folder_format, read_json
from wattstar.models.packages import Entry, catalogue, installed
from wattstar.models.pinned import Pinned
from wattstar.models.preparing import is_prepared, recipe_name
from wattstar.types import ModelSpec, Request, Source, Weights


def resolve(request: Request, id: str) -> ModelSpec:
    """Find out where the model's bytes come from, and pin them.

    Tried in this order: random weights where they are asked for, a folder, an installed package, the Hub. Raises
    ``UnknownName`` for random weights of an architecture that is not known, ``UsageError`` for a revision of something
    that has none, and ``ModelUnavailable`` with cures where the weights cannot be had.
    """
    pinned = _pin(request, id)
    return ModelSpec(
        id=pinned.id,
        source=pinned.source,
        revision=pinned.revision,
        format=pinned.format,
        weights=request.weights,
        dtype=request.dtype or "float32",
        quantization=pinned.quantization,
        device=_device() if request.device == "auto" else request.device,
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
    return Pinned(id, Source.ARCHITECTURE, found.revision, found.format)


def _folder(request: Request, id: str) -> Pinned:
    folder = Path(id).expanduser()
    if not folder.is_dir():
        raise ModelUnavailable(f"There is no folder {id}.", ["check the path"])
    _no_revision(request, id)
    format = folder_format(folder)
    base_model, quantization = declared(read_json(folder / configuration(format)))
    return Pinned(id, Source.FOLDER, folder_digest(folder), format, base_model, quantization)


def _package(entry: Entry) -> Pinned:
    options = {}
    if entry.convert is not None:
        if not is_prepared(entry):
            message = f"The files of {entry.id} are installed but not made ready yet."
            raise ModelUnavailable(message, [f"wattstar prepare {entry.id}"])
        options = {"recipe": recipe_name(entry)}
    return Pinned(entry.id, Source.PACKAGE, entry.revision, entry.format, entry.base_model, entry.quantization, options)


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
