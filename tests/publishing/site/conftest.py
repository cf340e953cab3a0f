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


@dataclass(frozen=True)
class Site:
    """Built, and served below a path, as on GitHub Pages."""

    board: Board
    pages: list[Page]
    folder: Path
    home: str
    single: str
    """The address of the same in a single file on this disk."""

    def page(self, kind: str, **wanted: Any) -> Page:
        """The first one of this kind, or the one whose context holds this."""
        return next(
            page
            for page in self.pages
            if page.kind == kind and all(page.context.get(name) == value for name, value in wanted.items())
        )


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
