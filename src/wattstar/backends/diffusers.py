"""Hugging Face Diffusers on PyTorch: text to image on a GPU or the processor, phase by phase."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from wattstar.backends._torch import find_device, synchroniser
from wattstar.errors import ModelUnavailable, UsageError
from wattstar.models import architecture, files, tokenizer_files
from wattstar.models.folders import read_json
from wattstar.registry import require
from wattstar.types import Batch, Controls, MarkFunction, ModelSpec, Output, Sample, Session, Task, Weights

requires: tuple[str, ...] = ("torch", "transformers", "diffusers")

DTYPES = ("float32", "float16", "bfloat16")

SCHEDULERS = MappingProxyType(
    {
        "ddim": "DDIMScheduler",
        "euler": "EulerDiscreteScheduler",
        "dpm-solver": "DPMSolverMultistepScheduler",
    }
)
"""Our name → the library's class. All three give the same image for the same beginning: none draws while it steps."""

GRID = 8
"""Pixels of a side that become one latent value; the library's pipelines take multiples of it only."""

TAKEN = ("prompt", "height", "width", "num_inference_steps", "guidance_scale", "generator", "callback_on_step_end")
"""What a pipeline must take, so that the work is the one asked for and its phases can be told apart."""

CENSOR = MappingProxyType({"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False})
"""Stable Diffusion's safety checker judges images that are finished. It is a model of its own, and is not run."""

STABLE_DIFFUSION_NOISE = MappingProxyType(
    {
        "beta_start": 0.00085,
        "beta_end": 0.012,
        "beta_schedule": "scaled_linear",
        "clip_sample": False,
        "set_alpha_to_one": False,
        "steps_offset": 1,
    }
)
"""Of random weights; from scheduler_config.json of stable-diffusion-v1-5/stable-diffusion-v1-5."""


def refuses(model: ModelSpec, task: Task) -> str | None:
    """Say why the model cannot be served for the task, or None."""
    if task.tag != "text-to-image":
        return f"serves text-to-image, not {task.tag}"
    if model.format != "diffusers":
        return f"reads files of format diffusers, not {model.format}"
    if model.dtype not in DTYPES:
        return f"computes in {', '.join(DTYPES)}, not {model.dtype}"
    return None


@contextmanager
def session(model: ModelSpec, task: Task, controls: Controls) -> Iterator[Session]:
    """Load the model's own pipeline; ``predict`` marks ``encoded`` and ``denoised``; leaving frees the device.

    The phase ``encode`` is all before the first forward of the denoiser: cutting texts into tokens, the text encoder
    (twice with guidance: the empty text is encoded too), and drawing the latents. ``decode`` is the VAE.
    """
    require("The diffusers backend", requires)
    import torch

    _check(controls)
    device = find_device(model.device)
    pipeline = _load(model, controls).to(device, getattr(torch, model.dtype))
    _choose_scheduler(pipeline, model, controls)
    loop = _Loop(pipeline, controls, synchroniser(device))
    try:
        yield Session(loop.prepare, loop.predict, loop.finish, _parameters(pipeline))
    finally:
        del pipeline, loop
        if device.type == "cuda":
            torch.cuda.empty_cache()


@dataclass(frozen=True)
class _Loop:
    """One pipeline, asked for images of one kind."""

    pipeline: Any
    controls: Controls
    synchronise: Callable[[], None]

    def prepare(self, samples: Sequence[Sample]) -> list[Batch]:
        size = self.controls.batch_size
        groups = [tuple(samples[begin : begin + size]) for begin in range(0, len(samples), size)]
        return [Batch(group, [sample.input["prompt"] for sample in group]) for group in groups]

    def predict(self, batch: Batch, mark: MarkFunction) -> Any:
        """Images as one tensor (images, 3, height, width) with values from 0 to 1, on the device."""

        def encoded(module: Any, arguments: Any) -> None:
            first.remove()
            self.synchronise()
            mark("encoded")

        def stepped(pipeline: Any, index: int, time: Any, tensors: dict[str, Any]) -> dict[str, Any]:
            if index + 1 == pipeline.num_timesteps:
                self.synchronise()
                mark("denoised")
            return tensors

        first = _denoiser(self.pipeline).register_forward_pre_hook(encoded)
        images = self.pipeline(
            batch.data,
            **_asked(self.controls),
            generator=[_generator(self.controls.seed, sample) for sample in batch.samples],
            callback_on_step_end=stepped,
            output_type="pt",
        ).images
        self.synchronise()
        return images

    def finish(self, batch: Batch, raw: Any) -> list[Output]:
        processor = self.pipeline.image_processor
        images = processor.numpy_to_pil(processor.pt_to_numpy(raw))
        steps = self.pipeline.num_timesteps
        return [Output(image, {"images": 1, "steps": steps, "pixels": image.height * image.width}) for image in images]


def _check(controls: Controls) -> None:
    size, steps = controls.image_size, controls.steps
    if size is not None and (size < GRID or size % GRID):
        near = max(GRID, round(size / GRID) * GRID)
        message = f"Images of {size} × {size} pixels cannot be made: sides are multiples of {GRID}."
        raise UsageError(message, [f"image_size = {near}"])
    if steps is not None and steps < 1:
        raise UsageError(f"{steps} denoising steps make no image.", ["steps = 1 or more"])
    if controls.scheduler is not None and controls.scheduler not in SCHEDULERS:
        raise UsageError(f"There is no scheduler {controls.scheduler!r}.", [f"known: {', '.join(SCHEDULERS)}"])


def _asked(controls: Controls) -> Mapping[str, Any]:
    """Arguments of the pipeline; what no control says is left to its own defaults."""
    words = {
        "height": controls.image_size,
        "width": controls.image_size,
        "num_inference_steps": controls.steps,
        "guidance_scale": controls.guidance,
    }
    return {name: value for name, value in words.items() if value is not None}


def _generator(seed: int, sample: Sample) -> Any:
    """Of the sample's latents: on the processor and by itself, so that neither batch nor device changes the image."""
    import torch

    drawn = hashlib.sha256(f"{seed} {sample.id}".encode()).digest()[:7]
    return torch.Generator("cpu").manual_seed(int.from_bytes(drawn, "big"))


def _denoiser(pipeline: Any) -> Any:
    """What runs at every step: a U-Net, or a transformer."""
    return pipeline.components.get("unet") or pipeline.components.get("transformer")


def _parameters(pipeline: Any) -> int:
    import torch

    parts = [part for part in pipeline.components.values() if isinstance(part, torch.nn.Module)]
    return sum(parameter.numel() for part in parts for parameter in part.parameters())


def _choose_scheduler(pipeline: Any, model: ModelSpec, controls: Controls) -> None:
    import diffusers

    if controls.scheduler is None:
        return
    wanted = getattr(diffusers, SCHEDULERS[controls.scheduler])
    if wanted not in pipeline.scheduler.compatibles:
        own = type(pipeline.scheduler).__name__
        message = f"{model.id} steps by {own}, which {controls.scheduler} cannot stand in for."
        raise UsageError(message, ["choose a model like Stable Diffusion"])
    pipeline.scheduler = wanted.from_config(pipeline.scheduler.config)
    longest = pipeline.scheduler.config.num_train_timesteps
    if controls.steps is not None and controls.steps > longest:
        raise UsageError(f"{model.id} has {longest} steps at most, not {controls.steps}.", [f"steps = 1 … {longest}"])


def _load(model: ModelSpec, controls: Controls) -> Any:
    import diffusers
    import transformers

    for library in (diffusers, transformers):
        library.utils.logging.disable_progress_bar()
        library.utils.logging.set_verbosity_error()
    pipeline = _random(model, controls) if model.weights is Weights.RANDOM else _pretrained(model, files(model))
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def _pretrained(model: ModelSpec, folder: Path) -> Any:
    import torch
    from safetensors import SafetensorError

    kind = _pipeline_class(model, folder)
    _check_files(model, folder)
    takes = inspect.signature(kind.__init__).parameters
    censor = {name: value for name, value in CENSOR.items() if name in takes}
    try:
        return kind.from_pretrained(
            folder, dtype=getattr(torch, model.dtype), use_safetensors=True, local_files_only=True, **censor
        )
    except (OSError, ValueError, KeyError, AttributeError, SafetensorError) as error:
        first = str(error).strip().partition("\n")[0]
        message = f"{model.id} in {folder} cannot be loaded: {first}"
        raise ModelUnavailable(message, ["fetch or copy its files again"]) from error


def _pipeline_class(model: ModelSpec, folder: Path) -> Any:
    """The library's class that the model was saved from, if it makes images of texts in phases that can be told."""
    import diffusers

    name = read_json(folder / "model_index.json").get("_class_name")
    kind = getattr(diffusers, str(name), None)
    if kind is None:
        raise ModelUnavailable(f"{model.id} is a {name}, which Diffusers {diffusers.__version__} does not know.")
    takes = inspect.signature(kind.__call__).parameters
    lacking = [word for word in TAKEN if word not in takes]
    if lacking or "image" in takes or not hasattr(kind, "num_timesteps"):
        absent = ", ".join(lacking) or "steps"
        reason = "it starts from an image" if "image" in takes else f"its pipeline lacks {absent}"
        raise UsageError(f"{model.id} is a {name}, which this backend cannot serve: {reason}.")
    return kind


def _check_files(model: ModelSpec, folder: Path) -> None:
    """Read every JSON file and the header of every weight file, so that a damaged one is named."""
    from safetensors import SafetensorError, safe_open

    for path in sorted(folder.rglob("*.json")):
        read_json(path)
    for path in sorted(folder.rglob("*.safetensors")):
        try:
            with safe_open(path, framework="pt"):
                pass
        except (SafetensorError, OSError) as error:
            message = f"{path} of {model.id} is corrupt: {error}."
            raise ModelUnavailable(message, [f"delete {path} and fetch it again"]) from error


def _random(model: ModelSpec, controls: Controls) -> Any:
    """Stable Diffusion with its own initialisation; a tokenizer that stands in cuts texts into 77 tokens as CLIP's."""
    import diffusers
    import torch
    from transformers import AutoTokenizer, CLIPTextConfig, CLIPTextModel

    library: Any = diffusers
    found = architecture(model.id)
    torch.manual_seed(controls.seed)
    text = CLIPTextModel(CLIPTextConfig(**found.config["text_encoder"]))
    tokenizer = AutoTokenizer.from_pretrained(tokenizer_files(found), local_files_only=True)
    tokenizer.model_max_length = text.config.max_position_embeddings
    return library.StableDiffusionPipeline(
        text_encoder=text.eval(),
        tokenizer=tokenizer,
        unet=library.UNet2DConditionModel(**_with_none(found.config["unet"])).eval(),
        vae=library.AutoencoderKL(**found.config["vae"]).eval(),
        scheduler=library.DDIMScheduler(**STABLE_DIFFUSION_NOISE),
        **CENSOR,
    )


def _with_none(config: Mapping[str, Any]) -> dict[str, Any]:
    """A table of the architectures' file, in which an empty text stands for None."""
    return {name: None if value == "" else value for name, value in config.items()}
