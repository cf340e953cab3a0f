"""Writing text: greedy, one prefill, then one token after another over the cache; for every model that writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wattstar.backends._transformers.chat import Prompts
from wattstar.backends._transformers.loading import Network, batches
from wattstar.backends._transformers.texts import positions, tokens
from wattstar.errors import UsageError
from wattstar.types import Batch, Controls, MarkFunction, Output, Sample, Session


@dataclass(frozen=True)
class Writer:
    """A network that writes, with what its words are made of."""

    network: Network
    tokenizer: Any
    controls: Controls


Read = Callable[[str, Mapping[str, Any]], Any]
"""What was written, and the sample's input → the output's value."""


def session(writer: Writer, prompts: Prompts, read: Read) -> Session:
    """Serve by writing; ``predict`` marks ``first_token`` when the first new token of the batch is out."""
    network, tokenizer = writer.network, writer.tokenizer
    chosen = settings(writer)

    def prepare(samples: Sequence[Sample]) -> list[Batch]:
        return [
            Batch(group, tokens(network, tokenizer, *prompts.of([sample.input for sample in group])))
            for group in batches(samples, writer.controls.batch_size)
        ]

    def predict(batch: Batch, mark: MarkFunction) -> Any:
        return generate(network, batch.data.inputs, chosen, mark)

    def finish(batch: Batch, raw: Any) -> list[Output]:
        rows = written(writer, chosen, raw)
        return [
            Output(read(prompts.answer(row), sample.input), {"tokens_in": length, "tokens_out": len(row)})
            for sample, row, length in zip(batch.samples, rows, batch.data.lengths, strict=True)
        ]

    return Session(prepare, predict, finish, network.parameters)


def room(network: Network, controls: Controls) -> int | None:
    """How many tokens a prompt may have: what is asked for, but never so many that the new ones find no position.

    Raises ``UsageError`` where there is no room, or no number of new tokens is given.
    """
    if controls.new_tokens is None:
        raise UsageError("A model that writes text needs to know how many tokens to write.", ["--new-tokens 32"])
    most = positions(network)
    if most is None:
        return controls.input_tokens
    left = most - controls.new_tokens
    if left < 1:
        raise UsageError(
            f"The model has {most} positions: no room for {controls.new_tokens} new tokens.",
            [f"--new-tokens {most // 2}"],
        )
    # An encoder-decoder counts the positions of what it reads and of what it writes apart.
    left = most if network.module.config.is_encoder_decoder else left
    return left if controls.input_tokens is None else min(left, controls.input_tokens)


def settings(writer: Writer) -> Any:
    """A ``GenerationConfig`` that asks every model for the same work.

    Of a model's own settings only those stay that say how a text begins and ends; beams, penalties, lengths and
    temperatures are dropped. Random weights have no end of text.
    """
    from transformers import GenerationConfig

    network, controls = writer.network, writer.controls
    own = network.module.generation_config
    network.module.generation_config = GenerationConfig()
    end = writer.tokenizer.eos_token_id if own.eos_token_id is None else own.eos_token_id
    return GenerationConfig(
        do_sample=False,
        num_beams=1,
        use_cache=True,
        max_new_tokens=controls.new_tokens,
        min_new_tokens=None if controls.stops_early else controls.new_tokens,
        bos_token_id=own.bos_token_id,
        eos_token_id=end if network.folder else None,
        pad_token_id=writer.tokenizer.pad_token_id,
        decoder_start_token_id=own.decoder_start_token_id,
        forced_bos_token_id=own.forced_bos_token_id if network.folder else None,
    )


def generate(network: Network, inputs: Mapping[str, Any], chosen: Any, mark: MarkFunction) -> Any:
    """The new tokens, one row per prompt, each padded after its end; marks ``first_token``."""
    observer = _first_token(network, mark)
    sequences = network.module.generate(**inputs, generation_config=chosen, stopping_criteria=[observer])
    network.synchronise()
    # A decoder's rows begin with the prompt; those of an encoder-decoder with the one token that starts it.
    before = 1 if network.module.config.is_encoder_decoder else inputs["input_ids"].shape[1]
    return sequences[:, before:]


def written(writer: Writer, chosen: Any, raw: Any) -> list[list[int]]:
    """The tokens of each row up to and with its own end of text."""
    # Random weights may choose tokens that the stand-in tokenizer has no word for.
    rows: list[list[int]] = raw.clamp(max=len(writer.tokenizer) - 1).tolist()
    ends = _ends(chosen) if writer.controls.stops_early else frozenset()
    return [row[: _length(row, ends)] for row in rows]


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


def _ends(chosen: Any) -> frozenset[int]:
    ends = chosen.eos_token_id
    if ends is None:
        return frozenset()
    return frozenset(ends) if isinstance(ends, list) else frozenset([ends])


def _length(row: Sequence[int], ends: frozenset[int]) -> int:
    """Tokens up to and with the first end of text; what follows is padding."""
    return next((index + 1 for index, token in enumerate(row) if token in ends), len(row))
