"""How long the leaderboard takes to build and to show its first rows; see README.md beside it."""

from __future__ import annotations

import argparse
import gzip
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from tests.browser import browser
from tests.publishing.site.boards import various
from tests.support import WATTSTAR

from wattstar.records.codec import canonical

SIZES = (1000, 10_000)
GRADIO = Path(__file__).with_name("gradio_app.py")
OFFLINE = {**os.environ, "GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_OFFLINE": "1"}
SEEN = """name => {
  const look = () => [...document.querySelectorAll("tbody tr")].some(
    (row) => row.checkVisibility() && row.textContent.includes(name))
    ? (window.seen = performance.now()) : requestAnimationFrame(look);
  look() }"""


@dataclass
class Shown:
    """One way to show so many rows, and what it took."""

    name: str
    rows: int
    address: str
    first: str
    """The model that stands in the first row."""
    seconds: list[float] = field(default_factory=list)
    requests: int = 0
    fetched: int = 0
    zipped: int = 0


def main() -> None:
    """Build, show in turns, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gradio", help="a Python that has gradio 6")
    parser.add_argument("--rounds", type=int, default=7)
    asked = parser.parse_args()
    print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f} before; Python {sys.version.split()[0]}")
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        sites = [built(Path(folder), rows) for rows in SIZES]
        ways = [stack.enter_context(served(site, rows)) for site, rows in zip(sites, SIZES, strict=True)]
        if asked.gradio:
            ways += [
                stack.enter_context(as_gradio(asked.gradio, site, way))
                for site, way in zip(sites, ways[:], strict=True)
            ]
        started = stack.enter_context(browser())
        for turn in range(asked.rounds):
            for way in ways:
                look(started, way, count=turn == 0)
        report(ways, asked.rounds)


def built(folder: Path, rows: int) -> Path:
    """A site of so many records, and a line on what it took."""
    store, site = folder / f"store-{rows}", folder / f"site-{rows}"
    (store / "records").mkdir(parents=True)
    for name, record in various(rows, seed=1):
        (store / "records" / f"{name}.json").write_bytes(canonical(record))
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([*WATTSTAR, "leaderboard", "build", store, "-o", site], check=True, capture_output=True)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    files = [file for file in site.rglob("*") if file.is_file()]
    size = sum(file.stat().st_size for file in files) / 1e6
    print(
        f"build of {rows:,} records: {wall:.1f} s ({cpu:.1f} s of CPU), {len(files):,} files, {size:.0f} MB", flush=True
    )
    return site


@contextmanager
def served(site: Path, rows: int) -> Iterator[Shown]:
    """By ``wattstar leaderboard serve``."""
    with running([*WATTSTAR, "leaderboard", "serve", site, "--port", "0"]) as address:
        page = max(site.glob("tasks/*/*/index.html"), key=lambda file: file.stat().st_size)
        html = page.read_text()
        found = re.search(r"<b>([^<]+)</b>", html.split("<tbody>")[1])
        assert found
        yield Shown("this site", rows, f"{address}{page.relative_to(site)}", found[1])


@contextmanager
def as_gradio(python: str, site: Path, like: Shown) -> Iterator[Shown]:
    """The same rows in a table of gradio."""
    with running([python, str(GRADIO), str(site / "data" / "text-classification.json")]) as address:
        yield Shown("gradio 6 Dataframe", like.rows, address, like.first)


@contextmanager
def running(command: Sequence[str | Path]) -> Iterator[str]:
    """A server until it is left; the address that its first line names."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=OFFLINE) as process:
        assert process.stdout
        try:
            yield process.stdout.readline().split()[0]
        finally:
            process.terminate()


def look(started: Any, way: Shown, *, count: bool) -> None:
    """One visit with an empty cache."""
    context = started.new_context(viewport={"width": 1280, "height": 900})
    bodies: list[Any] = []
    page = context.new_page()
    page.on("response", lambda response: bodies.append(response))
    page.add_init_script(f"({SEEN})({way.first!r})")
    page.goto(way.address, wait_until="commit")
    page.wait_for_function("() => window.seen", timeout=120_000)
    way.seconds.append(page.evaluate("window.seen") / 1000)
    if count:
        page.wait_for_load_state("load")
        found = [response.body() for response in bodies if response.status == 200]
        way.requests, way.fetched = len(bodies), sum(map(len, found))
        way.zipped = sum(len(gzip.compress(body)) for body in found)
    context.close()


def report(ways: Sequence[Shown], rounds: int) -> None:
    """A line each."""
    print(f"\nfirst rows visible, {rounds} interleaved visits with an empty cache")
    print(f"{'':22}{'rows':>8}{'median':>10}{'least':>10}{'most':>10}{'requests':>10}{'fetched':>10}{'gzipped':>10}")
    for way in ways:
        times = "".join(f"{found(way.seconds):>8.2f} s" for found in (median, min, max))
        sizes = "".join(f"{size / 1000:>7,.0f} kB" for size in (way.fetched, way.zipped))
        print(f"{way.name:22}{way.rows:>8,}{times}{way.requests:>10}{sizes}")


if __name__ == "__main__":
    main()
