"""Prompts the way a model wants them: through its chat template where it has one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Prompts:
    """Cuts the user's text, then wraps it: cutting afterwards would cut off the words that ask for an answer."""

    tokenizer: Any
    limit: int | None
    """The most tokens of a text; a chat template's own words count too, because the model has to read them."""

    def of(self, texts: Sequence[str]) -> tuple[list[str], int | None, bool]:
        """The texts to tokenise, the limit that is left to apply, and whether special tokens are to be added."""
        if not self.tokenizer.chat_template:
            return list(texts), self.limit, True
        return [self._wrapped(text) for text in texts], None, False

    def _wrapped(self, text: str) -> str:
        if self.limit is None:
            return self._chat(text)
        room = self.limit - self._count(self._chat(""))
        cut = self._cut(text, room)
        # Words at the seam of text and template may be divided into tokens otherwise than apart.
        while self._count(self._chat(cut)) > self.limit and room > 0:
            room -= 1
            cut = self._cut(cut, room)
        return self._chat(cut)

    def _chat(self, text: str) -> str:
        messages = [{"role": "user", "content": text}]
        return str(self.tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False))

    def _count(self, text: str) -> int:
        return len(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def _cut(self, text: str, count: int) -> str:
        ids = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        if len(ids) <= count:
            return text
        return str(self.tokenizer.decode(ids[: max(count, 0)], clean_up_tokenization_spaces=False))
