"""CMU Sphinx: speech to text on the processor by hidden Markov models, no neural network at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from wattstar.errors import ModelUnavailable
from wattstar.models import files
from wattstar.registry import require
from wattstar.types import Batch, Controls, MarkFunction, ModelSpec, Output, Sample, Session, Task

requires: tuple[str, ...] = ("pocketsphinx", "numpy")

SAMPLING_RATE = 16_000
"""Hertz; of the sound that its US English model was trained on."""


def refuses(model: ModelSpec, task: Task) -> str | None:
    """Say why the model cannot be served for the task, or None."""
    if task.tag != "automatic-speech-recognition":
        return f"serves automatic-speech-recognition, not {task.tag}"
    if model.format != "pocketsphinx":
        return f"reads files of format pocketsphinx, not {model.format}"
    if model.dtype != "float32":
        return f"computes as its files say, not in {model.dtype}"
    if model.device != "cpu":
        return f"runs on the processor, not on {model.device}"
    return None


@contextmanager
def session(model: ModelSpec, task: Task, controls: Controls) -> Iterator[Session]:
    """Load the acoustic model, the dictionary and the language model. Clips of a batch are heard one after the other.

    No phase is marked: sound is scored while words are searched, so there is no encoder before a decoder, and
    ``new_tokens`` does not apply: a clip has as many words as are heard.
    """
    require("The pocketsphinx backend", requires)
    decoder = _load(model)

    def prepare(samples: Sequence[Sample]) -> list[Batch]:
        size = controls.batch_size
        groups = [tuple(samples[begin : begin + size]) for begin in range(0, len(samples), size)]
        return [Batch(group, [_sound(sample) for sample in group]) for group in groups]

    def predict(batch: Batch, mark: MarkFunction) -> list[str]:
        return [_heard(decoder, sound) for sound in batch.data]

    def finish(batch: Batch, raw: list[str]) -> list[Output]:
        return [
            Output(words, {"words": len(words.split()), "audio_milliseconds": round(500 * len(sound) / SAMPLING_RATE)})
            for words, sound in zip(raw, batch.data, strict=True)
        ]

    yield Session(prepare, predict, finish, None)


def _load(model: ModelSpec) -> Any:
    from pocketsphinx import Decoder

    folder = files(model)
    try:
        return Decoder(
            hmm=str(folder / "en-us"),
            lm=str(folder / "en-us.lm.bin"),
            dict=str(folder / "cmudict-en-us.dict"),
            samprate=SAMPLING_RATE,
            loglevel="FATAL",
        )
    except RuntimeError as error:
        raise ModelUnavailable(f"{folder} of {model.id} cannot be loaded: {error}", ["install it again"]) from error


def _heard(decoder: Any, sound: bytes) -> str:
    """The whole clip at once: its loudness is evened out over the clip, and nothing is kept from the one before."""
    decoder.start_utt()
    decoder.process_raw(sound, full_utt=True)
    decoder.end_utt()
    found = decoder.hyp()
    return found.hypstr if found else ""


def _sound(sample: Sample) -> bytes:
    """16-bit samples."""
    import numpy

    values = numpy.clip(numpy.asarray(sample.input["audio"]) * 32768.0, -32768, 32767)
    return bytes(values.astype("<i2").tobytes())
