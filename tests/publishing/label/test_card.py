"""What a label promises to its readers: the number first, its doubt beside it, stars only where they are earned."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from tests.publishing.label.labels import TASKS, edition, edition_of, estimated, measured, official, told
from wattstar.errors import GateFailed, UsageError, VerificationFailed
from wattstar.publishing.label.badge import badge
from wattstar.publishing.label.card import svg
from wattstar.publishing.label.drawing import COLOURS
from wattstar.publishing.label.embedding import embedded
from wattstar.publishing.label.pages import html, markdown
from wattstar.records.words import number
from wattstar.types import Figure, Finding, Interval, Severity

COMMITTED = sorted((Path(__file__).parents[3] / "docs" / "labels").glob("*.svg"))


def texts(drawing: str) -> list[str]:
    return [words.replace("\u00a0", " ") for words in re.findall(r"<text[^>]*>([^<]*)</text>", drawing)]


def sizes(drawing: str) -> dict[str, float]:
    return {said: float(size) for size, said in re.findall(r'<text[^>]*font-size="([\d.]+)"[^>]*>([^<]*)<', drawing)}


@pytest.mark.parametrize("task", TASKS)
def test_every_condition_of_the_number_is_on_the_label(task: str) -> None:
    said = " ".join(texts(svg(official(told(measured(task), edition(task))))))
    for words in ("2.37", "Wh", "2.33 – 2.41 Wh", "95 % · 4 passes", "GPU energy per 1,000 queries", "H100", "bfloat16",
                  "transformers 5.23.0", "GPU, energy counter", "edition mini-2 (dddddddd)", "2026-01-01",
                  "Edition 2026-11", ": 12 models, 12 families, provisional", "Self-reported",
                  "accuracy 0.812"):  # fmt: skip
        assert words in said


def test_the_number_is_larger_than_all_other_words_and_than_the_stars() -> None:
    drawing = svg(official(told(measured(), edition())))
    number = sizes(drawing).pop("2.37")
    assert all(size < number / 2 for said, size in sizes(drawing).items() if said != "2.37")
    heights = [
        max(float(y) for y in re.findall(r",([\d.]+)", points))
        - min(float(y) for y in re.findall(r",([\d.]+)", points))
        for points in re.findall(r'<polygon points="([^"]+)"', drawing)
    ]
    assert max(heights) < number


def test_no_words_are_smaller_than_can_be_read_in_print() -> None:
    assert min(sizes(svg(told(measured(id="maker/" + "x" * 90), edition()))).values()) >= 12


def test_the_cuts_stand_in_wh_under_the_scale() -> None:
    by = edition()
    cuts = by.populations[0].cuts
    assert cuts is not None
    said = texts(svg(told(measured(), by)))
    places = [said.index(number(cut)) for cut in cuts]
    assert places == sorted(places)
    assert all(later - earlier == 1 for earlier, later in pairwise(places))
    assert said[places[-1] + 1] == "Wh"


def test_an_estimate_says_so_three_times_and_has_no_star_on_a_scale_of_measurements() -> None:
    said = texts(svg(told(estimated(), edition())))
    assert "~0.933" in said
    assert "range, not 95 %" in said
    assert "Estimated" in said
    assert "No stars" in said
    assert not any("of 5 stars" in words for words in said)


def test_stars_of_estimates_among_estimates_are_hatched() -> None:
    members = [estimated(id=f"maker-{place}/model") for place in range(8)]
    spread = []
    for place, (_, record) in enumerate(members):
        made = record.figures[0]
        wh = 0.1 * 2.0**place
        figures = (replace(made, wh_per_1000=Interval(wh, wh, wh), plausible=Interval(wh / 2, wh, wh * 2)),)
        spread.append((f"{place:064x}", replace(record, figures=figures)))
    drawing = svg(told(spread[2], edition_of(spread)))
    assert "Unofficial." in " ".join(texts(drawing))
    stars = re.findall(r'<polygon points="[^"]*" fill="([^"]*)" stroke="[^"]*" stroke-width="1.5"', drawing)
    assert len(stars) == 5
    assert COLOURS["brand"] not in stars
    assert any(fill.startswith("url(#hatch-") for fill in stars)


def test_without_an_edition_there_are_no_stars_and_the_label_says_why() -> None:
    said = texts(svg(told(measured())))
    assert "No stars" in said
    assert "No edition was named." in said


def test_one_pass_has_no_interval_and_the_label_says_so() -> None:
    made = measured()[1].figures[0]
    single = replace(made, wh_per_1000=Interval(None, 2.37, None), passes=1)
    said = texts(svg(told(measured(figures=(single,)), edition())))
    assert "interval unknown" in said
    assert "1 pass" in said
    assert not any("95 %" in words for words in said)


@pytest.mark.parametrize("wh", [1.23e-10, 0.000123, 0.0123, 1.23, 123.0, 12345.6, 1.2e9])
def test_a_number_of_any_size_is_written_out(wh: float) -> None:
    by = edition_of([measured(wh=wh * 1.6**place, id=f"maker-{place}/model") for place in range(12)])
    said = texts(svg(told(measured(wh=wh), by)))
    assert number(wh) in said
    assert {number(cut) for cut in by.populations[0].cuts or ()} <= set(said)
    assert any(f"{number(wh * 0.985)} – {number(wh * 1.015)} Wh" in words for words in said)


def test_the_same_record_and_edition_give_the_same_bytes() -> None:
    for draw in (svg, badge, html, markdown):
        assert draw(told(measured(), edition())) == draw(told(measured(), edition()))


@pytest.mark.parametrize("file", COMMITTED, ids=lambda file: file.name)
def test_the_committed_labels_are_drawn_alike_on_every_machine(file: Path) -> None:
    drawing = file.read_text(encoding="utf-8")
    draw = badge if "badge" in file.name else svg
    assert draw(embedded(drawing)) == drawing


def test_there_are_committed_labels_of_every_task() -> None:
    assert {embedded(file.read_text(encoding="utf-8")).task for file in COMMITTED} >= set(TASKS)


def contrast(one: str, other: str) -> float:
    """WCAG 2.2: (L1 + 0.05) / (L2 + 0.05)."""
    lights = sorted((_luminance(one), _luminance(other)))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def _luminance(colour: str) -> float:
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * channel for weight, channel in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize(
    ("front", "back", "least"),
    [("ink", "paper", 7), ("muted", "paper", 7), ("brand", "paper", 4.5), ("paper", "ink", 7), ("paper", "brand", 4.5),
     ("ink", "tint", 7), ("outline", "paper", 3), ("outline", "tint", 3), ("brand", "tint", 3)],
)  # fmt: skip
def test_contrast(front: str, back: str, least: float) -> None:
    assert contrast(COLOURS[front], COLOURS[back]) >= least


def test_nothing_is_drawn_in_a_colour_whose_contrast_is_not_tested() -> None:
    for drawing in (svg(told(measured(), edition())), svg(told(estimated())), badge(told(measured()))):
        assert set(re.findall(r"#[0-9A-Fa-f]{6}", drawing)) <= set(COLOURS.values())


def test_nothing_is_asked_of_the_network_and_nothing_runs() -> None:
    drawing = svg(told(measured(), edition(), site="https://example.org/board"))
    for word in ("<script", "<image", "<use", "<foreignObject", "href=", "@import", "onload"):
        assert word not in drawing
    assert set(re.findall(r"url\(([^)]*)\)", drawing)) <= {f"#hatch-{told(measured()).record[:8]}"}


def test_an_invalid_record_gets_no_label() -> None:
    with pytest.raises(GateFailed, match="failed or is invalid"):
        told(measured(findings=(Finding("power", Severity.INVALID, "too much"),)))


def test_a_site_whose_address_does_not_fit_the_code_is_refused() -> None:
    assert told(measured(), site="https://" + "a" * 38).address.rpartition("/")[2] == measured()[0][:13]
    with pytest.raises(UsageError, match="too long for a QR code"):
        told(measured(), site="https://" + "a" * 60)


def test_a_claim_of_reproduction_is_checked() -> None:
    name, record = measured()
    again = "e" * 64, replace(record, started="2026-02-02T00:00:00.000+00:00")
    assert told((name, record), reproduced_by=again).status == "reproduced"
    with pytest.raises(VerificationFailed, match="reproduces nothing"):
        told((name, record), reproduced_by=(name, record))
    with pytest.raises(VerificationFailed, match="does not agree"):
        told((name, record), reproduced_by=(again[0], replace(again[1], figures=(_twice(record.figures[0]),))))


def test_a_claim_to_be_superseded_is_checked() -> None:
    name, record = measured()
    newer = ("f" * 64, replace(record, started="2026-02-02T00:00:00.000+00:00"))
    assert told((name, record), superseded_by=newer).status == "superseded"
    with pytest.raises(VerificationFailed, match="supersedes nothing"):
        told(newer, superseded_by=(name, record))


def test_an_estimate_stays_one_whatever_is_claimed() -> None:
    assert told(estimated(), verified=True).status == "estimated"
    assert told(measured(), verified=True).status == "verified"


def _twice(made: Figure) -> Figure:
    mid = 2 * made.wh_per_1000.mid
    return replace(made, wh_per_1000=Interval(0.99 * mid, mid, 1.01 * mid))
