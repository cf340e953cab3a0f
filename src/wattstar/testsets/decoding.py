"""From a row to what a model is given: texts cut to the same words for all, media as arrays; bad rows are named."""

from __future__ import annotations

import warnings
import wave
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from wattstar.errors import GateFailed
from wattstar.testsets import reference
from wattstar.types import Controls, Kind, Sample, Task

MEDIA = (Kind.IMAGE, Kind.AUDIO)
"""Kinds of inputs that are files."""


class SampleUnreadable(GateFailed):
    """A sample that cannot be decoded; the message names it."""


def decode(sample: Sample, task: Task, controls: Controls) -> Sample:
    """The sample with its texts cut to ``controls.prompt_tokens``, each field on its own, and its media as arrays.

    ``SampleUnreadable`` says which field of which sample cannot be decoded, and why. Targets are left as they are.
    """
    decoded = dict(sample.input)
    for name, kind in task.inputs.items():
        value = sample.input.get(name)
        try:
            if value is None or value == "":
                raise _Bad(f"{name} is empty")
            decoded[name] = _DECODERS[kind](name, value, controls) if kind in _DECODERS else value
        except _Bad as error:
            raise SampleUnreadable(f"sample {sample.id}: {error}") from error
    return replace(sample, input=decoded)


class _Bad(Exception):
    """What is wrong with a value."""


def _text(name: str, value: Any, controls: Controls) -> str:
    if not isinstance(value, str):
        raise _Bad(f"{name} is {type(value).__name__}, not text")
    if not value.strip():
        raise _Bad(f"{name} holds nothing but blanks")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise _Bad(f"{name} is not text: half a surrogate pair at character {error.start}") from error
    if controls.prompt_tokens is None:
        return value
    cut = reference.cut(value, controls.prompt_tokens)
    if not cut.strip():
        raise _Bad(f"the first {controls.prompt_tokens} tokens of {name} hold nothing but blanks")
    return cut


def _labels(name: str, value: Any, controls: Controls) -> list[str]:
    if not isinstance(value, list) or not value:
        raise _Bad(f"{name} is not a list of names to choose from")
    if not all(isinstance(label, str) and label.strip() for label in value):
        raise _Bad(f"{name} holds something that is no name")
    return value


def _image(name: str, value: Any, controls: Controls) -> Any:
    """An RGB ``PIL.Image``, upright; what is transparent is white, 16 bits of grey become eight."""
    from PIL import Image, ImageOps

    path = _file(name, value)
    try:
        with warnings.catch_warnings():
            # Pillow only warns of a bomb until it is twice as large.
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                return _rgb(ImageOps.exif_transpose(image))
    except _UNREADABLE as error:
        raise _Bad(f"{path.name} is not a readable image: {error}") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _Bad(f"{path.name} is too large an image: {error}") from error


# What Pillow's readers raise at damaged files, beside OSError.
_UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, TypeError, IndexError, KeyError, OverflowError)


def _rgb(image: Any) -> Any:
    from PIL import Image

    if image.mode == "F":
        raise ValueError("its pixels are floating-point numbers, and what is white is not said")
    if image.mode == "I" or image.mode.startswith("I;16"):
        # Pillow would clip at 255, which leaves a white sheet.
        return image.convert("I").point(lambda grey: grey * (255 / 65535)).convert("L").convert("RGB")
    if image.has_transparency_data:
        upper = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", upper.size, "white"), upper).convert("RGB")
    return image.convert("RGB")


def _audio(name: str, value: Any, controls: Controls) -> Any:
    """float32 in −1…1, mono, at ``controls.sampling_rate``, cut to ``controls.audio_seconds``.

    A clip of another form is refused: a test set is brought to one form when it is built, not at each run anew.
    """
    import numpy

    path = _file(name, value)
    try:
        with wave.open(str(path)) as clip:
            channels, width, rate = clip.getnchannels(), clip.getsampwidth(), clip.getframerate()
            length = clip.getnframes() * channels * width
            frames = clip.readframes(clip.getnframes())
    except (OSError, EOFError, wave.Error) as error:
        raise _Bad(f"{path.name} is not a readable WAV file: {str(error) or 'it ends too soon'}") from error
    if (channels, width, rate) != (1, 2, controls.sampling_rate):
        wanted = f"mono, 16 bit, {controls.sampling_rate} Hz"
        found = f"{channels} channel(s), {8 * width} bit, {rate} Hz"
        raise _Bad(f"{path.name} is {found}, not {wanted}")
    if not length:
        raise _Bad(f"{path.name} holds no sound")
    if len(frames) != length:
        raise _Bad(f"{path.name} holds {len(frames)} of {length} bytes of sound")
    sound = numpy.frombuffer(frames, dtype="<i2").astype(numpy.float32) / 32768.0
    most = controls.audio_seconds
    return sound if most is None else sound[: round(most * rate)]


def _file(name: str, value: Any) -> Path:
    if not isinstance(value, str | Path):
        raise _Bad(f"{name} is {type(value).__name__}, not the path of a file")
    path = Path(value)
    if not path.is_file():
        raise _Bad(f"{path.name} is not there")
    if not path.stat().st_size:
        raise _Bad(f"{path.name} holds nothing: 0 bytes")
    return path


_DECODERS: Mapping[Kind, Callable[[str, Any, Controls], Any]] = {
    Kind.TEXT: _text,
    Kind.LABELS: _labels,
    Kind.IMAGE: _image,
    Kind.AUDIO: _audio,
}
