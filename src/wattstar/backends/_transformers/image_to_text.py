"""What an image shows, in words: by models that were made to write captions or read lines of text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wattstar.backends._transformers.generating import Writer, generate, written
from wattstar.backends._transformers.images import pixels
from wattstar.backends._transformers.loading import Network, batches, configuration, load, load_tokenizer
from wattstar.errors import ModelUnavailable, UsageError
from wattstar.types import Batch, Controls, MarkFunction, ModelSpec, Output, Sample, Session, Task

CAPTIONERS = ("blip", "git", "vision-encoder-decoder")
"""Model types that write about an image with no question: they begin with one token of their own."""


def serve(spec: ModelSpec, task: Task, controls: Controls) -> Session:
    """Load the model; ``predict`` marks ``first_token`` when the first new token of the batch is out."""
    _check(spec, controls)
    network = load(spec, controls, "AutoModelForImageTextToText")
    tokenizer = load_tokenizer(spec, network)
    ready = pixels(spec, network, controls.image_size)
    writer = Writer(network, tokenizer, controls)
    settings = _settings(writer)

    def prepare(samples: Sequence[Sample]) -> list[Batch]:
        found = [
            Batch(group, ready([sample.input["image"] for sample in group]))
            for group in batches(samples, controls.batch_size)
        ]
        if any(len(batch.data.tensors) > 1 for batch in found):
            # Two groups in one batch would take turns in the two phases, which then could not be told apart.
            raise UsageError(f"The processor of {spec.id} leaves images of several sizes.", ["--batch-size 1"])
        return found

    def predict(batch: Batch, mark: MarkFunction) -> Any:
        return generate(network, {"pixel_values": batch.data.tensors[0]}, settings, mark)

    def finish(batch: Batch, raw: Any) -> list[Output]:
        answers = written(writer, settings, raw)
        return [
            Output(
                tokenizer.decode(answer, skip_special_tokens=True).strip(),
                {"images": 1, "pixels": count, "tokens_out": len(answer)},
            )
            for answer, count in zip(answers, batch.data.pixels, strict=True)
        ]

    return Session(prepare, predict, finish, network.parameters)


def _check(spec: ModelSpec, controls: Controls) -> None:
    """Before anything is loaded."""
    if controls.new_tokens is None:
        raise UsageError("Image to text needs to know how many tokens to write.", ["--new-tokens 20"])
    kind = configuration(spec).model_type
    if kind not in CAPTIONERS:
        raise ModelUnavailable(
            f"{spec.id} is a {kind}, which is not made to caption images.",
            [f"choose one of: {', '.join(CAPTIONERS)}", "approach zero-shot, if it answers questions about images"],
        )


def _settings(writer: Writer) -> Any:
    """Greedy and the same work for every model; of its own settings only the tokens that begin and end a text stay."""
    from transformers import GenerationConfig

    network, controls = writer.network, writer.controls
    stops = controls.stops_early and network.folder is not None
    settings = GenerationConfig(
        do_sample=False,
        num_beams=1,
        use_cache=True,
        max_new_tokens=controls.new_tokens,
        min_new_tokens=None if stops else controls.new_tokens,
        bos_token_id=_own(network, "bos_token_id"),
        decoder_start_token_id=_own(network, "decoder_start_token_id"),
        # BLIP ends its texts with the separator, and its `generate` insists on that.
        eos_token_id=(_own(network, "sep_token_id") or _own(network, "eos_token_id")) if network.folder else None,
        pad_token_id=writer.tokenizer.pad_token_id,
    )
    for part in network.module.modules():
        if getattr(part, "generation_config", None) is not None:
            part.generation_config = GenerationConfig()
    return settings


def _own(network: Network, name: str) -> Any:
    """A token as the model states it: for writing, in its configuration, or in that of its part that writes."""
    config = network.module.config
    writer = getattr(config, "decoder", None) or config.get_text_config()
    found = (getattr(part, name, None) for part in (network.module.generation_config, config, writer))
    return next((token for token in found if token is not None), None)
