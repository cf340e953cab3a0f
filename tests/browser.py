"""A real browser without a window, for what is drawn on a page. Skipped where there is none, unless it is required."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

QUIET = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync"]  # fmt: skip


@contextmanager
def browser() -> Iterator[Any]:
    """Chromium, driven by Playwright; it asks no network for anything."""
    program = shutil.which("chromium")
    if program is None:
        said = "there is no chromium here: apt-get install chromium"
        if os.environ.get("WATTSTAR_BROWSER") == "required":
            pytest.fail(said)
        pytest.skip(said)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=program, args=QUIET)
        try:
            yield started
        finally:
            started.close()
