"""``wattstar label`` and ``wattstar label verify``, from the words of the command line to the bytes of the file."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.publishing.label.labels import TASKS, edition, estimated, measured
from tests.support import command
from wattstar.publishing.label.embedding import embedded
from wattstar.rating import editions
from wattstar.records.store import Store
from wattstar.types import Finding, Record, Severity

EXAMPLES = Path(__file__).parents[3] / "docs" / "labels"


def stored(folder: Path, record: Record) -> str:
    return Store(folder).add(record)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "results"


@pytest.fixture
def name(store: Path) -> str:
    return stored(store, measured()[1])


@pytest.mark.parametrize("file", ["label.svg", "label.html", "badge.svg"])
def test_a_label_is_verified_to_the_byte(tmp_path: Path, store: Path, name: str, file: str) -> None:
    small = ["--badge"] if file.startswith("badge") else []
    drawn = command("label", name[:12], "--out", store, "-o", tmp_path / file, *small)
    assert drawn.returncode == 0, drawn.stderr
    checked = command("label", "verify", tmp_path / file, "--out", store)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "every byte" in checked.stdout


def test_a_label_by_an_edition_of_ones_own_is_verified(tmp_path: Path, store: Path, name: str) -> None:
    folder, file = tmp_path / "edition", tmp_path / "label.svg"
    editions.write(edition(), folder)
    assert command("label", name, "--out", store, "-o", file, "--edition", folder).returncode == 0
    said = embedded(file.read_text(encoding="utf-8"))
    assert said.place is not None
    assert said.place.stars == 3
    assert command("label", "verify", file, "--out", store, "--edition", folder).returncode == 0
    unknown = command("label", "verify", file, "--out", store)
    assert unknown.returncode == 2
    assert "no edition '2026-11'" in unknown.stderr


@pytest.mark.parametrize(
    ("what", "with_what", "said"),
    [
        (">2.37<", ">1.37<", "the drawing: line"),
        ('"mid":2.37', '"mid":1.37', "digest"),
        ('"status":"self-reported"', '"status":"reproduced"', "digest"),
        ("wattstar-label-1", "wattstar-label-9", "another kind"),
        ('"facts":{', '"facts":{"more":1,', "more"),
        ("</svg>", "</svg><!-- more -->", "the drawing: line"),
    ],
)
def test_whatever_is_changed_is_found(
    tmp_path: Path, store: Path, name: str, what: str, with_what: str, said: str
) -> None:
    file = tmp_path / "label.svg"
    command("label", name, "--out", store, "-o", file)
    text = file.read_text(encoding="utf-8")
    assert what in text
    file.write_text(text.replace(what, with_what), encoding="utf-8")
    checked = command("label", "verify", file, "--out", store)
    assert checked.returncode == 6
    assert said in checked.stdout + checked.stderr


def test_a_label_with_a_good_digest_and_other_facts_is_found(tmp_path: Path, store: Path, name: str) -> None:
    from wattstar.publishing.label.card import svg

    file = tmp_path / "label.svg"
    command("label", name, "--out", store, "-o", file)
    said = embedded(file.read_text(encoding="utf-8"))
    file.write_text(svg(replace(said, wh_per_1000=replace(said.wh_per_1000, mid=1.0), model="other")), encoding="utf-8")
    checked = command("label", "verify", file, "--out", store)
    assert checked.returncode == 6
    assert re.findall(r"WRONG: (\w+)", checked.stdout) == ["model", "wh_per_1000"]


def test_a_label_whose_record_is_not_in_the_store_names_it(tmp_path: Path, store: Path, name: str) -> None:
    file = tmp_path / "label.svg"
    command("label", name, "--out", store, "-o", file)
    checked = command("label", "verify", file, "--out", tmp_path / "other")
    assert checked.returncode == 2
    assert name in checked.stderr


def test_a_label_whose_record_was_edited_is_found(tmp_path: Path, store: Path, name: str) -> None:
    file, record = tmp_path / "label.svg", store / "records" / f"{name}.json"
    command("label", name, "--out", store, "-o", file)
    record.write_bytes(record.read_bytes().replace(b"2.37", b"1.37"))
    assert command("label", "verify", file, "--out", store).returncode == 6


@pytest.mark.parametrize("ending", ["png", "pdf"])
def test_pictures_are_the_same_bytes_each_time(tmp_path: Path, store: Path, name: str, ending: str) -> None:
    pytest.importorskip("typst", reason="pip install wattstar[label]")
    made = []
    for each in ("one", "other"):
        file = tmp_path / f"{each}.{ending}"
        assert command("label", name, "--out", store, "-o", file).returncode == 0
        made.append(file.read_bytes())
    assert made[0] == made[1]
    assert made[0].startswith({"png": b"\x89PNG", "pdf": b"%PDF"}[ending])


def test_the_code_on_a_picture_names_the_record(tmp_path: Path, store: Path, name: str) -> None:
    pytest.importorskip("typst", reason="pip install wattstar[label]")
    cv2 = pytest.importorskip("cv2", reason="pip install wattstar[vision]")
    file = tmp_path / "label.png"
    command("label", name, "--out", store, "-o", file, "--site", "https://example.org/board")
    said, *_ = cv2.QRCodeDetector().detectAndDecode(cv2.imread(str(file)))
    start = "https://example.org/board/r/"
    assert said == start + name[: 62 - len(start)]


@pytest.mark.parametrize("task", TASKS)
def test_the_committed_labels_follow_from_the_records_beside_them(task: str) -> None:
    checked = command("label", "verify", EXAMPLES / f"{task}.svg", "--out", EXAMPLES)
    assert checked.returncode == 0, f"{checked.stdout}: python scripts/label_examples.py draws them again"


def test_markdown_says_everything_in_a_table(store: Path, name: str) -> None:
    said = command("label", name, "--out", store, "--format", "markdown").stdout
    for words in ("| GPU energy per 1,000 queries | 2.37 Wh |", "maker/model", name, "self-reported"):
        assert words in said


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["zzz"], 2, "no record 'zzz'"),
        (["RECORD", "--edition", "1999-01"], 2, "no edition '1999-01'"),
        (["RECORD", "--scheme", "luck", "--edition", "2025-12"], 2, "luck"),
        (["RECORD", "-o", "label.bmp"], 2, "no format is known"),
        (["RECORD", "-o", "/no/such/folder/label.svg"], 2, "cannot be written"),
        (["RECORD", "--badge", "--format", "html"], 2, "A badge is drawn"),
        (["RECORD", "--site", "https://" + "a" * 60], 2, "too long for a QR code"),
        (["RECORD", "--reproduced-by", "RECORD"], 6, "reproduces nothing"),
        (["RECORD", "--superseded-by", "RECORD"], 6, "supersedes nothing"),
        (["RECORD", "--verified"], 6, "does not add up"),
        (["verify", "/no/such/label.svg"], 2, "cannot be read"),
    ],
)
def test_bad_words_get_a_reason_and_a_code(store: Path, name: str, words: list[str], code: int, said: str) -> None:
    done = command("label", *(name if word == "RECORD" else word for word in words), "--out", store)
    assert done.returncode == code, done.stderr
    assert said in done.stderr


def test_an_invalid_record_gets_none(store: Path) -> None:
    broken = stored(store, measured(findings=(Finding("power", Severity.INVALID, "too much"),))[1])
    done = command("label", broken, "--out", store)
    assert done.returncode == 4
    assert "gets no label" in done.stderr


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<svg></svg>",
        b"\x89PNG\xff",
        b'<metadata id="wattstar-label">{</metadata>',
        b'<metadata id="wattstar-label">[1]</metadata>',
        b"x" * 1_000_001,
        b'<metadata id="wattstar-label">' + b"[" * 200_000 + b"</metadata>",
    ],
    ids=["empty", "other", "picture", "no JSON", "no data", "large", "deep"],
)
def test_what_is_no_label_is_said_to_be_none(tmp_path: Path, store: Path, content: bytes) -> None:
    file = tmp_path / "label.svg"
    file.write_bytes(content)
    done = command("label", "verify", file, "--out", store)
    assert done.returncode in (2, 6)
    assert "label" in done.stderr


def test_estimates_get_a_label_without_stars(store: Path) -> None:
    name = stored(store, estimated()[1])
    done = command("label", name, "--out", store, "--edition", "2025-12")
    assert done.returncode == 0
    assert "range, not 95 %" in done.stdout
    assert "of 5 stars" not in done.stdout
