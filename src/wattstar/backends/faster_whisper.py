"""Whisper on CTranslate2 through faster-whisper: speech to text on a GPU or the processor."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

from wattstar.errors import ModelUnavailable, UnfitEnvironment
from wattstar.models import files
from wattstar.registry import require
from wattstar.types import Batch, Controls, MarkFunction, ModelSpec, Output, Sample, Session, Task, Weights

requires: tuple[str, ...] = ("faster-whisper",)

COMPUTE_TYPES = MappingProxyType(
    {"float32": "float32", "float16": "float16", "bfloat16": "bfloat16", "int8": "int8", "int8_float16": "int8_float16"}
)
"""Our dtype → CTranslate2's compute type: weights are converted when they are loaded, whatever the file holds."""

SAMPLING_RATE = 16_000
"""Hertz; what every Whisper model was trained on."""

LANGUAGE = "en"
"""Of the test sets. Multilingual models are told it: finding it out is work that English-only models do not do."""


def refuses(model: ModelSpec, task: Task) -> str | None:
    """Say why the model cannot be served for the task, or None."""
    if task.tag != "automatic-speech-recognition":
        return f"serves automatic-speech-recognition, not {task.tag}"
    if model.format != "ctranslate2":
        return f"reads files of format ctranslate2, not {model.format}"
    if model.weights is Weights.RANDOM:
        return "cannot build random weights"
    if model.dtype not in COMPUTE_TYPES:
        return f"computes in {', '.join(COMPUTE_TYPES)}, not {model.dtype}"
    return None


@contextmanager
def session(model: ModelSpec, task: Task, controls: Controls) -> Iterator[Session]:
    """Load the model; ``predict`` marks ``encoded`` between encoder and decoder; leaving the context frees it."""
    require("The faster-whisper backend", requires)
    whisper = _load(model)
    prompt, tokenizer = _prompt(whisper)
    try:
        yield Session(
            prepare=lambda samples: _prepare(whisper, samples, controls.batch_size),
            predict=lambda batch, mark: _predict(whisper, prompt, controls, batch, mark),
            finish=lambda batch, raw: _finish(tokenizer, batch, raw),
            parameters=None,
        )
    finally:
        whisper.model.unload_model()


def _load(model: ModelSpec) -> Any:
    import ctranslate2
    from faster_whisper import WhisperModel

    folder = files(model)
    device, _, index = model.device.partition(":")
    if device == "cuda" and ctranslate2.get_cuda_device_count() <= int(index or 0):
        raise UnfitEnvironment(f"{model.device} was asked for, but CTranslate2 sees no such GPU.", ["--device cpu"])
    if COMPUTE_TYPES[model.dtype] not in ctranslate2.get_supported_compute_types(device, int(index or 0)):
        raise UnfitEnvironment(f"CTranslate2 cannot compute in {model.dtype} on {model.device}.", ["--dtype float32"])
    try:
        return WhisperModel(
            str(folder), device=device, device_index=int(index or 0), compute_type=COMPUTE_TYPES[model.dtype]
        )
    except (RuntimeError, ValueError, KeyError) as error:
        # What CTranslate2 raises for a file that ends too soon or is not one of its own.
        message = f"{folder / 'model.bin'} of {model.id} cannot be loaded: {error}"
        raise ModelUnavailable(message, ["fetch or install the model again"]) from error


def _prompt(whisper: Any) -> tuple[list[int], Any]:
    """The tokens that ask for a transcript without timestamps."""
    from faster_whisper.tokenizer import Tokenizer

    multilingual = whisper.model.is_multilingual
    tokenizer = Tokenizer(whisper.hf_tokenizer, multilingual, task="transcribe", language=LANGUAGE)
    return [*tokenizer.sot_sequence, tokenizer.no_timestamps], tokenizer


def _prepare(whisper: Any, samples: Sequence[Sample], size: int) -> list[Batch]:
    """The spectrograms of one 30-second window each; longer audio is cut there, shorter is filled with silence."""
    import numpy
    from faster_whisper.audio import pad_or_trim
    from faster_whisper.transcribe import get_ctranslate2_storage

    extractor = whisper.feature_extractor
    groups = [tuple(samples[begin : begin + size]) for begin in range(0, len(samples), size)]
    features = [
        numpy.stack([pad_or_trim(extractor(sample.input["audio"]), extractor.nb_max_frames) for sample in group])
        for group in groups
    ]
    return [Batch(group, get_ctranslate2_storage(rows)) for group, rows in zip(groups, features, strict=True)]


def _predict(whisper: Any, prompt: list[int], controls: Controls, batch: Batch, mark: MarkFunction) -> Any:
    """Greedy, until each transcript's own end: nothing is tried again at a higher temperature."""
    encoded = whisper.model.encode(batch.data)
    mark("encoded")
    room = whisper.max_length
    cap = room if controls.new_tokens is None else min(room, len(prompt) + controls.new_tokens)
    return whisper.model.generate(
        encoded, [prompt] * len(batch.samples), beam_size=1, max_length=cap, sampling_temperature=0
    )


def _finish(tokenizer: Any, batch: Batch, raw: Any) -> list[Output]:
    tokens = [result.sequences_ids[0] for result in raw]
    return [
        Output(
            tokenizer.decode(answer).strip(),
            {
                "tokens_out": len(answer),
                "audio_milliseconds": round(1000 * len(sample.input["audio"]) / SAMPLING_RATE),
            },
        )
        for sample, answer in zip(batch.samples, tokens, strict=True)
    ]
