"""What a real browser makes of labels: no text leaves its room, none covers another, and a camera reads the code."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.browser import browser
from tests.publishing.label.labels import TASKS, edition, estimated, measured, official, told
from tests.publishing.label.test_names import NAMES
from wattstar.publishing.label.badge import badge
from wattstar.publishing.label.card import svg
from wattstar.publishing.label.facts import Facts
from wattstar.publishing.label.pages import html
from wattstar.publishing.label.typesetting import FONTS

OUTSIDE = """
() => [...document.querySelectorAll("svg")].flatMap((drawing, at) => {
  const view = drawing.viewBox.baseVal, badge = view.height === 20, problems = [];
  const [left, right] = badge ? [0, view.width] : [18, 342];  // 2 units for hinting
  const texts = [...drawing.querySelectorAll("text")].map(text => ({said: text.textContent, box: text.getBBox()}));
  for (const {said, box} of texts)
    if (said && (box.x < left || box.x + box.width > right || box.y < 0 || box.y + box.height > view.height))
      problems.push(`${at}: ${JSON.stringify(said)} from ${box.x} to ${box.x + box.width}`);
  texts.forEach(({said, box: a}, i) => texts.slice(i + 1).forEach(({said: other, box: b}) => {
    const across = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
    const down = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
    if (across > 0.5 && down > Math.min(a.height, b.height) / 2)
      problems.push(`${at}: ${JSON.stringify(said)} covers ${JSON.stringify(other)}`);
  }));
  return problems;
})
"""


@pytest.fixture(scope="module")
def page() -> Iterator[Any]:
    with browser() as started:
        yield started.new_page(viewport={"width": 400, "height": 800})


def facts_of(task: str, name: str) -> list[Facts]:
    """Official, between two stars, hatched, without stars, estimated, without an edition."""
    by = edition(task)
    member = measured(task, id=name)
    starred = official(told(member, by))
    assert starred.place is not None
    between = replace(starred.place, span=(3, 4), chances=(0.0, 0.55, 0.45, 0.0, 0.0))
    return [
        starred,
        replace(starred, place=between),
        told(member, by),
        told(member, edition(task, models=5)),
        told(estimated(task, id=name), by),
        told(member, site="https://a-long-name-of-a-site.example.org"),
    ]


@pytest.mark.parametrize("task", TASKS)
def test_no_text_leaves_its_room_or_covers_another_in_any_task(page: Any, task: str) -> None:
    names = (NAMES["long"], NAMES["Hebrew"], NAMES["Chinese"])
    page.set_content("\n".join(svg(facts) for name in names for facts in facts_of(task, name)))
    assert page.evaluate(OUTSIDE) == []


def test_no_text_leaves_its_room_or_covers_another_with_any_name(page: Any) -> None:
    by = edition()
    page.set_content("\n".join(svg(official(told(measured(id=name), by))) for name in NAMES.values()))
    assert page.evaluate(OUTSIDE) == []


def test_a_wider_font_leaves_no_room_either(page: Any) -> None:
    wider = "DejaVu Sans, Verdana, monospace"
    drawn = [svg(facts) for name in ("maker/model", NAMES["long"]) for facts in facts_of("text-generation", name)]
    page.set_content("\n".join(drawn).replace(FONTS, wider))
    assert page.evaluate(OUTSIDE) == []


def test_no_text_leaves_a_badge(page: Any) -> None:
    page.set_content("\n".join(badge(facts) for task in TASKS for facts in facts_of(task, "maker/model")))
    assert page.evaluate(OUTSIDE) == []


@pytest.mark.parametrize("wh", [1.23e-10, 0.0123, 123456.7, 1.2e9])
def test_numbers_of_any_size_stay_in_their_room(page: Any, wh: float) -> None:
    page.set_content(svg(told(measured(wh=wh), edition())) + svg(told(measured(wh=wh))))
    assert page.evaluate(OUTSIDE) == []


def test_a_name_that_would_run_does_not(page: Any) -> None:
    said: list[str] = []
    page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
    page.set_content(html(told(measured(id=NAMES["markup"]))))
    assert page.locator("script").count() == 0
    assert said == []


def test_a_reader_of_screens_gets_the_number_and_its_range(page: Any) -> None:
    page.set_content(html(told(measured(), edition())))
    described = page.locator("svg").get_attribute("aria-labelledby").split()
    said = " ".join(page.locator(f"#{name}").text_content() for name in described)
    for words in ("2.37 Wh", "2.33 – 2.41 Wh", "per 1,000 queries", "3 of 5 stars", "self-reported"):
        assert words in said
    names = page.locator("dl dt").all_text_contents()
    assert len(names) == len(set(names)) == page.locator("dl dd").count()


@pytest.mark.parametrize("wide", [240, 360, 720])
def test_the_code_is_read_from_what_a_screen_shows(page: Any, wide: int) -> None:
    cv2 = pytest.importorskip("cv2")
    numpy = pytest.importorskip("numpy")
    image = pytest.importorskip("PIL.Image")
    facts = told(measured(), edition())
    page.set_content(f'<body style="margin:0">{svg(facts)}</body>')
    page.set_viewport_size({"width": wide, "height": 2 * wide})
    page.locator("svg").evaluate(
        "(svg, wide) => { svg.setAttribute('width', wide); svg.removeAttribute('height'); }", wide
    )
    shown = image.open(io.BytesIO(page.locator("svg").screenshot())).convert("L")
    larger = shown.resize((shown.width * 1440 // wide, shown.height * 1440 // wide), image.Resampling.BICUBIC)
    said, *_ = cv2.QRCodeDetector().detectAndDecode(numpy.asarray(larger))
    assert said == facts.address
