"""What a record says of the circumstances of its making, and what it must never say."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.support import fake_job
from wattstar.measuring import environment


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        (["/home/someone/bin/wattstar", "run", "-m", "a/b"], ("wattstar", "run", "-m", "a/b")),
        (["wattstar", "--token", "hf_abc", "run"], ("wattstar", "--token", "***", "run")),
        (["wattstar", "--hub-token=hf_abc="], ("wattstar", "--hub-token=***")),
        (["wattstar", "--option", "api_key=abc=="], ("wattstar", "--option", "api_key=***")),
        (["wattstar", "--new-tokens", "20"], ("wattstar", "--new-tokens", "20")),
        (["wattstar", "--control", "new_tokens=20"], ("wattstar", "--control", "new_tokens=20")),
        (["wattstar", "--meter", "url=http://me:word@host/x"], ("wattstar", "--meter", "url=http://***@host/x")),
        (["wattstar", "http://host/x?a=1&access_token=b&c=2"], ("wattstar", "http://host/x?a=1&access_token=***&c=2")),
        ([], ()),
    ],
)
def test_a_command_is_kept_as_it_was_typed_but_for_secrets_and_folders(words: list[str], kept: tuple[str, ...]) -> None:
    assert environment.masked(words) == kept


def test_what_changes_how_libraries_compute_is_kept_and_nothing_else() -> None:
    known = {
        "OMP_NUM_THREADS": "2",
        "MKL_DYNAMIC": "FALSE",
        "CUDA_VISIBLE_DEVICES": "",
        "TOKENIZERS_PARALLELISM": "false",
        "LD_PRELOAD": "/home/someone/lib/libjemalloc.so:/opt/x/libomp.so",
        "HF_TOKEN": "hf_abc",
        "OMP_SECRET": "abc",
        "HOME": "/home/someone",
        "CUDA_HOME": "/usr/local/cuda",
    }
    assert environment.variables(known) == {
        "CUDA_VISIBLE_DEVICES": "",
        "LD_PRELOAD": "libjemalloc.so:libomp.so",
        "MKL_DYNAMIC": "FALSE",
        "OMP_NUM_THREADS": "2",
        "TOKENIZERS_PARALLELISM": "false",
    }


@pytest.mark.parametrize(
    ("files", "variables", "kind"),
    [
        ({}, {}, None),
        ({".dockerenv": ""}, {}, "docker"),
        ({"run/.containerenv": 'engine="podman-5"\nimageid="abc123"\n'}, {}, "podman abc123"),
        ({"run/.containerenv": ""}, {}, "podman"),
        ({"proc/1/cgroup": "12:cpu:/kubepods/burstable/pod1\n"}, {}, "kubepods"),
        ({"proc/1/cgroup": "0::/init.scope\n"}, {}, None),
        ({}, {"APPTAINER_CONTAINER": "/home/someone/torch.sif"}, "apptainer torch.sif"),
        ({}, {"container": "systemd-nspawn"}, "systemd-nspawn"),
        ({}, {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, "kubernetes"),
    ],
)
def test_a_container_is_named_where_there_is_one(
    tmp_path: Path, files: dict[str, str], variables: dict[str, str], kind: str | None
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert environment.container(tmp_path, variables) == kind


def test_the_commit_is_that_of_the_working_tree_and_a_change_is_said(tmp_path: Path) -> None:
    def git(*words: str) -> str:
        who = ["-c", "user.name=a", "-c", "user.email=a@b"]
        return subprocess.run(["git", *who, *words], cwd=tmp_path, capture_output=True, text=True, check=True).stdout

    assert environment.commit(tmp_path) is None
    git("init", "-q")
    (tmp_path / "file").write_text("one")
    git("add", "file")
    git("commit", "-q", "-m", "one")
    git("tag", "v1")
    name = git("rev-parse", "HEAD").strip()
    assert environment.commit(tmp_path) == name
    (tmp_path / "new").write_text("not of the tree")
    assert environment.commit(tmp_path) == name
    (tmp_path / "file").write_text("two")
    assert environment.commit(tmp_path) == name + "-dirty"


def test_random_weights_have_a_seed_of_their_own() -> None:
    found = environment.describe(fake_job(controls={"seed": 7}))
    assert found.seeds == {"weights": 7, "work": 7}
    assert found.state == {}
