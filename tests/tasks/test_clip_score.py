"""The CLIP score: CLIP's own cosines, from the Hub's cache only."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.models.making_diffusion import tiny_clip_text_config, tiny_clip_tokenizer
from tests.support import python
from wattstar.tasks.text_to_image import JUDGE

pytest.importorskip("transformers", reason="pip install 'wattstar[transformers]'")

COMMIT = "0" * 40
SEED = 2
"""Of a CLIP that finds some images to be like their prompts; of others all cosines are below 0, which scores 0."""

CODE = """
import json
from PIL import Image
from wattstar.tasks.text_to_image import JUDGE, score
from wattstar.types import Output, Sample
prompts = ["a red cat", "noise " * 100]
images = [Image.new("RGB", (64, 48), "red"), Image.effect_noise((40, 40), 90).convert("RGB")]
found = score([Sample("1", "s", {"prompt": p}) for p in prompts], [Output(image) for image in images])
reference = None
if found:
    import torch
    from transformers import CLIPModel, CLIPProcessor
    model, processor = (kind.from_pretrained(JUDGE, local_files_only=True) for kind in (CLIPModel, CLIPProcessor))
    with torch.no_grad():
        given = processor(text=prompts, images=images, return_tensors="pt", padding=True, truncation=True)
        cosines = model(**given).logits_per_image.diagonal() / model.logit_scale.exp()
    reference = 100 * cosines.clamp(min=0).mean().item()
print(json.dumps([found and [found.name, found.value, found.n, found.higher_is_better], reference]))
"""


def asked(home: Path) -> list[object]:
    done = python(CODE, env={"HF_HOME": str(home), "HF_ENDPOINT": "http://127.0.0.1:9", "HF_HUB_OFFLINE": "0"})
    assert done.returncode == 0, done.stderr
    answer: list[object] = json.loads(done.stdout)
    return answer


def test_images_are_scored_by_the_clip_in_the_cache(tmp_path: Path) -> None:
    _put_clip(tmp_path)
    (name, value, n, higher), reference = asked(tmp_path)  # type: ignore[misc]
    assert (name, n, higher) == ("CLIP score", 2, True)
    assert value == pytest.approx(reference, abs=1e-3)
    assert value > 0


def test_without_clip_in_the_cache_there_is_no_score_and_no_download(tmp_path: Path) -> None:
    assert asked(tmp_path) == [None, None]


def test_a_clip_of_which_half_is_there_is_none(tmp_path: Path) -> None:
    snapshot = _put_clip(tmp_path)
    (snapshot / "model.safetensors").unlink()
    assert asked(tmp_path) == [None, None]


def _put_clip(home: Path) -> Path:
    import torch
    from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, CLIPProcessor, CLIPVisionConfig

    torch.manual_seed(SEED)
    tokenizer = tiny_clip_tokenizer()
    vision = CLIPVisionConfig(
        hidden_size=32, intermediate_size=37, num_attention_heads=4, num_hidden_layers=2, image_size=32, patch_size=8
    )
    config = CLIPConfig(
        text_config=tiny_clip_text_config(tokenizer).to_dict(), vision_config=vision.to_dict(), projection_dim=16
    )
    repository = home / "hub" / f"models--{JUDGE.replace('/', '--')}"
    snapshot = repository / "snapshots" / COMMIT
    CLIPModel(config).save_pretrained(snapshot)
    size = {"shortest_edge": 32}
    images = CLIPImageProcessor(size=size, crop_size={"height": 32, "width": 32})
    CLIPProcessor(images, tokenizer).save_pretrained(snapshot)
    images.save_pretrained(snapshot)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(COMMIT)
    return snapshot
