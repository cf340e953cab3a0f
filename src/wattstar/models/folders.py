"""Files on this disk: which format they are, what they declare, and the digests that pin them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from wattstar.errors import ModelUnavailable

SPHINX = ("mdef", "means", "variances", "sendump", "transition_matrices")
"""The acoustic model of CMU Sphinx; its language model is a ``*.bin``."""

WEIGHT_FILES = ("*.safetensors", "*.bin", "*.pth", "*.gguf", "*.onnx", "*.pb", *SPHINX)
"""Names of files that hold numbers a model was trained to."""

CONFIGURATIONS = ("config.json", "model_index.json")
"""Files that say what a model is; the second of one that is made of several, in folders."""

LOOKED_FOR = (
    "config.json with *.safetensors (transformers)",
    "config.json with model.bin and vocabulary.* or tokenizer.json (ctranslate2)",
    "model_index.json with folders of *.safetensors (diffusers)",
)


def format_of(names: Collection[str]) -> str | None:
    """The format that files of these names, relative to a model's folder, are in; None where it is none we know.

    A ``model.bin`` beside safetensors is a pickle of the same weights; alone with a vocabulary it is CTranslate2's own
    format, which is no pickle.
    """
    if "model_index.json" in names:
        return "diffusers" if any("/" in name and name.endswith(".safetensors") for name in names) else None
    if "config.json" not in names:
        return None
    if any("/" not in name and name.endswith(".safetensors") for name in names):
        return "transformers"
    has_words = any(name.startswith("vocabulary.") or name == "tokenizer.json" for name in names)
    if "model.bin" in names and has_words:
        return "ctranslate2"
    return None


def folder_format(folder: Path) -> str:
    """The format of a model's folder; ``ModelUnavailable`` says what was looked for."""
    found = format_of([path.relative_to(folder).as_posix() for path in _files(folder)])
    if found is None:
        cure = f"looked for: {'; or '.join(LOOKED_FOR)}"
        raise ModelUnavailable(f"{folder} holds no model files of a known format.", [cure])
    return found


def folder_digest(folder: Path) -> str:
    """The sha256 over the relative names and contents of all files."""
    return digest(folder, _files(folder))


def weights_in(path: Path) -> tuple[Path, ...]:
    """The weight files of a model's folder, in order; a path that is a file is its own."""
    if path.is_file():
        return (path,)
    return tuple(sorted(file for pattern in WEIGHT_FILES for file in path.rglob(pattern) if file.is_file()))


def digest(root: Path, files: Iterable[Path]) -> str:
    """The sha256 over names relative to ``root``, sizes and contents: no two sets of files run into each other."""
    total = hashlib.sha256()
    for path in files:
        name = path.relative_to(root).as_posix() if path != root else path.name
        total.update(f"{name}\0{path.stat().st_size}\0".encode())
        try:
            with path.open("rb") as file:
                total.update(hashlib.file_digest(file, "sha256").digest())
        except OSError as error:
            cure = f"make {path} readable"
            raise ModelUnavailable(f"{path} cannot be read: {error.strerror}.", [cure]) from error
    return total.hexdigest()


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file; ``ModelUnavailable`` names a file that is not one."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelUnavailable(f"{path} cannot be read: {error}.", ["fetch or copy the file again"]) from error
    if not isinstance(value, dict):
        raise ModelUnavailable(f"{path} is not a JSON object.", ["fetch or copy the file again"])
    return value


def configuration(format: str) -> str:
    """The one of ``CONFIGURATIONS`` that a model of this format has."""
    return CONFIGURATIONS[format == "diffusers"]


def declared(config: dict[str, Any]) -> tuple[str | None, str | None]:
    """Base model and quantisation method that a ``config.json`` declares."""
    base_model = config.get("base_model")
    quantization = config.get("quantization_config")
    method = quantization.get("quant_method") if isinstance(quantization, dict) else None
    return (str(base_model) if base_model else None, str(method) if method else None)


def _files(folder: Path) -> list[Path]:
    """All files, sorted by relative name; hidden ones (caches, version control) are no part of a model."""
    found = [path for path in folder.rglob("*") if path.is_file()]
    kept = [path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts)]
    return sorted(kept, key=lambda path: path.relative_to(folder).as_posix())
