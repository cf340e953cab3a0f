"""Faults of the work that peers ask for, which wattstar must not have.

Peers: OB is huggingface/optimum-benchmark ``b263af46``, AES huggingface/AIEnergyScore ``a5b9a04``, AEB
neuralwatt/ai_energy_benchmarks ``abddff4``. Guarded elsewhere, by a test that the fault would break:

- summarization as one forward for some models, and a CTC model that is sent to ``generate``: ``test_writing:
  tokens_are_those_that_pass_the_networks_door``, ``test_speech: letters_are_those_that_the_library_reads_…``
- a model's own lengths and beams decide: ``test_writing: a_models_own_beams_and_lengths_change_nothing``
- texts cut to each model's own limit, so that longer contexts look worse: ``test_decoding:
  each_text_is_cut_on_its_own_to_the_reference_tokens``; RoBERTa's 514 positions: ``test_transformers:
  what_random_encoders_say_does_not_depend_on_the_batch``, ``test_question_answering:
  random_weights_of_true_size_read_windows``
- image size and sampling rate as they come: ``test_vision: the_network_gets_the_pixels_that_are_counted``,
  ``the_shorter_edge_is_the_one_asked_for``, ``test_decoding: a_clip_of_another_form_is_refused``, ``test_speech:
  a_model_of_another_sampling_rate_is_refused``
- sentence pairs as one text: ``test_pairs: a_cross_encoder_reads_both_at_once_and_a_bi_encoder_apart``
- rows marked as reasoning that ran without, and the other way round: ``test_writing:
  thinking_is_switched_by_the_chat_template``, ``thinking_that_a_model_cannot_do_is_refused``
- tokens of reasoning not published: ``test_writing: thinking_counts_as_written``
- random weights whose quality is shown: ``test_fake_world: random_weights_have_no_quality_and_no_digest``; whose stars
  look official: ``test_stars: the_reasons_for_unofficial_stars_are_named``
- no quality: ``test_contracts: right_answers_score_better_than_wrong_ones``
- dtype, device and batch size that are not passed on: ``test_fake_world:
  the_words_of_the_command_line_reach_the_record_and_the_joules``
- rows that cannot be read, left out or padded over: ``test_bad_input:
  samples_that_cannot_be_decoded_are_named_and_counted_and_make_the_record_invalid``
- a batch that is shorter or longer than asked: ``test_fake_world: a_task_of_two_phases_costs_the_known_joules``

Not expressed: energy of an API client instead of its server's (AEB vllm.py), since no served models are measured yet;
that batch 1 in eager mode is all there is, which is no fault of a number.
"""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import pytest

from tests.faults.conftest import Measure, job_of
from tests.support import command, fake_words, records, wattstar_command
from wattstar import models, registry, testsets
from wattstar.measuring.plan import STANDARD_EDITION, plan
from wattstar.records import tables
from wattstar.records.store import Store
from wattstar.types import Approach, Output, Request, Status, Weights

TASKS = sorted(registry.plug_ins("tasks"))


@pytest.mark.parametrize("task", ["question-answering", "summarization", "automatic-speech-recognition"])
def test_every_model_of_a_task_does_the_same_work(task: str) -> None:
    """In OB T5 answers questions in 100 tokens and sums up in 10, and BART sums up in none (energy_star/*.yaml)."""
    kinds = ("t5-small", "bart-large", "bert-base", "smollm2-135m", "whisper-tiny", "whisper-base", "wav2vec2-base")
    ids = tuple(id for id in models.architectures() if any(kind in id.lower() for kind in kinds))
    cells = plan([Request(task, ids, weights=Weights.RANDOM, meters=("fake",), device="cpu")])
    jobs = [cell.job for cell in cells if cell.job]
    assert len(jobs) >= 2, [cell.refused for cell in cells]
    made_for_it = [job.controls for job in jobs if job.model.approach is Approach.FINE_TUNED]
    assert set(made_for_it) <= {registry.task(task).controls}
    asked = {job.controls for job in jobs if job.model.approach is Approach.ZERO_SHOT}
    assert len(asked) <= 1


def test_weights_are_pretrained_unless_random_ones_are_asked_for(tmp_path: Path) -> None:
    """12 of OB's 14 files set ``no_weights: true``; what is published does not say so."""
    done = command("run", "-t", "text-classification", "-m", "/no/such/model", "--meter", "fake", "-o", tmp_path / "s")
    assert done.returncode == 3, "never random ones in their place"
    assert Request("text-classification", ("a/model",)).weights is Weights.PRETRAINED


def test_random_weights_are_said_on_every_screen(tmp_path: Path) -> None:
    run = wattstar_command(*fake_words(tmp_path))
    [(name, _)] = Store(tmp_path).records()
    screens = [run.stdout, *(command(*words, "-o", tmp_path).stdout for words in (["show", name], ["list"], ["rate"]))]
    assert all("random" in screen for screen in screens)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("value", [math.nan, None, ""])
def test_an_answer_that_is_none_is_never_a_good_score(task: str, value: object) -> None:
    """OB's random weights give NaN (backends/transformers_utils.py:223-239); here a broken half precision may."""
    module = registry.task(task)
    samples = testsets.load(module, STANDARD_EDITION, 12).samples
    with_target = [sample for sample in samples if sample.target not in (None, [])]
    if not with_target:
        assert module.score(samples, [Output(value)] * len(samples)) is None
        return
    boxes = task == "object-detection"
    outputs = [Output([] if boxes else value)] * len(with_target)
    made = module.score(with_target, outputs)
    assert made is None or (math.isfinite(made.value) and (made.value < 0.5) == made.higher_is_better)


@pytest.mark.parametrize("how", ["drops_a_sample", "serves_one_twice", "answers_unevenly"])
def test_a_sample_that_is_not_served_is_no_saving(measure: Measure, tmp_path: Path, how: str) -> None:
    """``num_samples: -1`` is an empty loop in OB, with a figure at its end (energy_star/scenario.py:232, 327-343)."""
    record = measure(job_of(how), tmp_path)
    assert record.status is Status.FAILED
    assert record.failure is not None
    assert "samples" in record.failure.message
    assert record.figures == ()


@pytest.mark.parametrize("how", ["counts_less_than_nothing", "counts_no_number"])
def test_work_is_counted_in_numbers_from_0_on(measure: Measure, tmp_path: Path, how: str) -> None:
    """OB divides by volumes of -1 (energy_star/scenario.py:327-343): a negative efficiency."""
    record = measure(job_of(how), tmp_path)
    assert record.failure is not None
    assert "counted" in record.failure.message
    assert list(Store(tmp_path).records()) != [], "and the record can be read back"


def test_answers_belong_to_their_samples_in_whatever_order_these_are_served(measure: Measure, tmp_path: Path) -> None:
    record = measure(job_of("sorts"), tmp_path)
    assert record.samples is not None
    rows = tables.samples_from_parquet(Store(tmp_path).table("samples", record.samples))
    assert len(rows) == 4
    assert [json.loads(row["output"]) for row in rows] == [row["id"] for row in rows]


def test_a_backend_cannot_end_a_pass(measure: Measure, tmp_path: Path) -> None:
    """A mark that has the name of the procedure's own would cut the window after the first batch."""
    record = measure(job_of("says_that_the_pass_ends"), tmp_path)
    assert record.failure is not None
    assert "'pass_end'" in record.failure.message
    assert record.figures == ()


def test_the_whole_test_set_is_asked_unless_less_is_asked_for() -> None:
    """AES' wrapper asks ten prompts of a thousand where nobody says more (run_ai_energy_benchmark.py)."""
    for task in TASKS:
        whole = len(testsets.load(registry.task(task), STANDARD_EDITION).samples)
        words = ("-t", task, "-m", "fake/model", "--weights", "random", "--meter", "fake", "--format", "json")
        [cell] = json.loads(command("plan", *words).stdout)
        assert cell["job"]["procedure"]["samples"] == whole


def test_ten_of_many_are_never_taken_for_all(tmp_path: Path) -> None:
    """The number stands beside the figure on every screen, and divides populations."""
    for samples in (10, 20):
        done = wattstar_command(*fake_words(tmp_path, "--passes", 1, samples=samples))
        assert f"{samples} samples" in done.stdout
    rated = command("rate", "-o", tmp_path).stdout
    assert "10 samples" in rated
    assert "20 samples" in rated
    assert len(json.loads(command("rate", "-o", tmp_path, "--format", "json").stdout)) == 2
    [first, second] = Store(tmp_path).records()
    assert "10 of edition" in command("show", first[0], "-o", tmp_path).stdout
    rows = list(csv.DictReader(command("list", "-o", tmp_path, "--format", "csv").stdout.splitlines()))
    assert [row["samples"] for row in rows] == ["10", "20"]
    assert {counted.queries for counted in records(tmp_path)[0].passes} == {10}
    apart = command("compare", first[0], second[0], "-o", tmp_path)
    assert apart.returncode == 2
    assert "cannot be compared: samples: 10 of" in apart.stderr
