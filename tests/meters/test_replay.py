"""A recording is played back stamp by stamp, and never passes for a measurement."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.simulators import trace
from wattstar.errors import MeterUnavailable
from wattstar.measuring.choosing import choose
from wattstar.measuring.sampler import Sampler
from wattstar.measuring.timeline import Domain
from wattstar.meters import replay
from wattstar.records.tables import marks_to_parquet, timelines_to_parquet
from wattstar.types import Level, Mark, Method, Scope, Timeline, Window

TRUTH = trace.square(40.0, 300.0, 0.07)
STEP = 20_000_000


def line(domain: str = "gpu:0", method: Method = Method.COUNTER, meter: str = "nvml", steps: int = 60) -> Timeline:
    """Recorded an hour ago, a stamp every 20 ms."""
    times = [TRUTH.origin - 3600 * 10**9 + STEP * index for index in range(steps)]
    return Timeline(domain, meter, method, times, [TRUTH.joules(times[0], time) for time in times])


def file(folder: Path, lines: Sequence[Timeline]) -> str:
    path = folder / "line.parquet"
    path.write_bytes(timelines_to_parquet(lines))
    return str(path)


def scope(path: str) -> Scope:
    return Scope(1, "cpu", "/nowhere", path)


def test_it_is_asked_for_and_is_no_measurement(tmp_path: Path) -> None:
    assert replay.affinity().level is Level.ASKED
    assert (replay.method, replay.plausible_factor) == (Method.MODELLED, 2.0)
    with pytest.raises(MeterUnavailable, match="can only be estimated"):
        choose([f"replay={file(tmp_path, [line()])}"], require_measured=True)


def test_a_window_has_the_joules_that_were_recorded(tmp_path: Path) -> None:
    """Through the real sampler: what is played between two stamps is what the trace drew between the recorded ones."""
    recorded = [line(), line("cpu:0", meter="rapl")]
    path = file(tmp_path, recorded)
    before = time.monotonic_ns()
    with Sampler({f"replay={path}": replay}, scope(path)) as sampler:
        after = time.monotonic_ns()
        assert sampler.cover(after + 20 * STEP, patience=20.0) == ()
    played = {found.domain: found for found in sampler.timelines()}
    assert set(played) == {"gpu:0", "cpu:0"}
    for original in recorded:
        found = played[original.domain]
        assert found.method is Method.MODELLED
        shift = found.times[0] - original.times[original.joules.index(found.joules[0])]
        assert before <= original.times[0] + shift <= after, "the first stamp is now"
        begin, end = found.times[0], found.times[-1]
        reading = Domain(found).reading([Window(begin, end)])
        assert reading is not None
        assert reading.joules == pytest.approx(TRUTH.joules(begin - shift, end - shift), rel=1e-9)
        assert {time - shift for time in found.times} <= set(original.times)


def test_the_best_method_of_a_domain_is_played(tmp_path: Path) -> None:
    worse = [line(method=Method.MODELLED, meter="estimate"), line(method=Method.SAMPLED, meter="nvml-power")]
    found = replay.load(file(tmp_path, [*worse, line(steps=7), line("dram:0", Method.SAMPLED, steps=5)]))
    assert {played.domain: len(played.times) for played in found} == {"gpu:0": 7, "dram:0": 5}


def test_a_domain_that_was_not_seen_yet_is_left_out(tmp_path: Path) -> None:
    late = line("cpu:0", steps=3000)
    later = Timeline("cpu:0", "rapl", Method.COUNTER, late.times[2000:], late.joules[2000:])
    with replay.reader(scope(file(tmp_path, [line(steps=2001), later]))) as reader:
        assert set(reader.read()) == {"gpu:0"}


def test_the_end_of_the_recording_is_an_error(tmp_path: Path) -> None:
    with replay.reader(scope(file(tmp_path, [line(steps=4)]))) as reader:
        assert reader.read()["gpu:0"][1] >= 0
        time.sleep(0.07)
        with pytest.raises(MeterUnavailable, match=r"was over after 0\.06 s") as error:
            reader.read()
    assert "shorter" in error.value.cures[0]


def falling() -> Timeline:
    return Timeline("gpu:0", "nvml", Method.COUNTER, [1, 2, 3], [1.0, 3.0, 2.0])


def backwards() -> Timeline:
    return Timeline("gpu:0", "nvml", Method.COUNTER, [1, 3, 3], [1.0, 2.0, 3.0])


WRONG = {
    "decrease": [falling()],
    "do not increase": [backwards()],
    "nothing in": [],
}


@pytest.mark.parametrize("message", WRONG)
def test_a_recording_that_cannot_be_is_refused(message: str, tmp_path: Path) -> None:
    path = file(tmp_path, WRONG[message])
    with pytest.raises(MeterUnavailable, match=message) as error, replay.reader(scope(path)):
        pass
    assert "--meter replay=" in error.value.cures[0]


def test_what_is_no_table_of_timelines_is_refused(tmp_path: Path) -> None:
    marks, text = tmp_path / "marks.parquet", tmp_path / "text.parquet"
    marks.write_bytes(marks_to_parquet([Mark("pass", 1)]))
    text.write_text("time,joules\n1,2\n")
    wrong = {
        str(tmp_path / "none.parquet"): "No such file",
        str(tmp_path): "Is a directory",
        "http://127.0.0.1:1/line.parquet": "No such file",
        str(text): "cannot be played",
        str(marks): "no column domain, meter, method, joules",
    }
    for path, message in wrong.items():
        with pytest.raises(MeterUnavailable, match=message), replay.reader(scope(path)):
            pass


def test_rows_with_holes_or_unknown_methods_are_refused(tmp_path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    row = {"domain": "gpu:0", "meter": "nvml", "method": "counter", "time": 1, "joules": 1.0}
    wrong: dict[str, list[dict[str, object]]] = {
        "something missing": [row, {**row, "time": None}],
        "unknown methods: guess": [{**row, "method": "guess"}],
        "cannot be played": [{**row, "joules": "many"}],
    }
    for message, rows in wrong.items():
        path = str(tmp_path / "line.parquet")
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
        with pytest.raises(MeterUnavailable, match=message), replay.reader(scope(path)):
            pass
