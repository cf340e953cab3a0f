"""Prompts the way a model wants them: through its chat template where it has one, thinking first or not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from wattstar.backends._transformers.texts import cut
from wattstar.errors import UsageError

THINK, END_OF_THINKING = "<think>", "</think>"
EFFORTS = ("low", "medium", "high")


@dataclass(frozen=True)
class Prompts:
    """Cuts the user's text, then wraps it: cutting afterwards would cut off the words that ask for an answer."""

    tokenizer: Any
    limit: int | None
    """The most tokens of a prompt; a chat template's own words count too, because the model has to read them."""
    ask: Callable[[Mapping[str, Any]], str]
    """A sample's input → the user's words."""
    framed: bool = False
    """The user's words say after the text what is to be done with it."""
    template: Mapping[str, Any] = field(default_factory=dict)
    """What the chat template is told beside the words; see ``thinking``."""

    def of(self, inputs: Sequence[Mapping[str, Any]]) -> tuple[list[str], int | None, bool]:
        """The texts to tokenise, the limit that is left to apply, and whether special tokens are to be added."""
        if self._chats:
            return [self._fitting(given) for given in inputs], None, False
        if self.framed:
            return [self._fitting(given) for given in inputs], self.limit, True
        return [self.ask(given) for given in inputs], self.limit, True

    def answer(self, ids: Sequence[int]) -> str:
        """What was written; of a model that thinks first, what follows the thinking, nothing if that has no end."""
        whole = str(self.tokenizer.decode(ids, skip_special_tokens=False))
        _, closed, rest = whole.rpartition(END_OF_THINKING)
        if not closed:
            unfinished = self._opened or THINK in whole
            return "" if unfinished else str(self.tokenizer.decode(ids, skip_special_tokens=True))
        for token in self.tokenizer.all_special_tokens:
            rest = rest.replace(token, "")
        return rest

    @property
    def _chats(self) -> bool:
        return bool(self.tokenizer.chat_template)

    @cached_property
    def _opened(self) -> bool:
        return self._chats and opens(wrapped(self.tokenizer, "", self.template))

    def _fitting(self, given: Mapping[str, Any]) -> str:
        """The whole prompt; where it is longer than the limit, the longest text of the input loses its end."""
        prompt = self._prompt(given)
        if self.limit is None or self._count(prompt) <= self.limit:
            return prompt
        texts = [name for name, value in given.items() if isinstance(value, str)]
        longest = max(texts, key=lambda name: len(given[name]))
        room = self.limit - self._count(self._prompt({**given, longest: ""}))
        while room >= 0:
            prompt = self._prompt({**given, longest: cut(self.tokenizer, given[longest], room)})
            # Words at the seam of text and frame may be divided into tokens otherwise than apart.
            over = self._count(prompt) - self.limit
            if over <= 0:
                return prompt
            room -= over
        raise UsageError(f"A limit of {self.limit} tokens has no room for what the model is asked beside the text.")

    def _prompt(self, given: Mapping[str, Any]) -> str:
        words = self.ask(given)
        return wrapped(self.tokenizer, words, self.template) if self._chats else words

    def _count(self, text: str) -> int:
        return len(self.tokenizer(text, add_special_tokens=not self._chats)["input_ids"])


def wrapped(tokenizer: Any, words: str, template: Mapping[str, Any]) -> str:
    """The user's words in the model's chat template, up to where its answer begins."""
    messages = [{"role": "user", "content": words}]
    return str(tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False, **template))


def opens(prompt: str) -> bool:
    """Whether the model is made to begin by thinking."""
    return prompt.rfind(THINK) > prompt.rfind(END_OF_THINKING)


def thinking(tokenizer: Any, asked: str | None) -> Mapping[str, Any]:
    """What to tell the chat template, so that the model thinks as asked (``Controls.thinking``; None: ``off``).

    Raises ``UsageError`` with the ways that the template knows where this is none of them.
    """
    ways = _ways(tokenizer)
    word = asked or "off"
    if word not in ways:
        message = f"Thinking cannot be {word!r} for this model: its chat template knows only {', '.join(ways)}."
        raise UsageError(message, [f"--control thinking={way}" for way in ways])
    return ways[word]


def _ways(tokenizer: Any) -> Mapping[str, Mapping[str, Any]]:
    """``Controls.thinking`` → what the template is told, by the two names that templates have agreed on."""
    if not tokenizer.chat_template:
        return {"off": {}}
    template = tokenizer.get_chat_template()
    switch, effort = "enable_thinking" in template, "reasoning_effort" in template
    if not switch and not effort:
        return {"on" if opens(wrapped(tokenizer, "", {})) else "off": {}}
    on = {"enable_thinking": True} if switch else {}
    efforts = {word: {**on, "reasoning_effort": word} for word in EFFORTS} if effort else {}
    return {**({"off": {"enable_thinking": False}} if switch else {}), "on": on, **efforts}
