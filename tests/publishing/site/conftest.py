"""One browser and one built site for all tests of the leaderboard's pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.browser import browser
from tests.publishing.site.boards import everything
from tests.publishing.site.visiting import Reader, reader
from wattstar.cli.leaderboard.build import write
from wattstar.cli.leaderboard.serve import _Handler
from wattstar.publishing.site import Options, build
from wattstar.publishing.site.board import Board
from wattstar.publishing.site.build import all_pages
from wattstar.publishing.site.page import Page


def has_rows(page: Page) -> bool:
    return page.context.get("group") is not None


EXAMPLES: dict[str, Callable[[Page], bool]] = {
    "task": lambda page: has_rows(page) and page.context["group"].quality_name is not None,
    "task published": lambda page: has_rows(page) and page.context["group"].own is None,
    "task estimated": lambda page: has_rows(page) and page.context["group"].rows[0].plausible is not None,
    "task empty": lambda page: not has_rows(page),
    "record": lambda page: page.title.startswith("fake/model"),
}
"""The page that stands for a kind, where another would show less, and further ones of a kind; for others, the first."""


@dataclass(frozen=True)
class Site:
    """Built, and served below a path, as on GitHub Pages."""

    board: Board
    pages: list[Page]
    folder: Path
    home: str
    single: str
    """The address of the same in a single file on this disk."""

    def page(self, name: str) -> Page:
        """Of a kind, or one of ``EXAMPLES``."""
        kind = name.partition(" ")[0]
        return next(page for page in self.pages if page.kind == kind and EXAMPLES.get(name, bool)(page))


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("leaderboard")
    board = everything(folder / "store")
    root = folder / "web" / "somebody" / "leaderboard"
    write(build(board, Options(page_rows=10)), root)
    write(build(board, Options(page_rows=10, single_file=True)), folder / "single")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=str(folder / "web"))) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        home = f"http://127.0.0.1:{server.server_port}/somebody/leaderboard/"
        single = (folder / "single" / "index.html").as_uri()
        yield Site(board, all_pages(board, Options(page_rows=10)), root, home, single)
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    with browser() as started:
        yield started


@pytest.fixture
def reading(chromium: Any, site: Site) -> Callable[..., AbstractContextManager[Reader]]:
    """Opens the site as a reader with these settings."""

    def opened(home: str = site.home, **settings: Any) -> AbstractContextManager[Reader]:
        return reader(chromium, home, **settings)

    return opened
