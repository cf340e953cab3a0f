"""Recipes: those that ship are whole, what is written is read back, and rows are drawn as the card says."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from wattstar import registry
from wattstar.errors import UnknownName, UsageError
from wattstar.testsets import recipe
from wattstar.testsets.converting import target_of, value_at
from wattstar.testsets.drawing import Candidate, draw, rank
from wattstar.testsets.recipe import DataSource, Made, Recipe, Target

SHIPPED = sorted(recipe.RECIPES.glob("*/*.toml"))
NAMES = [f"{file.parent.name}-{file.stem}" for file in SHIPPED]


@pytest.mark.parametrize("file", SHIPPED, ids=NAMES)
def test_a_shipped_recipe_fits_its_task_and_pins_nothing_it_cannot_know(file: Path) -> None:
    made = recipe.read(file)
    recipe.check(made, registry.task(file.stem))
    assert (made.edition, made.task) == (file.parent.name, file.stem)
    assert {source.revision for source in made.sources} <= {"main", "refs/convert/parquet"}
    assert made.made is None
    assert all(source.fallback for source in made.sources if source.closed)


@pytest.mark.parametrize("tag", sorted(registry.plug_ins("tasks")))
def test_every_task_has_a_recipe_of_a_thousand_rows_from_three_sources(tag: str) -> None:
    sources = recipe.recipe("standard-2026", registry.task(tag).tag).sources
    assert len({source.name for source in sources}) >= 3
    assert sum(source.rows or 0 for source in sources) == 1000


@pytest.mark.parametrize("file", SHIPPED, ids=NAMES)
def test_what_is_written_is_read_back(file: Path, tmp_path: Path) -> None:
    made = recipe.read(file)
    (tmp_path / "again.toml").write_text(recipe.as_toml(made), encoding="utf-8")
    assert recipe.read(tmp_path / "again.toml") == made


def test_a_lock_with_odd_names_is_read_back(tmp_path: Path) -> None:
    source = DataSource('an "odd" name\n', "a/b", "MIT", {"text": "a column.x"}, where={"is it?": True, "é": "ü"})
    made = Recipe("e", "summarization", (source,), made=Made("d", "r", "2026-01-01", {"a.b-c": "1"}))
    (tmp_path / "lock.toml").write_text(recipe.as_toml(made), encoding="utf-8")
    assert recipe.read(tmp_path / "lock.toml") == made


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("edition = ", "not TOML"),
        ('edition = "e"\ntask = "summarization"', "sources"),
        ('edition = "e"\ntask = "x"\nsources = []\nrowz = 3', "rowz"),
    ],
)
def test_a_wrong_recipe_says_where(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text(text)
    with pytest.raises(UsageError, match=said):
        recipe.read(tmp_path / "r.toml")


def test_a_recipe_that_lacks_a_field_of_the_task_says_which_are_needed() -> None:
    source = DataSource("A", "a/a", "MIT", {"question": "q"})
    with pytest.raises(UsageError, match="'A'") as caught:
        recipe.check(Recipe("e", "question-answering", (source,)), registry.task("question-answering"))
    assert "context, question" in caught.value.cures[0]


@pytest.mark.parametrize("name", ["../e", "", "Ä", "a/b"])
def test_an_edition_cannot_lie_outside_the_cache(name: str) -> None:
    source = DataSource("A", "a/a", "MIT", {"text": "t"})
    with pytest.raises(UsageError, match="no name for an edition"):
        recipe.check(Recipe(name, "summarization", (source,)), registry.task("summarization"))


def test_an_unknown_edition_has_no_recipe() -> None:
    with pytest.raises(UnknownName, match="standard-2026"):
        recipe.recipe("standard-2025", "summarization")


def candidates(count: int) -> list[Candidate]:
    """Of lengths 0 … count − 1."""
    return [Candidate({"text": str(i)}, None, i, {}, rank(7, {"text": str(i)}, None, {})) for i in range(count)]


def test_drawn_rows_have_the_lengths_of_all_rows() -> None:
    drawn = draw(candidates(1000), 333)
    tenths = Counter(int(row.length) // 100 for row in drawn)
    assert len(drawn) == len({row.rank for row in drawn}) == 333
    assert set(tenths.values()) == {33, 34}
    assert len(tenths) == 10


def test_the_draw_does_not_depend_on_the_order_in_which_rows_came() -> None:
    rows = candidates(500)
    mixed = random.Random(1).sample(rows, len(rows))
    assert draw(mixed, 120) == draw(rows, 120)


@pytest.mark.parametrize(("there", "count"), [(7, 3), (7, 7), (10, 9), (333, 333), (11, 1)])
def test_as_many_are_drawn_as_were_asked_for(there: int, count: int) -> None:
    assert len(draw(candidates(there), count)) == count


def test_another_seed_gives_other_ranks_and_media_count() -> None:
    same = rank(1, {"text": "a"}, None, {"image": b"1"})
    assert same == rank(1, {"text": "a"}, None, {"image": b"1"})
    assert (
        len({same, rank(2, {"text": "a"}, None, {"image": b"1"}), rank(1, {"text": "a"}, None, {"image": b"2"})}) == 3
    )


def test_a_path_goes_into_lists_and_picks_members() -> None:
    row = {"answers": {"text": ["a", "b"]}, "messages": [{"content": "q"}, {"content": "r"}], "none": None}
    assert value_at(row, "answers.text") == ["a", "b"]
    assert value_at(row, "messages.1.content") == "r"
    assert value_at(row, "messages.content") == ["q", "r"]
    assert value_at(row, "messages.5.content") is None
    assert value_at(row, "none.what") is None


def boxes(layout: str, numbers: list[float]) -> list[float]:
    target = Target("objects", "boxes", layout=layout)  # type: ignore[arg-type]
    source = DataSource("A", "a/a", "MIT", {}, target=target)
    row = {"objects": {"bbox": [numbers], "category": [1]}}
    [found] = target_of(row, source, ["cat", "dog"], (200, 100))
    assert found["label"] == "dog"
    return list(found["box"])


def test_boxes_of_every_layout_become_corners_in_pixels() -> None:
    corners = [50.0, 25.0, 150.0, 75.0]
    assert boxes("corners", corners) == corners
    assert boxes("corner and size", [50, 25, 100, 50]) == corners
    assert boxes("centre and size in shares", [0.5, 0.5, 0.5, 0.5]) == corners


def test_a_class_without_a_name_is_refused_with_the_cure() -> None:
    source = DataSource("A", "a/a", "MIT", {}, target=Target("label", "class"))
    with pytest.raises(UsageError, match="class 3") as caught:
        target_of({"label": 3}, source, ["a"], None)
    assert "labels" in caught.value.cures[0]


def test_a_question_without_an_answer_keeps_its_empty_list_and_a_missing_target_is_none() -> None:
    source = DataSource("A", "a/a", "MIT", {}, target=Target("answers.text", "texts"))
    assert target_of({"answers": {"text": []}}, source, [], None) == []
    assert target_of({"answers": None}, source, [], None) is None
