"""A figure per piece of work: worked out from what was counted, in the pieces people compare."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support import command, written
from wattstar.records.store import Store
from wattstar.records.units import per_unit
from wattstar.types import Boundary, Interval, Pass, Record, Window


def record(wh_per_1000: float, *counts: dict[str, int], queries: int = 100, **changes: Any) -> Record:
    """One pass of so many queries for each of the counts, and a 95 % interval of ± 10 %."""
    passes = tuple(Pass(i, Window(0, 1), 1, queries, (), counted, None) for i, counted in enumerate(counts))
    return written(wh_per_1000, "a/model", spread=0.1, passes=passes, **changes)[1]


def joules(found: Record) -> dict[str, float]:
    return {one.unit: one.joules.mid for one in per_unit(found)}


def test_a_query_is_the_figure_in_joules() -> None:
    [query] = per_unit(record(10.0, {}))
    assert query.joules == Interval(pytest.approx(32.4), pytest.approx(36.0), pytest.approx(39.6))
    assert query.per_query == 1


def test_tokens_share_the_whole_query() -> None:
    """36 J a query of 20 tokens in and 12 out: prefill is in the price of what is written."""
    found = joules(record(10.0, {"tokens_in": 2000, "tokens_out": 1200}, {"tokens_in": 2000, "tokens_out": 1200}))
    assert found == pytest.approx({"query": 36.0, "input token": 1.8, "output token": 3.0})


def test_audio_is_told_by_the_second_though_it_is_counted_in_milliseconds() -> None:
    """7.5 s of audio a query."""
    found = {one.unit: one for one in per_unit(record(10.0, {"audio_milliseconds": 750_000, "tokens_out": 900}))}
    assert found["second of audio"].joules.mid == pytest.approx(4.8)
    assert found["second of audio"].per_query == pytest.approx(7.5)


def test_images_are_told_one_by_one() -> None:
    assert joules(record(10.0, {"images": 100, "pixels": 100 * 224 * 224})) == pytest.approx(
        {"query": 36.0, "image": 36.0}
    )


@pytest.mark.parametrize("counts", [[{"tokens_out": 0}], [{}], [{"tokens_out": 900}, {}]])
def test_what_was_not_counted_in_every_pass_has_no_price(counts: list[dict[str, int]]) -> None:
    assert set(joules(record(10.0, *counts))) == {"query"}


def test_a_record_without_a_figure_has_none_here() -> None:
    assert per_unit(record(10.0, {}, rated=None, figures=())) == ()
    assert per_unit(record(10.0, rated=Boundary.GPU)) == (), "no pass was finished"


def test_an_interval_that_is_not_known_stays_unknown() -> None:
    [made] = record(10.0, {}).figures
    unknown = replace(made, wh_per_1000=Interval(None, 10.0, None))
    [query] = per_unit(record(10.0, {}, figures=(unknown,)))
    assert query.joules == Interval(None, pytest.approx(36.0), None)


def test_show_and_list_tell_it_to_people_and_programs(tmp_path: Path) -> None:
    store = Store(tmp_path)
    id = store.add(record(10.0, {"tokens_in": 2000, "tokens_out": 1200}))
    shown = command("show", id, "-o", tmp_path).stdout
    assert "joules per unit of work" in shown
    assert "gross, all phases together, on gpu, counter" in shown
    assert re.search(r"query +36\.0 +10 %", shown)
    assert re.search(r"output token +3\.00 +10 % +12\.0", shown)
    [row] = json.loads(command("list", "-o", tmp_path, "--format", "json").stdout)
    assert row["joules_per_query"] == pytest.approx(36.0)
    assert row["joules_per_output_token"] == pytest.approx(3.0)
    assert row["joules_per_image"] is None
