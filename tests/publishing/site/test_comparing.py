"""What the page that compares promises: the numbers of ``wattstar compare``, and a reason where there is none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.publishing.site.boards import edition
from tests.publishing.site.visiting import Reader, reader
from tests.support import fake_job, written
from wattstar.cli.leaderboard.build import write
from wattstar.publishing.site import Options, build, gather
from wattstar.publishing.site.board import Board, Group
from wattstar.rating.comparisons import comparisons
from wattstar.records.store import Store
from wattstar.types import (
    Boundary,
    Figure,
    Interval,
    Machine,
    Method,
    Pass,
    Reading,
    Record,
    Sitting,
    Verdict,
    Window,
)

SECOND = 1_000_000_000
SPREADS = {"a/thrifty": (0.2, 0.01), "b/alike": (0.202, 0.02), "c/more": (0.5, 0.03), "d/unsure": (0.53, 0.2)}


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Board:
    kept = Store(tmp_path_factory.mktemp("store"))
    for model, (wh, spread) in SPREADS.items():
        kept.add(written(wh, model, spread=spread)[1])
    elsewhere = Machine("another processor", 8, 2**34, "Linux", "3.11", (), {})
    kept.add(written(0.1, "e/elsewhere", spread=0.01, machine=elsewhere)[1])
    for record in in_turns():
        kept.add(record)
    return gather([kept], [edition()])


def in_turns() -> list[Record]:
    """Two models whose six passes alternate: B takes 1.10 times A's energy, each time by a little more or less."""
    sitting = Sitting("f" * 16, 0, ("a", "b"))
    made = []
    for place, (model, share) in enumerate((("turns/a", 1.0), ("turns/b", 1.10))):
        passes = tuple(
            Pass(index, Window(begin := SECOND * (4 * index + 2 * place), begin + SECOND), 1, 10,
                 (Reading("gpu:0", "fake", Method.COUNTER, 100.0 * share * (1 + 0.01 * index * (-1) ** index), 0.1),),
                 {}, None)
            for index in range(6)
        )  # fmt: skip
        figure = Figure(Boundary.GPU, Method.COUNTER, Interval(2.7 * share, 2.8 * share, 2.9 * share), 0.0, None, 6,
                        ("gpu:0 by fake",))  # fmt: skip
        job = fake_job(id=model)
        job = replace(job, model=replace(job.model, device="cpu"))
        made.append(written(1.0, model, sitting=sitting, passes=passes, figures=(figure,), job=job)[1])
    return made


@pytest.fixture(scope="module")
def compared(board: Board, chromium: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """The single file: no server, and all of the site in it."""
    folder = tmp_path_factory.mktemp("site")
    write(build(board, Options(single_file=True)), folder)
    with reader(chromium, (folder / "index.html").as_uri()) as made:
        yield made


def own(board: Board, model: str = "a/thrifty") -> Group:
    """The group of the store that it stands in."""
    return next(group for group in board.groups if group.own and any(row.model == model for row in group.rows))


def shown(compared: Reader, *picked: tuple[Group, str]) -> Any:
    """The page, with these models of these groups chosen."""
    ids = [f"{group.slug}.{next(row.id for row in group.rows if row.model == name)}" for group, name in picked]
    page = compared.open(f"#/compare/?task={picked[0][0].task}&group={picked[0][0].slug}&rows={','.join(ids)}")
    page.locator("[data-part=result] h2").first.wait_for()
    return page


def test_ratios_intervals_and_verdicts_are_those_of_the_command_line(board: Board, compared: Reader) -> None:
    group = own(board)
    records: dict[str, Record] = {row.source: board.records[row.source].record for row in group.rows}
    names = {name: record.job.model.id.rpartition("/")[2] for name, record in records.items()}
    page = shown(compared, *((group, name) for name in SPREADS))
    lines = page.locator(".sentences li").all_inner_texts()
    found = {frozenset(re.findall("|".join(names.values()), line)): line for line in lines}
    expected = comparisons(list(records.items()))
    assert len(found) == len(expected) == 6
    for comparison in expected:
        line = found[frozenset(names[one] for one in comparison.records)]
        values = [float(value) for value in re.findall(r"\d+\.\d+", line)]
        ratio = comparison.ratio
        assert values == pytest.approx([ratio.mid, ratio.low, ratio.high], rel=6e-3)
        assert ("takes" in line) == (comparison.verdict is Verdict.DIFFERENT)
        assert line.startswith("No difference") == (comparison.verdict is Verdict.NOT_SHOWN)


def test_passes_in_turns_are_compared_pair_by_pair(board: Board, compared: Reader) -> None:
    group = own(board, "turns/a")
    page = shown(compared, (group, "turns/a"), (group, "turns/b"))
    [expected] = comparisons([(row.source, board.records[row.source].record) for row in group.rows])
    assert expected.pairs == 6
    line = page.locator(".sentences").inner_text()
    ratio = expected.ratio
    values = [float(value) for value in re.findall(r"\d\.\d+", line)]
    assert values == pytest.approx([ratio.mid, ratio.low, ratio.high], abs=6e-4)
    assert "6 pairs" in line
    assert ("takes" in line) == (expected.verdict is Verdict.DIFFERENT)


def test_other_conditions_are_named_and_give_no_ratio(board: Board, compared: Reader) -> None:
    published = next(group for group in board.groups if group.own is None)
    page = shown(compared, (own(board), "a/thrifty"), (published, "publisher-3/model-3"))
    result = page.locator("[data-part=result]").inner_text()
    assert "Not the same conditions" in result
    assert "NVIDIA H100" in result
    assert "These cannot be compared" in result
    assert page.locator(".sentences").count() == 0


def test_published_figures_give_a_ratio_without_an_interval_and_say_so(board: Board, compared: Reader) -> None:
    published = next(group for group in board.groups if group.own is None)
    page = shown(compared, (published, "publisher-3/model-3"), (published, "publisher-4/model-4"))
    assert "1.50 times the energy" in page.locator(".sentences").inner_text()
    assert "not known: an interval is missing" in page.locator(".sentences").inner_text()


def test_models_are_chosen_and_taken_out_by_keyboard_alone(board: Board, compared: Reader) -> None:
    page = compared.open(f"#/compare/?task={own(board).task}&group={own(board).slug}")
    search = page.get_by_label("Model", exact=True)
    for words in ("thrifty", "more"):
        search.focus()
        page.keyboard.press("Control+A")
        page.keyboard.type(words)
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
    assert "2.50 times" in page.locator(".saves").inner_text()
    assert page.evaluate("location.hash").count(",") + page.evaluate("location.hash").count("%2C") == 1
    page.get_by_role("button", name="Take more out").press("Enter")
    assert "Choose one more" in page.locator("[data-part=result]").inner_text()


def test_who_has_chosen_nothing_begins_with_two_models_of_a_task(board: Board, compared: Reader) -> None:
    page = compared.open("#/compare/")
    begin = page.get_by_role("region", name="Or begin with two")
    begin.wait_for()
    assert begin.locator("a").count() == sum(len(field.groups[0].rows) > 1 for field in board.fields if field.groups)
    begin.locator("a").first.click()
    page.locator(".saves").wait_for()
    assert page.locator(".chips li").count() == 2
    assert begin.count() == 0


def test_a_link_to_what_is_not_there_says_so(board: Board, compared: Reader) -> None:
    page = compared.open(f"#/compare/?task={own(board).task}&rows=gone,<b>x</b>")
    page.locator("[data-part=result] .note.bad").first.wait_for()
    assert "The row gone is not on this leaderboard." in page.locator("[data-part=result]").inner_text()
    assert page.locator("[data-part=result] b >> text=x").count() == 0


def test_a_record_on_another_machine_is_no_comparison_of_two_sittings(tmp_path: Path) -> None:
    """Of one processor's kind, but not the same machine: the data says which is which."""
    kept = Store(tmp_path)
    for number, memory in enumerate((2**30, 2**31)):
        machine = Machine("a processor", 2, memory, "Linux", "3.11", (), {})
        kept.add(written(0.2 + number, f"m/{number}", spread=0.01, machine=machine)[1])
    [group] = gather([kept], []).groups
    assert len({row.machine for row in group.rows}) == 2
