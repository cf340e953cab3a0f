"""A built site as a static Space of the Hugging Face Hub: what would go there, and putting it there."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from wattstar.errors import UnfitEnvironment, UsageError
from wattstar.registry import require

if TYPE_CHECKING:
    from huggingface_hub import HfApi

TEMPLATE = {".gitattributes", "README.md", "index.html", "style.css"}
"""What the Hub puts into a new static Space."""


@dataclass(frozen=True)
class Built:
    """What a build wrote, and so what goes: nothing else that lies in the folder."""

    folder: Path
    files: tuple[str, ...]
    mark: str
    """The file that lists them. It goes too: what it names, and no more, is removed by a later push."""

    @property
    def sizes(self) -> dict[str, int]:
        """Name → bytes; ``UsageError`` where one is gone."""
        try:
            return {name: (self.folder / name).stat().st_size for name in (*self.files, self.mark)}
        except FileNotFoundError as error:
            message = f"{error.filename} is not there any more."
            raise UsageError(message, [f"wattstar leaderboard build STORE -o {self.folder}"]) from error


@dataclass(frozen=True)
class Place:
    """A Space."""

    repository: str
    """``OWNER/NAME``."""
    create: bool = False
    """Make it where there is none."""
    private: bool = False
    """If it is made."""


def push(built: Built, place: Place) -> str:
    """Put the site there and return its address; files of an earlier push that it no longer has are removed.

    Raises ``UsageError`` where the Space is missing or holds something else, ``UnfitEnvironment`` where the Hub cannot
    be reached or does not let this user in.
    """
    require("The Hugging Face Hub", ["huggingface_hub"])
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")  # read when the client is imported
    from huggingface_hub import HfApi

    api = HfApi()
    with _explained(place.repository):
        if place.create:
            api.create_repo(
                place.repository, repo_type="space", space_sdk="static", private=place.private, exist_ok=True
            )
        stale = _stale(api, built, place.repository)
        api.upload_folder(
            repo_id=place.repository,
            repo_type="space",
            folder_path=built.folder,
            ignore_patterns=_patterns(_others(built)),
            delete_patterns=_patterns(stale) or None,
            commit_message="Leaderboard, built by wattstar",
        )
        return f"{api.endpoint}/spaces/{place.repository}"


def _stale(api: HfApi, built: Built, repository: str) -> list[str]:
    """Files of an earlier push that are no longer part of the site; a Space of something else is refused."""
    there = set(api.list_repo_files(repository, repo_type="space"))
    if built.mark not in there:
        if others := sorted(there - TEMPLATE):
            message = f"The Space {repository} holds something else: {', '.join(others[:3])}."
            raise UsageError(message, ["name a Space of its own, with --create where there is none"])
        return []
    earlier = Path(api.hf_hub_download(repository, built.mark, repo_type="space")).read_text(encoding="utf-8")
    return sorted((set(earlier.splitlines()) & there) - set(built.files))


def _others(built: Built) -> list[str]:
    """What lies in the folder, and no build wrote."""
    found = {file.relative_to(built.folder).as_posix() for file in built.folder.rglob("*") if not file.is_dir()}
    return sorted(found - {*built.files, built.mark})


def _patterns(names: Sequence[str]) -> list[str]:
    """As the client's globs mean just these."""
    return [glob.escape(name) for name in names]


@contextmanager
def _explained(repository: str) -> Iterator[None]:
    """What the Hub's client raises, with what can be done about it."""
    import httpx2
    from huggingface_hub import errors

    try:
        yield
    except errors.HFValidationError as error:
        raise UsageError(f"{repository!r} is no name of a Space.", ["ORG/SPACE"]) from error
    except (errors.RepositoryNotFoundError, errors.EntryNotFoundError) as error:
        cures = ["make it: --create", "if it is private: hf auth login"]
        raise UsageError(f"There is no Space {repository} that you can see.", cures) from error
    except errors.HfHubHTTPError as error:
        if error.response.status_code in (401, 403):
            message = f"The Hub does not let you write to {repository}."
            raise UnfitEnvironment(message, ["hf auth login, with a token that may write"]) from error
        said = str(error).strip().partition("\n")[0].rstrip(".")
        raise UnfitEnvironment(f"The Hub refused {repository}: {said}.", ["try again later"]) from error
    except (httpx2.TransportError, errors.OfflineModeIsEnabled, ConnectionError) as error:
        cure = "unset HF_HUB_OFFLINE" if "HF_HUB_OFFLINE" in os.environ else "connect to the network"
        raise UnfitEnvironment("The Hub cannot be reached.", [cure]) from error
