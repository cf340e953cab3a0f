"""Tiny real models, written to disk in a moment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "a",
    "the",
    "cat",
    "dog",
    "sat",
    "ran",
    "on",
    "mat",
    ".",
    ",",
    "good",
    "bad",
    "is",
]


def tiny_bert(folder: Path, *, labels: int = 2) -> Path:
    """A BERT classifier of two layers with random values, saved the way models of the Hub are."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
        num_labels=labels,
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    BertTokenizer(vocab={word: index for index, word in enumerate(WORDS)}).save_pretrained(folder)
    return folder


LETTERS = ("<pad>", "</s>", "<unk>", "<s>", "<think>", "</think>", ":", "?", ".", ",", '"')
TOLD = (
    "a the cat dog sat ran on mat good bad is summarize text question answer which one of these describes it in with "
    "or two sentences following few words copied from if does not say only them unanswerable user assistant"
)
SPOKEN = list(dict.fromkeys([*LETTERS, *TOLD.split()]))


def tokenizer(folder: Path, *, ends: bool = False, chat_template: str | None = None) -> Path:
    """Words of ``SPOKEN``, one token each; ``ends``: a text that is read ends with ``</s>``, as T5's and BART's do."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    words = Tokenizer(models.WordLevel({word: index for index, word in enumerate(SPOKEN)}, unk_token="<unk>"))
    words.normalizer = normalizers.Lowercase()
    words.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    if ends:
        words.post_processor = processors.TemplateProcessing("$A </s>", "$A </s> $B </s>", [("</s>", 1)])
    made = PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="<pad>", eos_token="</s>", unk_token="<unk>", bos_token="<s>"
    )
    made.add_tokens(["<think>", "</think>"])
    made.chat_template = chat_template
    made.save_pretrained(folder)
    return folder


def tiny_t5(folder: Path, **config: Any) -> Path:
    """A T5 of two layers with random values, which ends its texts early."""
    from transformers import T5Config, T5ForConditionalGeneration

    shape = {"d_model": 32, "d_kv": 16, "d_ff": 64, "num_layers": 2, "num_heads": 2, "initializer_factor": 1.5}
    made = T5Config(vocab_size=len(SPOKEN), decoder_start_token_id=0, **{**shape, **config})
    return _written(folder, T5ForConditionalGeneration, made, ends=True)


def tiny_bart(folder: Path, **config: Any) -> Path:
    """A BART of two layers with random values and 64 positions."""
    from transformers import BartConfig, BartForConditionalGeneration

    shape = {
        "d_model": 32, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 2,
        "decoder_attention_heads": 2, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64, "max_position_embeddings": 64,
    }  # fmt: skip
    ids = {"pad_token_id": 0, "eos_token_id": 1, "bos_token_id": 3, "decoder_start_token_id": 1}
    made = BartConfig(vocab_size=len(SPOKEN), init_std=0.3, forced_eos_token_id=None, **{**shape, **ids, **config})
    return _written(folder, BartForConditionalGeneration, made, ends=True)


def tiny_gpt2(folder: Path, **config: Any) -> Path:
    """A GPT-2 of two layers with random values and 128 positions."""
    from transformers import GPT2Config, GPT2LMHeadModel

    shape = {"n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 128, "initializer_range": 0.3}
    ids = {"bos_token_id": 3, "eos_token_id": 1, "pad_token_id": 0}
    made = GPT2Config(vocab_size=len(SPOKEN), **{**shape, **ids, **config})
    return _written(folder, GPT2LMHeadModel, made)


def tiny_llama(folder: Path, chat_template: str | None, **config: Any) -> Path:
    """A Llama of two layers with random values and 256 positions."""
    from transformers import LlamaConfig, LlamaForCausalLM

    shape = {
        "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2,
        "max_position_embeddings": 256, "initializer_range": 0.3,
    }  # fmt: skip
    ids = {"bos_token_id": 3, "eos_token_id": 1, "pad_token_id": 0}
    made = LlamaConfig(vocab_size=len(SPOKEN), **{**shape, **ids, **config})
    return _written(folder, LlamaForCausalLM, made, chat_template=chat_template)


def tiny_encoder(folder: Path, head: str, **config: Any) -> Path:
    """A BERT of two layers with random values, 512 positions and one of transformers' heads."""
    import transformers

    _seed()
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    made = transformers.BertConfig(vocab_size=len(WORDS), initializer_range=0.3, **{**shape, **config})
    getattr(transformers, head)(made).save_pretrained(folder)
    transformers.BertTokenizer(vocab={word: index for index, word in enumerate(WORDS)}).save_pretrained(folder)
    return folder


def _written(folder: Path, network: Any, config: Any, **words: Any) -> Path:
    _seed()
    network(config).save_pretrained(folder)
    return tokenizer(folder, **words)


def _seed() -> None:
    import torch

    torch.manual_seed(0)
