"""A task done by a model that was not made for it, but writes text: it is asked in words, and its words are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from wattstar.backends._transformers.chat import Prompts, thinking
from wattstar.backends._transformers.generating import Writer, room, session
from wattstar.backends._transformers.loading import configuration, load, load_tokenizer
from wattstar.backends._transformers.texts import cut
from wattstar.errors import UsageError
from wattstar.types import Controls, ModelSpec, Session, Task


def serve(spec: ModelSpec, task: Task, controls: Controls) -> Session:
    """Load the model: a decoder, or an encoder-decoder as T5 is, whichever it says it is.

    It writes until its own end of text, at most as many tokens as the controls or else the task's question allow.
    """
    zero_shot = task.zero_shot
    if zero_shot is None:
        raise UsageError(f"There is no way to ask a model in words for {task.tag}.")
    # What would be read in windows is read at once: only a text that is to be truncated is.
    limit = controls.input_tokens if controls.stride is None else None
    most = controls.new_tokens or zero_shot.new_tokens
    controls = replace(controls, input_tokens=None, new_tokens=most, stops_early=True)
    pair = configuration(spec).is_encoder_decoder
    network = load(spec, controls, "AutoModelForSeq2SeqLM" if pair else "AutoModelForCausalLM")
    tokenizer = load_tokenizer(spec, network, padding_side="right" if pair else "left")

    def ask(given: Mapping[str, Any]) -> str:
        """The limit is that of the texts, as for models made for the task; the words around them are not theirs."""
        if limit is None:
            return zero_shot.ask(given)
        return zero_shot.ask(
            {name: cut(tokenizer, value, limit) if isinstance(value, str) else value for name, value in given.items()}
        )

    told = thinking(tokenizer, controls.thinking)
    prompts = Prompts(tokenizer, room(network, controls), ask, framed=True, template=told)
    return session(Writer(network, tokenizer, controls), prompts, zero_shot.read)
