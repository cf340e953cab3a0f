"""Named architectures of true size, to be built with random weights: ``architectures.toml``, typed."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from wattstar.registry import unknown


@dataclass(frozen=True)
class Architecture:
    """What ``transformers.AutoConfig.for_model(model_type, **config)`` needs to build a model of the published size."""

    id: str
    model_type: str
    config: Mapping[str, Any]
    tokenizer: str | None
    """Catalogue id of the model whose tokenizer stands in for the architecture's own; None where no text goes in."""
    parameters_millions: float
    """Published size, for the model with the head it is listed for."""
    format: str = "transformers"

    @property
    def revision(self) -> str:
        """The sha256 over all of it: what pins a model that comes from nowhere."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


@cache
def architectures() -> Mapping[str, Architecture]:
    """All known architectures, by Hub id."""
    tables = tomllib.loads((Path(__file__).parent / "architectures.toml").read_text(encoding="utf-8"))
    return {id: Architecture(id, **{"tokenizer": None, **table}) for id, table in tables.items()}


def architecture(id: str) -> Architecture:
    """The architecture of this Hub id; ``UnknownName`` suggests the nearest."""
    known = architectures()
    if id not in known:
        raise unknown("architecture", id, known)
    return known[id]
