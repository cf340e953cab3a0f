"""A text that goes on from a prompt: greedy, one prefill, then one token after another over the cache."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wattstar.backends._transformers.chat import Prompts
from wattstar.backends._transformers.loading import Network, batches, load, load_tokenizer
from wattstar.backends._transformers.texts import longest, positions, tokens
from wattstar.errors import UsageError
from wattstar.types import Batch, Controls, MarkFunction, ModelSpec, Output, Sample, Session, Task


def serve(spec: ModelSpec, task: Task, controls: Controls) -> Session:
    """Load the generator; ``predict`` marks ``first_token`` when the first new token of the batch is out."""
    if controls.new_tokens is None:
        raise UsageError("Text generation needs to know how many tokens to generate.", ["--new-tokens 32"])
    network = load(spec, controls, "AutoModelForCausalLM")
    # With padding on the left all prompts of a batch end in the same column, where the new tokens begin.
    tokenizer = load_tokenizer(spec, network, padding_side="left")
    prompts = Prompts(tokenizer, _longest_prompt(network, tokenizer, controls))
    settings = _settings(network, tokenizer, controls)

    def prepare(samples: Sequence[Sample]) -> list[Batch]:
        return [
            Batch(group, tokens(network, tokenizer, *prompts.of([sample.input["prompt"] for sample in group])))
            for group in batches(samples, controls.batch_size)
        ]

    def predict(batch: Batch, mark: MarkFunction) -> Any:
        inputs = batch.data.inputs
        observer = _first_token(network, mark)
        sequences = network.module.generate(**inputs, generation_config=settings, stopping_criteria=[observer])
        network.synchronise()
        return sequences[:, inputs["input_ids"].shape[1] :]

    def finish(batch: Batch, raw: Any) -> list[Output]:
        # Random weights may choose tokens that the stand-in tokenizer has no word for.
        rows = raw.clamp(max=len(tokenizer) - 1).tolist()
        ends = _ends(settings) if controls.stops_early else frozenset()
        answers = [row[: _length(row, ends)] for row in rows]
        return [
            Output(tokenizer.decode(answer, skip_special_tokens=True), {"tokens_in": n, "tokens_out": len(answer)})
            for answer, n in zip(answers, batch.data.lengths, strict=True)
        ]

    return Session(prepare, predict, finish, network.parameters)


def _longest_prompt(network: Network, tokenizer: Any, controls: Controls) -> int | None:
    room = positions(network)
    asked = controls.input_tokens
    if room is not None:
        left = room - (controls.new_tokens or 0)
        if left < 1:
            raise UsageError(f"The model has {room} positions: no room for {controls.new_tokens} new tokens.")
        asked = left if asked is None else min(asked, left)
    return longest(network, tokenizer, asked)


def _settings(network: Network, tokenizer: Any, controls: Controls) -> Any:
    """The same work for every model: what a model's own generation settings say besides its end of text is dropped."""
    from transformers import GenerationConfig

    own = network.module.generation_config
    network.module.generation_config = GenerationConfig()
    return GenerationConfig(
        do_sample=False,
        num_beams=1,
        use_cache=True,
        max_new_tokens=controls.new_tokens,
        min_new_tokens=None if controls.stops_early else controls.new_tokens,
        bos_token_id=own.bos_token_id,
        eos_token_id=own.eos_token_id if network.folder else None,
        pad_token_id=tokenizer.pad_token_id,
    )


def _first_token(network: Network, mark: MarkFunction) -> Any:
    """A criterion that never stops anything: ``generate`` asks it after each token, and the first time it marks."""
    import torch
    from transformers import StoppingCriteria

    class FirstToken(StoppingCriteria):
        marked = False

        def __call__(self, input_ids: Any, scores: Any, **rest: Any) -> Any:
            if not self.marked:
                network.synchronise()
                mark("first_token")
                self.marked = True
            return torch.zeros(len(input_ids), dtype=torch.bool, device=input_ids.device)

    return FirstToken()


def _ends(settings: Any) -> frozenset[int]:
    ends = settings.eos_token_id
    if ends is None:
        return frozenset()
    return frozenset(ends) if isinstance(ends, list) else frozenset([ends])


def _length(row: Sequence[int], ends: frozenset[int]) -> int:
    """Tokens up to and with the first end of text; what follows is padding."""
    return next((index + 1 for index, token in enumerate(row) if token in ends), len(row))
