"""The backends of packaged models, each on samples whose right answer is known."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.backends.serving import serve, spec
from wattstar import registry, testsets
from wattstar.errors import ModelUnavailable
from wattstar.models import catalogue, files, prepare
from wattstar.models.packages import installed
from wattstar.types import ModelSpec, Sample, Source

numpy = pytest.importorskip("numpy", reason="pip install 'wattstar[transformers]'")

WHISPER = "Systran/faster-whisper-tiny.en"
WHISPER_BASE = "Systran/faster-whisper-base"
LITE = "efficientnet-lite0"
LITES = ("efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2")
SSD = "ssd-mobilenet-v2-coco"
OCR = "rapidocr/pp-ocrv4"
TITLES = "traceforge/flan-t5-small-titles"
SPHINX = "cmusphinx/en-us"
SPEECH = "automatic-speech-recognition"

needs_whisper = pytest.mark.skipif(
    not installed(catalogue()[WHISPER]) or bool(registry.missing(["faster-whisper"])),
    reason=f"{catalogue()[WHISPER].install}; pip install 'wattstar[audio]'",
)
needs_lite = pytest.mark.skipif(
    not installed(catalogue()[LITE]) or bool(registry.missing(["torch"])),
    reason=f"{catalogue()[LITE].install}; pip install 'wattstar[transformers]'",
)


def needs(id: str, *distributions: str, extra: str) -> pytest.MarkDecorator:
    absent = not installed(catalogue()[id]) or bool(registry.missing(distributions))
    return pytest.mark.skipif(absent, reason=f"{catalogue()[id].install}; pip install 'wattstar[{extra}]'")


needs_ssd = needs(SSD, "opencv-python-headless", extra="vision")
needs_ocr = needs(OCR, "opencv-python-headless", "onnxruntime", "pyclipper", "shapely", extra="ocr")
needs_titles = needs(TITLES, "onnxruntime", "tokenizers", extra="onnx")
needs_sphinx = needs(SPHINX, extra="audio")


def rows(task: str, *ids: str) -> list[Sample]:
    """Decoded samples of the embedded edition."""
    asked = registry.task(task)
    found = {sample.id: sample for sample in testsets.load(asked, "mini-2").samples}
    return [testsets.decode(found[id], asked, asked.controls) for id in ids]


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


@pytest.mark.parametrize("id", LITES)
def test_a_cat_is_a_cat(id: str) -> None:
    if not installed(catalogue()[id]) or registry.missing(["torch"]):
        pytest.skip(catalogue()[id].install)
    samples = rows("image-classification", "photo-chelsea", "photo-coffee")
    outputs, _ = serve("efficientnet-lite", "image-classification", spec("t", id), [s.input for s in samples])
    # Of ImageNet: tabby, tiger cat, Persian, Siamese, Egyptian cat, lynx; and espresso, cup, coffee mug.
    assert outputs[0].value in (281, 282, 283, 284, 285, 287)
    assert outputs[1].value in (967, 968, 504)


def test_sizes_of_one_family_share_one_vote() -> None:
    assert {catalogue()[id].base_model for id in LITES} == {"google/efficientnet-lite"}


@pytest.fixture(scope="module")
def whisper_base() -> ModelSpec:
    entry = catalogue()[WHISPER_BASE]
    if not installed(entry) or registry.missing(["faster-whisper"]):
        pytest.skip(f"{entry.install}; pip install 'wattstar[audio]'")
    prepare(WHISPER_BASE)
    return spec(SPEECH, WHISPER_BASE)


def test_joined_whisper_hears_what_is_said(whisper_base: ModelSpec) -> None:
    samples = rows(SPEECH, "librivox-02", "librivox-03")
    outputs, _ = serve("faster-whisper", SPEECH, whisper_base, [sample.input for sample in samples], batch_size=2)
    quality = registry.task(SPEECH).score(samples, outputs)
    assert quality is not None
    assert quality.value < 0.1


@needs_sphinx
def test_sphinx_hears_english_the_same_in_any_order() -> None:
    samples = rows(SPEECH, "librivox-02", "librivox-03", "phrase-goforward")
    model = spec(SPEECH, SPHINX)
    alone, marks = serve("pocketsphinx", SPEECH, model, [sample.input for sample in samples])
    turned, _ = serve("pocketsphinx", SPEECH, model, [sample.input for sample in reversed(samples)], batch_size=4)
    assert turned[::-1] == alone
    assert marks == []
    quality = registry.task(SPEECH).score(samples, alone)
    assert quality is not None
    assert quality.value < 0.6
    seconds = [output.counts["audio_milliseconds"] / 1000 for output in alone]
    assert seconds == [pytest.approx(len(sample.input["audio"]) / 16_000, abs=0.001) for sample in samples]


@needs_sphinx
def test_sphinx_hears_no_words_in_silence() -> None:
    outputs, _ = serve("pocketsphinx", SPEECH, spec(SPEECH, SPHINX), [{"audio": numpy.zeros(16_000, "float32")}])
    assert outputs[0].counts["words"] <= 1


@needs_ssd
@pytest.mark.parametrize("batch_size", [1, 4])
def test_things_are_found_by_name_and_in_pixels_of_the_source(batch_size: int) -> None:
    samples = rows("image-classification", "photo-chelsea", "photo-astronaut", "photo-coffee")
    outputs, _ = serve(
        "opencv", "object-detection", spec("object-detection", SSD), [s.input for s in samples], batch_size=batch_size
    )
    assert [output.value[0]["label"] for output in outputs[:2]] == ["cat", "person"]
    assert {"cup", "bowl"} & {found["label"] for found in outputs[2].value}
    for sample, output in zip(samples, outputs, strict=True):
        assert output.counts == {"images": 1, "pixels": 300 * 300}
        scores = [found["score"] for found in output.value]
        assert scores == sorted(scores, reverse=True)
        assert scores[-1] >= registry.task("object-detection").controls.threshold
        width, height = sample.input["image"].size
        left, top, right, bottom = output.value[0]["box"]
        assert (right - left) * (bottom - top) > 0.2 * width * height
        assert -0.1 * width < left < right < 1.1 * width


@needs_ssd
def test_a_higher_threshold_leaves_out_what_is_less_sure() -> None:
    samples = rows("image-classification", "photo-coffee")
    model = spec("object-detection", SSD)
    (many,), _ = serve("opencv", "object-detection", model, [samples[0].input], threshold=0.05)
    (few,), _ = serve("opencv", "object-detection", model, [samples[0].input], threshold=0.5)
    assert few.value == [found for found in many.value if found["score"] >= 0.5] != many.value


@needs_ssd
def test_detections_do_not_depend_on_the_batch() -> None:
    samples = rows("image-classification", "photo-chelsea", "photo-astronaut", "photo-coffee", "photo-horse")
    model = spec("object-detection", SSD)
    alone, _ = serve("opencv", "object-detection", model, [sample.input for sample in samples], batch_size=1)
    together, _ = serve("opencv", "object-detection", model, [sample.input for sample in samples], batch_size=4)
    for one, other in zip(alone, together, strict=True):
        assert [found["label"] for found in one.value] == [found["label"] for found in other.value]
        assert [found["score"] for found in one.value] == pytest.approx([found["score"] for found in other.value])


@needs_ocr
def test_lines_are_read_from_top_to_bottom() -> None:
    lines = ["In the beginning God created", "the heaven and the earth"]
    outputs, marks = serve("rapidocr", "image-to-text", spec("t", OCR), [{"image": page(lines)}, {"image": page([])}])
    assert outputs[0].value.lower().replace(" ", "") == "".join(lines).lower().replace(" ", "")
    assert outputs[0].counts == {"images": 1, "pixels": 640 * 200, "lines": 2}
    assert (outputs[1].value, outputs[1].counts["lines"]) == ("", 0)
    assert marks == [], "no phase of its own is claimed"


@needs_ocr
def test_reading_does_not_depend_on_the_batch() -> None:
    pages = [{"image": page([words])} for words in ("one line", "another line of text", "1234 5678")]
    model = spec("t", OCR)
    alone, _ = serve("rapidocr", "image-to-text", model, pages, batch_size=1)
    assert serve("rapidocr", "image-to-text", model, pages, batch_size=4)[0] == alone


def page(lines: list[str]) -> Any:
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", (640, 200), "white")
    for number, line in enumerate(lines):
        ImageDraw.Draw(image).text((20, 20 + 80 * number), line, "black", ImageFont.load_default(36))
    return image


ARTICLE = (
    "The town council voted on Monday to close the old stone bridge to cars for two years while engineers repair its "
    "arches. Shops on the north bank say that they will lose customers; the mayor promised a free ferry instead."
)


@needs_titles
@pytest.mark.parametrize("batch_size", [1, 3])
def test_titles_are_written_within_the_cap(batch_size: int) -> None:
    texts = [{"text": ARTICLE}, {"text": "A test was run. It failed. The code was changed."}, {"text": ARTICLE * 3}]
    model = spec("summarization", TITLES)
    outputs, marks = serve("onnx-seq2seq", "summarization", model, texts, batch_size=batch_size, new_tokens=12)
    assert marks == ["first_token"] * (3 // batch_size)
    assert all(output.value and output.counts["tokens_out"] <= 12 for output in outputs)
    assert [output.counts["tokens_in"] for output in outputs] == [48, 14, 142]
    assert model.quantization == "int8"


@needs_titles
@pytest.mark.parametrize("count", [1, 9])
def test_a_forced_length_is_kept(count: int) -> None:
    texts = [{"text": ARTICLE}, {"text": "hello"}]
    outputs, _ = serve(
        "onnx-seq2seq", "summarization", spec("t", TITLES), texts, batch_size=2, new_tokens=count, stops_early=False
    )
    assert [output.counts["tokens_out"] for output in outputs] == [count] * 2


@needs_titles
def test_input_is_cut_where_that_is_asked() -> None:
    outputs, _ = serve("onnx-seq2seq", "summarization", spec("t", TITLES), [{"text": ARTICLE}], input_tokens=16)
    assert outputs[0].counts["tokens_in"] == 16


BACKENDS = ("faster-whisper", "efficientnet-lite", "opencv", "rapidocr", "pocketsphinx", "onnx-seq2seq")


@pytest.mark.parametrize("id", [SSD, OCR, TITLES, SPHINX])
def test_what_runs_on_the_processor_only_says_so(id: str) -> None:
    entry = catalogue()[id]
    model = ModelSpec(id, Source.PACKAGE, entry.revision, entry.format, device="cuda:0")
    reasons = [
        registry.backend(backend).refuses(model, registry.task(task))
        for backend in BACKENDS
        for task in ("object-detection", "image-to-text", "summarization", SPEECH)
    ]
    assert None not in reasons
    assert any("the processor" in (reason or "") for reason in reasons)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("task", ["text-generation", "image-classification", SPEECH])
def test_what_they_cannot_serve_they_refuse(backend: str, task: str) -> None:
    model = ModelSpec("us/model", Source.HUB, "0" * 40, "transformers")
    assert registry.backend(backend).refuses(model, registry.task(task))
