"""A shorter text from a longer one, by a network that reads all of it (encoder) before it writes (decoder)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wattstar.backends._transformers.chat import Prompts, thinking
from wattstar.backends._transformers.generating import Writer, room, session
from wattstar.backends._transformers.loading import load, load_tokenizer
from wattstar.types import Controls, ModelSpec, Session, Task

T5_PREFIX = "summarize: "
"""What T5 was taught to begin with (Raffel et al. 2020, appendix D); its later kin were taught no tasks by prefix."""


def serve(spec: ModelSpec, task: Task, controls: Controls) -> Session:
    """Load the summarizer."""
    network = load(spec, controls, "AutoModelForSeq2SeqLM")
    tokenizer = load_tokenizer(spec, network, padding_side="right")
    prefix = _prefix(network.module.config)

    def ask(given: Mapping[str, Any]) -> str:
        return prefix + str(given["text"])

    prompts = Prompts(tokenizer, room(network, controls), ask, template=thinking(tokenizer, controls.thinking))
    return session(Writer(network, tokenizer, controls), prompts, _stripped)


def _prefix(config: Any) -> str:
    """What the model's own configuration says goes before a text that is to be summarized."""
    stated = (getattr(config, "task_specific_params", None) or {}).get("summarization", {})
    return str(stated.get("prefix", T5_PREFIX if config.model_type == "t5" else ""))


def _stripped(words: str, given: Mapping[str, Any]) -> str:
    return words.strip()
