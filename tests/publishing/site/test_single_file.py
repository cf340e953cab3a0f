"""What the one file that opens from disk can do: all that the folder can, with no other file and no server."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from tests.publishing.site.conftest import Site
from tests.publishing.site.visiting import PHONE, Reader

Reading = Callable[..., AbstractContextManager[Reader]]


def models(page: Any) -> list[str]:
    return [name.replace("\n", "") for name in page.locator("table.rows tbody tr .model").all_inner_texts()]


def test_it_asks_for_nothing_but_itself_and_every_page_is_in_it(reading: Reading, site: Site) -> None:
    with reading(site.single) as reader:
        page = reader.open("")
        for wanted in site.pages:
            if wanted.kind == "api":  # of files that are not there
                continue
            page.evaluate("path => { location.hash = `#/${path}` }", wanted.path)
            page.wait_for_function("path => document.querySelector('main').dataset.path === path", arg=wanted.path)
            assert page.locator("main h1").count() == 1
        assert reader.asked == [site.single]


def test_it_is_walked_through_by_its_links(reading: Reading, site: Site) -> None:
    wanted = site.page("task")
    with reading(site.single) as reader:
        page = reader.open("")
        page.get_by_role("link", name="Text classification", exact=True).click()
        page.locator(f'nav.kinds a[href="#/{wanted.path}"]').click()
        page.locator("main h1").wait_for()
        best = wanted.context["group"].rows[0].model
        page.locator("table.rows tbody a").first.click()
        page.wait_for_function("() => document.querySelector('main').dataset.kind === 'model'")
        assert best.replace("/", "") in page.locator("h1").inner_text().replace("/", "").replace("\n", "")
        page.go_back()
        page.wait_for_function("() => document.querySelector('main').dataset.kind === 'task'")


def test_its_table_is_searched_sorted_kept_in_the_address_and_downloaded(reading: Reading, site: Site) -> None:
    wanted = site.page("task")
    rows = wanted.context["group"].rows
    with reading(site.single, **PHONE) as reader:
        page = reader.open(f"#/{wanted.path}")
        page.get_by_label("Search models").fill("onnx")
        found = [row.model for row in rows if row.engine == "onnx"]
        assert models(page) == found
        with page.expect_download() as waiting:
            page.locator("details[data-panel=download] summary").click()
            page.get_by_role("button", name="CSV").click()
        assert waiting.value.path().read_text().count("\n") == len(found) + 1
        address = page.url.removeprefix(reader.home)
        assert re.search(r"\?q=onnx$", address)
    with reading(site.single) as reader:
        assert models(reader.open(address)) == found
