"""Models of the Hugging Face Hub: a revision pinned to its commit, and the files of that commit."""

from __future__ import annotations

import difflib
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from wattstar.errors import ModelUnavailable
from wattstar.models.architectures import architectures
from wattstar.models.folders import CONFIGURATIONS, LOOKED_FOR, configuration, declared, format_of, read_json
from wattstar.models.packages import catalogue
from wattstar.models.pinned import Pinned
from wattstar.registry import require
from wattstar.types import Source

TIMEOUT = 5.0
"""Seconds the Hub has to answer: planning must not hang where there is no network."""

SMALL_FILES = ("*.json", "*.txt", "*.model", "*.tiktoken", "*.jinja", "README.md")
"""Configurations, tokenizers, chat templates, and the card that names the base model."""

WEIGHTS: Mapping[str, tuple[str, ...]] = {
    "transformers": ("*.safetensors",),
    "ctranslate2": ("model.bin",),
    "diffusers": ("*/*.safetensors",),
}
"""By format. Pickles are never fetched; CTranslate2's ``model.bin`` is a format of its own."""

COPIES = ("original/*", "consolidated*", "onnx/*", "openvino/*", "*.fp16*", "*.non_ema*", "safety_checker/*")
"""The same weights once more, for other programs or in other types; and a judge of images, which is not run."""


def client() -> None:
    """The Hub's client is there, and asks the Hub for nothing but what it is told to."""
    require("The Hugging Face Hub", ["huggingface_hub"])
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")  # read when the client is imported


def pin(id: str, revision: str | None) -> Pinned:
    """Ask the Hub, or where it cannot be reached its cache on this disk, which commit a revision stands for."""
    client()
    with _explained(id, revision):
        name, commit, names = _online(id, revision) or _cached(id, revision)
        format = format_of(names)
        if format is None:
            raise _without_weights(id, names)
        config = _small_file(name, configuration(format), commit)
        card = _small_file(name, "README.md", commit)
    says = read_json(config) if config else {}
    base_model, quantization = declared(says)
    base_model = _card_base_model(card) or base_model
    return Pinned(name, Source.HUB, commit, format, base_model, quantization, config=says)


def snapshot(id: str, commit: str, format: str, with_code: bool) -> Path:
    """The folder with the files of a commit, fetched where they are not in the cache; never a pickle.

    ``with_code`` adds the repository's Python files: they are only ever run for ``trust_remote_code``.
    """
    client()
    from huggingface_hub import snapshot_download

    with _explained(id, commit):
        folder = snapshot_download(
            id, revision=commit, allow_patterns=_patterns(format, with_code), ignore_patterns=list(COPIES),
            etag_timeout=TIMEOUT,
        )  # fmt: skip
    names = [path.relative_to(folder).as_posix() for path in Path(folder).rglob("*")]
    if format_of(names) != format:
        raise _without_weights(id, names)
    return Path(folder)


@dataclass(frozen=True)
class Files:
    """What ``snapshot`` would bring."""

    sizes: Mapping[str, int]
    """Name → bytes, of every file."""
    here: Mapping[str, Path]
    """Name → where it lies, of those that are in the cache."""
    parameters: int | None
    """As the Hub counts them in safetensors; None where it does not say."""


@cache
def needed(id: str, commit: str, format: str) -> Files | None:
    """The files of a commit that ``snapshot`` would bring; None where the Hub cannot be reached. Fetches none."""
    client()
    import httpx2
    from huggingface_hub import HfApi, try_to_load_from_cache
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    try:
        info = HfApi().model_info(id, revision=commit, timeout=TIMEOUT, files_metadata=True)
    except (httpx2.TransportError, OfflineModeIsEnabled, HfHubHTTPError):
        return None
    sizes = {file.rfilename: file.size for file in info.siblings or () if file.size is not None}
    wanted = list(kept(sizes, _patterns(format, with_code=False)))
    found = {name: try_to_load_from_cache(id, name, revision=commit) for name in wanted}
    here = {name: Path(path) for name, path in found.items() if isinstance(path, str)}
    counted = info.safetensors.total if info.safetensors else None
    return Files({name: sizes[name] for name in wanted}, here, counted)


def cached(id: str, commit: str, format: str) -> Path | None:
    """The folder in the cache with what ``snapshot`` would bring of a commit; None where that is not there."""
    client()
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        patterns = _patterns(format, with_code=False)
        return Path(snapshot_download(id, revision=commit, local_files_only=True, allow_patterns=patterns))
    except LocalEntryNotFoundError:
        return None


def cache_folder() -> Path:
    """Where fetched files go."""
    client()
    from huggingface_hub.constants import HF_HUB_CACHE

    return Path(HF_HUB_CACHE)


def kept(names: Iterable[str], patterns: Sequence[str] = ("*",)) -> Iterator[str]:
    """The names that fit a pattern and are no ``COPIES``, by the rules of the Hub's client."""
    from huggingface_hub.utils._paths import filter_repo_objects

    yield from filter_repo_objects(names, allow_patterns=list(patterns), ignore_patterns=list(COPIES))


def _patterns(format: str, with_code: bool) -> list[str]:
    """Of the files that are fetched."""
    return [*WEIGHTS.get(format, ()), *SMALL_FILES, *["*.py"] * with_code]


def _online(id: str, revision: str | None) -> tuple[str, str, Collection[str]] | None:
    """Canonical id, commit and file names; None where the Hub cannot be reached."""
    import httpx2
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    try:
        info = HfApi().model_info(id, revision=revision, timeout=TIMEOUT)
        # Writes the revision's commit into the Hub's cache, which is what makes the next call work without network.
        commit = HfApi().resolve_revision(info.id, revision=revision).resolved
    except (httpx2.TransportError, OfflineModeIsEnabled):
        return None
    except HfHubHTTPError as error:
        if error.response.status_code >= 500:
            return None
        raise
    return info.id, commit, [file.rfilename for file in info.siblings or ()]


def _cached(id: str, revision: str | None) -> tuple[str, str, Collection[str]]:
    from huggingface_hub import HfApi, snapshot_download

    commit = HfApi().resolve_revision(id, revision=revision, local_files_only=True).resolved
    folder = Path(snapshot_download(id, revision=commit, local_files_only=True, allow_patterns=list(CONFIGURATIONS)))
    return id, commit, [path.relative_to(folder).as_posix() for path in folder.rglob("*")]


def _small_file(id: str, name: str, commit: str) -> Path | None:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import LocalEntryNotFoundError, RemoteEntryNotFoundError

    try:
        return Path(hf_hub_download(id, name, revision=commit, etag_timeout=TIMEOUT))
    except (RemoteEntryNotFoundError, LocalEntryNotFoundError):
        return None


def _card_base_model(card: Path | None) -> str | None:
    if card is None:
        return None
    from huggingface_hub import ModelCard

    base: Any = ModelCard.load(card, ignore_metadata_errors=True).data.get("base_model")
    first = base[0] if isinstance(base, list) and base else base
    return str(first) if first else None


@contextmanager
def _explained(id: str, revision: str | None) -> Iterator[None]:
    """What the Hub's client raises, as ``ModelUnavailable`` with what can be done about it."""
    import httpx2
    from huggingface_hub import errors

    try:
        yield
    except errors.GatedRepoError as error:
        raise _gated(id) from error
    except errors.RevisionNotFoundError as error:
        cures = ["see its branches, tags and commits on the Hub"]
        raise ModelUnavailable(f"{id} has no revision {revision!r}.", cures) from error
    except (errors.RepositoryNotFoundError, errors.HFValidationError) as error:
        cures = ["check the spelling (owner/name)", "if it is private: hf auth login", *_other_ways(id)]
        raise ModelUnavailable(f"The Hub has no public model {id!r}.", cures) from error
    except errors.HfHubHTTPError as error:
        if error.response.status_code in (401, 403):
            raise _gated(id) from error
        cures = ["try again later", *_other_ways(id)]
        raise ModelUnavailable(f"The Hub refused {id}: {_first_line(error)}.", cures) from error
    except (errors.RevisionResolutionError, errors.LocalEntryNotFoundError, httpx2.TransportError) as error:
        message = f"The Hub cannot be reached, and {id} is not in its cache on this disk."
        offline = " and unset HF_HUB_OFFLINE" if "HF_HUB_OFFLINE" in os.environ else ""
        cures = [*_other_ways(id), f"connect to the network{offline}"]
        raise ModelUnavailable(message, cures) from error


def _gated(id: str) -> ModelUnavailable:
    return ModelUnavailable(
        f"{id} is gated: its owners let only logged-in users in who accepted their terms.",
        [f"accept the terms on the model's page of the Hub ({id})", "hf auth login"],
    )


def _without_weights(id: str, names: Collection[str]) -> ModelUnavailable:
    pickles = sorted(name for name in names if name.endswith((".bin", ".pt", ".pth", ".ckpt")))
    found = f" It has {', '.join(pickles[:3])}, which may be pickles and are not fetched." if pickles else ""
    return ModelUnavailable(
        f"{id} has no safetensors weights.{found}",
        [f"looked for: {'; or '.join(LOOKED_FOR)}", "ask its owners for safetensors, or convert it in a local folder"],
    )


def _other_ways(id: str) -> list[str]:
    """How the model, or its like, can be had without the Hub."""
    entry = catalogue().get(id)
    ways = [entry.install] if entry else []
    packaged = {known.rpartition("/")[2].lower(): known for known in catalogue()}
    near = difflib.get_close_matches(id.rpartition("/")[2].lower(), packaged, n=1, cutoff=0.8)
    if near and not entry:
        ways.append(f"did you mean {packaged[near[0]]}? It comes in a package and needs no network")
    if id in architectures():
        ways.append("--weights random (true size, random values: energy without quality)")
    return [*ways, "give the path of a local folder with the model's files"]


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0].rstrip(".")
