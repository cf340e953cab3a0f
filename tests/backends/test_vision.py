"""The transformers backend sees: pixels are those of the controls, answers the same in any company."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.backends.layers import calls, door, entered
from tests.backends.serving import serve, spec
from tests.models import making_media as making
from wattstar import registry, testsets
from wattstar.errors import ModelUnavailable, UsageError
from wattstar.types import Approach, ModelSpec, Output, Sample, Weights

pytest.importorskip("torch", reason="pip install 'wattstar[transformers]'")
pytest.importorskip("transformers", reason="pip install 'wattstar[transformers]'")
numpy = pytest.importorskip("numpy", reason="pip install 'wattstar[transformers]'")
image = pytest.importorskip("PIL.Image", reason="pip install pillow")

CLASSES, BOXES, CAPTIONS = "image-classification", "object-detection", "image-to-text"

SHAPES = ((60, 40), (40, 60), (64, 64), (33, 90), (60, 40))


def pictures(shapes: Sequence[tuple[int, int]] = SHAPES) -> list[dict[str, Any]]:
    """The same every time, and no two alike."""
    draw = numpy.random.default_rng(0)
    patches = [image.fromarray(draw.integers(0, 256, (4, 4, 3), dtype="uint8")) for _ in shapes]
    return [{"image": patch.resize(shape)} for patch, shape in zip(patches, shapes, strict=True)]


def answers(task: str, folder: Path, inputs: Sequence[Mapping[str, Any]], **controls: Any) -> list[Output]:
    return serve("transformers", task, spec(task, str(folder)), inputs, **controls)[0]


def chat(folder: Path) -> ModelSpec:
    return spec(CAPTIONS, str(folder))


# ── classes ──


def test_the_five_likeliest_classes_are_named_likeliest_first(tmp_path: Path) -> None:
    import torch
    from transformers import AutoImageProcessor, AutoModelForImageClassification

    folder = making.tiny_vit(tmp_path, ["oak", "elm", "ash", "yew", "fir", "box", "bay"])
    outputs = answers(CLASSES, folder, pictures(), batch_size=4)
    network = AutoModelForImageClassification.from_pretrained(folder)
    pixels = AutoImageProcessor.from_pretrained(folder, backend="pil")(
        [picture["image"] for picture in pictures()], return_tensors="pt"
    )
    with torch.inference_mode():
        order = network(**pixels).logits.argsort(dim=-1, descending=True)[:, :5].tolist()
    assert [output.value for output in outputs] == [[network.config.id2label[n] for n in row] for row in order]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (3, {0, 1, 2}),
        (["healthy", "rust", "spot"], {"healthy", "rust", "spot"}),
        (["tench, Tinca tinca", *(f"thing {n}" for n in range(999))], set(range(1000))),
        (["background", "tench, Tinca tinca", *(f"thing {n}" for n in range(999))], set(range(1000))),
    ],
)
def test_classes_are_called_what_targets_call_them(tmp_path: Path, names: Any, expected: set[Any]) -> None:
    outputs = answers(CLASSES, making.tiny_vit(tmp_path, names), pictures())
    assert {len(output.value) for output in outputs} == {min(5, len(expected))}
    assert {one for output in outputs for one in output.value} <= expected


def test_the_class_of_background_is_no_class_of_imagenet(tmp_path: Path) -> None:
    """Where class 0 is background, the network's class 282 is ImageNet's 281."""
    import torch
    from safetensors.torch import load_file, save_file

    folder = making.tiny_vit(tmp_path, ["background", "tench, Tinca tinca", *(f"thing {n}" for n in range(999))])
    weights = load_file(folder / "model.safetensors")
    weights["classifier.bias"] = torch.zeros(1001)
    weights["classifier.bias"][282] = 99.0
    weights["classifier.bias"][0] = 999.0
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    assert answers(CLASSES, folder, pictures()[:1])[0].value[0] == 281


@pytest.mark.parametrize(("size", "door_size"), [(None, 32), (64, 64)])
@pytest.mark.parametrize("make", [lambda folder: making.tiny_vit(folder, 7), making.tiny_resnet])
def test_the_network_gets_the_pixels_that_are_counted(
    tmp_path: Path, make: Callable[[Path], Path], size: int | None, door_size: int
) -> None:
    folder = make(tmp_path)
    for batch_size in (1, 4, 16):
        with door() as seen:
            outputs = answers(CLASSES, folder, pictures(), batch_size=batch_size, image_size=size)
        shapes = entered(seen, "Conv2d", 3)
        assert {shape[1:] for shape in shapes} == {(3, door_size, door_size)}
        assert sum(shape[0] for shape in shapes) == len(SHAPES)
        assert [output.counts for output in outputs] == [{"images": 1, "pixels": door_size**2}] * len(SHAPES)
        assert len({len(shapes), -(-len(SHAPES) // batch_size)}) == 1


@pytest.mark.parametrize("make", [lambda folder: making.tiny_vit(folder, 7), making.tiny_resnet])
def test_classes_do_not_depend_on_the_batch(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    folder = make(tmp_path)
    alone = answers(CLASSES, folder, pictures(), batch_size=1)
    assert all(answers(CLASSES, folder, pictures(), batch_size=batch_size) == alone for batch_size in (4, 16))


ODD = {
    "grey.png": ("L", (50, 40)),
    "grey16.png": ("I;16", (50, 40)),
    "glass.png": ("RGBA", (50, 40)),
    "print.jpg": ("CMYK", (50, 40)),
    "palette.gif": ("P", (50, 40)),
    "bits.png": ("1", (50, 40)),
    "dot.png": ("RGB", (1, 1)),
    "strip.png": ("RGB", (20_000, 1)),
    "pole.png": ("RGB", (1, 5_000)),
}


@pytest.fixture
def odd(tmp_path: Path) -> list[dict[str, Any]]:
    """Images of every kind, decoded as the worker does."""
    task = registry.task(CLASSES)
    found = []
    for name, (mode, size) in ODD.items():
        image.new(mode, size, 1).save(tmp_path / name)
        sample = Sample(name, "a test", {"image": str(tmp_path / name)})
        found.append(dict(testsets.decode(sample, task, task.controls).input))
    return found


@pytest.mark.parametrize(
    ("task", "make", "controls"),
    [
        (CLASSES, lambda folder: making.tiny_vit(folder, 7), {}),
        (CLASSES, making.tiny_resnet, {}),
        (CLASSES, making.tiny_resnet, {"image_size": 48}),
        (BOXES, making.tiny_detr, {"shortest_edge": 48, "threshold": 0.0}),
        (BOXES, making.tiny_yolos, {"shortest_edge": 48, "threshold": 0.0}),
        (CAPTIONS, making.tiny_git, {"new_tokens": 3}),
    ],
)
def test_images_of_every_kind_and_shape_are_served(
    tmp_path: Path, odd: list[dict[str, Any]], task: str, make: Callable[[Path], Path], controls: dict[str, Any]
) -> None:
    folder = make(tmp_path / "model")
    outputs = answers(task, folder, odd, batch_size=4, **controls)
    assert len(outputs) == len(ODD)
    assert all(output.value is not None and output.counts["pixels"] > 0 for output in outputs)


@pytest.mark.parametrize("size", [None, 64])
def test_random_classifiers_see_images_of_any_shape(size: int | None) -> None:
    model = spec(CLASSES, "facebook/deit-tiny-patch16-224", weights=Weights.RANDOM)
    images = pictures(((300, 200), (32, 64), (224, 224)))
    alone, _ = serve("transformers", CLASSES, model, images, batch_size=1, image_size=size)
    together, _ = serve("transformers", CLASSES, model, images, batch_size=4, image_size=size)
    assert alone == together
    assert all(len(output.value) == 5 and set(output.value) <= set(range(1000)) for output in alone)
    assert {output.counts["pixels"] for output in alone} == {(size or 224) ** 2}


# ── boxes ──


@pytest.mark.parametrize(
    ("make", "size", "expected"),
    [
        (making.tiny_detr, (60, 40), (144, 96)),
        (making.tiny_detr, (40, 60), (96, 144)),
        (making.tiny_detr, (500, 100), (480, 96)),
        (making.tiny_detr, (2000, 100), (1333, 67)),
        (making.tiny_yolos, (60, 40), (144, 96)),
        (making.tiny_yolos, (70, 40), (160, 96)),
    ],
)
def test_the_shorter_edge_is_the_one_asked_for(
    tmp_path: Path, make: Callable[[Path], Path], size: tuple[int, int], expected: tuple[int, int]
) -> None:
    """Width and height; the longer one at most 1333, and in whole patches where a network reads patches."""
    with door() as seen:
        outputs = answers(BOXES, make(tmp_path), pictures([size]), shortest_edge=96, threshold=0.0)
    width, height = expected
    assert set(entered(seen, "Conv2d", 3)) == {(1, 3, height, width)}
    assert outputs[0].counts == {"images": 1, "pixels": width * height}


@pytest.mark.parametrize("make", [making.tiny_detr, making.tiny_yolos])
def test_boxes_do_not_depend_on_the_batch(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    folder = make(tmp_path)
    inputs = pictures(SHAPES * 4)
    work = {"shortest_edge": 64, "threshold": 0.0}
    alone = answers(BOXES, folder, inputs, batch_size=1, **work)
    assert len({str(output.value[0]) for output in alone}) > len(SHAPES) / 2, "images differ, and so do their boxes"
    for batch_size in (4, 16):
        together = answers(BOXES, folder, inputs, batch_size=batch_size, **work)
        assert [output.counts for output in together] == [output.counts for output in alone]
        for output, expected in zip(together, alone, strict=True):
            assert [thing["label"] for thing in output.value] == [thing["label"] for thing in expected.value]
            boxes = [[thing["score"], *thing["box"]] for thing in output.value]
            wanted = [[thing["score"], *thing["box"]] for thing in expected.value]
            assert boxes == [pytest.approx(row, abs=1e-3) for row in wanted]


@pytest.mark.parametrize("make", [making.tiny_detr, making.tiny_yolos])
def test_boxes_are_in_pixels_of_the_source(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    """The same picture in twice the size is scaled to the same pixels: its boxes are twice as large."""
    same = [{"image": image.new("RGB", size, (200, 30, 90))} for size in ((90, 60), (180, 120))]
    small, large = answers(BOXES, make(tmp_path), same, shortest_edge=64, threshold=0.0)
    assert len(small.value) == len(large.value) == 12
    for thing, twice in zip(small.value, large.value, strict=True):
        assert twice["box"] == pytest.approx([2 * side for side in thing["box"]], abs=1e-3)


def test_objects_are_named_from_the_threshold_on_best_first(tmp_path: Path) -> None:
    folder = making.tiny_detr(tmp_path)
    everything = answers(BOXES, folder, pictures(), shortest_edge=64, threshold=0.0)
    scores = [thing["score"] for thing in everything[0].value]
    assert scores == sorted(scores, reverse=True)
    assert {thing["label"] for output in everything for thing in output.value} <= set(making.DETECTED)
    some = answers(BOXES, folder, pictures(), shortest_edge=64, threshold=scores[5])
    assert some[0].value == everything[0].value[:5]


def test_a_random_detector_of_true_size_sees_the_pixels_asked_for() -> None:
    model = spec(BOXES, "hustvl/yolos-tiny", weights=Weights.RANDOM)
    outputs, _ = serve("transformers", BOXES, model, pictures(), batch_size=4, shortest_edge=64, threshold=0.0)
    assert [output.counts["pixels"] for output in outputs] == [96 * 64, 64 * 96, 64 * 64, 64 * 160, 96 * 64]
    assert {len(output.value) for output in outputs} == {100}


def test_a_detector_of_one_fixed_size_gets_that(tmp_path: Path) -> None:
    from transformers import RTDetrImageProcessorPil

    folder = making.tiny_yolos(tmp_path)
    RTDetrImageProcessorPil(size={"height": 48, "width": 64}).save_pretrained(folder)
    outputs = answers(BOXES, folder, pictures(), shortest_edge=96, threshold=0.0, batch_size=16)
    assert [output.counts["pixels"] for output in outputs] == [48 * 64] * len(SHAPES)


# ── words ──

CAPTIONERS = [making.tiny_blip, making.tiny_git, making.tiny_vision_encoder_decoder]


@pytest.mark.parametrize("make", CAPTIONERS)
def test_captions_have_the_tokens_asked_for_and_do_not_depend_on_the_batch(
    tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    folder = make(tmp_path)
    work = {"new_tokens": 5, "stops_early": False}
    with door() as seen:
        alone, marks = serve("transformers", CAPTIONS, spec(CAPTIONS, str(folder)), pictures(), batch_size=1, **work)
    assert marks == ["first_token"] * len(SHAPES)
    assert set(entered(seen, "Conv2d", 3)) == {(1, 3, 32, 32)}
    assert len(entered(seen, "Conv2d", 3)) == len(SHAPES), "an image is looked at once"
    assert calls(
        seen, {"blip": "BlipTextLMHeadModel", "git": "GitForCausalLM"}.get(kind(folder), "GPT2LMHeadModel")
    ) == 5 * len(SHAPES)
    assert {tuple(output.counts.items()) for output in alone} == {(("images", 1), ("pixels", 1024), ("tokens_out", 5))}
    for batch_size in (4, 16):
        assert answers(CAPTIONS, folder, pictures(), batch_size=batch_size, **work) == alone


def kind(folder: Path) -> str:
    import json

    return str(json.loads((folder / "config.json").read_text())["model_type"])


def test_a_caption_ends_at_its_own_end(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = making.tiny_blip(tmp_path)
    weights = load_file(folder / "model.safetensors")
    name = next(name for name in weights if name.endswith("predictions.bias"))
    weights[name][making.WORDS.index("[SEP]")] = 99.0
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    stopped = answers(CAPTIONS, folder, pictures(), new_tokens=5, stops_early=True)
    assert [(output.value, output.counts["tokens_out"]) for output in stopped] == [("", 1)] * len(SHAPES)
    forced = answers(CAPTIONS, folder, pictures(), new_tokens=5, stops_early=False)
    assert {output.counts["tokens_out"] for output in forced} == {5}


def test_a_model_that_chats_is_asked_about_each_image(tmp_path: Path) -> None:
    folder = making.tiny_llava(tmp_path)
    assert chat(folder).approach is Approach.ZERO_SHOT
    work = {"new_tokens": 4, "stops_early": False}
    with door() as seen:
        alone, marks = serve("transformers", CAPTIONS, chat(folder), pictures(), batch_size=1, **work)
    assert marks == ["first_token"] * len(SHAPES)
    assert set(entered(seen, "Conv2d", 3)) == {(1, 3, 32, 32)}
    assert {output.counts["tokens_out"] for output in alone} == {4}
    for batch_size in (4, 16):
        assert serve("transformers", CAPTIONS, chat(folder), pictures(), batch_size=batch_size, **work)[0] == alone


def test_a_model_that_needs_a_question_is_not_taken_for_a_captioner(tmp_path: Path) -> None:
    folder = making.tiny_llava(tmp_path)
    with pytest.raises(ModelUnavailable, match="llava") as caught:
        serve("transformers", CAPTIONS, replace(chat(folder), approach=Approach.FINE_TUNED), pictures())
    assert "zero-shot" in caught.value.cures[1]


def test_thinking_about_images_is_refused_rather_than_passed_over(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="think"):
        serve("transformers", CAPTIONS, chat(making.tiny_llava(tmp_path)), pictures(), thinking="on")


def test_a_model_without_a_chat_template_is_not_asked(tmp_path: Path) -> None:
    folder = making.tiny_llava(tmp_path)
    (folder / "chat_template.jinja").unlink()
    with pytest.raises(ModelUnavailable, match="chat template"):
        serve("transformers", CAPTIONS, chat(folder), pictures())


def test_captions_of_unlimited_length_are_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="how many"):
        answers(CAPTIONS, making.tiny_git(tmp_path), pictures(), new_tokens=None)
