"""Whether a model fits on this machine; asked before anything is fetched or loaded."""

from __future__ import annotations

import shutil
from pathlib import Path

import psutil

from wattstar.errors import UnfitEnvironment
from wattstar.meters.nvml import gpus
from wattstar.models import Size, cache_folder, size
from wattstar.types import ModelSpec

GIGABYTE = 1e9


def check(model: ModelSpec) -> None:
    """``UnfitEnvironment`` where the weights alone need more memory than there is, or more disk to be fetched to.

    What is not known is not held against the model.
    """
    needs = size(model)
    _check_memory(model, needs)
    _check_disk(model, needs)


def memory(device: str) -> int | None:
    """Bytes that a model can have: those of a GPU, or what is free of the machine's; None where that is not told."""
    if device.startswith("cuda:"):
        index = int(device.partition(":")[2])
        return next((gpu.memory_bytes for gpu in gpus() if gpu.index == index), None)
    return int(psutil.virtual_memory().available)


def _check_memory(model: ModelSpec, needs: Size) -> None:
    room = memory(model.device)
    if needs.weights is None or room is None or needs.weights <= room:
        return
    where = f"{model.device} has" if model.device.startswith("cuda:") else "free are"
    message = (
        f"{model.id} does not fit: its weights alone take {needs.weights / GIGABYTE:,.1f} GB of memory "
        f"({needs.basis}), and {where} {room / GIGABYTE:,.1f} GB."
    )
    narrower = [f"--dtype {dtype}" for dtype in ("bfloat16",) if model.dtype in ("float32", "float64")]
    raise UnfitEnvironment(message, [*narrower, "a smaller model", "a device with more memory: --device"])


def _check_disk(model: ModelSpec, needs: Size) -> None:
    if not needs.fetched:
        return
    folder = cache_folder()
    free = shutil.disk_usage(_nearest(folder)).free
    if needs.fetched > free:
        message = (
            f"{model.id} does not fit: {needs.fetched / GIGABYTE:,.1f} GB would be fetched into {folder}, "
            f"where {free / GIGABYTE:,.1f} GB are free."
        )
        raise UnfitEnvironment(message, ["free some space", "HF_HOME=FOLDER on another disk", "a smaller model"])


def _nearest(folder: Path) -> Path:
    """The folder, or the nearest of those it would be made in."""
    return next(path for path in (folder, *folder.parents) if path.exists())
