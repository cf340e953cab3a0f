"""What the one who builds a leaderboard, and who opens it, is promised."""

from __future__ import annotations

import re
from functools import partial
from html.parser import HTMLParser
from http.server import ThreadingHTTPServer
from pathlib import Path, PurePosixPath
from posixpath import normpath
from socket import create_connection
from threading import Thread

import pytest

from tests.publishing.site.boards import board, edition, own, store
from tests.support import command, written
from wattstar.cli.leaderboard.serve import _Handler
from wattstar.publishing.site import Options, build, gather

OUR_PICTURES = ("../labels/", "data:image/svg+xml;base64,")
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>/{{ 7 * 7 }}'


class Tags(HTMLParser):
    """The elements of a page, with their attributes, and the text that is no script's."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def pages(files: dict[str, bytes]) -> dict[str, Tags]:
    return {name: Tags(data.decode()) for name, data in files.items() if name.endswith(".html")}


def test_the_same_board_gives_the_same_bytes(tmp_path: Path) -> None:
    first = build(board(tmp_path), Options())
    again = build(gather([store(tmp_path / "other", list(reversed(own())))], [edition()]), Options())
    assert first == again
    assert build(board(tmp_path), Options(single_file=True)) == build(board(tmp_path), Options(single_file=True))


def test_every_link_leads_to_a_file_that_is_there(tmp_path: Path) -> None:
    files = dict(build(board(tmp_path), Options()))
    for name, tags in pages(files).items():
        ids = {attributes.get("id") for _, attributes in tags.found}
        for tag, attributes in tags.found:
            address = attributes.get("href") or attributes.get("src")
            if not address:
                continue
            assert not re.match(r"[a-z]+:|/", address) or tag == "a", (name, address)
            path, _, fragment = address.partition("#")
            if path and not path.startswith("https:"):
                target = normpath(PurePosixPath(name).parent / path)
                assert target in files, (name, address)
            elif fragment and not path:
                assert fragment in ids, (name, address)


def test_nothing_is_inline_that_the_policy_forbids(tmp_path: Path) -> None:
    for name, tags in pages(dict(build(board(tmp_path), Options()))).items():
        policy = next(a["content"] for t, a in tags.found if a.get("http-equiv") == "Content-Security-Policy")
        assert policy is not None
        assert policy.startswith("default-src 'self'"), name
        for tag, attributes in tags.found:
            assert tag != "style", name
            assert tag != "script" or attributes.get("src") or attributes.get("type") == "application/json", name
            assert not [key for key in attributes if key == "style" or key.startswith("on")], (name, attributes)


@pytest.mark.parametrize("single_file", [False, True])
def test_a_name_with_markup_is_a_name(tmp_path: Path, single_file: bool) -> None:
    """In a published figure, in a record, on every page, and in the data of scripts."""
    stores = [store(tmp_path, [written(0.2, HOSTILE, family=HOSTILE)])]
    made = gather(stores, [edition([HOSTILE, *(f"p-{n}/m" for n in range(8))])])
    for name, data in build(made, Options(title=HOSTILE, single_file=single_file)).items():
        if name.endswith(".html"):
            for tag, attributes in Tags(data.decode()).found:
                assert tag != "img" or str(attributes["src"]).startswith(OUR_PICTURES), name
                assert not [key for key in attributes if key.startswith("on")], (name, attributes)
            assert b"<script>alert" not in data, name
            assert b"49" not in re.findall(rb"onerror=alert\(2\)&gt;/(..)", data), name


def test_published_figures_and_own_records_never_stand_in_one_ranking(tmp_path: Path) -> None:
    made = board(tmp_path)
    for group in made.groups:
        assert len({row.record for row in group.rows}) == 1
    assert {row.model for group in made.groups for row in group.rows if row.record} == {
        f"own-{n}/model" for n in range(3)
    }


def test_a_page_holds_so_many_rows_and_says_how_many_there_are(tmp_path: Path) -> None:
    made = gather([], [edition([f"p-{n}/m" for n in range(30)])])
    html = build(made, Options(page_rows=10))["tasks/text-classification/index.html"].decode()
    assert html.count('<th scope="row"') == 10
    assert "The first 10 of 30 rows" in html


def test_a_damaged_record_is_said_and_left_out(tmp_path: Path) -> None:
    store(tmp_path / "store", own(2))
    (tmp_path / "store" / "records" / f"{'0' * 64}.json").write_text('{"wh": NaN}')
    done = command("leaderboard", "build", tmp_path / "store", "-o", tmp_path / "site")
    assert done.returncode == 0
    assert "record 000000000000 is left out" in done.stderr
    assert (tmp_path / "site" / "index.html").exists()


def test_a_folder_of_somebody_else_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    done = command("leaderboard", "build", "-o", tmp_path)
    assert done.returncode == 2
    assert "is not empty" in done.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["mine.txt"]


def test_a_second_build_replaces_the_first_and_leaves_other_files_alone(tmp_path: Path) -> None:
    site = tmp_path / "site"
    command("leaderboard", "build", "-o", site)
    (site / "CNAME").write_text("somewhere")
    assert (site / "method" / "index.html").exists()
    assert command("leaderboard", "build", "--single-file", "-o", site).returncode == 0
    assert sorted(file.name for file in site.iterdir()) == [".wattstar-leaderboard", "CNAME", "index.html"]


def test_a_store_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    done = command("leaderboard", "build", tmp_path / "none", "-o", tmp_path / "site")
    assert done.returncode == 2
    assert "→ wattstar run" in done.stderr
    assert not (tmp_path / "site").exists()


def test_a_reader_who_goes_away_early_is_no_fault(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "large").write_bytes(bytes(30_000_000))
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=str(tmp_path))) as server:
        server.daemon_threads = False  # so that leaving waits for them
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        with create_connection(server.server_address[:2]) as reader:  # type: ignore[arg-type]
            reader.sendall(b"GET /large HTTP/1.0\r\n\r\n")
            reader.recv(1)
        server.shutdown()
        thread.join()
    assert capfd.readouterr().err == ""


def test_modules_of_the_single_file_have_no_name_twice() -> None:
    from wattstar.publishing.site.render import static, statics

    names: dict[str, str] = {}
    for file in [*statics("js", ".js"), *statics("js/pages", ".js")]:
        for name in re.findall(
            r"^(?:export )?(?:async )?(?:function|const|let|class) (\w+)", static(file), re.MULTILINE
        ):
            assert names.setdefault(name, file) == file, f"{name} stands in {names[name]} and {file}"
