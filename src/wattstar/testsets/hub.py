"""Data sets of the Hugging Face Hub: a revision pinned to its commit, its rows one by one, and a set put there."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from wattstar.errors import UnfitEnvironment, UsageError
from wattstar.models.hub import client
from wattstar.registry import require
from wattstar.testsets.converting import check_columns, columns
from wattstar.testsets.recipe import DataSource
from wattstar.types import Kind, Task

REQUIRES: Mapping[Kind | None, tuple[str, ...]] = {
    None: ("datasets", "huggingface_hub"),
    Kind.IMAGE: ("pillow",),
    Kind.AUDIO: ("soundfile", "scipy"),
}
"""Distributions that building needs, by the kind of a task's inputs; None: for every task."""

READERS = {"parquet": ".parquet", "json": ".json", "csv": ".csv"}
"""``datasets``' reader of files, by what their names contain."""

TIMEOUT = 10.0
"""Seconds the Hub has to say which commit a revision stands for."""


class SourceUnavailable(UnfitEnvironment):
    """The rows of a data set cannot be had now; the message names it."""


class SourceClosed(SourceUnavailable):
    """A data set, or this revision of it, is gone, or closed to this user: what a fallback is for."""


@dataclass(frozen=True)
class Opened:
    """A data set whose rows can be read."""

    features: Mapping[str, Any]
    """Column → its type as the data set declares it; None where it declares none."""
    rows: Iterator[Mapping[str, Any]]
    """Media as the source's bytes."""


def needed(task: Task) -> tuple[str, ...]:
    """Distributions that building this task's test set needs."""
    return tuple(name for kind in (None, *dict.fromkeys(task.inputs.values())) for name in REQUIRES.get(kind, ()))


def pinned(source: DataSource) -> DataSource:
    """The same with the commit its revision stands for; ``SourceClosed`` where it is gated, missing or gone."""
    require("Building a test set", REQUIRES[None])
    client()
    from huggingface_hub import HfApi, HfFileSystem

    with _explained(source):
        info = HfApi().dataset_info(source.id, revision=source.revision, timeout=TIMEOUT)
        HfApi().auth_check(source.id, repo_type="dataset")
        made = replace(source, revision=str(info.sha))
        if made.files is not None and not HfFileSystem().glob(_address(made)):
            raise SourceClosed(
                f"{source.id} has no files {source.files!r} at {source.revision}.", ["correct the recipe"]
            )
    return made


@contextmanager
def opened(source: DataSource, seed: int) -> Iterator[Opened]:
    """The rows of a pinned source: all in their order, or where some are to be drawn in an order by the seed.

    That order mixes the row groups of all files, so that the first rows are no corner of the data set. Parts that
    arrive broken are asked for again by the Hub's client.
    """
    import datasets

    datasets.config.HF_UPDATE_DOWNLOAD_COUNTS = False  # tells a third party which data set is read
    with _explained(source):
        rows = _fitting(source)
        features = rows.features or dict.fromkeys(next(iter(rows)))
        rows = rows.decode(False) if rows.features else rows
        if source.rows is not None:
            # A buffer would only mix neighbours, and what is drawn does not depend on the order within the pool.
            rows = rows.reshard().shuffle(seed=seed, buffer_size=1, max_buffer_input_shards=1)
        with closing(iter(rows)) as each:  # here, not whenever it is collected: its files are read by other threads
            yield Opened(features, each)


def push(folder: Path, repository: str, *, public: bool) -> str:
    """Put a built test set on the Hub as a data set, private unless ``public``; its address."""
    client()
    from huggingface_hub import HfApi

    with _explained(DataSource(repository, repository, "", {})):
        made = HfApi().create_repo(repository, repo_type="dataset", private=not public, exist_ok=True)
        HfApi().upload_folder(repo_id=made.repo_id, folder_path=folder, repo_type="dataset",
                              commit_message=f"Test set {folder.parent.name}, {folder.name}")  # fmt: skip
    return str(made)


def _fitting(source: DataSource) -> Any:
    """``datasets``' stream of the source; ``UsageError`` where it has no such configuration, split or files."""
    import datasets

    words: dict[str, Any] = {"split": source.split, "streaming": True}
    try:
        if source.files is None:
            return datasets.load_dataset(source.id, source.config, revision=source.revision, **words)
        # Not by the data set's name, which would be refused where its repository holds a script beside its files.
        words["data_files"] = {source.split: f"hf://{_address(source)}"}
        reader = next((name for name, suffix in READERS.items() if suffix in source.files), "parquet")
        rows = datasets.load_dataset(reader, **words)
        if reader != "parquet":
            return rows
        check_columns(source, rows.features)
        names = list(dict.fromkeys(path.partition(".")[0] for path in columns(source)))
        return datasets.load_dataset(reader, columns=names, **words)
    except (ValueError, FileNotFoundError, datasets.exceptions.DatasetNotFoundError) as error:
        raise UsageError(f"{source.name} ({source.id}): {_first_line(error)}.", ["correct the recipe"]) from error
    except RuntimeError as error:
        message = f"{source.id} has no files that can be read without running its code: {_first_line(error)}."
        raise UsageError(message, ['revision = "refs/convert/parquet" and files = "CONFIG/SPLIT/*.parquet"']) from error


@contextmanager
def _explained(source: DataSource) -> Iterator[None]:
    """What the Hub's client raises, with what can be done about it."""
    import httpx2
    from huggingface_hub import errors

    try:
        yield
    except errors.GatedRepoError as error:
        raise _gated(source.id) from error
    except errors.RevisionNotFoundError as error:
        raise SourceClosed(
            f"{source.id} has no revision {source.revision!r}.", ["see its branches on the Hub"]
        ) from error
    except (errors.RepositoryNotFoundError, errors.DisabledRepoError, errors.HFValidationError) as error:
        cures = ["check the spelling (owner/name)", "if it is private: hf auth login"]
        raise SourceClosed(f"The Hub has no public data set {source.id!r}.", cures) from error
    except errors.HfHubHTTPError as error:
        if error.response.status_code in (401, 403):
            raise _gated(source.id) from error
        raise SourceUnavailable(f"The Hub refused {source.id}: {_first_line(error)}.", ["try again later"]) from error
    except (httpx2.TransportError, errors.OfflineModeIsEnabled, ConnectionError) as error:
        offline = "HF_HUB_OFFLINE" in os.environ
        cures = ["unset HF_HUB_OFFLINE"] if offline else ["connect to the network", "try again later"]
        cures.append("build on another machine and copy the folder that wattstar testset show names")
        raise SourceUnavailable(f"The Hub cannot be reached, and {source.id} lies there.", cures) from error


def _address(source: DataSource) -> str:
    """Of a pinned source's files."""
    return f"datasets/{source.id}@{source.revision}/{source.files}"


def _gated(id: str) -> SourceClosed:
    return SourceClosed(
        f"{id} is gated: its owners let only logged-in users in who accepted their terms.",
        [f"accept the terms on the data set's page of the Hub (datasets/{id})", "hf auth login"],
    )


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".")
