"""A long run in a short time: a minute of the soak of ``benchmarks/soak``, and two of its faults."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from benchmarks.soak import faults, hour

from tests.simulators import compiler

pytestmark = pytest.mark.skipif(compiler.compiler() is None, reason=compiler.NO_COMPILER)
pytest.importorskip("pynvml", reason="nvidia-ml-py is not installed")


def test_window_after_window_holds_the_truth_inside_its_bound(tmp_path: Path) -> None:
    """40 s on the quick clock. A machine that stalls for 50 ms takes one of them, so the errors asked for are loose."""
    soaked = hour.run(hour.Plan(windows=4, seconds=10.0, factor=20, lead=2.0), tmp_path)
    found = hour.lines(soaked)
    expected = {("gpu:0", "nvml"), ("gpu:0", "nvml-power"), ("cpu:0", "rapl"), ("dram:0", "rapl")}
    assert {(line.domain, line.meter) for line in found} == expected
    for line in found:
        assert (line.windows, line.silent) == (4, 0), line
        assert abs(line.worst_error) < 0.2, line
        assert abs(line.whole_error) < 0.05, line
    [counter] = [line for line in found if line.meter == "nvml"]
    assert counter.inside == 4
    assert soaked.found["late"] == []
    first, last = soaked.found["before"], soaked.found["processes"][-1]
    assert (first["files"], first["threads"]) == (last["files"], last["threads"])


def test_a_fault_sets_off_its_gate_and_a_healthy_machine_none(tmp_path: Path) -> None:
    chosen = {name: replace(faults.FAULTS[name], factor=25) for name in ("none", "GPU counter stuck")}
    folders = [tmp_path / str(number) for number in range(len(chosen))]
    for folder in folders:
        folder.mkdir()
    with ThreadPoolExecutor() as pool:
        for fault, seen in zip(chosen.values(), pool.map(faults.run, chosen.values(), folders), strict=True):
            assert seen.right(fault), seen
