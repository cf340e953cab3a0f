"""Pictures of every kind of page, light, dark and on a phone, as docs/leaderboard.md shows them.

python scripts/leaderboard_pictures.py STORE docs/leaderboard
"""

from __future__ import annotations

import io
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from wattstar.publishing.site import Options, build, gather, paths
from wattstar.publishing.site.board import Board
from wattstar.rating import editions
from wattstar.records.store import Store

CHROMIUM = "/usr/bin/chromium"
WIDE, PHONE, HEIGHT = 1280, 390, 1000
SHOWN = 420
"""Pixels of height of a picture in the sheet."""
GAP = 12
COLOURS = 64


class Quiet(SimpleHTTPRequestHandler):
    """Says nothing of what it serves."""

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The folder's address on this machine."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def wanted(board: Board) -> dict[str, str]:
    """A page of each kind; of records, of those of the task that has the most in the store."""
    own = max((group for group in board.groups if group.own), key=lambda group: len(group.rows))
    field = next(field for field in board.fields if field.task == own.task)
    useful = next(row for row in own.rows if row.weights != "random")
    record = next(name for name in board.records if name.startswith(useful.id))
    compared = ",".join(row.id for row in own.rows[:3])
    plain = {name: f"{name}/" for name in ("study", "method", "editions", "data", "submit", "faq")}
    pages = {
        "home": "",
        "task": paths.task(board.fields[0]),
        "own": paths.task(field, own),
        "model": paths.model(board.fields[0].groups[0].rows[0].model),
        "record": paths.record(record),
        "begin": paths.COMPARE,
        "api": paths.API,
        **plain,
    }
    versus = f"{paths.file(paths.COMPARE)}#task={own.task}&group={own.slug}&rows={compared}"
    return {name: paths.file(path) for name, path in pages.items()} | {"compare": versus}


def picture(browser: Browser, address: str, width: int, scheme: str) -> Image.Image:
    """The first screen of a page."""
    page = browser.new_page(viewport={"width": width, "height": HEIGHT})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    response = page.goto(address, wait_until="networkidle")
    assert response is None or response.ok, f"{address}: {response.status}"
    data = page.screenshot()
    page.close()
    made = Image.open(io.BytesIO(data)).convert("RGB")
    return made.resize((round(made.width * SHOWN / made.height), SHOWN), Image.Resampling.LANCZOS)


def sheet(browser: Browser, address: str) -> Image.Image:
    """Light, dark and a phone side by side."""
    parts = [
        picture(browser, address, width, scheme)
        for width, scheme in ((WIDE, "light"), (WIDE, "dark"), (PHONE, "light"))
    ]
    made = Image.new("RGB", (sum(part.width for part in parts) + 2 * GAP, SHOWN), "white")
    left = 0
    for part in parts:
        made.paste(part, (left, 0))
        left += part.width + GAP
    return few(made)


def few(made: Image.Image) -> Image.Image:
    """In few colours: by coverage, as the one accent is on few pixels, and the median would lose it."""
    return made.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)


def main(store: Path, out: Path) -> None:
    """Build, serve, look, write."""
    board = gather([Store(store)], [editions.load(name) for name in editions.names()])
    files = build(board, Options())
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for name, data in files.items():
            target = Path(folder) / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        with served(Path(folder)) as address, sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            for name, path in wanted(board).items():
                sheet(browser, address + path).save(out / f"{name}.png", optimize=True)
            few(picture(browser, address + "index.html", WIDE, "light")).save(out / "home-light.png", optimize=True)
            browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
