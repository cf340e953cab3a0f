"""Speech by Whisper: 30 seconds are encoded at once, then its words are written token after token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wattstar.backends._transformers.generating import Writer, written
from wattstar.backends._transformers.loading import Network, batches, load, load_tokenizer
from wattstar.backends._transformers.sound import feature_extractor, milliseconds
from wattstar.errors import UsageError
from wattstar.types import Batch, Controls, MarkFunction, ModelSpec, Output, Sample, Session, Task

LANGUAGE = "<|en|>"
"""Of the test sets. Multilingual models are told it: finding it out is work that English-only models do not do."""

PROMPT_TOKENS = 4
"""Start, language, task, no timestamps: what a multilingual Whisper is given."""


def serve(spec: ModelSpec, task: Task, controls: Controls) -> Session:
    """Load a Whisper; ``predict`` marks ``encoded`` between encoder and decoder.

    Longer clips are cut to the 30 seconds it was made for, shorter ones are filled with silence, as it was trained:
    all clips are of one length, and a batch needs no mask.
    """
    network = load(spec, controls, "AutoModelForSpeechSeq2Seq")
    tokenizer = load_tokenizer(spec, network)
    extractor = feature_extractor(spec, network, _default_extractor(network), controls)
    prompt = _prompt(network)
    settings = _settings(network, tokenizer, controls, len(prompt))

    def prepare(samples: Sequence[Sample]) -> list[Batch]:
        return [Batch(group, heard(group)) for group in batches(samples, controls.batch_size)]

    def heard(samples: Sequence[Sample]) -> Any:
        sounds = [sample.input["audio"] for sample in samples]
        found = extractor(sounds, sampling_rate=controls.sampling_rate, return_tensors="pt")["input_features"]
        return found.to(device=network.device, dtype=network.module.dtype)

    def predict(batch: Batch, mark: MarkFunction) -> Any:
        import torch
        from transformers import GenerationMixin

        encoded = network.module.get_encoder()(batch.data)
        network.synchronise()
        mark("encoded")
        begin = torch.tensor([prompt] * len(batch.samples), device=network.device)
        # Whisper's own `generate` would look for the language, and try again at higher temperatures.
        sequences = GenerationMixin.generate(
            network.module, encoder_outputs=encoded, decoder_input_ids=begin, generation_config=settings
        )
        network.synchronise()
        return sequences[:, len(prompt) :]

    def finish(batch: Batch, raw: Any) -> list[Output]:
        answers = written(Writer(network, tokenizer, controls), settings, raw)
        return [
            Output(tokenizer.decode(answer, skip_special_tokens=True).strip(), counts(sample, answer))
            for sample, answer in zip(batch.samples, answers, strict=True)
        ]

    def counts(sample: Sample, answer: Sequence[int]) -> dict[str, int]:
        heard = min(len(sample.input["audio"]), extractor.n_samples)
        return {"audio_milliseconds": milliseconds(heard, extractor), "tokens_out": len(answer)}

    return Session(prepare, predict, finish, network.parameters)


def _default_extractor(network: Network) -> Any:
    """For random weights: 16 kHz, 30 seconds, as many mel bands as the encoder takes; needs no files."""
    from transformers import WhisperFeatureExtractor

    return WhisperFeatureExtractor(feature_size=network.module.config.num_mel_bins)


def _prompt(network: Network) -> list[int]:
    """The tokens that ask for an English transcript without timestamps."""
    own = network.module.generation_config
    start = own.decoder_start_token_id or network.module.config.decoder_start_token_id
    if network.folder is None:
        return [start] * PROMPT_TOKENS
    languages, tasks = getattr(own, "lang_to_id", None) or {}, getattr(own, "task_to_id", None) or {}
    further = (languages.get(LANGUAGE), tasks.get("transcribe"), getattr(own, "no_timestamps_token_id", None))
    return [start, *(token for token in further if token is not None)]


def _settings(network: Network, tokenizer: Any, controls: Controls, begun: int) -> Any:
    """Greedy, until the transcript's own end or as far as the decoder has positions; random weights know no end."""
    from transformers import GenerationConfig

    own = network.module.generation_config
    room = network.module.config.max_target_positions - begun
    asked = room if controls.new_tokens is None else controls.new_tokens
    if asked > room and not controls.stops_early:
        raise UsageError(f"The model has room for {room} new tokens, not {asked}.", [f"--new-tokens {room}"])
    stops = controls.stops_early and network.folder is not None
    network.module.generation_config = GenerationConfig()
    return GenerationConfig(
        do_sample=False,
        num_beams=1,
        use_cache=True,
        max_new_tokens=min(asked, room),
        min_new_tokens=None if stops else min(asked, room),
        eos_token_id=own.eos_token_id if network.folder else None,
        pad_token_id=tokenizer.pad_token_id,
        decoder_start_token_id=network.module.config.decoder_start_token_id,
        # Its own rules of what is never written, such as a blank at the beginning: it was evaluated with them.
        suppress_tokens=own.suppress_tokens if network.folder else None,
        begin_suppress_tokens=own.begin_suppress_tokens if network.folder else None,
    )
