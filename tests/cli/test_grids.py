"""Lists in a plan are a grid: every combination, in a defined order, each job once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support import command, fake_words

HEAD = """
[[jobs]]
task = {task}
models = ["fake/model"]
weights = "random"
meters = ["fake"]
samples = 2
"""


def planned(tmp_path: Path, text: str, *words: object) -> list[dict[str, Any]]:
    (tmp_path / "plan.toml").write_text(text)
    done = command("plan", "--plan", tmp_path / "plan.toml", "-o", tmp_path / "store", *words, "--format", "json")
    assert done.returncode == 0, done.stderr
    return [cell["job"] for cell in json.loads(done.stdout)]


def test_the_product_is_taken_tasks_first_and_options_last(tmp_path: Path) -> None:
    text = HEAD.format(task='["text-generation", "text-classification"]')
    more = (
        'batch_size = [2, 1]\ncontrols = { prompt_tokens = [8, 9] }\noptions = { watts = ["5", "6"], seconds = "1" }\n'
    )
    jobs = planned(tmp_path, text + more)
    found = [
        (job["task"], job["controls"]["batch_size"], job["controls"]["prompt_tokens"], job["model"]["options"]["watts"])
        for job in jobs
    ]
    assert found == [
        (task, size, tokens, watts)
        for task in ("text-generation", "text-classification")
        for size in (2, 1)
        for tokens in (8, 9)
        for watts in ("5", "6")
    ]
    assert {job["model"]["options"]["seconds"] for job in jobs} == {"1"}


def test_flags_make_a_grid_by_commas_and_by_repeating(tmp_path: Path) -> None:
    words = fake_words(tmp_path, "--batch-size", "1,2", "--batch-size", 4, "-t", "text-generation",
                       "--dtype", "float32,bfloat16", "--option", "watts=5", "--option", "watts=5,6")  # fmt: skip
    done = command("plan", *words[1:], "--format", "json")
    jobs = [cell["job"] for cell in json.loads(done.stdout)]
    assert len(jobs) == 2 * 3 * 2 * 2
    assert [job["task"] for job in jobs] == ["text-classification"] * 12 + ["text-generation"] * 12
    assert [job["model"]["dtype"] for job in jobs[:12]] == ["float32"] * 6 + ["bfloat16"] * 6
    assert [job["controls"]["batch_size"] for job in jobs[:6:2]] == [1, 2, 4]
    assert [job["model"]["options"]["watts"] for job in jobs[:2]] == ["5", "5,6"], "commas are part of an option"


def test_a_flag_replaces_the_list_of_a_plan(tmp_path: Path) -> None:
    text = HEAD.format(task='"text-generation"') + "batch_size = [1, 2, 4]\n"
    assert [job["controls"]["batch_size"] for job in planned(tmp_path, text, "--batch-size", 8)] == [8]


def test_a_job_that_stands_in_a_plan_twice_is_measured_once(tmp_path: Path) -> None:
    words = fake_words(tmp_path, "-m", "fake/model", "--batch-size", "1,1")[1:]
    done = command("plan", *words, "--format", "json")
    assert "3 jobs stand in the plan more than once, and are measured once." in done.stderr
    assert len(json.loads(done.stdout)) == 1


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("batch_size = []", "[[jobs]] table 2: batch_size: the list is empty."),
        ("options = { watts = [] }", "[[jobs]] table 2: options.watts: the list is empty."),
        ("passes = [1, 2]", "[[jobs]] table 2: passes: a list is not taken here."),
        ("idle_seconds = [1]", "lists are taken by task, models, backend, weights, dtype, device, batch_size"),
        ("batch_size = [1, [2]]", "[[jobs]] table 2: batch_size: "),
        ('dtype = ["float32", 16]', "[[jobs]] table 2: dtype: "),
        (f"batch_size = {list(range(1, 102))}\nnew_tokens = {list(range(1, 102))}", "table 2: 10,201 combinations"),
    ],
)
def test_a_list_that_makes_no_sense_is_told_where(tmp_path: Path, line: str, said: str) -> None:
    table = HEAD.format(task='"text-generation"')
    (tmp_path / "plan.toml").write_text(f"{table}{table}{line}\n")
    done = command("plan", "--plan", tmp_path / "plan.toml")
    assert done.returncode == 2
    assert said in done.stderr
    assert "→ " in done.stderr


def test_tables_that_are_too_many_together_are_refused(tmp_path: Path) -> None:
    table = HEAD.format(task='"text-generation"') + f"batch_size = {list(range(1, 5002))}\n"
    (tmp_path / "plan.toml").write_text(table + table)
    assert "10,002 combinations are more than 10,000." in command("plan", "--plan", tmp_path / "plan.toml").stderr


@pytest.mark.parametrize("value", ["1,,2", "", ",", "1,x", "1;2"])
def test_an_empty_value_or_another_separator_is_refused(value: str) -> None:
    done = command("plan", "-t", "text-generation", "-m", "fake/model", "--batch-size", value)
    assert done.returncode == 2
    assert "--batch-size" in done.stderr


def test_the_order_is_drawn_with_a_seed(tmp_path: Path) -> None:
    text = HEAD.format(task='"text-generation"') + f"batch_size = {list(range(1, 21))}\n"

    def order(*words: object) -> list[int]:
        return [job["controls"]["batch_size"] for job in planned(tmp_path, text, *words)]

    assert order() == list(range(1, 21))
    assert order("--shuffle") == order("--shuffle", 0) != order("--shuffle", 1)
    assert sorted(order("--shuffle")) == order()
    done = command("plan", "--plan", tmp_path / "plan.toml", "--shuffle", "-o", tmp_path / "store")
    assert "The order was drawn with --shuffle 0." in done.stderr
