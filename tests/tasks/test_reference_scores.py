"""Scores agree with the programs that everybody else uses, on fixed examples."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tasks.test_scores import score
from wattstar import registry
from wattstar.types import Quality

ANSWERS = [
    (["Norman"], "the Normans", 0, 0),
    (["10th and 11th centuries", "in the 10th and 11th centuries"], "in 10th and 11th centuries", 1, 1),
    (["France", "France", "France"], "France.", 1, 1),
    (["Denmark, Iceland and Norway"], "Iceland and Denmark", 0, 2 * 3 / 7),
    (["Denmark, Iceland and Norway"], "", 0, 0),
    (["Rollo"], "rollo rollo", 0, 2 / 3),
    ([], "", 1, 1),
    ([], "an answer", 0, 0),
    (["a"], "the", 1, 1),
]
"""Accepted, given, exact match and F1 by the rules of SQuAD 2.0's evaluate-v2.0.py, worked out by hand: no package that
carries that script is left."""


def test_question_answering_is_scored_as_squad_does() -> None:
    made = score("question-answering", [row[:2] for row in ANSWERS])
    assert made is not None
    assert made.value == pytest.approx(sum(row[3] for row in ANSWERS) / len(ANSWERS))
    assert made.further["exact match"] == pytest.approx(sum(row[2] for row in ANSWERS) / len(ANSWERS))
    for accepted, given, exact, shared in ANSWERS:
        one = score("question-answering", [(accepted, given)])
        assert one == Quality("F1", pytest.approx(shared), True, 1, {"exact match": exact})


def test_a_question_without_an_answer_is_right_only_if_nothing_is_answered() -> None:
    right = Quality("F1", 1.0, higher_is_better=True, n=1, further={"exact match": 1.0})
    assert score("question-answering", [([], "")]) == right
    wrong = score("question-answering", [([], "anything")])
    assert wrong is not None
    assert wrong.value == 0


def boxes(*things: tuple[str, list[float], float]) -> list[dict[str, Any]]:
    return [{"label": label, "box": box, "score": sure} for label, box, sure in things]


def seen(*things: tuple[str, list[float]]) -> list[dict[str, Any]]:
    return [{"label": label, "box": box} for label, box in things]


CAT, DOG, CUP = [10, 10, 50, 50], [60, 10, 100, 80], [0, 0, 20, 20]


def test_detection_by_the_rules_of_coco() -> None:
    """Worked out by hand: all right is 1; half of one class's objects found gives its recall up to 0.5 (51 of 101
    recall levels); a box of IoU 0.8 counts at seven of ten thresholds."""
    whole = score("object-detection", [(seen(("cat", CAT), ("dog", DOG)), boxes(("Cat", CAT, 0.9), ("dog", DOG, 0.8)))])
    assert whole == Quality("mAP", pytest.approx(1), True, 1, {"mAP at 0.50": pytest.approx(1)})
    half = score("object-detection", [(seen(("cat", CAT), ("cat", DOG)), boxes(("cat", CAT, 0.9)))])
    assert half is not None
    assert half.value == pytest.approx(51 / 101)
    shifted = score("object-detection", [(seen(("cat", [0, 0, 10, 10])), boxes(("cat", [0, 0, 10, 8], 0.9)))])
    assert shifted is not None
    assert shifted.value == pytest.approx(0.7)
    assert shifted.further["mAP at 0.50"] == pytest.approx(1)


def test_detection_counts_only_classes_that_are_in_the_targets() -> None:
    """Nobody labelled cups here: whether one is seen is neither right nor wrong."""
    plain = score("object-detection", [(seen(("cat", CAT)), boxes(("cat", CAT, 0.9)))])
    more = score("object-detection", [(seen(("cat", CAT)), boxes(("cat", CAT, 0.9), ("cup", CUP, 0.99)))])
    assert plain == more
    assert score("object-detection", [(seen(("cat", CAT)), boxes(("tree", CAT, 0.9)))]) is None
    assert score("object-detection", [(seen(("cat", CAT)), [])]) is None


def test_rouge_is_that_of_the_reference_package() -> None:
    from rouge_score.rouge_scorer import RougeScorer

    pairs = [("the cat sat on the mat", "a cat was sitting on the mat"), ("one two three", "three two one"), ("x", "")]
    scorer = RougeScorer(["rougeL"], use_stemmer=True)
    expected = sum(scorer.score(*pair)["rougeL"].fmeasure for pair in pairs) / 3
    made = score("summarization", pairs)
    assert made is not None
    assert made.value == pytest.approx(expected)
    # By hand: the longest common subsequence of the first pair, stemmed, is "cat on the mat": 4 words of 6 and of 7.
    assert scorer.score(*pairs[0])["rougeL"].fmeasure == pytest.approx(2 * (4 / 7) * (4 / 6) / (4 / 7 + 4 / 6))
    assert made.further["words to reference's"] == pytest.approx((7 + 3 + 0) / (6 + 3 + 1))


def test_a_caption_is_compared_with_the_reference_it_is_most_like_and_text_in_images_by_words() -> None:
    pairs = [(["a black cat", "two dogs in the snow"], "two dogs in the snow"), ("hello there", "hello where")]
    made = score("image-to-text", pairs)
    assert made == Quality("ROUGE-L", pytest.approx(1), True, 1, {"word error rate": pytest.approx(0.5)})
    assert score("image-to-text", pairs[1:]) == Quality("word error rate", pytest.approx(0.5), False, 1)


def test_macro_f1_weighs_classes_alike() -> None:
    """Class a: 3 of 3 found, one false alarm: 6/7. Class b: 1 of 2 found: 2/3."""
    pairs = [("a", "a"), ("a", "a"), ("a", "a"), ("b", "a"), ("b", "b")]
    made = score("text-classification", pairs)
    assert made == Quality("accuracy", 0.8, True, 5, {"macro F1": pytest.approx((6 / 7 + 2 / 3) / 2)})


def test_top_5_needs_five_answers_a_row() -> None:
    named = (["Cat", "tabby"], ["tabby", 1, 2, 3, 4])
    pairs = [(7, [7, 1, 2, 3, 4]), (7, [1, 2, 3, 4, 7]), (7, [1, 2, 3, 4, 5]), named]
    assert score("image-classification", pairs) == Quality("top-1", 0.5, True, 4, {"top-5": 0.75})
    assert score("image-classification", [(7, [7, 1])]) == Quality("top-1", 1.0, True, 1)


@pytest.mark.parametrize(
    ("words", "label"),
    [
        ("positive", "positive"),
        ("The text is POSITIVE.", "positive"),
        ("Answer: negative, not positive", "negative"),
        ("unhelpful", "unhelpful"),
        ("positively", "positively"),
        ("", ""),
    ],
)
def test_the_label_that_a_model_names_first_is_its_answer(words: str, label: str) -> None:
    zero_shot = registry.task("text-classification").zero_shot
    assert zero_shot is not None
    given = {"text": "I liked it", "labels": ["negative", "positive"]}
    assert zero_shot.read(words, given) == label
    asked = zero_shot.ask(given)
    assert "I liked it" in asked
    assert "negative, positive" in asked


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("France", "France"),
        (' "France"\nbecause', "France"),
        ("Answer: France", "France"),
        ("Unanswerable.", ""),
        ("", ""),
    ],
)
def test_the_first_line_that_a_model_writes_is_its_answer(words: str, answer: str) -> None:
    zero_shot = registry.task("question-answering").zero_shot
    assert zero_shot is not None
    assert zero_shot.read(words, {}) == answer
    asked = zero_shot.ask({"question": "Where?", "context": "In France."})
    assert "Where?" in asked
    assert "In France." in asked
