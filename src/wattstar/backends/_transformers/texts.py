"""Texts → tokens on the device, padded, with real masks."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wattstar.backends._transformers.loading import Network


@dataclass(frozen=True)
class Tokens:
    """A padded batch."""

    inputs: Mapping[str, Any]
    """Tensors on the device, by the name of the network's argument."""
    lengths: tuple[int, ...]
    """Tokens of each text; padding is not counted."""


def tokens(network: Network, tokenizer: Any, texts: Sequence[str], limit: int | None, special: bool = True) -> Tokens:
    """Tokenise a batch, cut each text to ``limit`` tokens, pad to the longest, move it to the device."""
    return on_device(network, tokenizer(list(texts), add_special_tokens=special, **padded(limit)))


def pairs(network: Network, tokenizer: Any, texts: Sequence[tuple[str, str]], limit: int | None) -> Tokens:
    """The same for texts that are read two at a time, each of them cut as if it stood alone."""
    if limit is not None:
        # Cut first: for a pair the library's own cutting takes time as the product of both lengths.
        room = limit - tokenizer.num_special_tokens_to_add(pair=False)
        texts = [(cut(tokenizer, first, room), cut(tokenizer, second, room)) for first, second in texts]
    whole = longest(network, tokenizer, None)
    encoded = tokenizer([first for first, _ in texts], [second for _, second in texts], **padded(whole))
    return on_device(network, encoded)


def cut(tokenizer: Any, text: str, count: int) -> str:
    """The beginning of a text, as it is written, of at most so many tokens."""
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=tokenizer.is_fast)
    ids = encoded["input_ids"]
    if len(ids) <= count:
        return text
    if count <= 0:
        return ""
    if tokenizer.is_fast:
        return text[: encoded["offset_mapping"][count - 1][1]]
    return str(tokenizer.decode(ids[:count], clean_up_tokenization_spaces=False))


def padded(limit: int | None) -> dict[str, Any]:
    """How every tokenizer is called."""
    return {"padding": True, "truncation": limit is not None, "max_length": limit, "return_tensors": "pt"}


def on_device(network: Network, encoded: Mapping[str, Any]) -> Tokens:
    """A padded batch as the tokenizer made it, moved to where the network is."""
    accepted = inspect.signature(network.module.forward).parameters
    inputs = {name: tensor.to(network.device) for name, tensor in encoded.items() if name in accepted}
    if network.folder is None:
        # The tokenizer of random weights is a stand-in and may know more words, or tell more kinds of sentence apart,
        # than the network: which row of the embedding is read makes no difference to time and energy.
        config = _text_config(network)
        inputs["input_ids"].clamp_(max=config.vocab_size - 1)
        if "token_type_ids" in inputs:
            inputs["token_type_ids"].clamp_(max=max(0, getattr(config, "type_vocab_size", 1) - 1))
    return Tokens(inputs, tuple(int(n) for n in encoded["attention_mask"].sum(dim=1)))


def longest(network: Network, tokenizer: Any, asked: int | None) -> int | None:
    """The most tokens a text may have: what is asked for, but never more than network and tokenizer can take."""
    # Tokenizers without a limit of their own state an absurdly large number; a stand-in's is another model's.
    own = network.folder is not None and tokenizer.model_max_length < 10**9
    stated = tokenizer.model_max_length if own else None
    known = [limit for limit in (asked, stated, positions(network)) if limit is not None]
    return min(known, default=None)


def positions(network: Network) -> int | None:
    """How many positions the network has for tokens; None where there is no limit."""
    import torch

    config = _text_config(network)
    named = ("max_position_embeddings", "max_encoder_position_embeddings")
    stated = next((found for name in named if isinstance(found := getattr(config, name, None), int)), 0)
    if stated <= 0:
        return None
    for name, module in network.module.named_modules():
        learned = isinstance(module, torch.nn.Embedding) and name.endswith("position_embeddings")
        if learned and module.padding_idx is not None:
            # RoBERTa and its kin number positions from after the padding index: the first rows are never used.
            return stated - int(module.padding_idx) - 1
    return stated


def _text_config(network: Network) -> Any:
    return network.module.config.get_text_config()
