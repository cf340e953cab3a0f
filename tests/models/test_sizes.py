"""How large a model is, said before anything is loaded or fetched; what does not fit is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from math import prod
from pathlib import Path

import pytest

from tests.simulators.hub import Hub, Repository, serving
from tests.support import command, wattstar_command
from wattstar.models import resolve, size
from wattstar.types import ModelSpec, Request, Source, Weights

CONFIG = json.dumps({"model_type": "bert", "architectures": ["BertForSequenceClassification"]}).encode()
SHAPES = {"bert.embeddings": (100, 8), "classifier.weight": (2, 8), "classifier.bias": (2,), "scale": ()}
PARAMETERS = 800 + 16 + 2 + 1


def head_of(shapes: Mapping[str, tuple[int, ...]]) -> bytes:
    """A safetensors file as far as its head goes: nothing reads on before the model is loaded."""
    tensors, end = {}, 0
    for name, shape in shapes.items():
        begin, end = end, end + 4 * prod(shape)
        tensors[name] = {"dtype": "F32", "shape": shape, "data_offsets": [begin, end]}
    text = json.dumps(tensors).encode()
    return len(text).to_bytes(8, "little") + text


def folder_with(path: Path, shapes: Mapping[str, tuple[int, ...]], config: bytes = CONFIG) -> Path:
    path.mkdir()
    (path / "config.json").write_bytes(config)
    (path / "model.safetensors").write_bytes(head_of(shapes))
    return path


def spec_of(folder: Path, **changes: object) -> ModelSpec:
    model = resolve(Request("text-classification", (str(folder),), device="cpu"), str(folder))
    return replace(model, **changes)


def test_the_weights_are_counted_in_the_asked_dtype(tmp_path: Path) -> None:
    model = spec_of(folder_with(tmp_path / "model", SHAPES))
    found = size(model)
    assert (found.weights, found.fetched) == (PARAMETERS * 4, 0)
    assert found.basis == f"{PARAMETERS} parameters × 4 bytes"
    assert size(replace(model, dtype="bfloat16")).weights == PARAMETERS * 2


def test_what_cannot_be_told_is_unknown_and_not_nothing(tmp_path: Path) -> None:
    model = spec_of(folder_with(tmp_path / "model", SHAPES), dtype="float7")
    assert size(model).weights is None
    (tmp_path / "model" / "pytorch_model.bin").write_bytes(b"a pickle that is never read")
    assert size(replace(model, dtype="float32")).weights == PARAMETERS * 4, "no copy is counted"


def test_quantised_weights_are_as_large_as_their_files(tmp_path: Path) -> None:
    config = json.dumps({**json.loads(CONFIG), "quantization_config": {"quant_method": "gptq"}}).encode()
    folder = folder_with(tmp_path / "model", SHAPES, config)
    assert size(spec_of(folder)).weights == (folder / "model.safetensors").stat().st_size


def test_weights_with_a_broken_head_are_of_unknown_size(tmp_path: Path) -> None:
    folder = folder_with(tmp_path / "model", SHAPES)
    (folder / "model.safetensors").write_bytes(b"\x08\x00\x00\x00\x00\x00\x00\x00not json")
    assert size(spec_of(folder)).weights is None


def test_a_named_architecture_has_its_published_size() -> None:
    model = ModelSpec("google/bert_uncased_L-2_H-128_A-2", Source.ARCHITECTURE, "", "transformers", Weights.RANDOM)
    assert size(model).weights == 4_400_000 * 4


def test_a_model_that_needs_more_memory_than_there_is_is_refused_with_the_cure(tmp_path: Path) -> None:
    folder = folder_with(tmp_path / "model", {"bert.embeddings": (10**7, 10**7)})
    words = ("-t", "text-classification", "-m", folder, "--device", "cpu", "-o", tmp_path / "store")
    done = command("run", *words)
    assert done.returncode == 3
    assert "does not fit: its weights alone take 400,000.0 GB of memory" in done.stderr
    assert "(100,000,000,000,000 parameters × 4 bytes), and free are" in done.stderr
    assert "→ --dtype bfloat16" in done.stderr
    planned = json.loads(command("plan", *words, "--format", "json").stdout)
    assert [cell["refused"]["exit_code"] for cell in planned] == [3]


CODE = """
import json, sys
from wattstar.models import files, resolve, size
from wattstar.types import Request
spec = resolve(Request("text-classification", (sys.argv[1],), device="cpu"), sys.argv[1])
before = size(spec)
if "fetch" in sys.argv:
    files(spec)
    from wattstar.models import hub
    hub.needed.cache_clear()
after = size(spec)
print(json.dumps([[found.weights, found.basis, found.fetched] for found in (before, after)]))
"""


@pytest.fixture
def hub() -> Iterator[Hub]:
    files = {"config.json": CONFIG, "model.safetensors": head_of(SHAPES), "README.md": b"# A model", "x.bin": b"x"}
    huge = {"model.safetensors": 10**15}
    with serving({"us/tiny": Repository(files, parameters=7), "us/huge": Repository(files, sizes=huge)}) as hub:
        yield hub


def settings(hub: Hub, home: Path, **more: str) -> dict[str, str]:
    return {"HF_ENDPOINT": hub.endpoint, "HF_HOME": str(home), "HF_HUB_OFFLINE": "0", **more}


def asked(env: Mapping[str, str], *words: str) -> list[list[object]]:
    done = subprocess.run(
        [sys.executable, "-c", CODE, *words],
        env={**os.environ, "HF_HUB_DISABLE_PROGRESS_BARS": "1", **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: list[list[object]] = json.loads(done.stdout)
    return found


def test_what_is_to_be_fetched_is_asked_of_the_hub_and_is_not_fetched(hub: Hub, tmp_path: Path) -> None:
    length = len(head_of(SHAPES))
    before, after = asked(settings(hub, tmp_path), "us/tiny", "fetch")
    assert before == [28, "7 parameters × 4 bytes", length], "config and card came with the pin, x.bin never does"
    assert after == [PARAMETERS * 4, f"{PARAMETERS} parameters × 4 bytes", 0]


def test_without_the_hub_nobody_knows_what_is_still_to_be_fetched(hub: Hub, tmp_path: Path) -> None:
    asked(settings(hub, tmp_path), "us/tiny", "fetch")
    [[weights, _, fetched], _] = asked(settings(hub, tmp_path, HF_HUB_OFFLINE="1"), "us/tiny")
    assert (weights, fetched) == (PARAMETERS * 4, None)


def test_a_model_that_does_not_fit_on_the_disk_is_refused_before_it_is_fetched(hub: Hub, tmp_path: Path) -> None:
    words = ("run", "-t", "text-classification", "-m", "us/huge", "--device", "cpu", "-o", tmp_path / "store")
    done = wattstar_command(*words, env=settings(hub, tmp_path / "hf"))
    assert done.returncode == 3, done.stderr
    assert "us/huge does not fit: 1,000,000.0 GB would be fetched into" in done.stderr
    assert "→ HF_HOME=FOLDER on another disk" in done.stderr
    assert "model.safetensors" not in hub.fetched
