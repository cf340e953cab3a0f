"""A task done by a model that was not made for it, but writes text: it is asked in words, and its words are read."""

from __future__ import annotations

from dataclasses import replace

from wattstar.backends._transformers.chat import Prompts, thinking
from wattstar.backends._transformers.generating import Writer, room, session
from wattstar.backends._transformers.loading import configuration, load, load_tokenizer
from wattstar.errors import UsageError
from wattstar.types import Controls, ModelSpec, Session, Task


def serve(spec: ModelSpec, task: Task, controls: Controls) -> Session:
    """Load the model: a decoder, or an encoder-decoder as T5 is, whichever it says it is.

    It writes until its own end of text, at most as many tokens as the controls or else the task's question allow.
    """
    if task.zero_shot is None:
        raise UsageError(f"There is no way to ask a model in words for {task.tag}.")
    most = controls.new_tokens or task.zero_shot.new_tokens
    controls = replace(controls, new_tokens=most, stops_early=True)
    pair = configuration(spec).is_encoder_decoder
    network = load(spec, controls, "AutoModelForSeq2SeqLM" if pair else "AutoModelForCausalLM")
    tokenizer = load_tokenizer(spec, network, padding_side="right" if pair else "left")
    prompts = Prompts(
        tokenizer,
        room(network, controls),
        task.zero_shot.ask,
        framed=True,
        template=thinking(tokenizer, controls.thinking),
    )
    return session(Writer(network, tokenizer, controls), prompts, task.zero_shot.read)
