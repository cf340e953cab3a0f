"""Models of the Hub, through the real client, against a Hub on this machine."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.models.making import tiny_bert
from tests.simulators.hub import Hub, Repository, serving

pytest.importorskip("transformers", reason="pip install 'wattstar[transformers]'")

CARD = b"---\nbase_model: Google-BERT/bert-base-uncased\nlicense: mit\n---\n# A model\n"

CODE = """
import json, sys
from wattstar.errors import WattstarError
from wattstar.models import files, resolve, weights_digest
from wattstar.types import Request
id, revision = sys.argv[1], sys.argv[2] or None
try:
    spec = resolve(Request("text-classification", (id,), revision=revision), id)
    folder = files(spec)
except WattstarError as error:
    answer = {"error": type(error).__name__, "code": error.exit_code, "message": error.message, "cures": error.cures}
else:
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    answer = {"id": spec.id, "source": spec.source, "revision": spec.revision, "format": spec.format,
              "family": spec.family, "files": names, "digest": weights_digest(spec), "folder": str(folder)}
print(json.dumps(answer))
"""

Ask = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, bytes]:
    folder = tiny_bert(tmp_path_factory.mktemp("bert"))
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    return {**files, "pytorch_model.bin": b"a pickle", "onnx/model.onnx": b"a copy", "README.md": CARD}


@pytest.fixture
def hub(model: Mapping[str, bytes]) -> Iterator[Hub]:
    pickled = {name: content for name, content in model.items() if not name.endswith(".safetensors")}
    repositories = {
        "us/tiny": Repository(model),
        "us/gated": Repository(model, gated=True),
        "us/pickled": Repository(pickled),
    }
    with serving(repositories) as hub:
        yield hub


@pytest.fixture
def ask(hub: Hub, tmp_path: Path) -> Ask:
    """Resolve and fetch in a process of its own: the client reads its endpoint when it is imported."""

    def ask(id: str, revision: str = "", **env: str) -> dict[str, Any]:
        settings = {"HF_ENDPOINT": hub.endpoint, "HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "0", **env}
        result = subprocess.run(
            [sys.executable, "-c", CODE, id, revision],
            env={**os.environ, "HF_HUB_DISABLE_PROGRESS_BARS": "1", **settings},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert result.returncode == 0, result.stderr
        answer: dict[str, Any] = json.loads(result.stdout)
        return answer

    return ask


def test_a_branch_is_pinned_to_its_commit_and_no_pickle_is_fetched(ask: Ask, hub: Hub) -> None:
    answer = ask("us/tiny")
    assert answer["source"] == "hub"
    assert answer["revision"] == hub.repositories["us/tiny"].commit
    assert answer["format"] == "transformers"
    assert answer["family"] == "google-bert/bert-base-uncased"
    assert {"model.safetensors", "config.json", "tokenizer.json"} <= set(answer["files"])
    assert not {"pytorch_model.bin", "onnx/model.onnx"} & {*answer["files"], *hub.fetched}
    assert [asked for asked in hub.asked if "us/tiny" not in asked] == [], "nothing but the model is asked about"


def test_a_commit_is_itself_and_another_revision_is_refused(ask: Ask, hub: Hub) -> None:
    commit = hub.repositories["us/tiny"].commit
    assert ask("us/tiny", commit)["revision"] == commit
    answer = ask("us/tiny", "v9")
    assert (answer["error"], answer["code"]) == ("ModelUnavailable", 3)
    assert "v9" in answer["message"]


def test_a_gated_model_says_how_to_get_in(ask: Ask) -> None:
    answer = ask("us/gated")
    assert (answer["error"], answer["code"]) == ("ModelUnavailable", 3)
    assert "gated" in answer["message"]
    assert "hf auth login" in answer["cures"]


def test_a_missing_model_says_check_the_spelling(ask: Ask) -> None:
    answer = ask("us/tinny")
    assert (answer["error"], answer["code"]) == ("ModelUnavailable", 3)
    assert any("spelling" in cure for cure in answer["cures"])


def test_a_model_with_pickles_only_is_refused_before_anything_is_fetched(ask: Ask, hub: Hub) -> None:
    answer = ask("us/pickled")
    assert answer["error"] == "ModelUnavailable"
    assert "safetensors" in answer["message"]
    assert "pytorch_model.bin" in answer["message"]
    assert hub.fetched == []


@pytest.mark.parametrize("how", ["switched off", "outage", "nobody there"])
def test_without_the_hub_the_cached_commit_is_used(ask: Ask, hub: Hub, how: str) -> None:
    before = ask("us/tiny")
    hub.failing = how == "outage"
    env = {"switched off": {"HF_HUB_OFFLINE": "1"}, "nobody there": {"HF_ENDPOINT": f"http://127.0.0.1:{free_port()}"}}
    assert ask("us/tiny", **env.get(how, {})) == before


def test_without_the_hub_and_without_cache_it_fails_soon_with_other_ways(ask: Ask) -> None:
    begun = time.monotonic()
    answer = ask("google-bert/bert-base-uncased", HF_ENDPOINT=f"http://127.0.0.1:{free_port()}")
    assert time.monotonic() - begun < 20
    assert (answer["error"], answer["code"]) == ("ModelUnavailable", 3)
    assert any("--weights random" in cure for cure in answer["cures"])
    assert any("folder" in cure for cure in answer["cures"])


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])
