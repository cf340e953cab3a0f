"""Faults of how peers read energy, which wattstar must not have.

Peers: OB is huggingface/optimum-benchmark ``b263af46``, AES huggingface/AIEnergyScore ``a5b9a04``, AEB
neuralwatt/ai_energy_benchmarks ``abddff4``. Guarded elsewhere, by a test that the fault would break:

- decode from a difference of two passes, as a number: ``test_fake_world: a_task_of_two_phases_costs_the_known_joules``
- windows shorter than a counter's steps: ``test_timeline: a_window_of_few_steps_has_only_a_modelled_share``,
  ``test_fake_world: a_task_of_two_phases_costs_the_known_joules`` (repeats)
- no warm-up, so that the first prompts are charged with it (AEB): ``test_steady:
  a_cold_device_is_warmed_up_before_the_first_pass``
- slicing and copying in the window (OB scenario.py:232-234): ``tests/faults/test_data_loading``, ``test_fake_world:
  stages_are_measured_beside_and_never_in_the_figure``
- estimates in one sum with measurements (OB ``efficiency``): ``test_measure:
  what_is_estimated_never_stands_in_one_sum_with_what_is_measured``, ``test_gates: an_estimate_checks_nothing``
- no clocks, limits, neighbours: ``test_measured_gpu: what_the_gpu_says_of_itself_stands_beside_the_energy``,
  ``a_gpu_that_is_hot_or_shared_makes_the_record_invalid``
- no ``finally`` (OB energy.py:239): ``test_sampler: meters_are_closed_in_the_end_and_when_another_cannot_be_opened``
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from tests.faults.conftest import Measure, job_of
from tests.simulators import nvml, trace
from tests.simulators.nvml import Driver, Gpu
from tests.support import command, records, start, wattstar_command
from wattstar.rating.populations import figure
from wattstar.records import tables
from wattstar.records.store import Store
from wattstar.types import Boundary, Job, Record, Severity, Status

JOULES = 4 * 0.5 * 300
"""Of a pass."""


def span(record: Record, store: Path, index: int) -> tuple[float, float]:
    """Seconds after the simulated world began at which a pass began and ended."""
    assert record.timelines is not None
    line = tables.timelines_from_parquet(Store(store).table("timelines", record.timelines))[0]
    window = record.passes[index].window
    return (window.begin - line.times[0]) / 1e9, (window.end - line.times[0]) / 1e9


def of_gpu(record: Record) -> list[float]:
    """Joules of each pass; what has no reading is left out."""
    return [r.joules for counted in record.passes for r in counted.energy if r.domain == "gpu:0"]


def invalid(record: Record) -> set[str]:
    return {finding.gate for finding in record.findings if finding.severity is Severity.INVALID}


class Faulty:
    """The same job twice: with an honest meter, and with one that has a fault at a known moment of it."""

    def __init__(self, measure: Measure, folder: Path, passes: int = 4) -> None:
        self._measure, self._folder = measure, folder
        self._job: Job = job_of(meter="odd=only=gpu:0", procedure={"passes": passes, "most_passes": passes})
        self._honest = measure(self._job, folder / "honest")
        assert of_gpu(self._honest) == pytest.approx([JOULES] * passes)
        assert invalid(self._honest) == set()

    def record(self, fault: str, index: int, begin: float, end: float) -> Record:
        """With the fault from so many seconds after the beginning of a pass on, and until so many."""
        at, _ = span(self._honest, self._folder / "honest", index)
        job = replace(self._job, meters=(f"odd={fault}@{at + begin:.6f}..{at + end:.6f}",))
        return self._measure(job, self._folder / "faulty")


@pytest.fixture
def faulty(measure: Measure, tmp_path: Path) -> Faulty:
    return Faulty(measure, tmp_path)


def test_a_task_that_reads_nothing_is_not_averaged_with_the_others(measure: Measure, tmp_path: Path) -> None:
    """Every eighth task of codecarbon < 3.0.3 read 0 (emissions_tracker v2.5.1:225, 760-775), and AES averaged it."""
    record = Faulty(measure, tmp_path, passes=10).record("lost", 7, 0.0, 2.0)
    assert of_gpu(record) == pytest.approx([JOULES] * 7 + [0.0] + [JOULES] * 2)
    assert "reading" in invalid(record)
    assert figure(record) is None
    assert Boundary.GPU not in {made.boundary for made in record.figures}


def test_a_counter_that_stands_still_for_a_part_of_a_pass_is_found(faulty: Faulty) -> None:
    """The same where it does not last as long as a pass: two thirds of the energy look like a good model."""
    record = faulty.record("lost", 2, 0.5, 1.5)
    assert of_gpu(record) == pytest.approx([JOULES, JOULES, JOULES / 2, JOULES])
    assert "stuck" in invalid(record)


def test_a_counter_that_begins_anew_is_found_where_the_rest_looks_well(faulty: Faulty) -> None:
    """Every meter in use but zeus reads minus two million joules then (meters.md, section 9)."""
    record = faulty.record("restarts", 0, 0.0, 1e6)
    assert of_gpu(record)[0] < JOULES
    assert "fall" in invalid(record)


def test_a_command_is_not_measured_by_a_counter_that_began_anew_meanwhile(odd: Mapping[str, str]) -> None:
    done = wattstar_command("measure", "--meter", "odd=sawtooth", "--", "sleep", 1.5, env=odd)
    assert (done.returncode, done.stdout) == (3, "")
    assert "the total of odd=sawtooth fell" in done.stderr


def test_a_counter_that_leaps_is_found_where_nobody_knows_the_devices_limit(measure: Measure, tmp_path: Path) -> None:
    job = job_of(procedure={"samples": 20, "passes": 1, "most_passes": 1}, meter="odd=leaps@19.0..1e6")
    record = measure(job, tmp_path)
    assert of_gpu(record) == pytest.approx([1e9 + 20 * 150])
    assert "jump" in invalid(record)
    assert "stuck" not in invalid(record), "what follows a leap is work as before"


@pytest.mark.parametrize("fault", ["no_number", "back_in_time"])
def test_a_meter_that_is_wrong_for_a_moment_costs_no_joule(faulty: Faulty, fault: str) -> None:
    """What it said then is left out, and what it says later is as true as before."""
    record = faulty.record(fault, 1, 0.3, 1.2)
    assert of_gpu(record) == pytest.approx([JOULES] * 4)
    assert invalid(record) == set()


@pytest.mark.parametrize("fault", ["no_number", "back_in_time"])
def test_a_meter_that_is_wrong_from_a_moment_on_speaks_of_nothing_after_it(
    measure: Measure, tmp_path: Path, fault: str
) -> None:
    record = Faulty(measure, tmp_path, passes=2).record(fault, 1, -0.6, 1e6)
    assert of_gpu(record) == pytest.approx([JOULES])
    assert "coverage" in invalid(record)


@pytest.mark.parametrize(("fault", "exit_code"), [("gone", 3), ("broken", 1)])
def test_a_tracker_that_fails_under_way_is_no_0_watt_hours(
    tmp_path: Path, odd: Mapping[str, str], fault: str, exit_code: int
) -> None:
    """AEB goes on and reports 0.0 Wh (metrics/codecarbon.py:92-125), which would rank first."""
    words = ["run", "-t", "text-classification", "-m", "fake/model", "--weights", "random", "--samples", 4,
             "--idle-seconds", 0, "--pass-seconds", 0, "--meter", f"odd={fault}@0.1..9", "-o", tmp_path]  # fmt: skip
    done = wattstar_command(*words, env=odd)
    [record] = records(tmp_path)
    assert done.returncode == exit_code
    assert record.status is Status.FAILED
    assert record.figures == ()
    assert "not rated" in done.stdout
    assert command("rate", "-o", tmp_path, "--format", "json").stdout == "[]\n"


def test_decode_is_never_negative_and_prefill_is_paid_once(measure: Measure, tmp_path: Path) -> None:
    """OB takes one pass from another (scenarios/energy_star/scenario.py:259-268): -80.18 Wh in one of its reports.

    Here every batch takes another time, so that two passes differ, and decoding is a hundredth of the work.
    """
    job = job_of("varies", task="text-generation", seconds="0.5,0.005", watts="300,150")
    record = measure(job, tmp_path)
    energies = of_gpu(record)
    assert max(energies) - min(energies) > 0.75 * 4, "more than all decoding of a pass takes"
    queries = sum(counted.queries for counted in record.passes)
    parts = {each.name: each.wh_per_1000.mid * 3.6 * queries for each in record.phases if each.domain == "gpu:0"}
    assert parts["prefill"] == pytest.approx(150.0 * queries)
    assert 0 < parts["decode"] == pytest.approx(sum(energies) - parts["prefill"])


def test_memory_without_a_counter_is_absent_and_no_constant(measure: Measure, tmp_path: Path) -> None:
    """OB adds constant watts a gigabyte (trackers/energy.py:181-219); a board of 430.8 W of them was published."""
    record = measure(job_of(meter="odd=only=cpu:0"), tmp_path)
    assert {r.domain for counted in record.passes for r in counted.energy} == {"cpu:0"}
    assert record.figures == ()
    assert "boundary" in invalid(record)


REAL = ["run", "-t", "text-classification", "-m", "fake/model", "--weights", "random", "--backend", "odd",
        "--option", "how=real", "--samples", 10, "--passes", 2, "--idle-seconds", 0, "--warm-up-seconds", 0.1,
        "--pass-seconds", 0.6]  # fmt: skip
WATTS = (100.0, 300.0, 80.0, 500.0)


def four_gpus(folder: Path) -> Mapping[str, str]:
    gpus = tuple(Gpu(trace.constant(watts), step_period=0.02) for watts in WATTS)
    return {**nvml.install(folder / "driver", Driver(gpus)), "CUDA_VISIBLE_DEVICES": "0,1,2,3"}


def test_idle_and_foreign_gpus_are_not_billed(tmp_path: Path, odd: Mapping[str, str]) -> None:
    """Power Hungry Processing's figures hold seven idle A100s; OB's process mode counts what it finds."""
    words = (*REAL, "--device", "cuda:1", "--meter", "nvml", "-o", tmp_path / "store")
    done = wattstar_command(*words, env={**four_gpus(tmp_path), **odd})
    assert done.returncode == 0, done.stderr
    [record] = records(tmp_path / "store")
    for counted in record.passes:
        [reading] = counted.energy
        seconds = (counted.window.end - counted.window.begin) / 1e9
        assert reading.domain == "gpu:1"
        assert abs(reading.joules - 300.0 * seconds) <= reading.bound


def test_work_on_the_processor_is_billed_no_gpu(tmp_path: Path, odd: Mapping[str, str]) -> None:
    """OB passes gpu_ids None then, and codecarbon counts all GPUs (trackers/energy.py:181-219)."""
    words = (*REAL, "--device", "cpu", "-o", tmp_path / "store")
    done = wattstar_command(*words, env={**four_gpus(tmp_path), **odd})
    [record] = records(tmp_path / "store")
    assert record.passes, done.stderr
    assert not any(r.domain.startswith("gpu") for counted in record.passes for r in counted.energy)
    assert not any(r.domain.startswith("gpu") for stage in record.stages for r in stage.energy)
    assert record.rated is Boundary.CPU_DRAM


def test_the_parent_sleeps_while_the_worker_works(tmp_path: Path, odd: Mapping[str, str]) -> None:
    """OB's launcher spins on its pipe and takes a whole core (launchers/process/launcher.py:56-57)."""
    with start(*REAL, "--pass-seconds", 2, "--meter", "estimate", "-o", tmp_path, env=odd) as process:
        begun = passes_begun(process)
        next(begun)
        early = spent(process)
        next(begun)
        assert spent(process) - early < 1.0, "of two seconds"
        process.communicate()


def passes_begun(process: subprocess.Popen[str]) -> Iterator[str]:
    assert process.stderr is not None
    return (line for line in process.stderr if ": pass " in line)


def spent(process: subprocess.Popen[str]) -> float:
    """CPU seconds of the parent alone."""
    return sum(psutil.Process(process.pid).cpu_times()[:2])
