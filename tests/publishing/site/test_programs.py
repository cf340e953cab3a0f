"""What a program that reads the leaderboard's files is promised."""

from __future__ import annotations

import gzip
import io
import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest

from tests.publishing.site.boards import edition, estimated, everything, own, store, various
from wattstar.publishing.site import Options, build, gather, paths
from wattstar.publishing.site.board import Board
from wattstar.publishing.site.columns import COLUMNS
from wattstar.publishing.site.render import static, statics
from wattstar.records.codec import canonical, digest

ATOM = "{http://www.w3.org/2005/Atom}"
SHIELDS = {"schemaVersion", "label", "message", "color"}
"""Of what https://shields.io/badges/endpoint-badge takes, which refuses other keys."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Board, dict[str, bytes]]:
    board = everything(tmp_path_factory.mktemp("store"))
    return board, dict(build(board, Options()))


def loaded(files: dict[str, bytes], name: str) -> Any:
    return json.loads(files[name])


def test_every_file_of_data_is_as_its_schema_says(made: tuple[Board, dict[str, bytes]]) -> None:
    board, files = made
    schema = loaded(files, paths.SCHEMA)
    jsonschema.Draft202012Validator.check_schema(schema)
    index = loaded(files, paths.INDEX)
    assert [task["task"] for task in index["tasks"]] == [field.task for field in board.fields]
    for task in index["tasks"]:
        document = loaded(files, task["data"])
        jsonschema.validate(document, schema)
        assert f"{task['page']}index.html" in files
        assert sum(len(group["columns"]["id"]) for group in document["groups"]) == task["rows"]
        assert {f"{group['page']}index.html" for group in document["groups"]} <= set(files)
    assert set(index["files"].values()) <= set(files)


def test_a_schema_refuses_what_would_mislead(made: tuple[Board, dict[str, bytes]]) -> None:
    """An energy of 0 or none, a column that is missing, a key that nobody knows."""
    files = made[1]
    schema, document = loaded(files, paths.SCHEMA), loaded(files, "data/text-classification.json")
    for wrong in (0, -1, None):
        document["groups"][0]["columns"]["wh_per_1000_queries"][0] = wrong
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(document, schema)
    document = loaded(files, "data/text-classification.json")
    del document["groups"][0]["conditions"]["boundary"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, schema)


def test_rows_are_those_of_the_board_to_four_digits_or_five(made: tuple[Board, dict[str, bytes]]) -> None:
    board, files = made
    field = next(field for field in board.fields if field.task == "text-classification")
    for group, shown in zip(field.groups, loaded(files, "data/text-classification.json")["groups"], strict=True):
        columns = shown["columns"]
        assert columns["wh_per_1000_queries"] == pytest.approx([row.wh_per_1000.mid for row in group.rows], rel=5e-5)
        assert columns["quality"] == [row.quality if row.quality is None else pytest.approx(row.quality, rel=5e-4)
                                      for row in group.rows]  # fmt: skip
        assert columns["plausible_low_wh"] == [row.plausible.low if row.plausible else None for row in group.rows]
        assert columns["stars"] == [row.rating.stars for row in group.rows]
        assert set(columns["method"]) == ({"estimated"} if group.rows[0].plausible else {"measured"})


def test_parquet_has_every_row_with_types_that_never_change(made: tuple[Board, dict[str, bytes]]) -> None:
    from pyarrow import parquet

    board, files = made
    table = parquet.read_table(io.BytesIO(files[paths.PARQUET]))
    assert table.num_rows == sum(len(group.rows) for group in board.groups)
    assert {column.name for column in COLUMNS} < set(table.schema.names)
    nothing = parquet.read_table(io.BytesIO(build(gather([], []), Options())[paths.PARQUET]))
    assert (nothing.schema, nothing.num_rows) == (table.schema, 0)
    groups = table.group_by(["task", "group"]).aggregate([("id", "count")])
    assert sorted(groups["id_count"].to_pylist()) == sorted(len(group.rows) for group in board.groups)


def test_parquet_and_json_are_read_by_duckdb(made: tuple[Board, dict[str, bytes]], tmp_path: Path) -> None:
    import duckdb

    (tmp_path / "all.parquet").write_bytes(made[1][paths.PARQUET])
    query = f"select model from '{tmp_path}/all.parquet' where compare_boundary = 'gpu' and quality is not null"
    assert len(duckdb.sql(query).fetchall()) == sum(
        row.quality is not None for group in made[0].groups for row in group.rows
    )


def test_the_feed_has_the_newest_records_first_by_names_that_stay(tmp_path: Path) -> None:
    records = various(60)
    files = build(gather([store(tmp_path, records[:28])], [edition()]), Options())
    feed = ElementTree.fromstring(files[paths.FEED])
    moments = [datetime.fromisoformat(entry.findtext(f"{ATOM}updated", "")) for entry in feed.iter(f"{ATOM}entry")]
    assert len(moments) == 28
    assert moments == sorted(moments, reverse=True)
    assert feed.findtext(f"{ATOM}updated") == moments[0].isoformat()
    ids = [entry.findtext(f"{ATOM}id", "") for entry in feed.iter(f"{ATOM}entry")]
    assert len(set(ids)) == 28
    assert all(re.fullmatch(r"ni:///sha-256;[\w-]{43}", name) for name in ids)
    for entry in feed.iter(f"{ATOM}entry"):
        link = entry.find(f"{ATOM}link")
        assert link is not None
        assert link.attrib["href"] in files
        assert "95 %" in entry.findtext(f"{ATOM}summary", "") or "±" in entry.findtext(f"{ATOM}summary", "")


def test_a_feed_of_a_site_with_an_address_has_whole_addresses(tmp_path: Path) -> None:
    address = "https://somebody.example/board/"
    files = build(gather([store(tmp_path, own(1))], []), Options(address=address))
    links = [one.attrib["href"] for one in ElementTree.fromstring(files[paths.FEED]).iter(f"{ATOM}link")]
    assert all(link.startswith(address) for link in links)


def test_a_badge_for_each_model_and_task_says_what_it_stands_on(made: tuple[Board, dict[str, bytes]]) -> None:
    board, files = made
    badges = {name: loaded(files, name) for name in files if name.startswith("badges/") and name.endswith(".json")}
    assert set(badges) == {paths.badge(row.model, group.task) for group in board.groups for row in group.rows}
    drawn = {
        paths.drawn(paths.badge(row.model, group.task)) for group in board.groups for row in group.rows if row.record
    }
    assert {name for name in files if name.startswith("badges/") and name.endswith(".svg")} == drawn
    assert all(ElementTree.fromstring(files[name]).tag.endswith("svg") for name in drawn)
    for badge in badges.values():
        assert set(badge) == SHIELDS
    first = estimated(1)[0][1].job.model.id
    said = badges[paths.badge(first, "text-classification")]["message"]
    assert said.startswith("estimated · 0.500 Wh/1k ×/÷ 2 · ")
    published = badges[paths.badge("publisher-0/model-0", "text-classification")]["message"]
    assert published == "0.100 Wh/1k ± ? · NVIDIA H100-80GB · 5/5 indicative"


def test_a_badge_is_never_of_the_row_that_looks_best(tmp_path: Path) -> None:
    """Of two of one day the greater energy; a newer one before both."""
    from tests.support import fake_job, written

    jobs = [fake_job(id="some/model", controls={"seed": seed}) for seed in (0, 1)]
    old = [written(wh, "some/model", spread=0.02, job=job) for wh, job in zip((0.1, 0.4), jobs, strict=True)]
    path = paths.badge("some/model", "text-classification")
    assert b"0.400 Wh" in build(gather([store(tmp_path / "1", old)], []), Options())[path]
    new = written(0.2, "some/model", spread=0.02, started="2026-02-01T00:00:00.000+00:00")
    assert b"0.200 Wh" in build(gather([store(tmp_path / "2", [*old, new])], []), Options())[path]


def test_the_folder_is_a_static_space(made: tuple[Board, dict[str, bytes]]) -> None:
    import yaml

    title = 'a "title": #1\n---\nsdk: docker'
    head = build(made[0], Options(title=title))["README.md"].decode().split("---\n")[1]
    assert yaml.safe_load(head)["sdk"] == "static"
    assert yaml.safe_load(head)["title"] == " ".join(title.split())


def test_scripts_and_styles_are_light() -> None:
    names = [*statics("css", ".css"), *statics("js", ".js"), *statics("js/pages", ".js")]
    size = sum(len(gzip.compress(static(name).encode())) for name in names)
    assert size <= 60_000, f"{size} bytes of JS and CSS, gzipped"


def test_data_is_light(tmp_path: Path) -> None:
    """1,000 records of which all is known, and no number is like another."""
    made = gather([store(tmp_path, various(1000, seed=1))], [])
    data = build(made, Options())["data/text-classification.json"]
    assert len(json.loads(data)["groups"][0]["columns"]["id"]) == 1000
    assert len(gzip.compress(data)) <= 40_000


def test_the_api_page_explains_every_column(made: tuple[Board, dict[str, bytes]]) -> None:
    html = made[1][f"{paths.API}index.html"].decode()
    assert all(f"<code>{column.name}</code>" in html for column in COLUMNS)


def test_ids_name_records(made: tuple[Board, dict[str, bytes]]) -> None:
    board = made[0]
    whole = {digest(canonical(kept.record)) for kept in board.records.values()}
    for group in board.groups:
        for row in group.rows:
            assert not row.record or (row.source in whole and row.source.startswith(row.id))
