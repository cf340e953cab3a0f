"""Models of several parts, in folders, through the Hub's real client: what is needed is fetched, and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.models.making_diffusion import tiny_stable_diffusion
from tests.models.test_hub import CODE
from tests.simulators.hub import Hub, Repository, serving

pytest.importorskip("diffusers", reason="pip install 'wattstar[diffusers]'")

NOT_NEEDED = {
    "v1-5-pruned-emaonly.safetensors": b"all parts once more, for another program",
    "unet/diffusion_pytorch_model.fp16.safetensors": b"the same in half precision",
    "unet/diffusion_pytorch_model.non_ema.safetensors": b"from training",
    "unet/diffusion_pytorch_model.bin": b"a pickle",
    "safety_checker/model.safetensors": b"a model that is not run",
}


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    folder = tiny_stable_diffusion(tmp_path / "model")
    parts = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    files = {name: path.read_bytes() for name, path in parts.items()}
    pickled = {name: content for name, content in files.items() if not name.endswith(".safetensors")}
    repositories = {
        "us/tiny-sd": Repository({**files, **NOT_NEEDED, "README.md": b"---\nbase_model: Us/SD\n---\n"}),
        "us/pickled-sd": Repository({**pickled, "unet/diffusion_pytorch_model.bin": b"a pickle"}),
    }
    with serving(repositories) as hub:
        yield hub


def ask(hub: Hub, home: Path, id: str, **env: str) -> dict[str, object]:
    settings = {"HF_ENDPOINT": hub.endpoint, "HF_HOME": str(home), "HF_HUB_OFFLINE": "0", **env}
    done = subprocess.run(
        [sys.executable, "-c", CODE, id, ""],
        env={**os.environ, "HF_HUB_DISABLE_PROGRESS_BARS": "1", **settings},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def test_only_the_parts_that_are_run_are_fetched_and_found_again_offline(hub: Hub, tmp_path: Path) -> None:
    answer = ask(hub, tmp_path / "hf", "us/tiny-sd")
    assert (answer["format"], answer["family"]) == ("diffusers", "us/sd")
    weights = {name for name in hub.fetched if not name.endswith((".json", ".txt", ".md"))}
    assert weights == {
        "unet/diffusion_pytorch_model.safetensors",
        "vae/diffusion_pytorch_model.safetensors",
        "text_encoder/model.safetensors",
    }
    assert ask(hub, tmp_path / "hf", "us/tiny-sd", HF_HUB_OFFLINE="1") == answer


def test_a_model_with_a_pickle_among_its_parts_is_refused(hub: Hub, tmp_path: Path) -> None:
    answer = ask(hub, tmp_path / "hf", "us/pickled-sd")
    assert answer["error"] == "ModelUnavailable"
    assert "diffusion_pytorch_model.bin" in str(answer["message"])
    assert not any(name.endswith(".bin") for name in hub.fetched)
