"""A network on its device, from files or from a named architecture with random values."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wattstar.backends._torch import find_device, synchroniser
from wattstar.errors import ModelUnavailable, UsageError
from wattstar.models import architecture, files, tokenizer_files
from wattstar.types import Controls, ModelSpec, Sample, Weights


@dataclass(frozen=True)
class Network:
    """A loaded network; the types of torch and transformers are ``Any`` here, so that nothing imports them early."""

    module: Any
    device: Any
    folder: Path | None
    """With its files; None for random weights."""
    parameters: int
    synchronise: Callable[[], None]
    """Returns when the device has nothing left to do."""


def load(spec: ModelSpec, controls: Controls, auto_class: str, optional: tuple[str, ...] = ()) -> Network:
    """Build or read the network for inference, by the name of one of transformers' Auto classes.

    Weights whose name starts with one of ``optional`` may be missing from the files; any other missing weight raises
    ``ModelUnavailable``, because transformers would fill it with random values and the answers would mean nothing.
    """
    import torch
    import transformers

    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()
    device = find_device(spec.device)
    auto = getattr(transformers, auto_class)
    folder = None if spec.weights is Weights.RANDOM else files(spec)
    module = _random(spec, controls, auto) if folder is None else _pretrained(spec, folder, auto, optional)
    module = module.eval().to(device=device, dtype=getattr(torch, spec.dtype))
    parameters = sum(parameter.numel() for parameter in module.parameters())
    return Network(module, device, folder, parameters, synchroniser(device))


def configuration(spec: ModelSpec) -> Any:
    """What the model says of itself, as a configuration of transformers; reads no weights."""
    from transformers import AutoConfig

    if spec.weights is Weights.RANDOM:
        found = architecture(spec.id)
        return AutoConfig.for_model(found.model_type, **found.config)
    folder = files(spec)
    with readable(spec, folder):
        return AutoConfig.from_pretrained(folder, trust_remote_code=spec.trust_remote_code, local_files_only=True)


TOKENIZER_FILES = (
    "tokenizer.json",
    "vocab.txt",
    "vocab.json",
    "tokenizer.model",
    "spiece.model",
    "sentencepiece.bpe.model",
)


def load_tokenizer(spec: ModelSpec, network: Network, padding_side: str | None = None) -> Any:
    """The model's own tokenizer, or for random weights the one that stands in for it; it always has a padding token.

    Padding goes to the tokenizer's own side unless one is given: XLNet, for one, classifies by the last token.
    """
    from transformers import AutoTokenizer

    folder = network.folder or tokenizer_files(architecture(spec.id))
    if not any((folder / name).exists() for name in TOKENIZER_FILES):
        # The library would make one up, which cuts texts into something that the model has never seen.
        looked = ", ".join(TOKENIZER_FILES)
        raise ModelUnavailable(
            f"{spec.id} has no tokenizer.", [f"looked for: {looked}", "tokenizer.save_pretrained(FOLDER)"]
        )
    with readable(spec, folder):
        tokenizer = AutoTokenizer.from_pretrained(
            folder, trust_remote_code=spec.trust_remote_code, local_files_only=True
        )
    tokenizer.padding_side = padding_side or tokenizer.padding_side
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def batches(samples: Sequence[Sample], size: int) -> Iterator[tuple[Sample, ...]]:
    """The samples in order, ``size`` at a time."""
    for begin in range(0, len(samples), size):
        yield tuple(samples[begin : begin + size])


@contextmanager
def readable(spec: ModelSpec, folder: Path) -> Iterator[None]:
    """Turn what the libraries say of unreadable files into ``ModelUnavailable`` that names the file where it is known.

    Files are checked first, because the tokenizer library raises a bare ``Exception``, which cannot be caught by name.
    """
    from safetensors import SafetensorError

    _check(spec, folder)
    try:
        yield
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        code = "auto_map" in (folder / "config.json").read_text(encoding="utf-8") and not spec.trust_remote_code
        cures = ["--trust-remote-code, if you trust the code in this repository"] if code else []
        first = str(error).strip().partition("\n")[0]
        raise ModelUnavailable(f"{spec.id} in {folder} cannot be loaded: {first}", cures) from error


def _check(spec: ModelSpec, folder: Path) -> None:
    """Read every JSON file and the header of every weight file, which states how long the file must be."""
    from safetensors import SafetensorError, safe_open

    for path in sorted(folder.glob("*.json")):
        try:
            json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise _corrupt(spec, path, error) from error
    for path in sorted(folder.glob("*.safetensors")):
        try:
            with safe_open(path, framework="pt"):
                pass
        except (SafetensorError, OSError) as error:
            raise _corrupt(spec, path, error) from error


def _corrupt(spec: ModelSpec, path: Path, error: Exception) -> ModelUnavailable:
    return ModelUnavailable(f"{path} of {spec.id} is corrupt: {error}.", [f"delete {path} and fetch it again"])


def _random(spec: ModelSpec, controls: Controls, auto: Any) -> Any:
    """The architecture with its own initialisation, the same values for the same seed."""
    import torch

    torch.manual_seed(controls.seed)
    config = configuration(spec)
    try:
        return auto.from_config(config)
    except ValueError as error:
        message = f"The architecture {spec.id} ({config.model_type}) does not do this task."
        raise UsageError(message, ["choose an architecture that is made for the task"]) from error


def _pretrained(spec: ModelSpec, folder: Path, auto: Any, optional: tuple[str, ...]) -> Any:
    import torch

    with readable(spec, folder):
        module, info = auto.from_pretrained(
            folder,
            dtype=getattr(torch, spec.dtype),
            use_safetensors=True,
            trust_remote_code=spec.trust_remote_code,
            local_files_only=True,
            output_loading_info=True,
        )
    missing = sorted(key for key in info["missing_keys"] if not key.startswith(optional))
    if missing:
        raise ModelUnavailable(
            f"{spec.id} is not trained for this task: its files lack {', '.join(missing[:3])}.",
            ["choose a model that was fine-tuned for the task"],
        )
    return module
