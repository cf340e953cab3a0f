"""What else decides a number, and how to make it again: command, commit, container, seeds, variables. No secrets."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import wattstar
from wattstar.types import Environment, Job, Weights

VARIABLES = (
    "ATEN_CPU_CAPABILITY",
    "BLIS_NUM_THREADS",
    "CUDA_DEVICE_MAX_CONNECTIONS",
    "CUDA_DEVICE_ORDER",
    "CUDA_LAUNCH_BLOCKING",
    "CUDA_MODULE_LOADING",
    "CUDA_VISIBLE_DEVICES",
    "GOMP_CPU_AFFINITY",
    "HF_HUB_OFFLINE",
    "HIP_VISIBLE_DEVICES",
    "HSA_OVERRIDE_GFX_VERSION",
    "LD_PRELOAD",
    "MALLOC_ARENA_MAX",
    "MALLOC_CONF",
    "NUMEXPR_NUM_THREADS",
    "NVIDIA_TF32_OVERRIDE",
    "OPENBLAS_CORETYPE",
    "OPENBLAS_NUM_THREADS",
    "PYTHONHASHSEED",
    "PYTHONMALLOC",
    "PYTORCH_ALLOC_CONF",
    "PYTORCH_CUDA_ALLOC_CONF",
    "RAYON_NUM_THREADS",
    "ROCR_VISIBLE_DEVICES",
    "TOKENIZERS_PARALLELISM",
    "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE",
    "TRANSFORMERS_OFFLINE",
    "VECLIB_MAXIMUM_THREADS",
)
FAMILIES = ("CUBLAS", "CUDNN_", "DNNL_", "KMP_", "MKL_", "OMP_", "ONEDNN_", "ORT_", "TORCHINDUCTOR_")
"""Every variable whose name begins so changes how a library computes, too."""

SECRET = re.compile(r"token(?!s|iz)|secret|passw|credential|api.?key", re.IGNORECASE)
"""In a name; ``new_tokens`` and tokenizers are none."""
MASK = "***"
SECONDS_FOR_GIT = 5.0
CONTAINERS = ("docker", "kubepods", "containerd", "libpod", "lxc", "garden")
"""As they name the control group of a container's first process."""


def describe(job: Job) -> Environment:
    """Of this process and the job that it begins; ``state`` is left empty."""
    return Environment(
        command=masked(sys.argv),
        commit=_own_commit(),
        container=container(Path("/"), os.environ),
        seeds=_seeds(job),
        variables=variables(os.environ),
        state={},
    )


def masked(words: Sequence[str]) -> tuple[str, ...]:
    """The words of a command without its program's folder, and without what a secret's name stands before.

    Masked are the word after an option with such a name, what follows its ``=``, and names in addresses.
    """
    found = [Path(words[0]).name] if words else []
    after_secret = False
    for word in words[1:]:
        name, equals, _ = word.partition("=")
        if after_secret:
            found.append(MASK)
        elif equals and SECRET.search(name):
            found.append(f"{name}={MASK}")
        else:
            found.append(_without_passwords(word))
        after_secret = word.startswith("-") and not equals and bool(SECRET.search(word))
    return tuple(found)


def _without_passwords(word: str) -> str:
    """Of an address: neither who asks nor what a secret's name stands before in its query."""
    anonymous = re.sub(r"://[^/@]+@", f"://{MASK}@", word)
    query = re.compile(rf"([?&][^=&]*(?:{SECRET.pattern})[^=&]*=)[^&]*", re.IGNORECASE)
    return query.sub(rf"\g<1>{MASK}", anonymous)


def variables(known: Mapping[str, str]) -> dict[str, str]:
    """Those that change how libraries compute; of files, their names only."""
    chosen = (name for name in sorted(known) if name in VARIABLES or name.startswith(FAMILIES))
    return {name: _without_folders(known[name]) for name in chosen if not SECRET.search(name)}


def container(root: Path, known: Mapping[str, str]) -> str | None:
    """The image where the container tells it, else the kind of container, else None; ``known``: variables."""
    image = known.get("APPTAINER_CONTAINER") or known.get("SINGULARITY_CONTAINER")
    if image:
        return f"apptainer {Path(image).name}"
    # Podman writes what it is made of, but only where it may.
    told = re.search(r'^imageid="?([0-9a-f]+)', _text(root / "run/.containerenv"), re.MULTILINE)
    if told:
        return f"podman {told[1]}"
    if (root / "run/.containerenv").exists():
        return "podman"
    if (root / ".dockerenv").exists():
        return "docker"
    groups = _text(root / "proc/1/cgroup")
    kind = next((name for name in CONTAINERS if name in groups), None)
    return kind or known.get("container") or ("kubernetes" if "KUBERNETES_SERVICE_HOST" in known else None)


@cache
def _own_commit() -> str | None:
    """Asked once: what runs is what was imported."""
    return commit(Path(wattstar.__file__).parents[2])


def commit(tree: Path) -> str | None:
    """Of a working tree, ``-dirty`` where it was changed; None where there is none, or where git cannot tell."""
    git = shutil.which("git")
    if git is None or not (tree / ".git").exists():
        return None
    # No tag can match, so that the answer is always the commit itself.
    question = ["describe", "--always", "--dirty", "--abbrev=40", "--match=/"]
    words = [git, "--no-optional-locks", "-C", str(tree), *question]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=SECONDS_FOR_GIT, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None


def _seeds(job: Job) -> dict[str, int]:
    """``work``: of whatever draws while samples are served."""
    weights = {"weights": job.controls.seed} if job.model.weights is Weights.RANDOM else {}
    subset = {} if job.procedure.subset is None else {"subset": job.controls.seed}
    return {**weights, **subset, "work": job.controls.seed}


def _without_folders(value: str) -> str:
    """Folders may name the owner of a machine."""
    return re.sub(r"/[^:;, ]*/", "", value)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
