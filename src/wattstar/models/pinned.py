"""What pinning a model finds out, whatever its source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wattstar.types import Source


@dataclass(frozen=True)
class Pinned:
    """The part of a ``ModelSpec`` that the model decides, not the request."""

    id: str
    """As its source writes it: a repository that was renamed has one name only."""
    source: Source
    revision: str
    format: str
    base_model: str | None = None
    quantization: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    """What ``config.json`` says; of a named architecture, what the network is built from."""
