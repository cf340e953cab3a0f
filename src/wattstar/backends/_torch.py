"""What backends on PyTorch share: the device that was asked for, and waiting for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wattstar.errors import UnfitEnvironment, UsageError


def find_device(name: str) -> Any:
    """The ``torch.device``; ``UnfitEnvironment`` where this machine has none of that name."""
    import torch

    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise UsageError(f"PyTorch knows no device {name!r}.", ["--device cpu", "--device cuda:0"]) from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        built = torch.version.cuda or torch.version.hip
        reason = "sees no such GPU" if built else "is built for the processor only"
        cure = "see what nvidia-smi says" if built else "install PyTorch for your GPU: pytorch.org/get-started"
        message = f"{name} was asked for, but this PyTorch {torch.__version__} {reason}."
        raise UnfitEnvironment(message, [cure, "--device cpu"])
    return device


def synchroniser(device: Any) -> Callable[[], None]:
    """What returns when the device has nothing left to do."""
    import torch

    if device.type == "cpu":
        return _nothing
    return lambda: torch.accelerator.synchronize(device)


def _nothing() -> None:
    """The processor is done when the call returns."""
