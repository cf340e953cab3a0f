"""Images and clips as a data set holds them: how large they are, and how they are kept."""

from __future__ import annotations

import io
import math
import wave
from typing import Any

SAMPLING_RATE = 16_000
"""Hertz; clips are brought to it once, when a test set is built."""

SUFFIXES = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "GIF": "gif", "BMP": "bmp", "TIFF": "tif"}


def image(content: bytes) -> tuple[tuple[int, int], str] | None:
    """Width and height in pixels, and the file's suffix; None where it is no readable image."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content)) as opened:
            opened.verify()
            return opened.size, SUFFIXES.get(opened.format or "", "bin")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None


def seconds(content: bytes) -> float | None:
    """How long a clip is; None where it is no readable sound, or empty."""
    import soundfile

    try:
        info = soundfile.info(io.BytesIO(content))
    except soundfile.LibsndfileError:
        return None
    return float(info.duration) if info.frames and info.samplerate else None


def clip(content: bytes) -> bytes | None:
    """A WAV file, mono, 16 bit, 16 kHz: channels are averaged, then resampled; None where it is unreadable.

    ``scipy.signal.resample_poly`` with its standard filter (Kaiser, β = 5).
    """
    import numpy
    import soundfile
    from scipy.signal import resample_poly

    try:
        sound, rate = soundfile.read(io.BytesIO(content), dtype="float64", always_2d=True)
    except soundfile.LibsndfileError:
        return None
    mono: Any = sound.mean(axis=1)
    if rate != SAMPLING_RATE:
        common = math.gcd(rate, SAMPLING_RATE)
        mono = resample_poly(mono, SAMPLING_RATE // common, rate // common)
    whole = numpy.clip(numpy.round(mono * 32768.0), -32768, 32767).astype("<i2")
    return _wav(whole.tobytes())


def _wav(frames: bytes) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as opened:
        opened.setnchannels(1)
        opened.setsampwidth(2)
        opened.setframerate(SAMPLING_RATE)
        opened.writeframes(frames)
    return file.getvalue()
