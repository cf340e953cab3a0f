"""Which of its labels a model gives to a text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wattstar.backends._transformers.loading import batches, load, load_tokenizer
from wattstar.backends._transformers.texts import longest, tokens
from wattstar.types import Batch, Controls, MarkFunction, ModelSpec, Output, Sample, Session, Task


def serve(spec: ModelSpec, task: Task, controls: Controls) -> Session:
    """Load the classifier."""
    network = load(spec, controls, "AutoModelForSequenceClassification")
    tokenizer = load_tokenizer(spec, network)
    # Networks that find the end of a text by looking for padding must know which token it is.
    network.module.config.pad_token_id = tokenizer.pad_token_id
    limit = longest(network, tokenizer, controls.input_tokens)
    labels = network.module.config.id2label

    def prepare(samples: Sequence[Sample]) -> list[Batch]:
        return [
            Batch(group, tokens(network, tokenizer, [sample.input["text"] for sample in group], limit))
            for group in batches(samples, controls.batch_size)
        ]

    def predict(batch: Batch, mark: MarkFunction) -> Any:
        logits = network.module(**batch.data.inputs).logits
        network.synchronise()
        return logits

    def finish(batch: Batch, raw: Any) -> list[Output]:
        chosen = raw.argmax(dim=-1).tolist()
        return [
            Output(labels[index], {"tokens_in": length})
            for index, length in zip(chosen, batch.data.lengths, strict=True)
        ]

    return Session(prepare, predict, finish, network.parameters)
