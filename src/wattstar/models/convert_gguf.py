"""SmolLM2's GGUF file → safetensors with tokenizer, de-quantised to float32."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wattstar.models.packages import Entry, package_path

version = 1
requires = ("torch", "transformers", "accelerate", "gguf")


def convert(entry: Entry, target: Path) -> None:
    """Write ``model.safetensors`` (about 540 MB for SmolLM2-135M), configuration and tokenizer, with its chat template.

    The values are those of the 4-bit file: the model is as good as that file, while its size, time and energy are those
    of float32 weights. Takes half a minute on two cores.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    source = package_path(entry)
    tokenizer = AutoTokenizer.from_pretrained(source.parent, gguf_file=source.name)
    model: Any = AutoModelForCausalLM.from_pretrained(source.parent, gguf_file=source.name, dtype=torch.float32)
    # The values are plain float32 now; while these marks of the former format are there, transformers will not save.
    model.hf_quantizer = None
    model.is_quantized = False
    del model.config.quantization_config
    # GGUF has no place for this limit; without it nothing says how long a text may be.
    tokenizer.model_max_length = model.config.max_position_embeddings
    model.save_pretrained(target)
    tokenizer.save_pretrained(target)
