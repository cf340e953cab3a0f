"""Watts per core are fitted to what a counter said, and a file that does not fit this machine is refused aloud."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from wattstar.errors import MeterUnavailable
from wattstar.meters._calibration import Calibration, Point, calibration_file, fit, load, save

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
LEVELS = (0.02, 4.0, 8.0, 12.0, 16.0)


@pytest.fixture(autouse=True)
def data_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that does not exist yet."""
    monkeypatch.setenv("WATTSTAR_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "data"


def line(slope: float, rest: float, bends: tuple[float, ...] = (1, 1, 1, 1)) -> list[Point]:
    """Loads that draw so many watts a core, times a bend at each of four levels."""
    rising = [Point(busy, rest + slope * busy * bend) for busy, bend in zip(LEVELS[1:], bends, strict=True)]
    return [Point(LEVELS[0], rest), *rising]


def test_a_known_line_is_found() -> None:
    found = fit("a processor", line(4.5, 40.0), NOW)
    assert found.watts_per_core == pytest.approx(4.5)
    assert found.watts_at_rest == pytest.approx(40.0)
    assert found.factor == 1.2, "never surer than that"
    assert (found.cpu, found.made) == ("a processor", NOW)


def test_the_order_and_number_of_points_do_not_matter() -> None:
    points = line(4.5, 40.0)
    assert fit("a processor", points[::-1] * 3, NOW).watts_per_core == pytest.approx(4.5)


def test_every_load_lies_within_the_factor() -> None:
    points = line(4.0, 40.0, bends=(1.7, 1.3, 1.1, 1.0))
    found = fit("a processor", points, NOW)
    assert 1.2 < found.factor < 1.7
    ratios = [(p.watts - found.watts_at_rest) / (found.watts_per_core * p.busy_cores) for p in points[1:]]
    assert all(1 / found.factor <= ratio * (1 + 1e-12) for ratio in ratios)
    assert max(*ratios, *(1 / ratio for ratio in ratios)) == pytest.approx(found.factor)


@pytest.mark.parametrize(
    ("points", "reason"),
    [
        ([], "levels of load, and has 0"),
        (line(4.5, 40.0)[1:], "power at rest"),
        (line(4.5, 40.0)[:3], "and has 2"),
        ([*line(4.5, 40.0)[:2], *[Point(4.01, 58.0)] * 5], "and has 1"),
        (line(0.0, 40.0), "no more than rest"),
        (line(4.5, 40.0, bends=(5, 1, 1, 1)), "factor of"),
        ([*line(4.5, 40.0), Point(4.0, float("nan"))], "no number"),
        ([*line(4.5, 40.0), Point(-4.0, 50.0)], "negative"),
    ],
)
def test_what_is_no_line_is_refused_with_the_reason_and_the_cure(points: list[Point], reason: str) -> None:
    with pytest.raises(MeterUnavailable, match=reason) as refused:
        fit("a processor", points, NOW)
    assert refused.value.cures


def test_it_is_kept_and_found_again(data_home: Path) -> None:
    assert load("a processor", NOW) is None
    made = fit("a processor", line(4.5, 40.0), NOW)
    assert save(made) == calibration_file() == data_home / "cpu_calibration.json"
    assert load("a processor", NOW + timedelta(days=360)) == made
    again = fit("a processor", line(5.5, 40.0), NOW)
    save(again)
    assert load("a processor", NOW) == again
    assert [file.name for file in data_home.iterdir()] == ["cpu_calibration.json"]


def test_without_the_variable_it_lies_in_the_users_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WATTSTAR_DATA_HOME")
    assert calibration_file().parts[-2:] == ("wattstar", "cpu_calibration.json")


@pytest.mark.parametrize(
    ("cpu", "now", "reason"),
    [
        ("another processor", NOW, "'another processor'"),
        ("a processor", NOW + timedelta(days=366), "more than a year ago"),
        ("a processor", NOW - timedelta(days=1), "in the future"),
    ],
)
def test_one_of_another_processor_or_time_is_refused_with_the_reason(cpu: str, now: datetime, reason: str) -> None:
    save(fit("a processor", line(4.5, 40.0), NOW))
    with pytest.raises(MeterUnavailable, match=reason) as refused:
        load(cpu, now)
    assert "is ignored" in refused.value.message
    assert any("rm " in cure for cure in refused.value.cures)


@pytest.mark.parametrize(
    "change",
    [
        {"watts_per_core": -1.0},
        {"watts_per_core": float("nan")},
        {"watts_per_core": "many"},
        {"watts_at_rest": None},
        {"factor": 1.0},
        {"factor": 9.0},
        {"made": "yesterday"},
        {"made": "2026-11-01T12:00:00"},
        {"cpu": 7},
    ],
)
def test_an_impossible_value_is_refused(change: dict[str, object]) -> None:
    file = save(fit("a processor", line(4.5, 40.0), NOW))
    file.write_text(json.dumps({**json.loads(file.read_text()), **change}))
    with pytest.raises(MeterUnavailable, match="cannot be read"):
        load("a processor", NOW)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "null", "\xff"])
def test_a_damaged_file_is_refused(text: str) -> None:
    file = save(fit("a processor", line(4.5, 40.0), NOW))
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(MeterUnavailable, match="cannot be read"):
        load("a processor", NOW)


def test_where_it_cannot_be_written_the_cure_is_said(data_home: Path) -> None:
    data_home.write_text("a file where the folder should be")
    with pytest.raises(MeterUnavailable, match="cannot be written") as refused:
        save(Calibration("a processor", 4.5, 40.0, 1.2, NOW))
    assert "WATTSTAR_DATA_HOME" in refused.value.cures[0]
