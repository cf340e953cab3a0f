"""Images → pixels on the device, as a model's own processor wants them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from wattstar.backends._transformers.groups import Places, alike, in_order
from wattstar.backends._transformers.loading import Network, readable
from wattstar.types import ModelSpec

MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)
"""Of ImageNet's red, green and blue, values from 0 to 1: what most published image models were trained with."""

SIZE = 224
"""Pixels; of most published image models."""

STRIP = 8
"""An image more than so many times as long as it is wide is a strip."""


@dataclass(frozen=True)
class Images:
    """A batch of images on the device; those of one size share a tensor, and nothing is ever padded.

    A mask would not do: a convolution beside padding sees other values than beside the image's edge, and some networks
    (YOLOS) take no mask at all. So an image gets the same answer, and costs the same pixels, in whatever company.
    """

    places: Places
    """Per tensor: which images of the batch its rows are."""
    tensors: tuple[Any, ...]
    """Images × channels × height × width."""

    @property
    def pixels(self) -> list[int]:
        """Of each image, as the network gets it."""
        return in_order(self.places, [[tensor[0, 0].numel()] * len(tensor) for tensor in self.tensors])


def gathered(network: Network, images: Sequence[Any]) -> Images:
    """Tensors of single images (channels × height × width) → a batch on the device, in the network's precision."""
    import torch

    places = alike([tuple(image.shape) for image in images])
    stacks = (torch.stack([images[place] for place in group]) for group in places)
    return Images(places, tuple(stack.to(device=network.device, dtype=network.module.dtype) for stack in stacks))


def pixels(spec: ModelSpec, network: Network, size: int | None) -> Callable[[Sequence[Any]], Images]:
    """Images → a batch, by the model's own processor, or a default one for random weights.

    With ``size`` every image is brought to so many pixels in height and width, whatever the processor would do.
    """
    processor = None if network.folder is None else image_processor(spec, network)
    default = _stated_size(network.module.config) or SIZE

    def one(image: Any) -> Any:
        if processor is None:
            return _normalised(image, size or default)
        if size is None:
            return processor(_middle(image, processor), return_tensors="pt")["pixel_values"][0]
        fitted = _fitted(image, size)
        return processor(fitted, do_resize=False, do_center_crop=False, return_tensors="pt")["pixel_values"][0]

    return lambda images: gathered(network, [one(image) for image in images])


def image_processor(spec: ModelSpec, network: Network) -> Any:
    """The model's own, from its folder."""
    from transformers import AutoImageProcessor

    assert network.folder is not None
    with readable(spec, network.folder):
        return AutoImageProcessor.from_pretrained(
            network.folder, backend="pil", trust_remote_code=spec.trust_remote_code, local_files_only=True
        )


def _stated_size(config: Any) -> int | None:
    """Height and width that a configuration, or that of its image encoder, states for square images."""
    parts = (config, getattr(config, "vision_config", None), getattr(config, "encoder", None))
    sizes = (getattr(part, "image_size", None) for part in parts)
    return next((size for size in sizes if isinstance(size, int)), None)


def _normalised(image: Any, size: int) -> Any:
    import numpy
    import torch

    colours = torch.from_numpy(numpy.array(_fitted(image, size), dtype=numpy.float32)).permute(2, 0, 1) / 255
    mean, deviation = (torch.tensor(values).view(3, 1, 1) for values in (MEAN, DEVIATION))
    return (colours - mean) / deviation


def _fitted(image: Any, size: int) -> Any:
    """Scaled until the shorter side has ``size`` pixels, then the middle: nothing is distorted."""
    from PIL import Image, ImageOps

    return ImageOps.fit(image, (size, size), Image.Resampling.BICUBIC)


def _middle(image: Any, processor: Any) -> Any:
    """The middle of a strip, where the processor would scale all of it and then cut the middle out.

    Scaled until its shorter side fits, a strip of 20,000 × 1 pixels would fill the memory.
    """
    shorter = min(image.size)
    if not getattr(processor, "do_center_crop", False) or max(image.size) <= STRIP * shorter:
        return image
    width, height = (min(side, STRIP * shorter) for side in image.size)
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height))
