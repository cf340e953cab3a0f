"""Architectures have the published size, and run."""

from __future__ import annotations

from typing import Any

import pytest

from wattstar.models import architecture, architectures
from wattstar.models.heads import DECODERS, TEXT_PAIRS

torch = pytest.importorskip("torch", reason="pip install 'wattstar[transformers]'")
transformers = pytest.importorskip("transformers", reason="pip install 'wattstar[transformers]'")

REAL = [id for id, found in architectures().items() if found.format == "transformers"]

HEADS = (
    "AutoModelForImageClassification",
    "AutoModelForCausalLM",
    "AutoModelForSequenceClassification",
    "AutoModelForSeq2SeqLM",
)
LOOSE = {
    # The published figure is that of the paper, rounded to whole millions and with another head.
    "YituTech/conv-bert-small": 0.06,
    # Published with a table of words for what is written beside the one for what is read; built with one for both.
    "google/flan-t5-small": 0.22,
}


def head(id: str) -> str:
    found = architecture(id)
    if found.tokenizer is None:
        return HEADS[0]
    if found.model_type in TEXT_PAIRS:
        return HEADS[3]
    return HEADS[1] if found.model_type in DECODERS else HEADS[2]


def build(id: str, device: str) -> Any:
    found = architecture(id)
    config = transformers.AutoConfig.for_model(found.model_type, **found.config)
    with torch.device(device):
        return getattr(transformers, head(id)).from_config(config)


@pytest.mark.parametrize("id", REAL)
def test_the_size_is_the_published_one(id: str) -> None:
    millions = sum(parameter.numel() for parameter in build(id, "meta").parameters()) / 1e6
    assert millions == pytest.approx(architecture(id).parameters_millions, rel=LOOSE.get(id, 0.012))


SMALL = [
    "google/bert_uncased_L-2_H-128_A-2",
    "albert/albert-base-v2",
    "google/electra-small-discriminator",
    "squeezebert/squeezebert-uncased",
    "YituTech/conv-bert-small",
    "google/mobilebert-uncased",
]


@pytest.mark.parametrize("id", SMALL)
def test_text_encoders_take_a_padded_batch_of_eight(id: str) -> None:
    model = build(id, "cpu").eval()
    ids = torch.randint(5, 1000, (8, 24), generator=torch.Generator().manual_seed(0))
    mask = torch.ones_like(ids)
    mask[:4, 12:] = 0
    with torch.inference_mode():
        logits = model(input_ids=ids, attention_mask=mask).logits
    assert logits.shape == (8, 2)
    assert bool(logits.isfinite().all())


def test_text_encoders_come_from_at_least_ten_publishers() -> None:
    assert len({id.partition("/")[0] for id in REAL if head(id) == HEADS[2]}) >= 10


def test_another_configuration_is_another_revision() -> None:
    assert len({found.revision for found in architectures().values()}) == len(architectures())
