"""Size classes of text generation, by what it takes to serve a model at the precision and the length of the run."""

from __future__ import annotations

from dataclasses import dataclass

from wattstar.types import BYTES, Record

TASKS = ("text-generation",)
"""Whose models are so unlike in size that they are rated apart."""
USABLE = 0.9
"""Of a card's memory, for weights and cache: the rest is the driver's and what is computed in between (the default
``gpu_memory_utilization`` of vLLM)."""
CARDS = (("A", 24e9), ("B", 80e9))
"""Bytes of one consumer card (RTX 3090, 4090) and of one datacentre card (A100-80GB, H100-80GB), as AI Energy Score's
classes name them; what fits on neither is of class C."""
SERVED = {"A": "one consumer card holds", "B": "one datacentre card holds", "C": "takes several cards"}
SHAPE = 128
"""Width over depth of a usual decoder: 12288/96 in GPT-3 (Brown et al. 2020, table 2.1), 4096/32 in Llama 2 7B."""
PER_LAYER = 12
"""A decoder of depth L and width d has about 12 L d² parameters (Kaplan et al. 2020, section 2.1)."""
GROUPED = 1 / 4
"""Keys and values over queries: at most so in decoders that group them (8/32 in Llama 3 8B). Older ones do not, which
at the lengths they are rated at is little beside their weights."""
CACHED = 2
"""Bytes of a number in the cache, at least: weights are stored in less, keys and values seldom."""
PUBLISHED = (("A", 20e9), ("B", 66e9))
"""Parameters up to which AI Energy Score's documentation gives each class. Its formula, M = P · B / (32/Q) · 1.2 GB
for P billion parameters with B = 2 and Q = 16, comes to 1.2 GB a billion: half of what 16-bit weights with that margin
take."""


@dataclass(frozen=True)
class Need:
    """Bytes that serving takes."""

    weights: float
    cache: float

    @property
    def total(self) -> float:
        """Of both."""
        return self.weights + self.cache


def need(parameters: int, width: float, tokens: int) -> Need:
    """Of so many parameters of ``width`` bytes each, and of the keys and values of so many tokens in flight.

    The cache is 2 · L · d · bytes · tokens, a quarter of it with grouped queries, where L and d follow from 12 L d²
    parameters and d = 128 L: of the usual size, not of the very model.
    """
    depth = (parameters / (PER_LAYER * SHAPE**2)) ** (1 / 3)
    return Need(parameters * width, 2 * SHAPE * depth**2 * GROUPED * max(width, CACHED) * tokens)


def size_class(need: Need) -> str:
    """``A``: one consumer card holds it; ``B``: one datacentre card; ``C``: it takes several."""
    return next((name for name, size in CARDS if need.total <= USABLE * size), "C")


def published_class(parameters: int) -> str:
    """As AI Energy Score's documentation gives it, by the number of parameters alone."""
    return next((name for name, most in PUBLISHED if parameters <= most), "C")


def need_of(record: Record) -> Need | None:
    """What serving the record's model took; None where parameters, precision or length are not known."""
    controls, model = record.job.controls, record.job.model
    width = BYTES.get(model.dtype) if model.quantization is None else None
    prompt = controls.prompt_tokens or controls.input_tokens
    parameters = record.loaded.parameters if record.loaded else None
    if width is None or prompt is None or not parameters:
        return None
    return need(parameters, width, controls.batch_size * (prompt + (controls.new_tokens or 0)))
