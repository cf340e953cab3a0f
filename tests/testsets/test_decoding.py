"""Whatever a row holds, it is decoded to what the task says, or named together with what is wrong with it."""

from __future__ import annotations

import io
import struct
import wave
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy
import pytest
from PIL import Image

from wattstar import registry, testsets
from wattstar.testsets import SampleUnreadable, reference
from wattstar.types import Controls, Sample


def decoded(task: str, controls: Controls | None = None, /, **given: Any) -> dict[str, Any]:
    module = registry.task(task)
    sample = Sample("row-1", "a source", given)
    return dict(testsets.decode(sample, module, controls or module.controls).input)


def complaint(task: str, **given: Any) -> str:
    with pytest.raises(SampleUnreadable) as caught:
        decoded(task, **given)
    assert caught.value.message.startswith("sample row-1: ")
    assert caught.value.exit_code == 4
    return caught.value.message.removeprefix("sample row-1: ")


# ── texts ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "text is empty"),
        (None, "text is empty"),
        (" \n\t\u00a0", "text holds nothing but blanks"),
        (7, "text is int, not text"),
        (["a"], "text is list, not text"),
        ("caf\ud83d", "text is not text: half a surrogate pair at character 3"),
        (" " * 40_000 + "words", "the first 512 tokens of text hold nothing but blanks"),
    ],
)
def test_a_text_that_is_none_is_named(text: Any, said: str) -> None:
    assert complaint("summarization", text=text) == said


def test_a_missing_field_is_named() -> None:
    assert complaint("question-answering", question="Who?") == "context is empty"


def test_each_text_is_cut_on_its_own_to_the_reference_tokens() -> None:
    words = "word " * 8_000
    cut = decoded("question-answering", question="Who?", context=words)
    assert cut["question"] == "Who?"
    assert words.startswith(cut["context"])
    assert len(reference.token_ids(cut["context"])) == 1024


def test_a_short_text_is_not_touched_and_neither_is_one_without_a_cap() -> None:
    text = "Call me Ishmael."
    assert decoded("summarization", text=text)["text"] is text
    long = "word " * 8_000
    assert decoded("summarization", Controls(), text=long)["text"] is long


@pytest.mark.parametrize("labels", [[], "benign", None, [""], ["benign", " "], [1, 2], {"a": 1}])
def test_labels_are_names_to_choose_from(labels: Any) -> None:
    assert complaint("text-classification", text="Hello", labels=labels).startswith("labels ")


def test_a_missing_target_is_no_fault() -> None:
    assert decoded("text-classification", text="Hello", labels=["a", "b"]) == {"text": "Hello", "labels": ["a", "b"]}


# ── clips ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def clip(folder: Path, *, channels: int = 1, width: int = 2, rate: int = 16_000, seconds: float = 0.5) -> Path:
    path = folder / "clip.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(bytes(range(256))[: channels * width] * round(rate * seconds))
    return path


def test_a_clip_is_floats_of_the_right_length(tmp_path: Path) -> None:
    sound = decoded("automatic-speech-recognition", audio=str(clip(tmp_path, seconds=0.5)))["audio"]
    assert sound.dtype == numpy.float32
    assert sound.shape == (8_000,)
    assert sound[0] == pytest.approx(256 / 32768)


def test_a_long_clip_is_cut_to_the_second(tmp_path: Path) -> None:
    sound = decoded("automatic-speech-recognition", audio=str(clip(tmp_path, seconds=31)))["audio"]
    assert sound.shape == (30 * 16_000,)


@pytest.mark.parametrize(
    ("form", "found"),
    [
        ({"channels": 2}, "2 channel(s), 16 bit, 16000 Hz"),
        ({"channels": 4}, "4 channel(s), 16 bit, 16000 Hz"),
        ({"width": 1}, "1 channel(s), 8 bit, 16000 Hz"),
        ({"width": 3}, "1 channel(s), 24 bit, 16000 Hz"),
        ({"rate": 44_100}, "1 channel(s), 16 bit, 44100 Hz"),
    ],
)
def test_a_clip_of_another_form_is_refused(tmp_path: Path, form: dict[str, int], found: str) -> None:
    path = clip(tmp_path, **form)  # type: ignore[arg-type]
    said = complaint("automatic-speech-recognition", audio=str(path))
    assert said == f"clip.wav is {found}, not mono, 16 bit, 16000 Hz"


def test_a_sampling_rate_of_0_is_refused(tmp_path: Path) -> None:
    path = clip(tmp_path)
    content = bytearray(path.read_bytes())
    content[24:28] = struct.pack("<I", 0)
    path.write_bytes(content)
    assert "16 bit, 0 Hz" in complaint("automatic-speech-recognition", audio=str(path))


def test_broken_clips_are_named_with_their_fault(tmp_path: Path) -> None:
    path = clip(tmp_path)
    whole = path.read_bytes()
    for content, said in (
        (b"", "clip.wav holds nothing: 0 bytes"),
        (b"no sound at all", "clip.wav is not a readable WAV file: file does not start with RIFF id"),
        (whole[:30], "clip.wav is not a readable WAV file: it ends too soon"),
        (whole[:-100], "clip.wav holds 15900 of 16000 bytes of sound"),
    ):
        path.write_bytes(content)
        assert complaint("automatic-speech-recognition", audio=str(path)) == said
    clip(tmp_path, seconds=0)
    assert complaint("automatic-speech-recognition", audio=str(path)) == "clip.wav holds no sound"
    path.unlink()
    assert complaint("automatic-speech-recognition", audio=str(path)) == "clip.wav is not there"
    assert complaint("automatic-speech-recognition", audio=[0.0]) == "audio is list, not the path of a file"


# ── images ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def seen(image: Image.Image, folder: Path, suffix: str = "png", **options: Any) -> Image.Image:
    path = folder / f"image.{suffix}"
    image.save(path, **options)
    found: Image.Image = decoded("image-classification", image=str(path))["image"]
    assert found.mode == "RGB"
    return found


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA"])
def test_every_usual_image_becomes_red_green_and_blue(tmp_path: Path, mode: str) -> None:
    found = seen(Image.new("RGB", (4, 3), "white").convert(mode), tmp_path)
    assert found.size == (4, 3)
    assert found.getpixel((0, 0)) == (255, 255, 255)


def test_four_channels_of_ink_are_read_too(tmp_path: Path) -> None:
    assert seen(Image.new("CMYK", (4, 3), (0, 0, 0, 0)), tmp_path, "tif").getpixel((0, 0)) == (255, 255, 255)


def test_what_is_transparent_is_white(tmp_path: Path) -> None:
    half = Image.new("RGBA", (2, 1), (0, 0, 0, 0))
    half.putpixel((1, 0), (255, 0, 0, 128))
    found = seen(half, tmp_path)
    assert found.getpixel((0, 0)) == (255, 255, 255)
    assert found.getpixel((1, 0)) == (255, 127, 127)
    palette = Image.new("P", (2, 1), 0)
    palette.putpalette([0, 0, 0, 0, 0, 255])
    assert seen(palette, tmp_path, transparency=0).getpixel((0, 0)) == (255, 255, 255)


def test_sixteen_bits_of_grey_keep_their_greys(tmp_path: Path) -> None:
    image = Image.new("I;16", (2, 1), 32768)
    image.putpixel((1, 0), 65535)
    found = seen(image, tmp_path)
    assert found.getpixel((0, 0)) == (127, 127, 127)
    assert found.getpixel((1, 0)) == (255, 255, 255)


def test_an_image_is_turned_as_its_camera_was_held(tmp_path: Path) -> None:
    image = Image.new("RGB", (40, 20), "blue")
    exif = image.getexif()
    exif[0x0112] = 6
    assert seen(image, tmp_path, "jpg", exif=exif).size == (20, 40)


def test_numbers_whose_white_nobody_knows_are_refused(tmp_path: Path) -> None:
    Image.new("F", (2, 2), 0.5).save(tmp_path / "image.tif")
    said = complaint("image-classification", image=str(tmp_path / "image.tif"))
    assert "floating-point" in said


def test_broken_images_are_named_with_their_fault(tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    file = io.BytesIO()
    Image.effect_noise((64, 64), 50).save(file, "PNG")
    for content, said in (
        (b"", "image.png holds nothing: 0 bytes"),
        (b"no image", "image.png is not a readable image: "),
        (file.getvalue()[:-600], "image.png is not a readable image: "),
        (file.getvalue()[:40], "image.png is not a readable image: "),
    ):
        path.write_bytes(content)
        assert complaint("image-classification", image=str(path)).startswith(said)
    path.unlink()
    assert complaint("image-classification", image=str(path)) == "image.png is not there"


def test_a_small_file_that_unfolds_to_a_huge_image_is_refused_before_it_does(tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    for side in (11_000, 30_000):  # where Pillow warns, and where it refuses
        Image.new("1", (side, side)).save(path)
        assert complaint("image-classification", image=str(path)).startswith("image.png is too large an image: ")


@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "tif", "bmp", "webp"])
def test_a_damaged_byte_is_never_a_traceback(tmp_path: Path, suffix: str) -> None:
    image = Image.effect_noise((24, 24), 80).convert("RGB")
    path = tmp_path / f"image.{suffix}"
    image.save(path)
    whole = path.read_bytes()
    for place in range(0, len(whole), max(1, len(whole) // 60)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        with suppress(SampleUnreadable):
            assert decoded("image-classification", image=str(path))["image"].mode == "RGB"
