"""What a reader of a task's page can do, in a real browser; what is right is worked out here anew, from the board."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests.publishing.site.conftest import Site
from tests.publishing.site.visiting import PHONE, Reader
from wattstar.publishing.site import paths
from wattstar.publishing.site.board import Group, Row

Reading = Callable[..., AbstractContextManager[Reader]]


@pytest.fixture(scope="module")
def own(site: Site) -> tuple[str, Group]:
    """The page of the records that differ in everything, and their group."""
    page = site.page("task")
    return paths.file(page.path), page.context["group"]


@pytest.fixture
def page(reading: Reading, own: tuple[str, Group]) -> Iterator[Any]:
    with reading() as reader:
        yield reader.open(own[0])


def models(page: Any) -> list[str]:
    """Those in the table, in its order."""
    return [name.replace("\n", "") for name in page.locator("table.rows tbody tr .model").all_inner_texts()]


def best(group: Group, count: int = 10) -> list[str]:
    return [row.model for row in group.rows[:count]]


def panel(page: Any, name: str) -> Any:
    """One that opens below its button, opened."""
    made = page.locator(f"details[data-panel={name}]")
    if made.get_attribute("open") is None:
        made.locator("summary").click()
    return made


def test_the_first_rows_are_those_of_the_least_energy_and_more_can_be_had(page: Any, own: tuple[str, Group]) -> None:
    assert models(page) == best(own[1])
    page.get_by_role("button", name="Show 10 more rows").click()
    page.get_by_role("button", name="Show 4 more rows").click()
    assert models(page) == [row.model for row in own[1].rows]


def test_search_finds_by_words_anywhere_in_the_name(page: Any, own: tuple[str, Group]) -> None:
    page.get_by_label("Search models").fill("MODEL-2 onnx")
    wanted = [row.model for row in own[1].rows if "model-2" in row.model and row.engine == "onnx"]
    assert models(page) == wanted
    assert page.locator(".result").inner_text() == f"{len(wanted)} of {len(own[1].rows)} rows"
    page.get_by_label("Search models").fill("nobody")
    assert "No row is left" in page.locator("table.rows tbody").inner_text()
    page.get_by_role("button", name="Show all").click()
    assert models(page) == best(own[1])


def test_facets_narrow_and_add_up(page: Any, own: tuple[str, Group]) -> None:
    filters = panel(page, "filter")
    filters.get_by_role("checkbox", name=re.compile("^onnx")).check()
    filters.get_by_role("checkbox", name=re.compile("^openvino")).check()
    filters.get_by_role("checkbox", name=re.compile("^bfloat16")).check()
    wanted = [row.model for row in own[1].rows if row.engine in ("onnx", "openvino") and row.precision == "bfloat16"]
    assert models(page) == wanted
    filters.get_by_role("checkbox", name=re.compile("^1 B to 10 B")).check()
    assert models(page) == [
        row.model for row in own[1].rows if row.model in wanted and 1e9 <= (row.parameters or 0) < 1e10
    ]


@pytest.mark.parametrize(
    ("label", "key"),
    [
        ("Accuracy", lambda row: row.quality),
        ("Parameters", lambda row: row.parameters),
        ("Model", lambda row: tuple(int(part) if part.isdigit() else part for part in re.split(r"(\d+)", row.model))),
    ],
)
def test_a_head_sorts_up_then_down_and_says_so(
    page: Any, own: tuple[str, Group], label: str, key: Callable[[Row], Any]
) -> None:
    """Unknown comes last both ways; no other head claims to sort."""
    known = sorted((row for row in own[1].rows if key(row) is not None), key=key)
    for direction, wanted in (("ascending", known), ("descending", known[::-1])):
        page.get_by_role("columnheader").get_by_role("button", name=label, exact=True).click()
        assert models(page) == [row.model for row in wanted[:10]]
        heads = page.locator("th[aria-sort]")
        assert (heads.count(), heads.get_attribute("aria-sort")) == (1, direction)
        assert label in heads.inner_text()
    page.get_by_role("button", name="Show 10 more rows").click()
    page.get_by_role("button", name="Show 4 more rows").click()
    assert sorted(models(page)[len(known) :]) == sorted(row.model for row in own[1].rows if key(row) is None)


def test_columns_are_picked(page: Any) -> None:
    heads = page.locator("table.rows thead th[data-column]")
    names = set(heads.evaluate_all("all => all.map((one) => one.dataset.column)"))
    panel(page, "columns").get_by_label("Date").check()
    panel(page, "columns").get_by_label("Engine").uncheck()
    after = set(heads.evaluate_all("all => all.map((one) => one.dataset.column)"))
    assert after == (names | {"date"}) - {"engine"}


def test_a_tray_holds_four_and_lets_go(page: Any, own: tuple[str, Group]) -> None:
    for row in own[1].rows[:4]:
        page.get_by_label(f"Compare {row.model}", exact=True).check()
    tray = page.locator("[data-part=tray]")
    assert tray.locator("li").count() == 4
    assert page.get_by_label(f"Compare {own[1].rows[4].model}", exact=True).is_disabled()
    tray.get_by_role("button", name=f"Take {own[1].rows[0].model} out").click()
    assert tray.locator("li").count() == 3
    assert not page.get_by_label(f"Compare {own[1].rows[0].model}", exact=True).is_checked()
    tray.get_by_role("button", name="Clear").click()
    assert tray.is_hidden()


def test_the_calculator_adds_up(page: Any, own: tuple[str, Group]) -> None:
    """kWh, kg and money of a year, of two models, to the three digits that are shown."""
    first, other = own[1].rows[2], own[1].rows[20]
    entered = {"Queries a day": 12_345, "Grid": 56, "Price": 0.31, "PUE": 1.4}
    part = page.locator("[data-part=calculator]")
    part.get_by_label("This model").select_option(first.id)
    part.get_by_label("against").select_option(other.id)
    for label, value in entered.items():
        part.get_by_label(label, exact=False).first.fill(str(value))
    shown = [[cell.replace(",", "").replace("−", "-") for cell in line.locator("td").all_inner_texts()[:3]]
             for line in part.locator("table.year tbody tr").all()]  # fmt: skip
    kwh = [row.wh_per_1000.mid / 1000 * 12_345 * 365 / 1000 * 1.4 for row in (first, other)]
    wanted = [[each * scale for each in (*kwh, kwh[1] - kwh[0])] for scale in (1, 56 / 1000, 0.31)]
    for line, values in zip(shown, wanted, strict=True):
        assert [float(cell) for cell in line] == pytest.approx(values, rel=6e-3)
    saves = f"{first.model.partition('/')[2]} saves"
    assert part.locator(".saves").inner_text().startswith(saves)


@pytest.mark.parametrize(("label", "value"), [("PUE", "0.5"), ("Price", "-1"), ("Queries a day", "")])
def test_a_number_that_cannot_be_gives_no_result(page: Any, label: str, value: str) -> None:
    part = page.locator("[data-part=calculator]")
    field = part.get_by_label(label, exact=False).first
    field.fill(value)
    assert part.locator("table.year").count() == 0
    assert field.get_attribute("aria-invalid") == "true"


def test_a_link_brings_back_all_of_a_view(reading: Reading, own: tuple[str, Group]) -> None:
    """Search, filter, sort, columns, tray, axis and calculator: in another browser as in this one."""
    with reading() as reader:
        page = reader.open(own[0])
        page.get_by_label("Search models").fill("maker")
        panel(page, "filter").get_by_role("checkbox", name=re.compile("^onnx")).check()
        page.locator("#table-title").click()
        page.get_by_role("columnheader").get_by_role("button", name="Parameters").click()
        panel(page, "columns").get_by_label("Date").check()
        page.locator("#table-title").click()
        page.get_by_label(re.compile("^Compare maker")).nth(1).check()
        page.get_by_role("radio", name="Energy against parameters").check()
        page.locator("[data-part=calculator]").get_by_label("Price", exact=False).first.fill("0.5")
        states = "table.rows", "[data-part=tray]", "[data-part=calculator] .calculator-out", ".axis-word"
        before = [page.locator(state).first.inner_html() for state in states]
        address = page.url.removeprefix(reader.home)
    with reading() as reader:
        page = reader.open(address)
        assert [page.locator(state).first.inner_html() for state in states] == before
        assert page.get_by_label("Search models").input_value() == "maker"


@pytest.mark.parametrize("state", ["sort=nothing&rows=-1&columns=x&compare=1,2", "%", "q=%00&in.engine=none", "day=x"])
def test_an_odd_address_is_a_page(reading: Reading, own: tuple[str, Group], state: str) -> None:
    with reading() as reader:
        page = reader.open(f"{own[0]}#{state}")
        assert page.locator("table.rows tbody tr").count() > 0


def download(page: Any, name: str) -> bytes:
    with page.expect_download() as waiting:
        panel(page, "download").get_by_role("button", name=name).click()
    content: bytes = waiting.value.path().read_bytes()
    return content


def test_a_download_holds_the_rows_as_shown_and_all_of_them(page: Any, site: Site, own: tuple[str, Group]) -> None:
    """Those of later steps too, in the order of the table; the JSON as the published schema says."""
    import jsonschema

    panel(page, "filter").get_by_role("checkbox", name=re.compile("^float32")).check()
    page.locator("#table-title").click()
    page.get_by_role("columnheader").get_by_role("button", name="Model", exact=True).click()
    wanted = [row for row in own[1].rows if row.precision == "float32"]
    lines = list(csv.DictReader(io.StringIO(download(page, "CSV").decode())))
    assert [line["model"] for line in lines][:10] == models(page)
    energies = {row.model: row.wh_per_1000.mid for row in wanted}
    assert {line["model"]: float(line["wh_per_1000_queries"]) for line in lines} == pytest.approx(energies, rel=1e-4)
    assert [line["quality"] for line in lines].count("") == sum(row.quality is None for row in wanted)
    made = json.loads(download(page, "JSON"))
    jsonschema.validate(made, json.loads((site.folder / "data" / "schema.json").read_text()))
    assert made["groups"][0]["columns"]["model"] == [line["model"] for line in lines]


def test_every_control_is_reached_and_used_by_keys(page: Any, own: tuple[str, Group]) -> None:
    """By Tab alone; what has the focus shows it."""
    every = page.evaluate("""() => { const found = [...document.querySelectorAll(
        "main :is(a[href], button, input, select, summary, [tabindex='0'])")].filter((one) => one.checkVisibility()
        && !one.disabled && !(one.type === "radio" && !one.checked)); found.forEach((one, at) => one.dataset.at = at);
        return found.length }""")
    reached, unseen = set(), []
    for _ in range(every + 30):
        page.keyboard.press("Tab")
        at, ring = page.evaluate("""() => { const one = document.activeElement; const style = getComputedStyle(one);
            return [one.dataset.at, style.outlineStyle !== "none" || style.boxShadow !== "none"] }""")
        reached.add(at)
        unseen += [] if ring else [at]
    assert {str(at) for at in range(every)} <= reached
    assert set(unseen) <= {None}, "beside the page itself, between its end and its beginning"


def test_a_filter_is_set_and_its_panel_closed_by_keys(page: Any, own: tuple[str, Group]) -> None:
    summary = page.locator("details[data-panel=filter] summary")
    summary.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert summary.inner_text() == "Filter (1)"
    page.keyboard.press("Escape")
    assert page.locator("details[data-panel=filter]").get_attribute("open") is None
    assert summary.evaluate("one => one === document.activeElement")


def test_a_panel_is_closed_by_pointing_elsewhere(page: Any) -> None:
    made = panel(page, "filter")
    page.locator("#table-title").click()
    assert made.get_attribute("open") is None


def test_the_marks_of_the_drawing_are_read_out_by_arrow_keys(page: Any, own: tuple[str, Group]) -> None:
    page.locator(".scatter-box").focus()
    page.keyboard.press("ArrowRight")
    said = page.locator(".scatter-said").inner_text()
    least = next(row for row in own[1].rows if row.quality is not None)
    assert said.startswith(f"{least.model}: ")
    assert page.locator(".scatter .point").count() == sum(row.quality is not None for row in own[1].rows)


def test_an_embedded_page_is_the_table_and_what_it_says_of_itself(reading: Reading, own: tuple[str, Group]) -> None:
    with reading() as reader:
        page = reader.open(own[0] + "?embed=1#sort=model")
        assert page.locator("[data-part=calculator]").is_hidden()
        assert page.locator("nav >> visible=true").count() == 0
        assert page.locator("details.conditions").is_visible()
        assert page.locator("th[aria-sort=ascending]").inner_text() == "Model"
        way_out = page.locator(".embed-out a")
        with reader.context.expect_page() as opened:
            way_out.click()
        assert opened.value.url == reader.home + own[0] + "#sort=model"


def test_on_a_phone_a_row_says_what_each_number_is(reading: Reading, own: tuple[str, Group]) -> None:
    with reading(**PHONE) as reader:
        page = reader.open(own[0])
        page.get_by_label("Search models").fill("model-3")
        cell = page.locator("table.rows tbody tr td.energy").first
        assert cell.get_attribute("data-label") == "Wh per 1,000 queries"
        assert cell.is_visible()


def test_two_of_the_tray_are_compared_and_the_address_keeps_them(reading: Reading, own: tuple[str, Group]) -> None:
    """The ratio of their energies is that of the board."""
    less, more = own[1].rows[1], own[1].rows[9]
    with reading() as reader:
        page = reader.open(own[0])
        for row in (less, more):
            page.get_by_label(f"Compare {row.model}", exact=True).check()
        page.get_by_role("link", name="Compare 2").click()
        drawn = more.model.partition("/")[2]
        page.locator("main h2, main h3, main th").get_by_text(drawn).first.wait_for()
        shown = page.locator("main").inner_text().replace("\n", "")
        assert {row.model for row in (less, more) if row.model in shown} == {less.model, more.model}
        assert f"{more.wh_per_1000.mid / less.wh_per_1000.mid:.3g}×" in shown
        address = page.url.removeprefix(reader.home)
    with reading() as reader:
        page = reader.open(address)
        page.locator("main h2, main h3, main th").get_by_text(drawn).first.wait_for()
        assert page.locator("main").inner_text().replace("\n", "") == shown
