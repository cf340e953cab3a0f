"""A text that goes on from a prompt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wattstar.backends._transformers.chat import Prompts, thinking
from wattstar.backends._transformers.generating import Writer, room, session
from wattstar.backends._transformers.loading import load, load_tokenizer
from wattstar.types import Controls, ModelSpec, Session, Task


def serve(spec: ModelSpec, task: Task, controls: Controls) -> Session:
    """Load the generator."""
    network = load(spec, controls, "AutoModelForCausalLM")
    # With padding on the left all prompts of a batch end in the same column, where the new tokens begin.
    tokenizer = load_tokenizer(spec, network, padding_side="left")
    prompts = Prompts(tokenizer, room(network, controls), _prompt, template=thinking(tokenizer, controls.thinking))
    return session(Writer(network, tokenizer, controls), prompts, _as_written)


def _prompt(given: Mapping[str, Any]) -> str:
    return str(given["prompt"])


def _as_written(words: str, given: Mapping[str, Any]) -> str:
    return words
