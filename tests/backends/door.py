"""What really goes into a network: counted at the door of every network that is called meanwhile, not by ourselves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Call:
    """One call of a network or of a part of it that is a network of its own, such as an encoder."""

    network: str
    """The name of its class."""
    inputs: dict[str, Any]

    @property
    def lengths(self) -> list[int]:
        """Real tokens of each row that is read."""
        ids, mask = self.inputs["input_ids"], self.inputs.get("attention_mask")
        return [ids.shape[1]] * len(ids) if mask is None else [int(row.sum()) for row in mask]


@contextmanager
def door() -> Iterator[list[Call]]:
    """The calls, in the order in which they end."""
    from torch.nn.modules.module import register_module_forward_hook
    from transformers import PreTrainedModel

    calls: list[Call] = []

    def note(module: Any, arguments: Any, words: dict[str, Any], output: Any) -> None:
        if isinstance(module, PreTrainedModel):
            calls.append(Call(type(module).__name__, words))

    handle = register_module_forward_hook(note, with_kwargs=True)
    try:
        yield calls
    finally:
        handle.remove()
