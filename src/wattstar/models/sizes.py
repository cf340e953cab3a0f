"""How large a model is, before it is loaded: its weights in memory, and what is still to be fetched of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from wattstar.models import hub
from wattstar.models.architectures import architecture
from wattstar.models.contents import files
from wattstar.models.folders import weights_in
from wattstar.types import BYTES, ModelSpec, Source

CONVERTED = ("transformers", "diffusers")
"""Formats whose numbers are brought to the asked dtype when they are loaded; the others are used as they are stored."""


@dataclass(frozen=True)
class Size:
    """Bytes; None where they are not known."""

    weights: int | None
    """All weights once, in the asked dtype: the least that the model takes on its device."""
    basis: str
    """What ``weights`` was worked out from, in words."""
    fetched: int | None
    """Still to be fetched from the Hub; 0 where all is on this disk."""


def size(model: ModelSpec) -> Size:
    """From an architecture's published size, the heads of weight files, or what the Hub says; loads nothing."""
    if model.source is Source.ARCHITECTURE:
        parameters = round(architecture(model.id).parameters_millions * 1e6)
        return _of_parameters(model, parameters, 0)
    if model.source is Source.HUB:
        return _of_hub(model)
    # The digest of a folder takes minutes to work out; whoever loads the model does it.
    path = Path(model.id).expanduser() if model.source is Source.FOLDER else files(model)
    return _of_files(model, _with_sizes(_weights(model, path)), 0)


def _of_hub(model: ModelSpec) -> Size:
    found = hub.needed(model.id, model.revision, model.format)
    if found is None:
        folder = hub.cached(model.id, model.revision, model.format)
        local = _with_sizes(_weights(model, folder)) if folder else {}
        return replace(_of_files(model, local, 0), fetched=None)
    absent = sum(length for name, length in found.sizes.items() if name not in found.here)
    weights = [name for name in found.sizes if not name.endswith(TEXT)]
    if all(name in found.here for name in weights):
        return _of_files(model, _with_sizes(found.here[name] for name in weights), absent)
    if _is_converted(model):
        return _of_parameters(model, found.parameters, absent)
    return Size(sum(found.sizes[name] for name in weights), "its files", absent)


TEXT = (".json", ".txt", ".model", ".tiktoken", ".jinja", ".md")
"""Ends of the names of fetched files that hold no weights."""


def _of_files(model: ModelSpec, weights: Mapping[Path, int], fetched: int) -> Size:
    if not _is_converted(model):
        return Size(sum(weights.values()) or None, "its files", fetched)
    return _of_parameters(model, _parameters(weights), fetched)


def _of_parameters(model: ModelSpec, parameters: int | None, fetched: int) -> Size:
    if parameters is None or model.dtype not in BYTES:
        return Size(None, "neither files nor dtype say it", fetched)
    return Size(parameters * BYTES[model.dtype], f"{parameters:,} parameters × {BYTES[model.dtype]} bytes", fetched)


def _is_converted(model: ModelSpec) -> bool:
    """Quantised weights are packed: their number is not that of the parameters, and they stay as they are."""
    return model.format in CONVERTED and model.quantization is None


def _weights(model: ModelSpec, path: Path) -> Iterable[Path]:
    """Without the copies in other types that no backend reads."""
    if path.is_file():
        return [path]
    names = [file.relative_to(path).as_posix() for file in weights_in(path)]
    return [path / name for name in hub.kept(names, hub.WEIGHTS.get(model.format, ("*",)))]


def _with_sizes(paths: Iterable[Path]) -> dict[Path, int]:
    return {path: path.stat().st_size for path in paths}


def _parameters(weights: Iterable[Path]) -> int | None:
    """As the heads of safetensors say; None where another file is among them, or a head cannot be read."""
    from huggingface_hub import parse_local_safetensors_file_metadata
    from huggingface_hub.errors import SafetensorsParsingError

    paths = list(weights)
    if not paths or any(path.suffix != ".safetensors" for path in paths):
        return None
    try:
        tensors = [tensor for path in paths for tensor in parse_local_safetensors_file_metadata(path).tensors.values()]
    except SafetensorsParsingError:
        return None
    return sum(math.prod(tensor.shape) for tensor in tensors)
