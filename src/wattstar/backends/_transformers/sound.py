"""Clips → what a speech network hears of them."""

from __future__ import annotations

from typing import Any

from wattstar.backends._transformers.loading import Network, readable
from wattstar.errors import ModelUnavailable
from wattstar.types import Controls, ModelSpec


def feature_extractor(spec: ModelSpec, network: Network, default: Any, controls: Controls) -> Any:
    """The model's own, or ``default`` for random weights; ``ModelUnavailable`` where it wants another sampling rate."""
    extractor = default if network.folder is None else _own(spec, network)
    if extractor.sampling_rate != controls.sampling_rate:
        raise ModelUnavailable(
            f"{spec.id} hears {extractor.sampling_rate} Hz, but the clips are brought to {controls.sampling_rate} Hz.",
            ["choose a model of that sampling rate"],
        )
    return extractor


def _own(spec: ModelSpec, network: Network) -> Any:
    from transformers import AutoFeatureExtractor

    assert network.folder is not None
    with readable(spec, network.folder):
        return AutoFeatureExtractor.from_pretrained(
            network.folder, trust_remote_code=spec.trust_remote_code, local_files_only=True
        )


def milliseconds(samples: int, extractor: Any) -> int:
    """How long so many samples of sound are."""
    return round(1000 * samples / int(extractor.sampling_rate))
