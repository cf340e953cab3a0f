"""The power rails of Jetson modules, from a tree that follows power traces."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.simulators import hwmon as simulator
from tests.simulators import trace
from tests.simulators.hwmon import MILLIAMPERES, MILLIVOLTS, Chip, Rail, Tree
from wattstar.errors import MeterUnavailable
from wattstar.meters import jetson
from wattstar.types import Level, Method

STEP_WATTS = MILLIVOLTS * MILLIAMPERES / 1e6
GPU, CPU, REST = trace.sine(5, 25, 5.0), trace.sine(2, 8, 7.0), trace.constant(6.0)

BOARDS = {
    "AGX Orin": [["VDD_GPU_SOC", "VDD_CPU_CV", "VIN_SYS_5V0"], ["NC", "VDDQ_VDD2_1V8AO", "NC"]],
    "Orin NX": [["VDD_IN", "VDD_CPU_GPU_CV", "VDD_SOC"]],
    "AGX Xavier": [["GPU", "CPU", "SOC"], ["CV", "VDDRQ", "SYS5V"]],
    "Nano": [["POM_5V_IN", "POM_5V_GPU", "POM_5V_CPU"]],
}


def board(root: Path, labels: Sequence[Sequence[str]], power: Sequence[trace.Trace] = (GPU, CPU, REST)) -> Tree:
    """Each chip shows the same three traces; the update interval is that of the first."""
    chips = [Chip("ina3221", [Rail(*pair) for pair in zip(names, power, strict=True)], 20) for names in labels]
    made = simulator.tree(root, *chips, Chip("tmp451"))
    made.show(time.monotonic_ns())
    return made


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("AGX Orin", {"system": 3, "gpu:0": 1, "cpu:0": 1}),
        ("Orin NX", {"system": 1}),
        ("AGX Xavier", {"gpu:0": 1, "cpu:0": 1}),
        ("Nano", {"system": 1, "gpu:0": 1, "cpu:0": 1}),
    ],
)
def test_only_rails_that_are_known_by_name_are_read(tmp_path: Path, name: str, parts: dict[str, int]) -> None:
    """How many rails each domain is made of."""
    board(tmp_path, BOARDS[name])
    assert {domain: len(rails) for domain, rails in jetson.domains(tmp_path).items()} == parts
    found = jetson.affinity_in(tmp_path)
    assert found.level is Level.REAL
    assert set(found.domains) == set(parts)


def test_joules_are_those_of_the_traces(tmp_path: Path) -> None:
    """Within 1 %, and half a step of the sensor's current for each rail: power that bends is cut into trapezoids."""
    made = board(tmp_path, BOARDS["AGX Orin"])
    with jetson.reader_in(tmp_path) as reader:
        found, end = [], time.monotonic() + 1.0
        while time.monotonic() < end:
            made.show(time.monotonic_ns())
            found.append(reader.read())
            time.sleep(0.01)
    for domain, traces in (("system", (GPU, CPU, REST)), ("gpu:0", (GPU,)), ("cpu:0", (CPU,))):
        (begin, first), (end_, last) = found[0][domain], found[-1][domain]
        truth = sum(power.joules(begin, end_) for power in traces)
        rounding = len(traces) * STEP_WATTS / 2 * (end_ - begin) / 1e9
        assert abs(last - first - truth) <= 0.01 * truth + rounding
    assert reader.jitter > 0
    assert reader.refresh == 0.02
    assert jetson.method is Method.SAMPLED


def test_totals_never_decrease_and_stamps_lie_in_the_read(tmp_path: Path) -> None:
    board(tmp_path, BOARDS["Orin NX"])
    with jetson.reader_in(tmp_path) as reader:
        before, last = time.monotonic_ns(), 0.0
        for _ in range(5):
            moment, joules = reader.read()["system"]
            assert before <= moment <= time.monotonic_ns()
            assert joules >= last
            before, last = moment, joules


def test_where_the_driver_does_not_tell_the_interval_it_is_that_of_the_data_sheet(tmp_path: Path) -> None:
    made = board(tmp_path, BOARDS["Orin NX"])
    (made.folder(0) / "update_interval").unlink()
    with jetson.reader_in(tmp_path) as reader:
        assert reader.refresh == jetson.UPDATE_SECONDS


def test_rails_of_other_chips_and_of_unknown_names_are_not_read(tmp_path: Path) -> None:
    chips = (Chip("ina226", [Rail("VDD_IN", GPU)]), Chip("ina3221", [Rail("VDD_SOC", GPU), Rail("VIN_SYS_5V0", GPU)]))
    simulator.tree(tmp_path, *chips).show(time.monotonic_ns())
    found = jetson.affinity_in(tmp_path)
    assert (found.level, found.domains) == (Level.ABSENT, ())
    assert "VDD_SOC" in found.reason
    assert found.cure
    with pytest.raises(MeterUnavailable), jetson.reader_in(tmp_path):
        pass


def test_a_rail_that_is_switched_off_is_closed_and_under_way_an_error(tmp_path: Path) -> None:
    """The driver answers ENODATA then; here the file is gone."""
    made = board(tmp_path, BOARDS["AGX Orin"])
    with jetson.reader_in(tmp_path) as reader:
        (made.folder(0) / "curr1_input").unlink()
        with pytest.raises(MeterUnavailable, match="power rail") as caught:
            reader.read()
    assert caught.value.cures
    found = jetson.affinity_in(tmp_path)
    assert found.level is Level.CLOSED
    assert set(found.domains) == {"system", "gpu:0", "cpu:0"}
    assert found.cure
