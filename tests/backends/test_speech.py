"""The transformers backend hears: every clip is encoded once, and its words do not depend on its company."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.backends.layers import Seen, calls, door, entered
from tests.backends.serving import serve, spec
from tests.models import making_media as making
from wattstar.errors import ModelUnavailable, UsageError
from wattstar.models import catalogue
from wattstar.models.packages import installed
from wattstar.types import Output, Weights

torch = pytest.importorskip("torch", reason="pip install 'wattstar[transformers]'")
pytest.importorskip("transformers", reason="pip install 'wattstar[transformers]'")
numpy = pytest.importorskip("numpy", reason="pip install 'wattstar[transformers]'")

MINILM = "sentence-transformers/all-MiniLM-L6-v2"
"""Its tokenizer stands in for that of random weights."""

needs_minilm = pytest.mark.skipif(not installed(catalogue()[MINILM]), reason=catalogue()[MINILM].install)

SPEECH = "automatic-speech-recognition"
RATE = 16_000


SPECIAL = [0, 1, 2, 3, 4]
"""Tokens of the tiny tokenizer that are no words."""


def clips(*seconds: float) -> list[dict[str, Any]]:
    draw = numpy.random.default_rng(0)
    return [{"audio": draw.normal(0, 0.1, round(RATE * length)).astype("float32")} for length in seconds]


def answers(folder: Path, inputs: Sequence[Mapping[str, Any]], **controls: Any) -> tuple[list[Output], list[str]]:
    return serve("transformers", SPEECH, spec(SPEECH, str(folder)), inputs, **controls)


def tokens_read(seen: Seen) -> list[tuple[int, ...]]:
    """Rows and tokens of what the decoder was given, step by step."""
    return [shape for module, shape in seen if type(module).__name__ == "Embedding" and len(shape) == 2]


SOME = clips(0.5, 1.3, 0.5, 2.0, 0.05)


def test_whisper_hears_thirty_seconds_and_writes_the_tokens_asked_for(tmp_path: Path) -> None:
    with door() as seen:
        outputs, marks = answers(making.tiny_whisper(tmp_path), clips(0.05, 30), new_tokens=7, stops_early=False)
    assert set(entered(seen, "Conv1d", 80)) == {(1, 80, 3000)}
    assert calls(seen, "WhisperEncoder") == 2
    assert calls(seen, "WhisperDecoder") == 2 * 7
    assert marks == ["encoded"] * 2
    assert [dict(output.counts) for output in outputs] == [
        {"audio_milliseconds": 50, "tokens_out": 7},
        {"audio_milliseconds": 30_000, "tokens_out": 7},
    ]


def test_whisper_writes_the_same_in_any_batch(tmp_path: Path) -> None:
    folder = making.tiny_whisper(tmp_path)
    alone, _ = answers(folder, SOME, batch_size=1, new_tokens=6, stops_early=False)
    assert all(answers(folder, SOME, batch_size=n, new_tokens=6, stops_early=False)[0] == alone for n in (4, 16))


def test_whisper_stops_at_its_own_end_of_text(tmp_path: Path) -> None:
    """Whatever it writes first is made its end of text."""
    folder = making.tiny_whisper(tmp_path, suppress_tokens=SPECIAL)
    said = answers(folder, SOME[:1], new_tokens=1, stops_early=False)[0][0].value
    settings = json.loads((folder / "generation_config.json").read_text())
    settings["eos_token_id"] = making.WORDS.index(said)
    (folder / "generation_config.json").write_text(json.dumps(settings))
    stopped, _ = answers(folder, SOME[:1], new_tokens=7, stops_early=True)
    assert stopped[0].counts["tokens_out"] == 1


def test_a_multilingual_whisper_is_told_language_and_task(tmp_path: Path) -> None:
    told = {"lang_to_id": {"<|en|>": 5}, "task_to_id": {"transcribe": 6}, "no_timestamps_token_id": 7}
    folders = making.tiny_whisper(tmp_path / "many", **told), making.tiny_whisper(tmp_path / "english")
    shapes = []
    for folder in folders:
        with door() as seen:
            answers(folder, SOME[:1], new_tokens=2, stops_early=False)
        shapes.append(tokens_read(seen))
    assert shapes[0] == [(1, 4), (1, 1)]
    assert shapes[1] == [(1, 1), (1, 1)]


def test_tokens_that_are_never_written_are_not_written(tmp_path: Path) -> None:
    plain = making.tiny_whisper(tmp_path / "plain", suppress_tokens=SPECIAL)
    said = answers(plain, SOME[:1], new_tokens=1, stops_early=False)[0][0].value
    never = making.tiny_whisper(tmp_path / "never", suppress_tokens=[*SPECIAL, making.WORDS.index(said)])
    assert said not in answers(never, SOME[:1], new_tokens=7, stops_early=False)[0][0].value.split()


def test_more_tokens_than_whisper_has_room_for(tmp_path: Path) -> None:
    folder = making.tiny_whisper(tmp_path)
    with pytest.raises(UsageError, match="room for 447"):
        answers(folder, SOME[:1], new_tokens=500, stops_early=False)


@needs_minilm
def test_a_random_whisper_of_true_size_writes_exactly_the_tokens_asked_for() -> None:
    model = spec(SPEECH, "openai/whisper-tiny", weights=Weights.RANDOM)
    with door() as seen:
        outputs, _ = serve("transformers", SPEECH, model, SOME[:2], batch_size=2, new_tokens=3)
    assert [output.counts["tokens_out"] for output in outputs] == [3, 3]
    assert tokens_read(seen) == [(2, 4), (2, 1), (2, 1)]


@needs_minilm
def test_a_random_wav2vec2_of_true_size_hears_the_whole_clip() -> None:
    model = spec(SPEECH, "facebook/wav2vec2-base-960h", weights=Weights.RANDOM)
    with door() as seen:
        outputs, _ = serve("transformers", SPEECH, model, SOME[:1])
    assert entered(seen, "Conv1d", 1) == [(1, 1, RATE // 2)]
    assert outputs[0].counts["audio_milliseconds"] == 500


@pytest.mark.parametrize("norm", ["group", "layer"])
def test_letters_are_those_that_the_library_reads_from_each_clip_alone(tmp_path: Path, norm: str) -> None:
    from transformers import AutoModelForCTC, Wav2Vec2Processor

    folder = making.tiny_wav2vec2(tmp_path, norm)
    network = AutoModelForCTC.from_pretrained(folder).eval()
    processor = Wav2Vec2Processor.from_pretrained(folder)
    expected = []
    for clip in SOME:
        with torch.inference_mode():
            logits = network(**processor(clip["audio"], sampling_rate=RATE, return_tensors="pt")).logits
        said = processor.batch_decode(logits.argmax(dim=-1))[0]
        expected.append(said.replace("<s>", "").replace("</s>", "").replace("<unk>", ""))
    assert len(set(expected)) > 2, "clips differ, and so do their letters"
    for batch_size in (1, 4, 16):
        outputs, marks = answers(folder, SOME, batch_size=batch_size)
        assert [output.value for output in outputs] == expected
        assert marks == ["encoded"] * -(-len(SOME) // batch_size)


def test_padding_is_heard_by_nobody(tmp_path: Path) -> None:
    """Normalised over the whole clip, only clips of one length share a forward; where masks are taken, all do."""
    shapes = {}
    for norm in ("group", "layer"):
        with door() as seen:
            answers(making.tiny_wav2vec2(tmp_path / norm, norm), SOME[:4], batch_size=4)
        shapes[norm] = entered(seen, "Conv1d", 1)
    assert shapes["group"] == [(2, 1, RATE // 2), (1, 1, RATE * 13 // 10), (1, 1, 2 * RATE)]
    assert shapes["layer"] == [(4, 1, 2 * RATE)]


@pytest.mark.parametrize("norm", ["group", "layer"])
def test_very_short_and_very_long_clips_are_heard(tmp_path: Path, norm: str) -> None:
    folder = making.tiny_wav2vec2(tmp_path, norm)
    with door() as seen:
        outputs, _ = answers(folder, clips(0.01, 0.05, 30), batch_size=1)
    assert entered(seen, "Conv1d", 1) == [(1, 1, 400), (1, 1, 800), (1, 1, 30 * RATE)]
    assert [output.counts["audio_milliseconds"] for output in outputs] == [10, 50, 30_000]
    assert all(output.counts["tokens_out"] >= len(output.value.replace(" ", "")) for output in outputs)


def test_a_model_of_another_sampling_rate_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="8000 Hz"):
        answers(making.tiny_wav2vec2(tmp_path, "group", sampling_rate=8000), SOME)


def test_a_model_that_does_not_write_speech_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="ViTForImageClassification"):
        serve("transformers", SPEECH, spec("t", str(making.tiny_vit(tmp_path, 3))), SOME)
