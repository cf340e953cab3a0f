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
    """The same for texts that are read two at a time; the longer one of a pair is cut first."""
    first, second = zip(*texts, strict=True)
    return on_device(network, tokenizer(list(first), list(second), **padded(limit)))


def padded(limit: int | None) -> dict[str, Any]:
    """How every tokenizer is called."""
    return {"padding": True, "truncation": limit is not None, "max_length": limit, "return_tensors": "pt"}


def on_device(network: Network, encoded: Mapping[str, Any]) -> Tokens:
    """A padded batch as the tokenizer made it, moved to where the network is."""
    accepted = inspect.signature(network.module.forward).parameters
    inputs = {name: tensor.to(network.device) for name, tensor in encoded.items() if name in accepted}
    if network.folder is None:
        # The tokenizer of random weights is a stand-in and may know more words than the network: which row of the
        # embedding is read makes no difference to time and energy.
        inputs["input_ids"].clamp_(max=_text_config(network).vocab_size - 1)
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
