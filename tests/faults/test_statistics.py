"""Faults of how peers make one figure of many, which wattstar must not have.

Peers: OB is huggingface/optimum-benchmark ``b263af46``, AES huggingface/AIEnergyScore ``a5b9a04``, MLB
ml-energy/benchmark ``c1d6557``. Guarded elsewhere, by a test that the fault would break:

- one run only, or the mean of ten without its scatter: ``test_fake_world: as_many_passes_are_counted_as_are_asked``,
  ``test_spans: from_one_pass_every_star_is_possible``
- no data of single queries: ``test_fake_world: every_sample_has_its_row_with_its_own_time``
- equal-width bins, in which one outlier decides all: ``test_stars:
  an_outlier_is_kept_out_of_the_average_and_is_still_starred``,
  ``the_cuts_are_five_equal_shares_of_a_log_normal_market``
- three models that share five stars: ``test_stars: seven_families_earn_no_stars_and_eight_do``
- operating points in one ranking, such as batch sizes (MLB): ``test_stars:
  records_of_different_work_are_never_compared``
- sittings that are called different models: ``test_comparisons:
  two_sittings_of_one_model_are_not_called_different``
- configurations that were dropped and not counted (MLB): ``test_failures:
  a_worker_that_fails_is_said_with_its_reason_and_cure``, ``test_stars:
  failed_interrupted_and_invalid_records_are_never_rated``
- figures that were revised without a word: ``test_store: a_damaged_record_is_not_shown_and_not_rated``,
  ``test_reading_back: records_are_canonical_and_named_by_their_digest``

Not expressed: output lengths compared across machines (MLB's Nemotron rows), since a store has one machine's records.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.conftest import Measure, job_of
from tests.support import command, fake_words, records, wattstar_command, written
from wattstar.measuring import gates
from wattstar.rating import populations
from wattstar.rating.populations import figure
from wattstar.records.codec import digest
from wattstar.records.store import Store
from wattstar.types import Boundary, Finding, Method, Pass, Reading, Severity, Window


@pytest.mark.parametrize("joules", [0.0, -80.18, float("nan"), float("inf")])
def test_zeros_and_negatives_are_looked_for_before_anything_is_averaged(joules: float) -> None:
    """AES 18a1cc8 results/benchmark_report.json averages prefill 79.83 … 0.0 … and decode … -80.18 … 148.48."""
    values = [79.83, 80.09, joules, 80.02]
    passes = [
        Pass(i, Window(0, 10**9), 1, 1, (Reading("gpu:0", "nvml", Method.COUNTER, value, 0.0),), {}, None)
        for i, value in enumerate(values)
    ]
    [found] = gates.readings(passes)
    assert (found.gate, found.severity) == ("reading", Severity.INVALID)
    assert "pass 2" in found.message


def test_a_single_run_says_that_nothing_is_known_of_its_scatter(tmp_path: Path) -> None:
    """OB runs once and prints the number as it is (scenarios/energy_star, no repeats at b263af46)."""
    done = wattstar_command(*fake_words(tmp_path, "--passes", 1))
    [(name, record)] = Store(tmp_path).records()
    screens = [done.stdout, *(command(*words, "-o", tmp_path).stdout for words in (["show", name], ["list"], ["rate"]))]
    assert all("± ? %" in screen for screen in screens)
    assert all(made.wh_per_1000.low is None and made.wh_per_1000.high is None for made in record.figures)
    assert "one pass tells nothing about repeatability" in {finding.message for finding in record.findings}
    [row] = json.loads(command("list", "-o", tmp_path, "--format", "json").stdout)
    assert row["wh_per_1000_queries_low"] is None


def test_passes_that_differ_show_it(measure: Measure, tmp_path: Path) -> None:
    """The scatter is that of the passes, not of a figure that was worked out once."""
    record = measure(job_of("varies"), tmp_path)
    made = figure(record)
    assert made is not None
    per_pass = [
        r.joules / counted.queries / 3.6 for counted in record.passes for r in counted.energy if r.domain == "gpu:0"
    ]
    assert len(set(per_pass)) == len(per_pass) >= 4
    assert made.wh_per_1000.mid == pytest.approx(sum(per_pass) / len(per_pass))
    assert made.wh_per_1000.low is not None
    assert made.wh_per_1000.high is not None
    assert made.wh_per_1000.low < made.wh_per_1000.mid < made.wh_per_1000.high


def test_a_model_that_is_measured_again_keeps_its_older_figure(tmp_path: Path) -> None:
    """Starling-7B went from 48.3 to 19.0 Wh between two boards of AES, unsaid; OB overwrites a task's results."""
    for seconds in (0.02, 0.02, 0.05):
        done = wattstar_command(*fake_words(tmp_path, "--passes", 1, "--fresh", seconds=seconds))
        assert done.returncode == 0, done.stderr
    figures = [made.wh_per_1000.mid for record in records(tmp_path) if (made := figure(record))]
    assert figures == pytest.approx([6 / 3.6, 6 / 3.6, 15 / 3.6])
    listed = json.loads(command("list", "-o", tmp_path, "--format", "json").stdout)
    assert len({row["record"] for row in listed}) == 3


@pytest.mark.parametrize("severity", list(Severity))
def test_what_a_gate_found_stands_beside_the_figure(tmp_path: Path, severity: Severity) -> None:
    """MLB drops what its checks dislike, by two thresholds in two repositories, and does not say how much."""
    finding = Finding("limit", severity, "gpu:0 drew more than it can")
    _, record = written(1.0, "a/model", findings=(finding,))
    Store(tmp_path).add(record)
    shown = command("rate", "-o", tmp_path).stdout
    if severity is Severity.INVALID:
        assert "not rated" in shown
        assert finding.message.split()[-1] in shown
    else:
        assert "1.00 ± 0.0 %!" in shown
        assert "something was noted" in shown


@pytest.mark.parametrize(
    ("energy", "said"),
    [
        ("0.0", "its figure is no positive number"),
        ("-80.18", "its figure is no positive number"),
        ("NaN", "cannot be used: NaN is no number"),
        ("Infinity", "cannot be used: Infinity is no number"),
    ],
)
def test_a_record_from_elsewhere_that_says_nothing_was_drawn_wins_no_ranking(
    tmp_path: Path, energy: str, said: str
) -> None:
    """AEB's 0.0 Wh would rank first; and it spoils no table of others."""
    _, honest = written(1.0, "a/honest")
    name = Store(tmp_path).add(honest)
    data = (tmp_path / "records" / f"{name}.json").read_text().replace('"mid":1.0', f'"mid":{energy}')
    (tmp_path / "records" / f"{digest(data.encode())}.json").write_text(data)
    done = command("rate", "-o", tmp_path)
    assert done.returncode == 0, done.stderr
    assert said in " ".join((done.stdout + done.stderr).split())
    [rated] = json.loads(command("rate", "-o", tmp_path, "--format", "json").stdout)
    assert [rating["record"] for rating in rated["ratings"]] == [name]
    for words in (["list"], ["show", digest(data.encode())[:12]]):
        assert command(*words, "-o", tmp_path).returncode in (0, 6)


def test_editions_are_never_mixed_in_one_population() -> None:
    """Rows of February and December, of two programs, share one table of AES."""
    job = written(1.0, "a/one")[1].job
    other = replace(job, procedure=replace(job.procedure, edition="another"))
    found = populations([written(1.0, "a/one"), written(2.0, "b/two", job=other)])
    assert [len(members) for _, members in found] == [1, 1]


def test_a_figure_of_another_boundary_is_another_figure(measure: Measure, tmp_path: Path) -> None:
    """OB's ``total`` holds processor and memory, the board's column the GPU alone, under one name."""
    record = measure(job_of(), tmp_path)
    by_boundary = {made.boundary: made.wh_per_1000.mid for made in record.figures}
    assert set(by_boundary) == {Boundary.GPU, Boundary.CPU_DRAM, Boundary.GPU_CPU_DRAM}
    assert len(set(by_boundary.values())) == 3
    assert record.rated is Boundary.GPU
