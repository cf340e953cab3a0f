"""A whole ``wattstar run`` of a real (random) network, while a simulated GPU's power is exactly known."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars
import pytest

from tests import support
from tests.simulators import nvml, trace
from tests.simulators.nvml import Driver, Gpu
from wattstar.types import Boundary, Method, Record

BUSY = trace.square(90, 650, 0.31, duty=0.4)
pytest.importorskip("torch", reason="pip install torch transformers")


def run(folder: Path, gpu: Gpu, *meters: str, pass_seconds: float = 1.2) -> tuple[int, Record]:
    words = ("run", "-t", "text-classification", "--weights", "random", "-m", "google/bert_uncased_L-2_H-128_A-2",
             "--device", "cpu", "--samples", 8, "--passes", 4, "--idle-seconds", 0.3, "--pass-seconds", pass_seconds,
             "--warm-up-seconds", 2, "-o", folder / "store",
             *(word for meter in meters or ("nvml", "nvml-power") for word in ("--meter", meter)))  # fmt: skip
    environment = nvml.install(folder / "driver", Driver((gpu,))) | {"CUDA_VISIBLE_DEVICES": "0"}
    done = support.wattstar_command(*words, env=environment)
    [record] = support.records(folder / "store")
    return done.returncode, record


def test_every_pass_holds_the_truth_inside_its_bound(tmp_path: Path) -> None:
    code, record = run(tmp_path, Gpu(BUSY, step_period=0.05))
    assert (code, record.rated, record.failure) == (0, Boundary.GPU, None)
    for counted in record.passes:
        truth = BUSY.joules(counted.window.begin, counted.window.end)
        by_meter = {reading.meter: reading for reading in counted.energy}
        counter = by_meter["nvml"]
        assert abs(counter.joules - truth) <= counter.bound
        assert counter.joules == pytest.approx(truth, rel=0.05)
        power = by_meter["nvml-power"]
        assert abs(power.joules - truth) <= power.bound
    [made] = [figure for figure in record.figures if figure.boundary is Boundary.GPU]
    assert made.method is Method.COUNTER
    assert {gpu.name for gpu in record.machine.gpus} == {"NVIDIA H100 80GB HBM3"}
    assert made.coverage == ("gpu:0 by nvml",)
    assert record.sampling is not None
    assert 0 < record.sampling.cpu_share < 0.5
    assert set(record.sampling.longest_gaps) == {"nvml", "nvml-power"}
    assert "not probed" in " ".join(finding.message for finding in record.findings)


def test_a_counter_at_odds_with_the_power_makes_the_record_invalid(tmp_path: Path) -> None:
    """The counter shows a module of 900 W, the power sensor the GPU's 300 W.

    Passes are long: in one of 0.1 s, all that a crowded machine may make of 1.2 s, the bounds hold both.
    """
    odd = Gpu(trace.constant(300.0), module=trace.constant(900.0), counter_is_module=True)
    code, record = run(tmp_path, odd, pass_seconds=4)
    assert code == 4
    assert "cross-check" in {finding.gate for finding in record.findings}


def test_a_counter_that_is_stuck_makes_the_record_invalid(tmp_path: Path) -> None:
    code, record = run(tmp_path, replace(Gpu(BUSY), stuck_from=time.monotonic_ns()))
    assert code == 4
    assert "coverage" in {finding.gate for finding in record.findings}


def seen(folder: Path, record: Record, name: str) -> set[float]:
    assert record.states is not None
    table = polars.read_parquet(folder / "store" / "states" / f"{record.states}.parquet")
    assert table.columns == ["time", "domain", "name", "value"]
    return set(table.filter(polars.col("name") == name)["value"])


def test_what_the_gpu_says_of_itself_stands_beside_the_energy(tmp_path: Path) -> None:
    code, record = run(tmp_path, replace(Gpu(BUSY), sm_clock=1755))
    assert code == 0
    assert seen(tmp_path, record, "sm_clock_mhz") == {1755}
    assert seen(tmp_path, record, "power_limit_watts") == {700}


@pytest.mark.parametrize(
    ("gate", "change"),
    [
        ("slowdown", {"clocks_event_reasons": 0x40}),
        ("foreign load", {"processes": ((1, 1 << 30),)}),
    ],
)
def test_a_gpu_that_is_hot_or_shared_makes_the_record_invalid(tmp_path: Path, gate: str, change: Any) -> None:
    code, record = run(tmp_path, replace(Gpu(BUSY), **change))
    assert code == 4
    assert gate in {finding.gate for finding in record.findings}


def test_a_gpu_at_its_power_limit_is_no_fault(tmp_path: Path) -> None:
    code, record = run(tmp_path, replace(Gpu(BUSY), clocks_event_reasons=0x4))
    assert (code, seen(tmp_path, record, "slowdown")) == (0, {0})


def test_an_estimate_says_nothing_of_a_machine_at_rest(tmp_path: Path) -> None:
    code, record = run(tmp_path, Gpu(BUSY), "nvml", "estimate")
    assert code == 0
    stages = {stage.name: {reading.meter for reading in stage.energy} for stage in record.stages}
    assert stages["load"] == {"nvml", "estimate"}
    assert stages["idle_before"] == stages["idle_after"] == {"nvml"}
