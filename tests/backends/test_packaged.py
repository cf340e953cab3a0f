"""The backends of packaged models: Whisper on CTranslate2, and EfficientNet-Lite."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.backends.serving import serve, spec
from wattstar import registry
from wattstar.errors import ModelUnavailable
from wattstar.models import catalogue, files
from wattstar.models.packages import installed
from wattstar.types import ModelSpec, Source

numpy = pytest.importorskip("numpy", reason="pip install 'wattstar[transformers]'")

WHISPER = "Systran/faster-whisper-tiny.en"
LITE = "efficientnet-lite0"
SPEECH = "automatic-speech-recognition"

needs_whisper = pytest.mark.skipif(
    not installed(catalogue()[WHISPER]) or bool(registry.missing(["faster-whisper"])),
    reason=f"{catalogue()[WHISPER].install}; pip install 'wattstar[audio]'",
)
needs_lite = pytest.mark.skipif(
    not installed(catalogue()[LITE]) or bool(registry.missing(["torch"])),
    reason=f"{catalogue()[LITE].install}; pip install 'wattstar[transformers]'",
)


@needs_whisper
def test_speech_is_heard_the_same_in_batches() -> None:
    draw = numpy.random.default_rng(0)
    sounds = [
        {"audio": (numpy.sin(numpy.arange(16_000 * seconds) * pitch) * 0.3 + draw.normal(0, 0.01, 16_000 * seconds))}
        for seconds, pitch in ((1, 0.1), (2, 0.05), (3, 0.2))
    ]
    sounds = [{"audio": sound["audio"].astype("float32")} for sound in sounds]
    model = spec(SPEECH, WHISPER)
    alone, marks = serve("faster-whisper", SPEECH, model, sounds, batch_size=1, new_tokens=8)
    together, _ = serve("faster-whisper", SPEECH, model, sounds, batch_size=4, new_tokens=8)
    assert together == alone
    assert marks == ["encoded"] * 3
    assert [output.counts["audio_milliseconds"] for output in alone] == [1000, 2000, 3000]
    assert all(output.counts["tokens_out"] <= 8 for output in alone)


@needs_whisper
def test_a_damaged_whisper_names_the_file(tmp_path: Path) -> None:
    source = files(spec(SPEECH, WHISPER))
    for path in source.iterdir():
        shutil.copy(path, tmp_path / path.name)
    weights = tmp_path / "model.bin"
    weights.write_bytes(weights.read_bytes()[:100_000])
    with pytest.raises(ModelUnavailable, match=r"model\.bin"):
        serve("faster-whisper", SPEECH, spec(SPEECH, str(tmp_path)), [])


@needs_lite
def test_images_are_classified_the_same_in_batches() -> None:
    image = pytest.importorskip("PIL.Image", reason="pip install pillow")
    images = [{"image": image.effect_noise(shape, 80).convert("RGB")} for shape in ((300, 200), (32, 64), (224, 224))]
    model = spec("image-classification", LITE)
    alone, _ = serve("efficientnet-lite", "image-classification", model, images, batch_size=1)
    together, _ = serve("efficientnet-lite", "image-classification", model, images, batch_size=4)
    assert alone == together
    assert all(0 <= output.value < 1000 for output in alone)


@pytest.mark.parametrize("backend", ["faster-whisper", "efficientnet-lite"])
@pytest.mark.parametrize("task", ["text-generation", "image-classification", SPEECH])
def test_what_they_cannot_serve_they_refuse(backend: str, task: str) -> None:
    model = ModelSpec("us/model", Source.HUB, "0" * 40, "transformers")
    assert registry.backend(backend).refuses(model, registry.task(task))
