"""A name is what its publisher made it: long, in any script, with markup; the label is none the worse."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree

import pytest

from tests.publishing.label.labels import LONG, TASKS, edition, estimated, measured, told
from wattstar.publishing.label.badge import badge
from wattstar.publishing.label.card import svg
from wattstar.publishing.label.embedding import embedded
from wattstar.publishing.label.pages import html, markdown
from wattstar.publishing.label.typesetting import Type, fitted, width

NAMES = {
    "long": LONG,
    "one word": "W" * 96,
    "Hebrew": "מוציא-לאור/שם-של-דגם-בשפה-העברית-" * 2,
    "Arabic": "الناشر/نموذج-لغوي-كبير-جدا-باللغة-العربية",
    "Chinese": "出版者/一個非常非常長的模型名稱用來測試標籤是否會溢出邊界以及縮小後的文字",
    "Japanese": "株式会社サンプル/とても長いモデル名のテスト用ラベル-7B-指示調整済み-日本語版",
    "Devanagari": "प्रकाशक/एक-बहुत-लंबा-मॉडल-नाम-परीक्षण-के-लिए",
    "marks": "maker/Z" + "\u0301\u0302\u0303" * 30,
    "emoji": "maker/🤖🔥💧" * 8,
    "markup": "maker/<script>alert(1)</script>&amp;\"'</svg>",
    "metadata": 'x/</metadata><metadata id="wattstar-label">{}',
    "control": "maker/a\x00b\x1b[31mc\u202ed\ue000e\nf\ufffe",
    "path": "../../etc/passwd",
    "slash": "/",
    "empty publisher": "/model",
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_the_file_is_well_formed_and_carries_the_very_name(name: str) -> None:
    for draw in (svg, badge):
        drawing = draw(told(measured(id=name), edition()))
        root = ElementTree.fromstring(drawing)
        [carried] = [element for element in root if element.tag.endswith("metadata")]
        assert json.loads(carried.text or "")["facts"]["model"] == name
        assert embedded(drawing).model == name
        assert not [element for element in root.iter() if element.tag.endswith("script")]


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_no_control_or_direction_sign_reaches_a_reader(name: str) -> None:
    for draw in (svg, badge, html, markdown):
        made = draw(told(measured(id=name), edition()))
        assert not set(made) & set("\x00\x1b\u202e\ue000\ufffe")
        assert "<script" not in made


def test_markdown_stays_one_table() -> None:
    made = markdown(told(measured(id="a/b|c\n\n# d [e](f) `g` <img>")), "label.svg")
    assert all(line.startswith(("|", "![")) or not line for line in made.splitlines())
    assert "<img" not in made


def test_the_end_of_a_long_name_stays_readable() -> None:
    shown, type = fitted(LONG.rpartition("/")[2], 320, Type(21, "#000000", bold=True))
    assert shown.endswith("7B-GGUF")
    assert shown.startswith("an-even-longer")
    assert type.size == 12
    assert width(shown, type) <= 320


@pytest.mark.parametrize("task", TASKS)
def test_a_label_of_every_task_is_well_formed(task: str) -> None:
    for member in (measured(task, id=LONG), estimated(task, id=LONG)):
        drawn = ElementTree.fromstring(svg(told(member, edition(task))))
        assert LONG in "".join(drawn.itertext()), "the whole name is there, if only for those who cannot see"
