"""How alike two sentences are: the cosine of their embeddings, each encoded apart; or what a cross-encoder says."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from wattstar.backends._transformers.loading import batches, configuration, load, load_tokenizer
from wattstar.backends._transformers.texts import longest, pairs, tokens
from wattstar.errors import ModelUnavailable
from wattstar.types import Batch, Controls, MarkFunction, ModelSpec, Output, Sample, Session, Task


def serve(spec: ModelSpec, task: Task, controls: Controls) -> Session:
    """Load the encoder and what its folder says of pooling, or a classifier of pairs with one label."""
    config = configuration(spec)
    if config.num_labels == 1 and _head(config, "ForSequenceClassification").endswith("ForSequenceClassification"):
        return _together(spec, controls)
    # The pooler is a layer for classifying pairs; embeddings do not pass through it.
    network = load(spec, controls, "AutoModel", optional=("pooler.",))
    tokenizer = load_tokenizer(spec, network, padding_side="right")
    limit = longest(network, tokenizer, _least(controls.input_tokens, _stated_limit(network.folder)))
    pool = POOLING[_pooling(spec, network.folder, writes=_head(config, "Model").endswith("ForCausalLM"))]

    def prepare(samples: Sequence[Sample]) -> list[Batch]:
        return [
            Batch(group, tokens(network, tokenizer, _both(group), limit))
            for group in batches(samples, controls.batch_size)
        ]

    def predict(batch: Batch, mark: MarkFunction) -> Any:
        from torch.nn.functional import normalize

        inputs = batch.data.inputs
        hidden = network.module(**inputs).last_hidden_state
        embeddings = normalize(pool(hidden, inputs["attention_mask"]), dim=-1)
        first, second = embeddings.chunk(2)
        cosines = (first * second).sum(dim=-1)
        network.synchronise()
        return cosines

    def finish(batch: Batch, raw: Any) -> list[Output]:
        lengths, half = batch.data.lengths, len(batch.samples)
        counts = [a + b for a, b in zip(lengths[:half], lengths[half:], strict=True)]
        return [
            Output(float(cosine), {"tokens_in": count})
            for cosine, count in zip(raw.float().tolist(), counts, strict=True)
        ]

    return Session(prepare, predict, finish, network.parameters)


def _together(spec: ModelSpec, controls: Controls) -> Session:
    """A cross-encoder: it reads both sentences at once, and its one number, squashed to 0 … 1, says how alike."""
    network = load(spec, controls, "AutoModelForSequenceClassification")
    tokenizer = load_tokenizer(spec, network)
    network.module.config.pad_token_id = tokenizer.pad_token_id
    limit = longest(network, tokenizer, controls.input_tokens)

    def prepare(samples: Sequence[Sample]) -> list[Batch]:
        return [
            Batch(group, pairs(network, tokenizer, [_pair(sample) for sample in group], limit))
            for group in batches(samples, controls.batch_size)
        ]

    def predict(batch: Batch, mark: MarkFunction) -> Any:
        logits = network.module(**batch.data.inputs).logits
        network.synchronise()
        return logits

    def finish(batch: Batch, raw: Any) -> list[Output]:
        # In double precision, because near 1 float32 makes equals of unequal pairs.
        values = raw.double().squeeze(-1).sigmoid().tolist()
        return [Output(value, {"tokens_in": length}) for value, length in zip(values, batch.data.lengths, strict=True)]

    return Session(prepare, predict, finish, network.parameters)


def mean(hidden: Any, mask: Any) -> Any:
    """The mean over a text's tokens, without padding."""
    weights = mask.unsqueeze(-1).to(hidden.dtype)
    return (hidden * weights).sum(dim=1) / weights.sum(dim=1)


def first(hidden: Any, mask: Any) -> Any:
    """The first token's."""
    return hidden[:, 0]


def greatest(hidden: Any, mask: Any) -> Any:
    """The greatest value over a text's tokens, dimension by dimension."""
    return hidden.masked_fill(mask.unsqueeze(-1) == 0, float("-inf")).amax(dim=1)


def last(hidden: Any, mask: Any) -> Any:
    """The last token's; texts are padded on the right."""
    import torch

    return hidden[torch.arange(len(hidden), device=hidden.device), mask.sum(dim=1) - 1]


POOLING: dict[str, Callable[[Any, Any], Any]] = {
    "mean_tokens": mean,
    "cls_token": first,
    "max_tokens": greatest,
    "lasttoken": last,
}
"""By the name that ``1_Pooling/config.json`` gives it after ``pooling_mode_``."""


def _pair(sample: Sample) -> tuple[str, str]:
    return sample.input["sentence1"], sample.input["sentence2"]


def _both(samples: Sequence[Sample]) -> list[str]:
    """All first sentences, then all second ones: one forward pass encodes both, each in a row of its own."""
    return [sample.input[name] for name in ("sentence1", "sentence2") for sample in samples]


def _head(config: Any, otherwise: str) -> str:
    """The class that the model's files were saved by; random weights have none."""
    return str((config.architectures or [otherwise])[0])


def _pooling(spec: ModelSpec, folder: Path | None, writes: bool) -> str:
    """What the folder says in the layout of sentence-transformers; the mean where an encoder says nothing."""
    if folder is None or not (folder / "modules.json").is_file():
        if writes:
            message = f"{spec.id} writes text, and nothing in its files says how it embeds one."
            raise ModelUnavailable(message, ["choose a model that was made for sentence similarity"])
        return "mean_tokens"
    modules = {str(module["type"]).rpartition(".")[2]: module["path"] for module in _read(folder / "modules.json")}
    others = modules.keys() - {"Transformer", "Pooling", "Normalize"}
    if others:
        raise ModelUnavailable(f"{spec.id} has layers that are not served here: {', '.join(sorted(others))}.")
    if "Pooling" not in modules:
        return "mean_tokens"
    modes = _modes(_read(folder / modules["Pooling"] / "config.json"))
    if len(modes) != 1 or modes[0] not in POOLING:
        raise ModelUnavailable(f"{spec.id} pools by {' + '.join(modes) or 'nothing'}, which is not served here.")
    return modes[0]


def _modes(config: dict[str, Any]) -> list[str]:
    """The pooling modes that are switched on, in the older layout (a switch each) or the newer one (one name)."""
    if "pooling_mode" in config:
        names = {"mean": "mean_tokens", "cls": "cls_token", "max": "max_tokens"}
        return [names.get(config["pooling_mode"], str(config["pooling_mode"]))]
    return [key.removeprefix("pooling_mode_") for key, on in config.items() if key.startswith("pooling_mode_") and on]


def _stated_limit(folder: Path | None) -> int | None:
    """The longest text, in tokens, that the folder says the embeddings were trained for."""
    path = folder / "sentence_bert_config.json" if folder else None
    limit = _read(path).get("max_seq_length") if path and path.is_file() else None
    return int(limit) if limit else None


def _least(*limits: int | None) -> int | None:
    return min((limit for limit in limits if limit is not None), default=None)


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelUnavailable(f"{path} cannot be read: {error}.") from error
