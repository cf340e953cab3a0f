"""The files of a pinned model on this disk."""

from __future__ import annotations

from pathlib import Path

from wattstar.errors import MissingPackage, ModelUnavailable, UsageError
from wattstar.models import hub
from wattstar.models.architectures import Architecture
from wattstar.models.folders import digest, folder_digest, weights_in
from wattstar.models.packages import catalogue, installed, package_path
from wattstar.models.preparing import is_prepared, prepare
from wattstar.types import ModelSpec, Source, Weights


def files(model: ModelSpec) -> Path:
    """The folder with the model's files, or its one file; fetches those of the Hub's commit.

    Raises ``ModelUnavailable`` where they cannot be had, or are no longer those of the pinned revision, and
    ``UsageError`` for an architecture, which has none.
    """
    if model.source is Source.ARCHITECTURE:
        raise UsageError(f"{model.id} with random weights has no files.")
    if model.source is Source.HUB:
        return hub.snapshot(model.id, model.revision, model.format, model.trust_remote_code)
    if model.source is Source.FOLDER:
        return _folder(model)
    return _package(model)


def weights_digest(model: ModelSpec) -> str | None:
    """The sha256 over the weight files, names and contents; None for random weights."""
    if model.weights is Weights.RANDOM:
        return None
    path = files(model)
    return digest(path, weights_in(path))


def _folder(model: ModelSpec) -> Path:
    folder = Path(model.id).expanduser()
    if not folder.is_dir():
        raise ModelUnavailable(f"There is no folder {model.id}.", ["check the path"])
    if folder_digest(folder) != model.revision:
        message = f"The files in {model.id} are not those that were planned with: some were changed, added or removed."
        raise ModelUnavailable(message, ["plan again"])
    return folder


def _package(model: ModelSpec) -> Path:
    entry = catalogue().get(model.id)
    if entry is None or entry.revision != model.revision:
        raise ModelUnavailable(f"{model.id} at {model.revision} is not in the catalogue of this version of wattstar.")
    if not is_prepared(entry):
        raise ModelUnavailable(f"The files of {model.id} are not made ready yet.", [f"wattstar prepare {model.id}"])
    return package_path(entry) if entry.convert is None else prepare(model.id)


def tokenizer_files(architecture: Architecture) -> Path:
    """The folder of the tokenizer that stands in for an architecture's own.

    Raises ``MissingPackage`` with the pip line, ``UsageError`` for an architecture that takes no text.
    """
    if architecture.tokenizer is None:
        raise UsageError(f"{architecture.id} takes no text.")
    entry = catalogue()[architecture.tokenizer]
    if not installed(entry):
        raise MissingPackage(f"{architecture.id} needs the tokenizer in {entry.revision}.", [entry.install])
    return package_path(entry)
