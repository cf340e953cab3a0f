"""What a record of a stranger can do to those who publish it, and to those who read: nothing."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.publishing.site.boards import edition, own, store
from tests.publishing.site.hostile import hostile_edition, hostile_record
from tests.publishing.site.visiting import PHONE, reader
from tests.support import command, written
from wattstar.cli.leaderboard.build import write
from wattstar.publishing.site import Options, build, gather
from wattstar.publishing.site.build import all_pages
from wattstar.records.codec import canonical, digest, encode, parsed
from wattstar.records.store import Store


@pytest.fixture(scope="module")
def harm(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Any]]:
    """A site of them alone."""
    folder = tmp_path_factory.mktemp("hostile")
    record = hostile_record()
    Store(folder / "store").add(record)
    board = gather([Store(folder / "store")], [hostile_edition()])
    assert not board.problems
    assert sum(len(group.rows) for group in board.groups) == 10, "the record and nine entries are all shown"
    options = Options(title=record.job.model.id)
    write(build(board, options), folder / "site")
    write(build(board, Options(title=record.job.model.id, single_file=True)), folder / "single")
    return folder, all_pages(board, options)


def test_every_page_of_it_shows_it_and_runs_nothing(chromium: Any, harm: tuple[Path, list[Any]]) -> None:
    """``noticed`` has the alerts, what the policy had to stop, and requests to addresses that were made up."""
    folder, pages = harm
    with reader(chromium, (folder / "single" / "index.html").as_uri()) as made:
        page = made.open("")
        for one in pages:
            if one.kind != "api":  # a page of files that a single file has not
                page.evaluate("path => { location.hash = `#/${path}` }", one.path)
                page.wait_for_function("path => document.querySelector('main').dataset.path === path", arg=one.path)
        page.evaluate("location.hash = '#/'")
        assert "<script>alert(" in page.locator("body").inner_text()


def test_what_programs_read_of_it_is_whole(harm: tuple[Path, list[Any]]) -> None:
    site = harm[0] / "site"
    for file in site.rglob("*.json"):
        parsed(file.read_text())
    ElementTree.parse(site / "feed.xml")
    for file in site.rglob("*"):
        assert file.resolve().is_relative_to(site.resolve())
        assert not set(file.name) & set("\"'<>:\\|?*\u202e")


def test_a_download_runs_no_formula(chromium: Any, tmp_path: Path) -> None:
    names = ["=1+1", "+x", "-x", "@x", "\t=x", "plain", 'a "quoted", one', "=cmd|'/c calc'!A0"]
    write(build(gather([], [edition(names)]), Options()), tmp_path)
    from tests.simulators.server import Answer, serving

    def answer(path: str) -> Answer:
        file = tmp_path / path.lstrip("/")
        kind = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}.get(file.suffix, "text/html")
        return Answer(file.read_text(), headers={"Content-Type": kind})

    with serving(answer) as server, reader(chromium, f"{server.address}/") as made:
        page = made.open("tasks/text-classification/index.html")
        page.locator("details[data-panel=download] summary").click()
        with page.expect_download() as waiting:
            page.get_by_role("button", name="CSV").click()
        text = waiting.value.path().read_bytes().decode()
    lines = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [line["model"].removeprefix("'") for line in lines] == names
    assert [line["model"] for line in lines if line["model"].strip()[0] in "=+-@"] == []


def raw(folder: Path, text: str) -> None:
    """Into a store, as a record of that name."""
    (folder / "records").mkdir(parents=True, exist_ok=True)
    (folder / "records" / f"{digest(text.encode())}.json").write_text(text)


def test_what_is_no_record_is_refused_and_said(tmp_path: Path) -> None:
    """Not-a-number, an unknown field, an unknown version, half a character: in their place stands a line."""
    record = encode(written(0.2, "some/model")[1])
    energy = json.dumps(record["figures"][0]["wh_per_1000"])
    text = json.dumps(record)
    for bad in (
        text.replace(energy, '{"low": NaN, "mid": 1.0, "high": Infinity}'),
        json.dumps({**record, "stars": 5}),
        json.dumps({**record, "schema_version": 99}),
        text.replace("some/model", "some/\\ud800"),
        "[" * 100_000,
    ):
        raw(tmp_path / "store", bad)
    done = command("leaderboard", "build", tmp_path / "store", "-o", tmp_path / "site")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("is left out") == 5
    data = json.loads((tmp_path / "site" / "data" / "text-classification.json").read_text())
    assert not [group for group in data["groups"] if group["given_stores"]]


@pytest.mark.parametrize("energy", [0.0, -1.0, 1e-320, 1e300])
def test_an_energy_that_cannot_be_breaks_nothing_and_0_wins_nothing(tmp_path: Path, energy: float) -> None:
    made = gather([store(tmp_path, [written(energy, "some/model"), *own(2)])], [])
    assert build(made, Options())["index.html"]
    assert energy > 0 or [row.model for group in made.groups for row in group.rows] == ["own-0/model", "own-1/model"]


@pytest.mark.parametrize("started", ["2999-01-01T00:00:00.000+00:00", "yesterday", "", "2026-01-01"])
def test_a_moment_that_cannot_be_is_no_news(tmp_path: Path, started: str) -> None:
    """The record is shown; the feed has only what it can put in order."""
    files = build(gather([store(tmp_path, [written(0.2, "odd/model", started=started), *own(1)])], []), Options())
    feed = ElementTree.fromstring(files["feed.xml"])
    moments = [one.text or "" for one in feed.iter("{http://www.w3.org/2005/Atom}updated")]
    assert all(moment.startswith(("2026-01-01T", "2999-01-01T")) for moment in moments)
    assert "odd/model" in files["data/text-classification.json"].decode()


def test_a_name_as_long_as_a_book_stays_in_its_place(chromium: Any, tmp_path: Path) -> None:
    name = "x" * 20_000 + "/" + "y" * 20_000
    made = gather([store(tmp_path / "store", [written(0.2, name, spread=0.02), *own(2)])], [])
    write(build(made, Options(single_file=True)), tmp_path / "site")
    with reader(chromium, (tmp_path / "site" / "index.html").as_uri(), **PHONE) as read:
        page = read.open("")
        for path in ("", "tasks/text-classification/"):
            page.evaluate("path => { location.hash = `#/${path}` }", path)
            page.wait_for_function("path => document.querySelector('main').dataset.path === path", arg=path)
            assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_one_record_is_the_same_bytes_as_another_only_if_it_is_it(tmp_path: Path) -> None:
    """Ids on the site are the first digits of those of the records."""
    records = own(3)
    made = gather([store(tmp_path, records)], [])
    ids = {row.id for group in made.groups for row in group.rows}
    assert ids == {digest(canonical(record))[:12] for _, record in records}
