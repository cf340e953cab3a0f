"""What a model was made for, by the head that its ``config.json`` declares: which tasks it does, and how."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from wattstar.types import Approach

CAUSAL, TEXT_TO_TEXT = "CausalLM", "ConditionalGeneration"
"""The heads that write: going on with what they read, or from what an encoder has read."""

TEXT_PAIRS = frozenset([
    "bart", "bigbird_pegasus", "blenderbot", "blenderbot-small", "encoder-decoder", "fsmt", "led", "longt5", "m2m_100",
    "marian", "mbart", "mt5", "mvp", "nllb-moe", "pegasus", "pegasus_x", "plbart", "prophetnet", "switch_transformers",
    "t5", "t5gemma", "umt5",
])  # fmt: skip
"""Model types of encoder–decoders from text to text: speech and image models name their heads alike."""

DECODERS = frozenset(["gpt2", "gpt_neox", "llama", "opt", "qwen2", "qwen3"])
"""Model types that go on with a text, of named architectures, which declare no head."""

CAPTIONERS = frozenset(["blip", "git", "vision-encoder-decoder"])
"""Model types that say what an image shows without being asked."""

Config = Mapping[str, Any]


def ways(task: str, config: Config) -> tuple[Approach, ...] | None:
    """How a model with this configuration can do the task, the usual way first.

    Empty where its head does not fit. None where that cannot be told: nothing is declared, or the task is not known
    here. A named architecture that writes has no head yet: it is asked in words, or given the task's head if told to.
    """
    if task not in MADE_FOR or head(config) is None:
        return None
    made = MADE_FOR[task](config)
    asked = task in ASKED and ASKED[task](config)
    given = asked and not made and not config.get("architectures") and task != "summarization"
    found = ((Approach.FINE_TUNED, made), (Approach.ZERO_SHOT, asked), (Approach.FINE_TUNED, given))
    return tuple(way for way, holds in found if holds)


def head(config: Config) -> str | None:
    """``QuestionAnswering`` of ``BertForQuestionAnswering``, ``Model`` of a bare network; None: not declared."""
    family, declared = config.get("model_type"), config.get("architectures")
    if not declared:
        named = {**dict.fromkeys(TEXT_PAIRS, TEXT_TO_TEXT), **dict.fromkeys(DECODERS, CAUSAL)}
        return named.get(str(family))
    name = str(declared[0])
    if found := re.search(r"For([A-Z]\w*)$", name):
        return found.group(1)
    if name.endswith(("EncoderDecoderModel", "MTModel")) or (name.endswith("LMHeadModel") and family in TEXT_PAIRS):
        return TEXT_TO_TEXT
    return CAUSAL if name.endswith("LMHeadModel") else "Model"


def _has(*heads: str) -> Callable[[Config], bool]:
    return lambda config: head(config) in heads


def _rewrites(config: Config) -> bool:
    return head(config) == TEXT_TO_TEXT and config.get("model_type") in TEXT_PAIRS


def _goes_on(config: Config) -> bool:
    """A decoder of text, with or without eyes."""
    if config.get("model_type") in CAPTIONERS:
        return False
    return head(config) == CAUSAL or (_sees(config) and head(config) in (TEXT_TO_TEXT, "ImageTextToText"))


def _writes(config: Config) -> bool:
    return _goes_on(config) or _rewrites(config)


def _sees(config: Config) -> bool:
    return "vision_config" in config


def _embeds(config: Config) -> bool:
    """Any network's hidden states can be pooled; a classifier serves if its one label is how alike two texts are."""
    labels = len(config.get("id2label") or ()) or config.get("num_labels")
    pair = head(config) == "SequenceClassification" and labels == 1
    return pair or head(config) in ("Model", "MaskedLM", "PreTraining", CAUSAL)


def _transcribes(config: Config) -> bool:
    others = config.get("model_type") in TEXT_PAIRS | CAPTIONERS or _sees(config)
    return head(config) in ("CTC", "RNNT", "TDT", "SpeechToText") or (head(config) == TEXT_TO_TEXT and not others)


def _captions(config: Config) -> bool:
    return config.get("model_type") in CAPTIONERS and head(config) in (CAUSAL, TEXT_TO_TEXT)


def _chats_about_images(config: Config) -> bool:
    return _sees(config) and _goes_on(config)


MADE_FOR: Mapping[str, Callable[[Config], bool]] = MappingProxyType(
    {
        "text-generation": _goes_on,
        "summarization": _rewrites,
        "question-answering": _has("QuestionAnswering", "QuestionAnsweringSimple"),
        "text-classification": _has("SequenceClassification"),
        "sentence-similarity": _embeds,
        "image-classification": _has("ImageClassification", "ImageClassificationWithTeacher"),
        "object-detection": _has("ObjectDetection"),
        "automatic-speech-recognition": _transcribes,
        "image-to-text": _captions,
    }
)
"""Pipeline tag → whether a model was made for it."""

ASKED: Mapping[str, Callable[[Config], bool]] = MappingProxyType(
    {
        "text-classification": _writes,
        "question-answering": _writes,
        "summarization": _writes,
        "image-to-text": _chats_about_images,
    }
)
"""Pipeline tag → whether a model can be asked to do it in words."""
