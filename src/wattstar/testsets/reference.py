"""The reference tokenizer, which no model is asked about: GPT-2's byte-level BPE (Radford et al. 2019).

It only says where a text is cut, so that all models read the same words. Its merges lie in ``gpt2/``, with the notice.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

MERGES = Path(__file__).parent / "gpt2" / "merges.txt"


def token_ids(text: str) -> list[int]:
    """The text as GPT-2 numbers its tokens."""
    ids: list[int] = _tokenizer().encode(text).ids
    return ids


def cut(text: str, tokens: int) -> str:
    """The text itself where it has at most so many tokens, else as much of it as they hold, in whole characters.

    A character whose bytes lie on both sides of the cut falls. Fewer than one token: ``ValueError``.
    """
    if tokens < 1:
        raise ValueError(f"A text cannot be cut to {tokens} tokens.")
    # No token is less than a byte, so short texts need no tokenizer.
    if len(text.encode()) <= tokens:
        return text
    offsets = _tokenizer().encode(text).offsets
    if len(offsets) <= tokens:
        return text
    # Tokens that share a character have that character's offsets: where the first token too many begins is safe.
    return text[: offsets[tokens][0]]


@cache
def _tokenizer() -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers

    lines = MERGES.read_text(encoding="utf-8").splitlines()
    merges = [(left, right) for left, _, right in (line.partition(" ") for line in lines[1:])]
    # GPT-2 numbers the 256 bytes first (as the characters that stand for them), then what each merge makes.
    vocabulary = {token: index for index, token in enumerate([*_bytes(), *(left + right for left, right in merges)])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return tokenizer


def _bytes() -> list[str]:
    """The characters that stand for bytes, in GPT-2's order: those that can be seen as themselves, then the others."""
    seen = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    return [*map(chr, seen), *(chr(256 + index) for index in range(256 - len(seen)))]
