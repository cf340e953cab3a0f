"""Speech recognition: recordings of people, and sentences spoken by a synthesiser."""

from __future__ import annotations

import ctypes
import re
import wave
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from .downloads import ESPEAK, POCKETSPHINX, Unpacked
from .edition import Samples, Source, row

TASK = "automatic-speech-recognition"
FORM = (1, 2, 16000)
"""Channels, bytes a sample, samples a second."""
RATE = FORM[2]
VOICES = "usr/share/pocketsphinx/test/data"
LICENCE = "BSD-2-Clause"
NOTICE = "pocketsphinx-BSD-2-Clause.txt"
LIBRIVOX = Source(
    "LibriVox, Sense and Sensibility (pocketsphinx)",
    f"{POCKETSPHINX}, {VOICES}/librivox",
    LICENCE,
    NOTICE,
    "All five clips. The recordings are in the public domain (LibriVox). One transcript corrected, see the notice.",
)
CARDS = Source("playing cards (pocketsphinx)", f"{POCKETSPHINX}, {VOICES}/cards", LICENCE, NOTICE, "All five clips.")
PHRASES = Source(
    "spoken phrases (pocketsphinx)",
    f"{POCKETSPHINX}, {VOICES}/goforward.raw, numbers.raw, something.raw",
    LICENCE,
    NOTICE,
    "The package gives no transcripts; they were written for this edition and checked with two recognisers.",
)
SYNTHETIC = Source(
    "espeak-ng (synthesised)",
    f"made by the build script with {ESPEAK}",
    "Apache-2.0",
    "own-work.txt",
    "Own sentences, voices en-us and en-gb, 150 words a minute, resampled from 22050 Hz.",
    "synthetic",
)
# The package's transcript against what the reader says, and Austen wrote.
MISTAKE, CORRECTION = "a more a amiable woman", "a more amiable woman"
SAID = {
    "goforward": "go forward ten meters",
    "numbers": "thirty three four six ninety two",
    "something": "go somewhere and do something",
}
# Voice and sentence; the transcript is the sentence in lower case without its full stop.
SPOKEN = (
    ("en-us", "The energy used by a model depends on the machine it runs on."),
    ("en-gb", "Please turn off the lights when you leave the room."),
    ("en-us", "Seven small boats crossed the quiet harbour at dawn."),
    ("en-us", "The library opens at seven and closes after sunset."),
    ("en-gb", "We measured the same task three times and kept the middle number."),
    ("en-us", "The old bridge was closed for repairs during the whole summer."),
    ("en-gb", "Fresh bread and warm soup were waiting on the kitchen table."),
    ("en-us", "A gentle wind moved the branches of the apple tree."),
    ("en-gb", "The train to the northern coast leaves from the second platform."),
    ("en-us", "Every student wrote a short letter to a friend in another country."),
    ("en-gb", "Charge the battery before you take the bicycle to the mountains."),
)


def samples(packages: Unpacked) -> Samples:
    """The rows and their WAV files, real speech first."""
    rows, files = [], {}
    voices = packages[POCKETSPHINX] / VOICES
    for recordings in (_librivox(voices), _cards(voices), _phrases(voices), _synthesised(packages[ESPEAK])):
        for name, source, words, sound in recordings:
            path = f"{TASK}/{name}.wav"
            files[path] = _wave(sound)
            rows.append(row(name, source.name, words, audio=path))
    return Samples(TASK, (LIBRIVOX, CARDS, PHRASES, SYNTHETIC), rows, files)


Recording = tuple[str, Source, str, bytes]
"""Id, source, transcript and samples in the form above."""


def _librivox(voices: Path) -> Iterator[Recording]:
    for number, (name, words) in enumerate(_transcripts(voices / "librivox/transcription"), 1):
        yield f"librivox-{number:02d}", LIBRIVOX, words, _sound(voices / f"librivox/{name}.wav")


def _cards(voices: Path) -> Iterator[Recording]:
    for name, words in _transcripts(voices / "cards/cards.transcription"):
        yield f"cards-{name}", CARDS, words, _sound(voices / f"cards/{name}.wav")


def _phrases(voices: Path) -> Iterator[Recording]:
    for name, words in SAID.items():
        yield f"phrase-{name}", PHRASES, words, (voices / f"{name}.raw").read_bytes()


def _synthesised(package: Path) -> Iterator[Recording]:
    for number, ((_, text), sound) in enumerate(zip(SPOKEN, _spoken(package / "espeakng_loader"), strict=True), 1):
        quarter = RATE // 4  # of a second of silence around it
        yield f"synthesised-{number:02d}", SYNTHETIC, text.lower().strip("."), np.pad(sound, quarter).tobytes()


def _transcripts(path: Path) -> list[tuple[str, str]]:
    """Names and words of a Sphinx transcript file, whose lines are ``<s> words </s> (name)``."""
    text = path.read_text(encoding="utf-8").replace(MISTAKE, CORRECTION)
    return [(name, words) for words, name in re.findall(r"<s>\s+(.*?)\s+</s> \((.+)\)", text)]


def _sound(path: Path) -> bytes:
    with wave.open(str(path)) as file:
        if file.getparams()[:3] != FORM:
            raise SystemExit(f"{path} is not 16 kHz mono PCM16: {file.getparams()}")
        sound: bytes = file.readframes(file.getnframes())
    return sound


def _wave(sound: bytes) -> bytes:
    buffer = BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((*FORM, 0, "NONE", "not compressed"))
        file.writeframes(sound)
    return buffer.getvalue()


def _resampled(samples: np.ndarray, rate: int) -> np.ndarray:
    """Samples brought to 16 kHz with a windowed sinc, which keeps higher tones out."""
    half = 48
    places = np.arange(int(len(samples) * RATE / rate)) * rate / RATE
    taps = np.floor(places).astype(int)[:, None] + np.arange(-half + 1, half + 1)[None, :]
    distance = taps - places[:, None]
    cutoff = 0.95 * RATE / rate
    kernel = cutoff * np.sinc(cutoff * distance) * (0.5 + 0.5 * np.cos(np.pi * distance / half))
    padded = np.pad(samples.astype(np.float64), (half, half + 1))
    mixed: np.ndarray = np.sum(padded[taps + half] * kernel, axis=1)
    return np.clip(np.round(mixed), -32768, 32767).astype("<i2")


def _spoken(folder: Path) -> Iterator[np.ndarray]:
    """The sentences at 16 kHz, spoken by the espeak-ng library of a package, which is used without installing it."""
    library = ctypes.CDLL(str(folder / "libespeak-ng.so"))
    # 1: hand the samples to a callback instead of playing them.
    rate = library.espeak_Initialize(1, 0, str(folder).encode(), 0)
    parts: list[bytes] = []

    def receive(samples: Any, count: int, _events: Any) -> int:
        if samples and count > 0:
            parts.append(ctypes.string_at(samples, 2 * count))
        return 0  # asks for more

    # The library keeps the pointer, so the callback lives as long as this generator.
    callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)(receive)
    library.espeak_SetSynthCallback(callback)
    for voice, text in SPOKEN:
        parts.clear()
        library.espeak_SetVoiceByName(voice.encode())
        library.espeak_SetParameter(1, 150, 0)  # words a minute
        data = text.encode() + b"\0"
        library.espeak_Synth(data, len(data), 0, 0, 0, 1, None, None)
        library.espeak_Synchronize()
        yield _resampled(np.frombuffer(b"".join(parts), "<i2"), rate)
