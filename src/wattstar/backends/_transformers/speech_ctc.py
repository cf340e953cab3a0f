"""Speech by an encoder whose every frame names a letter or nothing: connectionist temporal classification (CTC).

Graves et al. 2006: repeated letters are one, then blanks are dropped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from wattstar.backends._transformers.groups import Places, alike, in_order
from wattstar.backends._transformers.loading import Network, batches, load, load_tokenizer
from wattstar.backends._transformers.sound import feature_extractor, milliseconds
from wattstar.types import Batch, Controls, MarkFunction, ModelSpec, Output, Sample, Session, Task


@dataclass(frozen=True)
class Clips:
    """A batch of clips on the device, in groups that share a forward."""

    places: Places
    inputs: tuple[Mapping[str, Any], ...]
    """Per group: tensors by the name of the network's argument."""


def serve(spec: ModelSpec, task: Task, controls: Controls) -> Session:
    """Load the encoder; ``predict`` marks ``encoded`` when it is done and only the choice of letters is left.

    Clips of a batch are padded and masked where the model was trained with masks, as its extractor says. Others
    (wav2vec2-base, whose first layer is normalised over the whole clip) hear padding: only clips of one length share
    a forward there, so that a clip gets the same words in whatever company.
    """
    network = load(spec, controls, "AutoModelForCTC")
    tokenizer = load_tokenizer(spec, network)
    extractor = feature_extractor(spec, network, _default_extractor(network), controls)
    masked = bool(extractor.return_attention_mask) and hasattr(network.module, "_get_feat_extract_output_lengths")
    least = _least_samples(network.module.config)
    blank = network.module.config.pad_token_id

    def prepare(samples: Sequence[Sample]) -> list[Batch]:
        return [Batch(group, clips(group)) for group in batches(samples, controls.batch_size)]

    def clips(samples: Sequence[Sample]) -> Clips:
        sounds = [_at_least(sample.input["audio"], least) for sample in samples]
        places = alike([0 if masked else len(sound) for sound in sounds])
        return Clips(places, tuple(heard([sounds[place] for place in group]) for group in places))

    def heard(sounds: Sequence[Any]) -> dict[str, Any]:
        found = extractor(sounds, sampling_rate=controls.sampling_rate, padding=True, return_tensors="pt")
        return {name: _on_device(tensor, network) for name, tensor in found.items()}

    def predict(batch: Batch, mark: MarkFunction) -> Any:
        logits = [network.module(**inputs).logits for inputs in batch.data.inputs]
        network.synchronise()
        mark("encoded")
        tokens = [one.argmax(dim=-1) for one in logits]
        network.synchronise()
        return tokens

    def finish(batch: Batch, raw: Any) -> list[Output]:
        rows = [_frames(network, inputs, tokens, masked) for inputs, tokens in zip(batch.data.inputs, raw, strict=True)]
        answers = [_collapsed(row, blank) for row in in_order(batch.data.places, rows)]
        return [
            Output(_words(tokenizer, network, answer), _counts(sample, answer, extractor))
            for sample, answer in zip(batch.samples, answers, strict=True)
        ]

    return Session(prepare, predict, finish, network.parameters)


def _default_extractor(network: Network) -> Any:
    """For random weights: 16 kHz, every clip brought to mean 0 and variance 1, masks as for published models."""
    from transformers import Wav2Vec2FeatureExtractor

    layered = getattr(network.module.config, "feat_extract_norm", None) == "layer"
    return Wav2Vec2FeatureExtractor(return_attention_mask=layered)


def _least_samples(config: Any) -> int:
    """The shortest sound that makes one frame: what the last layer of a stack of convolutions sees of it."""
    least = 1
    layers = zip(getattr(config, "conv_kernel", ()), getattr(config, "conv_stride", ()), strict=True)
    for kernel, stride in reversed(list(layers)):
        least = (least - 1) * stride + kernel
    return least


def _at_least(sound: Any, least: int) -> Any:
    """A shorter sound ends in silence."""
    import numpy

    return numpy.pad(sound, (0, max(least - len(sound), 0)))


def _on_device(tensor: Any, network: Network) -> Any:
    dtype = network.module.dtype if tensor.is_floating_point() else tensor.dtype
    return tensor.to(device=network.device, dtype=dtype)


def _frames(network: Network, inputs: Mapping[str, Any], tokens: Any, masked: bool) -> list[list[int]]:
    """Each clip's own frames, without those of padding."""
    rows = tokens.tolist()
    if not masked:
        return list(rows)
    # The library has no public name for it.
    lengths = network.module._get_feat_extract_output_lengths(inputs["attention_mask"].sum(dim=-1)).tolist()
    return [row[: int(length)] for row, length in zip(rows, lengths, strict=True)]


def _collapsed(frames: Sequence[int], blank: int) -> list[int]:
    return [token for token, _ in groupby(frames) if token != blank]


def _words(tokenizer: Any, network: Network, answer: Sequence[int]) -> str:
    if network.folder is None:
        # The tokenizer is a stand-in: it knows nothing of CTC, and what it says means nothing.
        return str(tokenizer.decode(answer, skip_special_tokens=True))
    return str(tokenizer.decode(answer, group_tokens=False, skip_special_tokens=True)).strip()


def _counts(sample: Sample, answer: Sequence[int], extractor: Any) -> dict[str, int]:
    return {
        "audio_milliseconds": milliseconds(len(sample.input["audio"]), extractor),
        "tokens_out": len(answer),
    }
