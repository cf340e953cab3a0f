"""What the pages of models and records promise to those who read them."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from tests.publishing.site.boards import edition, own, store
from tests.support import command, fake_job, measure, written
from wattstar.publishing.site import Options, build, gather, paths
from wattstar.publishing.site.alternatives import Alternatives
from wattstar.publishing.site.commands import again
from wattstar.publishing.site.power import Column, binned, chart, steps
from wattstar.records.codec import decode
from wattstar.records.store import Store
from wattstar.records.tables import timelines_to_parquet
from wattstar.types import (
    Finding,
    Job,
    Method,
    Quality,
    Record,
    Severity,
    Timeline,
    Weights,
    Window,
)

SECOND = 1_000_000_000


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, Record]:
    """One run of the fake world, with its tables."""
    folder = tmp_path_factory.mktemp("measured")
    return Store(folder), measure(fake_job("text-generation", id="fake/model"), folder)


def page(files: Mapping[str, bytes], start: str) -> str:
    """The one page whose path starts so."""
    [name] = [name for name in files if name.startswith(start) and name.endswith(".html")]
    return files[name].decode()


def timeline(times: list[int], joules: list[float]) -> Timeline:
    return Timeline("gpu:0", "nvml", Method.COUNTER, times, joules)


def test_a_spike_shorter_than_a_column_is_in_the_band_and_energy_is_kept() -> None:
    """A thousand steps of 10 W, one of them of 500 W, in twenty columns."""
    found = [(SECOND * place, SECOND * (place + 1), 500.0 if place == 777 else 10.0) for place in range(1000)]
    columns = binned(found, Window(0, 1000 * SECOND), 20)
    assert [column.most for column in columns if column].count(500.0) == 1
    assert all(column and column.least == 10.0 for column in columns)
    assert sum(column.mean for column in columns if column) / 20 == pytest.approx(10.49)


def test_a_column_that_no_meter_spoke_of_is_empty() -> None:
    columns = binned([(0, SECOND, 5.0), (3 * SECOND, 4 * SECOND, 7.0)], Window(0, 4 * SECOND), 4)
    assert columns == [Column(5.0, 5.0, 5.0), None, None, Column(7.0, 7.0, 7.0)]


@pytest.mark.parametrize("most", [0.013, 0.9, 1.0, 7.3, 39.1, 86400.0])
def test_an_axis_has_round_steps_from_nothing(most: float) -> None:
    found = steps(most, 6)
    assert found[0] == 0
    assert 3 <= len(found) <= 8
    assert found[-1] <= most * (1 + 1e-9)


def test_a_record_s_page_says_its_figure_with_all_that_belongs_to_it(measured: tuple[Store, Record]) -> None:
    kept, record = measured
    [(name, _)] = kept.records()
    html = page(build(gather([kept], []), Options()), paths.record(name))
    assert f"n {record.figures[0].passes} passes" in html
    assert all(f"{made.boundary}" in html for made in record.figures)
    assert html.count('class="pass"') >= len(record.passes)
    assert "prefill" in html
    assert "decode" in html
    assert f"wattstar verify store/records/{name}.json" in html


def test_what_lies_on_the_site_verifies(measured: tuple[Store, Record], tmp_path: Path) -> None:
    """The promise of the page: the files below ``store/`` are all it takes."""
    site = tmp_path / "site"
    assert command("leaderboard", "build", measured[0].folder, "-o", site).returncode == 0
    [(name, _)] = measured[0].records()
    done = command("verify", site / "store" / "records" / f"{name}.json")
    assert done.returncode == 0, done.stdout + done.stderr
    done = command("label", "verify", site / paths.label(name), "--out", site / "store")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("times", "joules"),
    [([0, SECOND, 2 * SECOND], [0.0, 5.0, 3.0]), ([0, 0], [0.0, 1.0]), ([0, SECOND], [0.0, float("nan")]),
     ([0, SECOND], [0.0, float("inf")])],
    ids=["falls", "stands still in time", "no number", "infinite"],
)  # fmt: skip
def test_a_timeline_that_no_meter_said_is_not_drawn(tmp_path: Path, times: list[int], joules: list[float]) -> None:
    kept = Store(tmp_path)
    digest = kept.add_table("timelines", timelines_to_parquet([timeline(times, joules)]))
    name = kept.add(written(0.2, "a/model", timelines=digest)[1])
    html = page(build(gather([kept], []), Options()), paths.record(name))
    assert "The timeline is not shown" in html or "No meter spoke twice" in html
    assert "nan" not in html
    assert str(tmp_path) not in html


def test_a_timeline_that_was_changed_is_not_drawn_and_not_handed_on(tmp_path: Path) -> None:
    kept = Store(tmp_path)
    digest = kept.add_table("timelines", timelines_to_parquet([timeline([0, SECOND], [0.0, 5.0])]))
    name = kept.add(written(0.2, "a/model", timelines=digest)[1])
    file = tmp_path / "timelines" / f"{digest}.parquet"
    file.write_bytes(timelines_to_parquet([timeline([0, SECOND], [0.0, 4.0])]))
    files = build(gather([kept], []), Options())
    assert "was changed after it was written" in page(files, paths.record(name))
    assert f"store/timelines/{digest}.parquet" not in files
    assert f"store/records/{name}.json" in files


def test_a_window_that_ends_before_it_begins_is_no_drawing() -> None:
    record = written(0.2, "a/model")[1]
    assert chart(record, [timeline([0, SECOND], [0.0, 5.0])], Window(SECOND, 0)) is None


def test_an_invalid_record_has_a_page_that_says_so_and_no_figure(tmp_path: Path) -> None:
    finding = Finding("throttling", Severity.INVALID, "the card was slowed down")
    kept = store(tmp_path, [written(0.2, "bad/model", findings=(finding,))])
    files = build(gather([kept], []), Options())
    html = page(files, "records/")
    assert "Invalid: throttling" in html
    assert "The record is kept, and never rated." in html
    assert "No figure counts" in page(files, "models/")


def test_the_code_on_a_label_leads_to_the_record_s_page(tmp_path: Path) -> None:
    made = written(0.2, "a/model", spread=0.01)
    board = gather([store(tmp_path, [made])], [edition()])
    files = build(board, Options(address="https://somebody.example/board"))
    told = re.search(r'"address":"https://somebody.example/board/(r/[0-9a-f]+)"', files[paths.label(made[0])].decode())
    assert told
    assert f"url=../../{paths.record(made[0])}".encode() in files[f"{told[1]}/index.html"]
    far = build(board, Options(address=f"https://{'long' * 12}.example/"))
    assert b'"address":"wattstar:' in far[paths.label(made[0])]


def test_a_published_model_is_said_to_have_no_record_and_no_label(tmp_path: Path) -> None:
    html = page(build(gather([], [edition()]), Options()), "models/publisher-3")
    assert "No record lies behind it" in html
    assert "wattstar run --task text-classification --model publisher-3/model-3" in html


def test_a_thriftier_model_is_real_at_least_as_good_and_shown_to_take_less(tmp_path: Path) -> None:
    """Random weights are never offered; nor what saves less than a tenth."""
    made = [
        _scored(0.10, "random/tiny", None),
        _scored(0.20, "poor/small", 0.5),
        _scored(0.40, "good/middle", 0.9),
        _scored(0.42, "nearly/alike", 0.9),
        _scored(0.80, "good/large", 0.9),
    ]
    board = gather([store(tmp_path, made)], [])
    [group] = board.groups
    offered = {row.model: [each.row.model for each in Alternatives(group).of(row)] for row in group.rows}
    assert offered["good/large"] == ["good/middle", "poor/small"]
    assert offered["nearly/alike"] == ["poor/small"]
    assert offered["poor/small"] == []


def _scored(wh: float, model: str, accuracy: float | None) -> tuple[str, Record]:
    job = fake_job(id=model)
    weights = Weights.RANDOM if accuracy is None else Weights.PRETRAINED
    job = replace(job, model=replace(job.model, weights=weights))
    quality = None if accuracy is None else Quality("accuracy", accuracy, True, 100)
    return written(wh, model, spread=0.01, job=job, quality=quality)


@pytest.mark.parametrize("task", ["text-classification", "text-generation", "text-to-image"])
def test_the_words_that_measure_again_mean_the_same_job(tmp_path: Path, task: str) -> None:
    job = fake_job(task, id="fake/model", controls={"batch_size": 2})
    words = [*shlex.split(again(job))[2:], "--meter", "fake"]
    file = tmp_path / "jobs"
    done = command("plan", *words, "--jobs-file", file, "--out", tmp_path / "store")
    assert done.returncode == 0, done.stderr
    [line] = file.read_text().splitlines()
    found = decode(Job, json.loads(line)["job"])
    pinned = {name: getattr(found.model, name) for name in ("source", "revision", "format", "family")}
    assert found == replace(job, model=replace(job.model, **pinned))


def test_a_command_is_one_line_whatever_the_name(tmp_path: Path) -> None:
    job = fake_job(id="x'; rm -rf ~ #\n$(id)")
    assert "x'; rm -rf ~ #\n$(id)" in shlex.split(again(job))


def test_a_model_s_page_says_what_is_counted_and_links_its_records(tmp_path: Path) -> None:
    made = own(2)
    html = page(build(gather([store(tmp_path, made)], []), Options()), "models/own-1")
    assert "energy of the graphics card" in html
    assert f'href="../{paths.record(made[1][0])}"' in html
