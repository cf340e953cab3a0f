"""Every model reads the same words: texts are cut by GPT-2's tokens, whatever the model's own tokenizer is."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattstar.testsets import reference


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        # As in the documentation of OpenAI's gpt-2 and Hugging Face's GPT2Tokenizer.
        ("Hello world", [15496, 995]),
        (" Hello world", [18435, 995]),
        ("Hello, my dog is cute", [15496, 11, 616, 3290, 318, 13779]),
        ("This is a test.", [1212, 318, 257, 1332, 13]),
        ("\n", [198]),
        ("👋", [41840, 233]),
    ],
)
def test_ids_are_those_that_were_published_for_gpt_2(text: str, ids: list[int]) -> None:
    assert reference.token_ids(text) == ids


def test_the_merges_are_those_of_openai() -> None:
    """sha256 of vocab.bpe as every copy of GPT-2 has it; tiktoken pins the same."""
    digest = hashlib.sha256(reference.MERGES.read_bytes()).hexdigest()
    assert digest == "1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5"


def test_a_text_under_the_cap_is_the_very_same() -> None:
    for text in ("Hello world", "x" * 100, "naïve café 👋"):
        assert reference.cut(text, 100) is text


def test_a_text_is_cut_where_the_last_token_ends() -> None:
    assert reference.cut("Hello, my dog is cute", 4) == "Hello, my dog"
    assert reference.cut("  Hello", 1) == " "


@pytest.mark.parametrize("unit", ["word ", "x", "\n", "👋🏽", "日本", "\t \n", "'s"])
def test_40_000_characters_are_cut_to_the_cap(unit: str) -> None:
    text = (unit * 40_000)[:40_000]
    cut = reference.cut(text, 256)
    assert text.startswith(cut)
    assert 250 < len(reference.token_ids(cut)) <= 256


def test_a_character_whose_bytes_lie_on_both_sides_of_the_cut_falls() -> None:
    assert reference.cut("a👋b", 2) == "a"
    assert reference.cut("a👋b", 3) == "a👋"
    assert reference.cut("👋👋", 1) == ""


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.integers(1, 30))
def test_what_is_left_is_a_beginning_of_as_many_tokens_as_whole_characters_allow(text: str, tokens: int) -> None:
    cut = reference.cut(text, tokens)
    assert text.startswith(cut)
    left, whole = len(reference.token_ids(cut)), len(reference.token_ids(text))
    # The character on the cut has four bytes at most, of which three can be tokens before it.
    assert min(whole, tokens - 3) <= left <= tokens
    assert (cut is text) == (whole <= tokens)


def test_a_cap_of_nothing_makes_no_sense() -> None:
    with pytest.raises(ValueError, match="0 tokens"):
        reference.cut("Hello", 0)
