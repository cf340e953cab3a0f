"""Plan → run → store → rate in a world whose energy is known: every figure is what can be worked out by hand."""

from __future__ import annotations

import csv
import math
from itertools import pairwise
from pathlib import Path

import pytest

from tests.support import command, fake_job, fake_words, measure, of_the_work, records, wattstar_command
from wattstar.records.store import Store
from wattstar.types import Boundary, Method, Pass, Reading, Record, Status

EXACT = 1e-12
IDLE_WATTS, CPU_WATTS, DRAM_WATTS = 50.0, 20.0, 5.0


def of(energy: tuple[Reading, ...], domain: str) -> Reading:
    [reading] = [reading for reading in energy if reading.domain == domain]
    return reading


def figure(record: Record, boundary: Boundary) -> float:
    [made] = [made for made in record.figures if made.boundary is boundary]
    return made.wh_per_1000.mid


def exactly(value: float) -> object:
    return pytest.approx(value, rel=EXACT)


@pytest.mark.parametrize(
    ("batch_size", "samples", "pass_seconds", "repeats"),
    [(1, 4, 0.0, 1), (3, 8, 0.0, 1), (4, 8, 5.0, 3), (8, 5, 2.0, 2), (1, 3, 10.0, 14)],
)
def test_a_task_of_two_phases_costs_the_known_joules(
    tmp_path: Path, batch_size: int, samples: int, pass_seconds: float, repeats: int
) -> None:
    """0.05 s at 400 W then 0.2 s at 100 W per sample: 20 J and 20 J, 0.25 s."""
    job = fake_job(
        "text-generation",
        controls={"batch_size": batch_size},
        procedure={"samples": samples, "pass_seconds": pass_seconds, "idle_seconds": 30.0},
        watts="400,100",
        seconds="0.05,0.2",
    )
    record = measure(job, tmp_path)

    assert record.status is Status.COMPLETE
    assert of_the_work(record) == []
    assert len(record.passes) == 4
    for counted in record.passes:
        assert (counted.repeats, counted.queries) == (repeats, repeats * samples)
        assert counted.window.end - counted.window.begin == counted.queries * 250_000_000
        assert of(counted.energy, "gpu:0").joules == exactly(40.0 * counted.queries)
        assert of(counted.energy, "cpu:0").joules == exactly(0.25 * CPU_WATTS * counted.queries)
        assert of(counted.energy, "dram:0").joules == exactly(0.25 * DRAM_WATTS * counted.queries)
        assert all(reading.bound == 0 and reading.method is Method.COUNTER for reading in counted.energy)
        assert counted.counts == {"tokens_in": 8 * counted.queries, "tokens_out": 10 * counted.queries}


def test_samples_that_do_not_fit_on_the_device_take_turns(tmp_path: Path) -> None:
    """Seven samples of 10 bytes; half of a room of 65 bytes holds three, of which one batch of two is whole."""
    job = fake_job(
        watts="300",
        seconds="0.02",
        held_bytes=10,
        room_bytes=65,
        controls={"batch_size": 2},
        procedure={"samples": 7, "pass_seconds": 0.1, "idle_seconds": 30.0},
    )
    record = measure(job, tmp_path)
    assert of_the_work(record) == []
    for counted in record.passes:
        assert len(counted.windows) == len(counted.blocks) == 4
        assert (counted.repeats, counted.queries) == (3, 21)
        assert of(counted.energy, "gpu:0").joules == exactly(6.0 * 21)
        assert sum(window.end - window.begin for window in counted.windows) == 21 * 20_000_000
        assert counted.windows[-1].end <= counted.window.end, "what lies between them is not counted"
    assert figure(record, Boundary.GPU) == exactly(6 / 3.6)


def test_a_task_of_one_phase_costs_the_known_joules(tmp_path: Path) -> None:
    record = measure(fake_job(watts="300", seconds="0.02", procedure={"samples": 7}), tmp_path)
    for counted in record.passes:
        assert of(counted.energy, "gpu:0").joules == exactly(6.0 * 7)


def test_each_boundary_is_the_sum_of_its_domains_per_1000_queries(tmp_path: Path) -> None:
    """0.1 s a query: 30 J of GPU, 2 J of CPU, 0.5 J of memory; a thousand queries in watt-hours are joules / 3.6."""
    record = measure(fake_job(watts="300", seconds="0.1", procedure={"samples": 3}), tmp_path)
    assert record.rated is Boundary.GPU
    assert figure(record, Boundary.GPU) == exactly(30 / 3.6)
    assert figure(record, Boundary.CPU_DRAM) == exactly(2.5 / 3.6)
    assert figure(record, Boundary.GPU_CPU_DRAM) == exactly(32.5 / 3.6)
    assert {made.boundary for made in record.figures} == {Boundary.GPU, Boundary.CPU_DRAM, Boundary.GPU_CPU_DRAM}
    for made in record.figures:
        assert made.passes == 4
        assert made.method is Method.COUNTER
        assert made.plausible is None
        assert made.bound_wh_per_1000 == 0
        assert made.wh_per_1000.low == pytest.approx(made.wh_per_1000.mid, rel=1e-9)
        assert made.wh_per_1000.high == pytest.approx(made.wh_per_1000.mid, rel=1e-9)


def test_stages_are_measured_beside_and_never_in_the_figure(tmp_path: Path) -> None:
    job = fake_job(watts="300", seconds="0.1", procedure={"samples": 4, "idle_seconds": 7.0})
    record = measure(job, tmp_path)
    joules = {stage.name: of(stage.energy, "gpu:0").joules for stage in record.stages if stage.energy}
    assert joules == {
        "preprocess": exactly(2 * 0.5 * IDLE_WATTS),  # the first batch, then the others
        "idle_before": exactly(7.0 * IDLE_WATTS),
        "warm_up": exactly((4 + 5) * 30.0),  # every batch once, then four rounds of one, and one while they are judged
        "idle_after": exactly(7.0 * IDLE_WATTS),
    }
    assert figure(record, Boundary.GPU) == exactly(30 / 3.6)


def test_no_idle_is_measured_where_none_is_asked(tmp_path: Path) -> None:
    record = measure(fake_job(procedure={"idle_seconds": 0.0}), tmp_path)
    assert {"idle_before", "idle_after"}.isdisjoint(stage.name for stage in record.stages)


def test_lead_in_and_lead_out_batches_are_not_counted(tmp_path: Path) -> None:
    """Between two passes lie one lead-out and one lead-in batch, and nothing else."""
    job = fake_job(watts="300", seconds="0.1", controls={"batch_size": 2}, procedure={"samples": 5})
    record = measure(job, tmp_path)
    # Batches of 2, 2 and 1: the lead-in is the last one (1 sample), the lead-out the first (2 samples).
    gaps = [late.window.begin - early.window.end for early, late in neighbours(record.passes)]
    assert gaps == [300_000_000] * 3


def neighbours(passes: tuple[Pass, ...]) -> list[tuple[Pass, Pass]]:
    return list(pairwise(passes))


@pytest.mark.parametrize("passes", [1, 2, 6])
def test_as_many_passes_are_counted_as_are_asked(tmp_path: Path, passes: int) -> None:
    record = measure(fake_job(procedure={"passes": passes}), tmp_path)
    assert [counted.index for counted in record.passes] == list(range(passes))
    [interval] = [made.wh_per_1000 for made in record.figures if made.boundary is Boundary.GPU]
    assert (interval.low is None) == (passes == 1), "one pass says nothing of repeatability"


def test_every_sample_has_its_row_with_its_own_time(tmp_path: Path) -> None:
    import polars

    job = fake_job("text-generation", seconds="0.1,0.4", controls={"batch_size": 2}, procedure={"samples": 3})
    record = measure(job, tmp_path)
    rows = polars.read_parquet(tmp_path / "samples" / f"{record.samples}.parquet").to_dicts()
    assert len({row["id"] for row in rows}) == 3
    assert [row["seconds"] for row in rows] == pytest.approx([0.5] * 3)
    assert rows[0]["counts"] == '{"tokens_in": 8, "tokens_out": 10}'


def test_random_weights_have_no_quality_and_no_digest(tmp_path: Path) -> None:
    record = measure(fake_job(), tmp_path)
    assert record.quality is None
    assert record.loaded is not None
    assert record.loaded.digest is None
    assert record.loaded.parameters == 1_000


def test_the_words_of_the_command_line_reach_the_record_and_the_joules(tmp_path: Path) -> None:
    """The whole way: words → plan → worker → store → rate."""
    words = fake_words(tmp_path, "--batch-size", 2, "--passes", 3, task="text-generation", samples=6,
                       watts="200,50", seconds="0.5,1", idle_watts=10)  # fmt: skip
    done = wattstar_command(*words)
    assert done.returncode == 0, done.stderr
    [record] = records(tmp_path)
    assert record.job.controls.batch_size == 2
    assert record.job.procedure.samples == 6
    assert len(record.passes) == 3
    assert figure(record, Boundary.GPU) == exactly(150 / 3.6)
    [rated] = csv.DictReader(command("rate", "-o", tmp_path, "--format", "csv").stdout.splitlines())
    assert float(rated["wh_per_1000_queries"]) == exactly(150 / 3.6)
    assert rated["stars"] == "", "one family earns no stars"
    assert (rated["weights"], rated["method"]) == ("random", "counter")


def test_the_timeline_and_the_marks_in_the_store_give_the_same_energy_again(tmp_path: Path) -> None:
    """Anybody can work the number out from what is kept."""
    from wattstar.measuring.timeline import Domain
    from wattstar.records import tables

    record = measure(fake_job("text-generation"), tmp_path)
    assert record.timelines is not None
    assert record.marks is not None
    lines = tables.timelines_from_parquet(Store(tmp_path).table("timelines", record.timelines))
    marks = tables.marks_from_parquet(Store(tmp_path).table("marks", record.marks))
    for counted in record.passes:
        begin, end = (mark.time for mark in marks if mark.pass_index == counted.index and mark.batch is None)
        assert (begin, end) == (counted.window.begin, counted.window.end)
        assert tuple(Domain(line).reading([counted.window]) for line in lines) == counted.energy
    assert not any(math.isnan(value) for line in lines for value in line.joules)
