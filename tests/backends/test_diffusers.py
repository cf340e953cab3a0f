"""The diffusers backend: just the work that was asked for, in phases that can be told apart."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.backends.serving import serve, spec
from tests.models.making_diffusion import tiny_clip_text_config, tiny_parts, tiny_stable_diffusion
from wattstar import registry
from wattstar.errors import ModelUnavailable, UsageError
from wattstar.models import architecture, architectures, catalogue
from wattstar.models.packages import installed
from wattstar.types import ModelSpec, Sample, Source, Weights

torch = pytest.importorskip("torch", reason="pip install 'wattstar[diffusers]'")
diffusers = pytest.importorskip("diffusers", reason="pip install 'wattstar[diffusers]'")
numpy = pytest.importorskip("numpy", reason="pip install numpy")

TASK = "text-to-image"
MINILM = "sentence-transformers/all-MiniLM-L6-v2"
TINY = "wattstar/tiny-stable-diffusion"
SMALL = {"image_size": 64, "steps": 3, "guidance": 7.5}
PROMPTS = [{"prompt": prompt} for prompt in ("a cat", "two dogs on a mat", "a red house by the sea, oil", "b " * 200)]

needs_minilm = pytest.mark.skipif(not installed(catalogue()[MINILM]), reason=catalogue()[MINILM].install)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_stable_diffusion(tmp_path_factory.mktemp("models") / "tiny-sd")


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[int, ...]]]:
    """What went through the networks' doors, in order: which one, and the shape of what it was given."""
    from transformers import CLIPTextModel

    seen: list[tuple[str, tuple[int, ...]]] = []

    def watch(kind: Any, name: str, label: str) -> None:
        real = getattr(kind, name)

        def watched(self: Any, given: Any, *rest: Any, **words: Any) -> Any:
            seen.append((label, tuple(given.shape)))
            return real(self, given, *rest, **words)

        monkeypatch.setattr(kind, name, watched)

    watch(CLIPTextModel, "forward", "text")
    watch(diffusers.UNet2DConditionModel, "forward", "denoiser")
    watch(diffusers.AutoencoderKL, "decode", "image")
    return seen


def images(model: ModelSpec, prompts: Sequence[dict[str, str]] = PROMPTS, **controls: Any) -> list[Any]:
    outputs, _ = serve("diffusers", TASK, model, prompts, **{**SMALL, **controls})
    return [numpy.asarray(output.value).astype(int) for output in outputs]


# ── the work that was asked for ──


def test_phases_are_marked_where_the_networks_change(folder: Path, door: list[Any]) -> None:
    task = registry.task(TASK)
    samples = [Sample(str(index), "a test", prompt) for index, prompt in enumerate(PROMPTS)]
    with registry.backend("diffusers").session(
        spec(TASK, str(folder)), task, replace(task.controls, **{**SMALL, "batch_size": 2})
    ) as session:
        for batch in session.prepare(samples):
            door.clear()
            session.predict(batch, lambda name: door.append((name, ())))
            assert [name for name, _ in door] == ["text", "text", "encoded", *["denoiser"] * 3, "denoised", "image"]


@pytest.mark.parametrize(("guidance", "forwards"), [(1.0, 1), (7.5, 2)])
@pytest.mark.parametrize(("size", "steps"), [(64, 1), (32, 4)])
def test_steps_pixels_and_guidance_are_those_asked_for(
    folder: Path, door: list[Any], guidance: float, forwards: int, size: int, steps: int
) -> None:
    outputs, marks = serve(
        "diffusers",
        TASK,
        spec(TASK, str(folder)),
        PROMPTS,
        batch_size=4,
        image_size=size,
        steps=steps,
        guidance=guidance,
    )
    assert marks == ["encoded", "denoised"]
    assert [shape for name, shape in door if name == "denoiser"] == [(4 * forwards, 4, size // 8, size // 8)] * steps
    assert [shape for name, shape in door if name == "image"] == [(4, 4, size // 8, size // 8)]
    assert all(shape[-1] == 77 for name, shape in door if name == "text")
    assert [output.value.size for output in outputs] == [(size, size)] * 4
    assert [output.counts for output in outputs] == [{"images": 1, "steps": steps, "pixels": size * size}] * 4


@pytest.mark.parametrize("batch_size", [4, 16])
def test_images_do_not_depend_on_the_batch(folder: Path, batch_size: int) -> None:
    model = spec(TASK, str(folder))
    alone = images(model, batch_size=1)
    together = images(model, [*PROMPTS, *PROMPTS], batch_size=batch_size)
    assert max(abs(a - b).max() for a, b in zip(alone, together[:4], strict=True)) <= 1
    assert abs(alone[0] - alone[1]).max() > 10, "prompts and latents differ"
    assert abs(together[0] - together[4]).max() > 10, "the same prompt of another sample begins with another noise"


def test_the_seed_decides_the_image(folder: Path) -> None:
    model = spec(TASK, str(folder))
    first, again, other = (images(model, PROMPTS[:1], seed=seed)[0] for seed in (1, 1, 2))
    assert (first == again).all()
    assert abs(first - other).max() > 10


def test_guidance_and_prompt_change_the_image(folder: Path) -> None:
    model = spec(TASK, str(folder))
    plain, guided = (images(model, PROMPTS[:1], guidance=guidance)[0] for guidance in (1.0, 7.5))
    another = images(model, PROMPTS[1:2], guidance=1.0)[0]
    assert (plain != guided).any()
    assert (plain != another).any()


def test_each_scheduler_takes_its_own_way_in_as_many_steps(folder: Path, door: list[Any]) -> None:
    model = spec(TASK, str(folder))
    made = {name: images(model, PROMPTS[:1], scheduler=name)[0] for name in ("ddim", "euler", "dpm-solver")}
    assert sum(name == "denoiser" for name, _ in door) == 3 * 3
    # DDIM is Euler's method in other coordinates (Song et al. 2021, section 4.3).
    assert abs(made["ddim"] - made["euler"]).max() <= 2
    assert abs(made["ddim"] - made["dpm-solver"]).max() > 2


def test_a_safety_checker_is_neither_loaded_nor_run(folder: Path, tmp_path: Path) -> None:
    copy = _copy(folder, tmp_path)
    index = json.loads((copy / "model_index.json").read_text())
    index["safety_checker"] = ["stable_diffusion", "StableDiffusionSafetyChecker"]
    index["feature_extractor"] = ["transformers", "CLIPFeatureExtractor"]
    (copy / "model_index.json").write_text(json.dumps({**index, "requires_safety_checker": True}))
    assert (images(spec(TASK, str(copy)), PROMPTS[:1])[0] == images(spec(TASK, str(folder)), PROMPTS[:1])[0]).all()


def test_half_precision_makes_almost_the_same_image(folder: Path) -> None:
    exact = images(spec(TASK, str(folder)), PROMPTS[:1])[0]
    half = images(spec(TASK, str(folder), dtype="bfloat16"), PROMPTS[:1])[0]
    assert half.shape == exact.shape
    assert 0 < abs(half - exact).mean() < 25


def test_another_kind_of_pipeline_is_served_by_its_own(tmp_path: Path) -> None:
    outputs, marks = serve("diffusers", TASK, spec(TASK, str(_tiny_xl(tmp_path))), PROMPTS, batch_size=2, **SMALL)
    assert marks == ["encoded", "denoised"] * 2
    assert [output.counts for output in outputs] == [{"images": 1, "steps": 3, "pixels": 64 * 64}] * 4


def _tiny_xl(folder: Path) -> Path:
    from transformers import CLIPTextModel, CLIPTextModelWithProjection

    parts = tiny_parts()
    tokenizer = parts["tokenizer"]
    parts["text_encoder"] = CLIPTextModel(tiny_clip_text_config(tokenizer))
    second = CLIPTextModelWithProjection(tiny_clip_text_config(tokenizer, projection_dim=32))
    parts["unet"] = diffusers.UNet2DConditionModel(
        **{**parts["unet"].config, "cross_attention_dim": 64, "addition_embed_type": "text_time",
           "addition_time_embed_dim": 8, "projection_class_embeddings_input_dim": 6 * 8 + 32}
    )  # fmt: skip
    scheduler = diffusers.EulerDiscreteScheduler()
    pipeline = diffusers.StableDiffusionXLPipeline(
        **parts, text_encoder_2=second, tokenizer_2=tokenizer, scheduler=scheduler, add_watermarker=False
    )
    pipeline.save_pretrained(folder)
    return folder


# ── random weights ──


@needs_minilm
def test_random_weights_make_images_of_noise_the_same_for_the_same_seed() -> None:
    model = spec(TASK, TINY, weights=Weights.RANDOM)
    first, again, other = (images(model, PROMPTS[:2], batch_size=2, seed=seed) for seed in (1, 1, 2))
    assert first[0].shape == (64, 64, 3)
    assert (first[0] == again[0]).all()
    assert (first[0] != other[0]).any()


@pytest.mark.parametrize("id", [id for id, found in architectures().items() if found.format == "diffusers"])
def test_architectures_have_the_published_size(id: str) -> None:
    from transformers import CLIPTextConfig, CLIPTextModel

    from wattstar.backends.diffusers import _with_none

    config = architecture(id).config
    with torch.device("meta"):
        parts = [
            CLIPTextModel(CLIPTextConfig(**config["text_encoder"])),
            diffusers.UNet2DConditionModel(**_with_none(config["unet"])),
            diffusers.AutoencoderKL(**config["vae"]),
        ]
    millions = sum(parameter.numel() for part in parts for parameter in part.parameters()) / 1e6
    assert millions == pytest.approx(architecture(id).parameters_millions, rel=0.01)


# ── bad input ──


@pytest.mark.parametrize(
    ("controls", "words", "cure"),
    [
        ({"image_size": 100}, "multiples of 8", "image_size = 96"),
        ({"image_size": 0}, "multiples of 8", "image_size = 8"),
        ({"image_size": -64}, "multiples of 8", "image_size = 8"),
        ({"steps": 0}, "steps", "steps = 1 or more"),
        ({"steps": 1001}, "1000 steps at most", "steps = 1 … 1000"),
        ({"scheduler": "heun"}, "heun", "known: ddim, euler, dpm-solver"),
    ],
)
def test_work_that_cannot_be_done_is_refused_with_the_cure(
    folder: Path, controls: dict[str, Any], words: str, cure: str
) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        images(spec(TASK, str(folder)), **controls)
    assert cure in caught.value.cures


def test_a_scheduler_that_does_not_fit_the_model_is_refused(folder: Path, tmp_path: Path) -> None:
    copy = _copy(folder, tmp_path)
    diffusers.FlowMatchEulerDiscreteScheduler().save_pretrained(copy / "scheduler")
    index = json.loads((copy / "model_index.json").read_text())
    index["scheduler"] = ["diffusers", "FlowMatchEulerDiscreteScheduler"]
    (copy / "model_index.json").write_text(json.dumps(index))
    with pytest.raises(UsageError, match="FlowMatchEulerDiscreteScheduler"):
        images(spec(TASK, str(copy)), scheduler="ddim")


@pytest.mark.parametrize(
    ("kind", "words"),
    [("StableDiffusionImg2ImgPipeline", "starts from an image"), ("DDPMPipeline", "lacks prompt")],
)
def test_a_pipeline_that_makes_no_images_of_texts_is_refused(
    folder: Path, tmp_path: Path, kind: str, words: str
) -> None:
    copy = _copy(folder, tmp_path)
    index = json.loads((copy / "model_index.json").read_text())
    (copy / "model_index.json").write_text(json.dumps({**index, "_class_name": kind}))
    with pytest.raises(UsageError, match=words):
        images(spec(TASK, str(copy)))


def test_a_pipeline_that_nobody_knows_is_unavailable(folder: Path, tmp_path: Path) -> None:
    copy = _copy(folder, tmp_path)
    index = json.loads((copy / "model_index.json").read_text())
    (copy / "model_index.json").write_text(json.dumps({**index, "_class_name": ["theirs", "Pipeline"]}))
    (copy / "theirs.py").write_text("raise SystemExit('their code ran')\n")
    with pytest.raises(ModelUnavailable, match="theirs"):
        images(spec(TASK, str(copy)))


@pytest.mark.parametrize(
    "name",
    ["unet/diffusion_pytorch_model.safetensors", "text_encoder/model.safetensors", "vae/config.json"],
)
def test_a_damaged_file_is_named(folder: Path, tmp_path: Path, name: str) -> None:
    damaged = _copy(folder, tmp_path) / name
    content = damaged.read_bytes()
    damaged.write_bytes(content[: len(content) // 2])
    with pytest.raises(ModelUnavailable, match=name):
        images(spec(TASK, str(tmp_path / "copy")))


def test_a_missing_part_is_unavailable(folder: Path, tmp_path: Path) -> None:
    copy = _copy(folder, tmp_path)
    (copy / "vae" / "diffusion_pytorch_model.safetensors").unlink()
    with pytest.raises(ModelUnavailable, match="vae"):
        images(spec(TASK, str(copy)))


@pytest.mark.parametrize(
    ("format", "dtype", "task", "word"),
    [
        ("transformers", "float32", TASK, "transformers"),
        ("diffusers", "int8", TASK, "int8"),
        ("diffusers", "float32", "image-classification", "image-classification"),
    ],
)
def test_what_cannot_be_served_is_refused_with_the_reason(format: str, dtype: str, task: str, word: str) -> None:
    model = ModelSpec("us/model", Source.HUB, "0" * 40, format, dtype=dtype)
    assert word in (registry.backend("diffusers").refuses(model, registry.task(task)) or "")


def _copy(folder: Path, target: Path) -> Path:
    return Path(shutil.copytree(folder, target / "copy"))
