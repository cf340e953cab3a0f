"""A model is given the work its head was made for, is asked in words if it writes, or is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.models.making import tiny_encoder, tiny_llama, tiny_t5
from wattstar import registry
from wattstar.errors import UsageError
from wattstar.models import architectures, resolve
from wattstar.models.heads import CAPTIONERS, CAUSAL, DECODERS, MADE_FOR, TEXT_PAIRS, head, ways
from wattstar.types import Approach, Request, Weights

FINE_TUNED, ZERO_SHOT = Approach.FINE_TUNED, Approach.ZERO_SHOT


def config(architecture: str, family: str, **more: Any) -> dict[str, Any]:
    return {"architectures": [architecture], "model_type": family, **more}


BERT_QA = config("BertForQuestionAnswering", "bert")
MASKED = config("BertForMaskedLM", "bert")
CLASSIFIER = config("BartForSequenceClassification", "bart", id2label={"0": "a", "1": "b"})
PAIR = config("RobertaForSequenceClassification", "roberta", id2label={"0": "LABEL_0"})
LLAMA = config("LlamaForCausalLM", "llama")
GPT2 = config("GPT2LMHeadModel", "gpt2")
T5 = config("T5ForConditionalGeneration", "t5")
OLD_T5 = config("T5WithLMHeadModel", "t5")
WHISPER = config("WhisperForConditionalGeneration", "whisper")
CTC = config("Wav2Vec2ForCTC", "wav2vec2")
VIT = config("ViTForImageClassification", "vit")
DETR = config("DetrForObjectDetection", "detr")
BLIP = config("BlipForConditionalGeneration", "blip", vision_config={})
GIT = config("GitForCausalLM", "git", vision_config={})
CAPTIONER = config("VisionEncoderDecoderModel", "vision-encoder-decoder", encoder={}, decoder={})
CHAT = config("SmolVLMForConditionalGeneration", "smolvlm", vision_config={})


@pytest.mark.parametrize(
    ("task", "found", "expected"),
    [
        ("text-generation", LLAMA, (FINE_TUNED,)),
        ("text-generation", CHAT, (FINE_TUNED,)),
        ("text-generation", T5, ()),
        ("text-generation", MASKED, ()),
        ("summarization", T5, (FINE_TUNED, ZERO_SHOT)),
        ("summarization", OLD_T5, (FINE_TUNED, ZERO_SHOT)),
        ("summarization", GPT2, (ZERO_SHOT,)),
        ("summarization", WHISPER, ()),
        ("question-answering", BERT_QA, (FINE_TUNED,)),
        ("question-answering", MASKED, ()),
        ("question-answering", CLASSIFIER, ()),
        ("question-answering", T5, (ZERO_SHOT,)),
        ("text-classification", CLASSIFIER, (FINE_TUNED,)),
        ("text-classification", BERT_QA, ()),
        ("text-classification", GPT2, (ZERO_SHOT,)),
        ("text-classification", VIT, ()),
        ("sentence-similarity", config("BertModel", "bert"), (FINE_TUNED,)),
        ("sentence-similarity", MASKED, (FINE_TUNED,)),
        ("sentence-similarity", PAIR, (FINE_TUNED,)),
        ("sentence-similarity", CLASSIFIER, ()),
        ("image-classification", VIT, (FINE_TUNED,)),
        ("image-classification", LLAMA, ()),
        ("object-detection", DETR, (FINE_TUNED,)),
        ("object-detection", VIT, ()),
        ("automatic-speech-recognition", WHISPER, (FINE_TUNED,)),
        ("automatic-speech-recognition", CTC, (FINE_TUNED,)),
        ("automatic-speech-recognition", T5, ()),
        ("automatic-speech-recognition", CAPTIONER, ()),
        ("image-to-text", BLIP, (FINE_TUNED,)),
        ("image-to-text", GIT, (FINE_TUNED,)),
        ("image-to-text", CAPTIONER, (FINE_TUNED,)),
        ("image-to-text", CHAT, (ZERO_SHOT,)),
        ("image-to-text", LLAMA, ()),
        ("text-to-image", LLAMA, None),
        ("text-classification", {"model_type": "bert"}, None),
        ("text-classification", {"model_type": "gpt2"}, (ZERO_SHOT, FINE_TUNED)),
        ("question-answering", {"model_type": "t5"}, (ZERO_SHOT, FINE_TUNED)),
        ("summarization", {"model_type": "t5"}, (FINE_TUNED, ZERO_SHOT)),
        ("summarization", {"model_type": "llama"}, (ZERO_SHOT,)),
        ("text-generation", {"model_type": "llama"}, (FINE_TUNED,)),
    ],
)
def test_the_head_says_how_a_model_does_a_task(
    task: str, found: dict[str, Any], expected: tuple[Approach, ...] | None
) -> None:
    assert ways(task, found) == expected


def test_every_task_that_can_be_asked_in_words_has_words() -> None:
    for tag in MADE_FOR:
        asked = {way for found in (LLAMA, T5, CHAT) for way in ways(tag, found) or ()}
        if registry.task(tag).zero_shot is not None:
            assert ZERO_SHOT in asked
        else:
            assert ZERO_SHOT not in asked


def test_the_lists_of_model_types_are_the_librarys() -> None:
    auto = pytest.importorskip("transformers", reason="pip install 'wattstar[transformers]'").models.auto.modeling_auto
    assert set(auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES) >= TEXT_PAIRS
    assert set(auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES) >= DECODERS
    assert not set(auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES) & DECODERS
    others = {*auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES, *auto.MODEL_FOR_SPEECH_SEQ_2_SEQ_MAPPING_NAMES, *CAPTIONERS}
    for found in architectures().values():
        if found.model_type in auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.keys() - others:
            assert head({"model_type": found.model_type}) == CAUSAL, found.id


def _approach(task: str, model: str, **words: Any) -> Approach:
    return resolve(Request(task, (model,), **words), model).approach


def test_the_approach_is_found_or_as_asked(tmp_path: Path) -> None:
    pytest.importorskip("transformers", reason="pip install 'wattstar[transformers]'")
    t5, llama = str(tiny_t5(tmp_path / "t5")), str(tiny_llama(tmp_path / "llama", None))
    assert _approach("summarization", t5) is FINE_TUNED
    assert _approach("summarization", t5, approach=ZERO_SHOT) is ZERO_SHOT
    assert _approach("question-answering", t5) is ZERO_SHOT
    assert _approach("text-generation", llama) is FINE_TUNED
    assert _approach("text-classification", llama) is ZERO_SHOT
    with pytest.raises(UsageError, match="zero-shot"):
        _approach("text-classification", llama, approach=FINE_TUNED)


def test_random_weights_take_the_tasks_head_or_are_asked() -> None:
    assert _approach("question-answering", "google-bert/bert-base-uncased", weights=Weights.RANDOM) is FINE_TUNED
    assert _approach("question-answering", "google-t5/t5-small", weights=Weights.RANDOM) is ZERO_SHOT
    assert _approach("text-classification", "openai-community/gpt2", weights=Weights.RANDOM) is ZERO_SHOT
    words = {"weights": Weights.RANDOM, "approach": FINE_TUNED}
    assert _approach("text-classification", "openai-community/gpt2", **words) is FINE_TUNED


@pytest.mark.parametrize(
    ("task", "made"),
    [
        ("text-classification", "BertForQuestionAnswering"),
        ("question-answering", "BertForMaskedLM"),
        ("text-generation", "BertForSequenceClassification"),
    ],
)
def test_a_head_that_does_not_fit_is_refused_before_anything_is_loaded(tmp_path: Path, task: str, made: str) -> None:
    pytest.importorskip("transformers", reason="pip install 'wattstar[transformers]'")
    tiny_encoder(tmp_path, made)
    (tmp_path / "model.safetensors").write_bytes(b"not even weights")
    with pytest.raises(UsageError, match=made.removeprefix("BertFor")):
        _approach(task, str(tmp_path))
