"""What a reader of any page is promised, in a real browser: whoever reads, on whatever, with or without scripts."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.publishing.site.conftest import EXAMPLES, Site
from tests.publishing.site.visiting import LISTEN, PHONE, Reader
from wattstar.publishing import site as package
from wattstar.publishing.site import paths

Reading = Callable[..., AbstractContextManager[Reader]]
LAYOUTS = {"base", "main", "single"}
KINDS = sorted(file.stem for file in (Path(package.__file__).parent / "templates").glob("*.html"))
PAGES = sorted({*KINDS, *EXAMPLES} - LAYOUTS)
WAYS: list[dict[str, Any]] = [{"color_scheme": "light"}, {"color_scheme": "dark", **PHONE}]
TOO_WIDE = """() => [document.documentElement.scrollWidth - document.documentElement.clientWidth,
  ...[...document.querySelectorAll("body *")].filter((one) => one.getBoundingClientRect().right > innerWidth + 1
    && one.checkVisibility() && !one.closest(".unseen, svg, .table-box, .year-box, pre, [role=region]"))
    .map((one) => one.outerHTML.slice(0, 120))]"""


def index(page: Any) -> str:
    return paths.file(page.path)


@pytest.mark.parametrize("way", WAYS, ids=["light", "dark phone"])
@pytest.mark.parametrize("kind", PAGES)
def test_a_screen_reader_gets_what_the_page_says(reading: Reading, site: Site, kind: str, way: dict[str, Any]) -> None:
    """No violation of any rule of axe-core; nothing that hangs out at 360 pixels; one heading of the first level."""
    from axe_playwright_python.sync_playwright import Axe

    with reading(**way) as reader:
        page = reader.open(index(site.page(kind)))
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        assert page.evaluate(TOO_WIDE) == [0]
        assert page.locator("h1").count() == 1


@pytest.mark.parametrize("kind", PAGES)
def test_a_page_without_scripts_says_the_same(reading: Reading, site: Site, kind: str) -> None:
    wanted = site.page(kind)
    with reading(java_script_enabled=False) as reader:
        page = reader.open(index(wanted))
        assert page.locator("h1").inner_text().strip()
        shown = page.locator("main").inner_text()
        for row in wanted.context["group"].rows[:10] if "task" in kind and "empty" not in kind else ():
            assert row.model.rpartition("/")[2] in shown
        assert page.locator(".needs-script >> visible=true").count() == 0


def test_every_link_of_the_navigation_leads_to_a_page_and_says_where_one_is(reading: Reading, site: Site) -> None:
    with reading() as reader:
        page = reader.open("index.html")
        names = page.locator("header nav a").all_inner_texts()
        for name in names:
            page.get_by_role("navigation", name="Main").get_by_role("link", name=name, exact=True).click()
            page.locator("footer").wait_for()
            assert page.locator("h1").count() == 1
            assert page.locator('header nav a[aria-current="page"]').inner_text() == name


@pytest.mark.parametrize("kind", ["home", "task", "record"])
def test_paper_gets_words_and_rows_and_no_controls(reading: Reading, site: Site, kind: str) -> None:
    with reading() as reader:
        page = reader.open(index(site.page(kind)))
        page.emulate_media(media="print")
        assert page.locator("h1").is_visible()
        for control in ("header nav", "[data-part=tools]", "[data-part=calculator] input", "[data-part=tray]"):
            assert page.locator(f"{control} >> visible=true").count() == 0, control


def test_colours_follow_the_reader(reading: Reading) -> None:
    grounds = set()
    for scheme in ("light", "dark"):
        with reading(color_scheme=scheme) as reader:
            grounds.add(reader.open("index.html").evaluate("getComputedStyle(document.body).backgroundColor"))
    assert len(grounds) == 2


def test_colours_of_the_system_leave_the_marks_apart(reading: Reading, site: Site) -> None:
    with reading(forced_colors="active") as reader:
        page = reader.open(index(site.page("task")))
        marks = page.locator(".stars .on, .stars .off").all_inner_texts()
        assert {"★", "☆"} <= set(marks)


def test_what_no_page_may_do_would_be_noticed(chromium: Any, site: Site) -> None:
    """A handler in markup and a request to somebody else: each alone fails whatever test it happens in."""
    context = chromium.new_context()
    context.add_init_script(LISTEN)
    reader = Reader(context, site.home)
    context.on("request", lambda request: reader.asked.append(request.url))
    page = reader.open("index.html")
    assert reader.noticed() == []
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<b onclick=alert(1)>b</b>')")
    page.evaluate("document.body.append(Object.assign(new Image(), {src: 'http://127.0.0.1:9/x.png'}))")
    page.wait_for_function("() => window.forbidden.length >= 2")
    noticed = "\n".join(reader.noticed())
    assert "script-src" in noticed
    assert "img-src: http://127.0.0.1:9/x.png" in noticed
    context.close()
