"""Preparing samples never sets the time: OB slices, pads and copies inside the window (scenario.py:232-234).

For small models of vision that is most of what it measures. Here nothing that reads files, decodes media or turns text
into tokens and back is called from the moment at which a batch is given to the network until it is done.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from tests.backends.serving import spec
from tests.models import making, making_media
from wattstar import registry
from wattstar.types import Sample

pytest.importorskip("torch", reason="pip install 'wattstar[transformers]'")
pytest.importorskip("transformers", reason="pip install 'wattstar[transformers]'")

LOADERS = (
    "/transformers/tokenization", "/transformers/image_processing", "/transformers/feature_extraction",
    "/transformers/processing", "/transformers/audio_utils", "/tokenizers/", "/PIL/", "/soundfile", "/wave.py",
    "/wattstar/testsets/",
)  # fmt: skip
"""Files of what prepares samples, or reads answers."""
FILES = {"open", "read", "readinto"}


@contextmanager
def called() -> Iterator[set[str]]:
    """What is called meanwhile that prepares: names of files, and of functions written in other languages."""
    seen: set[str] = set()

    def note(frame: FrameType, event: str, what: Any) -> None:
        if event == "call":
            seen.update(loader for loader in LOADERS if loader in frame.f_code.co_filename)
        elif event == "c_call":
            home = type(getattr(what, "__self__", None)).__module__
            if home.startswith(("tokenizers", "PIL")) or (home in ("_io", "builtins") and what.__name__ in FILES):
                seen.add(f"{home}.{what.__name__}")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield seen
    finally:
        sys.setprofile(before)


def clip() -> dict[str, Any]:
    import numpy

    return {"audio": numpy.zeros(8_000, dtype="float32")}


def image() -> dict[str, Any]:
    from PIL import Image

    return {"image": Image.new("RGB", (50, 40), (200, 30, 90))}


def text() -> dict[str, Any]:
    return {"text": "what a fine day it is", "labels": ["good", "bad"]}


def prompt() -> dict[str, Any]:
    return {"prompt": "once upon a time there was a day"}


def pair() -> dict[str, Any]:
    return {"sentence1": "a fine day", "sentence2": "what a day it was"}


def question() -> dict[str, Any]:
    return {"question": "what is it", "context": "once upon a time there was a fine day " * 4}


def encoder(folder: Path) -> Path:
    return making.tiny_encoder(folder, "BertModel")


def reader(folder: Path) -> Path:
    return making.tiny_encoder(folder, "BertForQuestionAnswering")


def wav2vec2(folder: Path) -> Path:
    return making_media.tiny_wav2vec2(folder, "group")


def vit(folder: Path) -> Path:
    return making_media.tiny_vit(folder, 3)


@pytest.mark.parametrize(
    ("task", "make", "given"),
    [
        ("text-classification", making.tiny_bert, text),
        ("sentence-similarity", encoder, pair),
        ("text-generation", making.tiny_gpt2, prompt),
        ("summarization", making.tiny_t5, text),
        ("question-answering", reader, question),
        ("image-classification", vit, image),
        ("object-detection", making_media.tiny_detr, image),
        ("image-to-text", making_media.tiny_blip, image),
        ("automatic-speech-recognition", making_media.tiny_whisper, clip),
        ("automatic-speech-recognition", wav2vec2, clip),
    ],
)
def test_nothing_is_read_decoded_or_tokenised_in_a_window(
    tmp_path: Path, task: str, make: Callable[[Path], Path], given: Callable[[], Mapping[str, Any]]
) -> None:
    asked, backend = registry.task(task), registry.backend("transformers")
    samples: Sequence[Sample] = [Sample(str(i), "a test", given()) for i in range(3)]
    tokens = 3 if asked.controls.new_tokens else None
    controls = replace(asked.controls, batch_size=2, new_tokens=tokens)
    with backend.session(spec(task, str(make(tmp_path))), asked, controls) as session:
        with called() as before:
            batches = session.prepare(samples)
        assert before, "preparing is seen where it happens"
        for batch in batches:  # the first call of a network may import and compile
            session.predict(batch, lambda name: None)
        for batch in batches:
            with called() as meanwhile:
                raw = session.predict(batch, lambda name: None)
            assert meanwhile == set()
            assert len(session.finish(batch, raw)) == len(batch.samples)
