"""Words that make no sense are told so, in one line, with a suggestion and exit code 2, before anything is loaded."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.support import command, copy_of_package, fake_words, records, wattstar_command
from wattstar.types import Status

ASKED = ["-t", "text-classification", "-m", "fake/model", "--weights", "random", "--meter", "fake"]


def refused(store: Path, *words: object, exit_code: int = 2) -> str:
    """Run, and be refused: nothing is on standard output, nothing is written, no worker starts."""
    done = command("run", *words, "-o", store)
    assert done.returncode == exit_code, (done.stdout, done.stderr)
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert ": load" not in done.stderr
    assert not store.exists()
    return done.stderr


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("-t", "text-clasification"), "There is no task 'text-clasification'. Did you mean 'text-classification'?"),
        (("-m", "fake/modle"), "There is no architecture 'fake/modle'. Did you mean 'fake/model'?"),
        (("--backend", "tranformers"), "There is no backend 'tranformers'. Did you mean 'transformers'?"),
        (("--meter", "nvmll"), "There is no meter 'nvmll'. Did you mean 'nvml'?"),
        (("--edition", "mini-l"), "There is no edition 'mini-l'. Did you mean 'mini-2'?"),
    ],
)
def test_an_unknown_name_gets_a_suggestion(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    given = dict(zip(ASKED[::2], ASKED[1::2], strict=True)) | dict([change])
    err = refused(tmp_path / "store", *[word for pair in given.items() for word in pair])
    assert said in err
    assert "→ known: " in err


def test_an_unknown_name_is_a_usage_error_for_several_models_too(tmp_path: Path) -> None:
    err = refused(tmp_path / "store", *ASKED[2:], "-m", "fake/other", "-t", "nonsense")
    assert "There is no task 'nonsense'." in err


@pytest.mark.parametrize("verb", ["run", "plan"])
def test_nothing_to_measure_is_said(verb: str) -> None:
    for words in ([], ["-t", "text-classification"], ["-m", "fake/model"]):
        done = command(verb, *words)
        assert done.returncode == 2
        assert "Nothing to measure: name a task and a model." in done.stderr


def test_a_backend_that_cannot_serve_the_model_says_why_before_anything_is_loaded(tmp_path: Path) -> None:
    err = refused(tmp_path / "store", *ASKED, "--backend", "transformers")
    assert "The backend 'transformers' cannot serve fake/model: reads files of format transformers, not fake." in err


@pytest.mark.parametrize(
    ("flag", "values"),
    [
        ("--samples", ["0", "-1", "121", "1000000000", "some", "1.5"]),
        ("--passes", ["0", "-4", "many"]),
        ("--target-error", ["0", "-0.01", "nan", "inf", "7", "99%", "some", "%"]),
        ("--batch-size", ["0", "-1"]),
        ("--new-tokens", ["0", "5"]),
        ("--idle-seconds", ["-1", "nan", "inf"]),
        ("--pass-seconds", ["-0.5", "nan", "inf"]),
        ("--timeout", ["0", "-1", "nan", "inf"]),
        ("--seed", ["x"]),
        ("--weights", ["heavy"]),
        ("--format", ["xml"]),
        ("--option", ["watts", "=5"]),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_by_its_name(tmp_path: Path, flag: str, values: list[str]) -> None:
    for value in values:
        err = refused(tmp_path / "store", *ASKED, flag, value)
        assert flag.lstrip("-").replace("-", "") in re.sub("[-_]", "", err).lower(), (value, err)


@pytest.mark.parametrize("word", ["0.02", "2%", "2.0%"])
def test_an_error_is_a_share_or_per_cent(word: str) -> None:
    [cell] = json.loads(command("plan", *ASKED, "--target-error", word, "--format", "json").stdout)
    assert cell["job"]["procedure"]["target_error"] == 0.02


def test_more_samples_than_there_are_is_said_with_the_number_there_is(tmp_path: Path) -> None:
    err = refused(tmp_path / "store", *ASKED, "--samples", "121")
    assert "has 120 samples for text-classification, not 121." in err
    assert "--samples 1 … 120" in err


def test_a_zero_that_makes_sense_is_taken_at_its_word() -> None:
    words = ["plan", *ASKED, "--idle-seconds", "0", "--pass-seconds", "0", "--seed", "0", "--format", "json"]
    [cell] = json.loads(command(*words).stdout)
    assert cell["job"]["procedure"]["idle_seconds"] == 0
    assert cell["job"]["procedure"]["pass_seconds"] == 0


def test_a_measurement_that_cannot_be_had_is_refused_with_the_cures(tmp_path: Path) -> None:
    """There is no counter here, or there would be no need to ask for a fake one: the estimate is named alone."""
    words = ["-t", "text-classification", "-m", "fake/model", "--weights", "random", "--meter", "estimate"]
    err = refused(tmp_path / "store", *words, "--require-measured", exit_code=3)
    assert "A measurement was asked for, but the energy of cpu and dram can only be estimated here." in err
    assert "→ " in err


GOOD = '[[jobs]]\ntask = "text-classification"\nmodels = ["fake/model"]\nweights = "random"\nmeters = ["fake"]\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "cannot be read: No such file or directory."),
        ("this is = not = toml", "is not TOML"),
        ("\x00", "is not TOML"),
        ("", "has no [[jobs]] table"),
        ('name = "x"\n', "has no [[jobs]] table"),
        (GOOD + "[surprise]\n", "has unknown: surprise"),
        (GOOD + "surprise = 1\n", "[[jobs]] table 1: surprise"),
        (GOOD + GOOD + 'samples = "some"\n', "[[jobs]] table 2: samples"),
        (GOOD.replace('"random"', '"heavy"'), "[[jobs]] table 1: weights"),
        (GOOD.replace('["fake/model"]', '"fake/model"'), "[[jobs]] table 1: models"),
        (GOOD.replace('["fake/model"]', "[]"), "[[jobs]] table 1: models"),
        (GOOD.replace('["fake"]', "[]"), "No meter is named."),
        (GOOD.replace('task = "text-classification"\n', ""), "[[jobs]] table 1: task"),
        (GOOD + "options = { watts = 3 }\n", "[[jobs]] table 1: options.watts"),
        (GOOD + "idle_seconds = nan\n", "--idle-seconds"),
        (GOOD.replace("[[jobs]]", "[jobs]"), "jobs"),
        ("jobs = 3\n", "jobs"),
        ("jobs = [1, 2]\n", "jobs"),
        ('defaults = "fast"\n' + GOOD, "defaults"),
    ],
)
def test_a_plan_that_makes_no_sense_is_told_where(tmp_path: Path, text: str | None, said: str) -> None:
    file = tmp_path / "plan.toml"
    if text is not None:
        file.write_text(text)
    err = refused(tmp_path / "store", "--plan", file)
    assert said in err


def test_a_plan_that_is_a_folder_or_no_text_is_refused(tmp_path: Path) -> None:
    assert "cannot be read" in refused(tmp_path / "store", "--plan", tmp_path)
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    assert "is not TOML" in refused(tmp_path / "store", "--plan", tmp_path / "binary.toml")


def test_flags_win_over_a_plan_and_its_tables_over_its_defaults(tmp_path: Path) -> None:
    file = tmp_path / "plan.toml"
    file.write_text("[defaults]\npasses = 5\nsamples = 5\nidle_seconds = 5\n" + GOOD + "samples = 3\n")
    [cell] = json.loads(command("plan", "--plan", file, "--idle-seconds", 0, "--format", "json").stdout)
    procedure = cell["job"]["procedure"]
    assert (procedure["passes"], procedure["samples"], procedure["idle_seconds"]) == (5, 3, 0)


def test_one_cell_that_is_refused_costs_no_other(tmp_path: Path) -> None:
    done = wattstar_command(*fake_words(tmp_path, "-m", "fake/unknown"))
    assert done.returncode == 5
    assert "refused: text-classification fake/unknown: There is no architecture 'fake/unknown'." in done.stderr
    assert [record.status for record in records(tmp_path)] == [Status.COMPLETE]


def test_a_plan_says_what_is_refused_and_runs_nothing(tmp_path: Path) -> None:
    words = fake_words(tmp_path / "store", "-m", "fake/unknown")[1:]
    done = command("plan", *words, "--format", "json")
    assert done.returncode == 0
    good, bad = json.loads(done.stdout)
    assert good["job"]["model"]["id"] == "fake/model"
    assert good["refused"] is None
    assert good["estimate"]["seconds"]["low"] > 0
    assert bad["job"] is None
    assert bad["refused"]["exit_code"] == 2
    assert "Did you mean" in bad["refused"]["message"]
    assert not (tmp_path / "store").exists()
    assert "fake/unknown" in command("plan", *words).stdout


def test_an_optional_cell_is_skipped_where_this_machine_cannot_serve_it(tmp_path: Path) -> None:
    file = tmp_path / "plan.toml"
    absent = GOOD.replace('"fake/model"', '"/no/such/folder"').replace('"random"', '"pretrained"')
    file.write_text(
        "[defaults]\nsamples = 2\nidle_seconds = 0\npass_seconds = 0\n" + GOOD + absent + "optional = true\n"
    )
    done = wattstar_command("run", "--plan", file, "-o", tmp_path / "store")
    assert done.returncode == 0, done.stderr
    assert "skipped: text-classification /no/such/folder: There is no folder /no/such/folder." in done.stderr
    assert "(1 complete), 1 in all; 1 jobs were skipped" in done.stderr


def test_the_folder_one_stands_in_is_never_searched_for_modules(tmp_path: Path) -> None:
    """A model's folder may hold files named like modules: they are not ours, and not run."""
    for name in ("json.py", "types.py", "queue.py", "wattstar.py"):
        (tmp_path / name).write_text("raise SystemExit('code of a stranger was run')\n")
    done = wattstar_command(*fake_words(tmp_path / "store"), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "stranger" not in done.stderr


@pytest.fixture(scope="module")
def broken_edition(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The package with an edition in which files are broken, missing and empty."""
    package = copy_of_package(tmp_path_factory.mktemp("copy"))
    folder = package / "testsets" / "mini"
    images = sorted((folder / "image-classification").iterdir())
    images[0].write_bytes(b"no image")
    images[1].write_bytes(images[1].read_bytes()[:500])
    images[2].unlink()
    for i, clip in enumerate((folder / "automatic-speech-recognition").iterdir()):
        clip.write_bytes(b"no sound" if i % 2 else clip.read_bytes()[:-1001])
    texts = folder / "text-classification.jsonl"
    rows = [json.loads(line) for line in texts.read_text().splitlines()]
    rows[0]["input"]["text"] = ""
    texts.write_text("".join(json.dumps(row) + "\n" for row in rows))
    shutil.rmtree(package / "testsets" / "__pycache__", ignore_errors=True)
    return {
        "PYTHONPATH": str(package.parent),
        "broken": " ".join(image.name for image in images[:3]),
        "empty": rows[0]["id"],
    }


def test_samples_that_cannot_be_decoded_are_named_and_counted_and_make_the_record_invalid(
    tmp_path: Path, broken_edition: dict[str, str]
) -> None:
    words = fake_words(tmp_path, "--format", "json", task="image-classification", samples=48)
    done = wattstar_command(*words, env={"PYTHONPATH": broken_edition["PYTHONPATH"]})
    assert done.returncode == 4, done.stderr
    [row] = json.loads(done.stdout)
    [finding] = [found for found in row["record"]["findings"] if found["gate"] == "samples"]
    assert finding["severity"] == "invalid"
    assert finding["message"].startswith("3 of 48 samples could not be decoded and were not served: ")
    for name in broken_edition["broken"].split():
        assert name in finding["message"]
    assert {counted["queries"] for counted in row["record"]["passes"]} == {45}, "only what was served is counted"
    assert "records are invalid and will not be rated" in done.stderr
    assert json.loads(command("rate", "-o", tmp_path, "--format", "json").stdout) == []
    assert "invalid" in command("list", "-o", tmp_path).stdout


def test_an_empty_text_is_named_too(tmp_path: Path, broken_edition: dict[str, str]) -> None:
    words = fake_words(tmp_path, samples=120)
    done = wattstar_command(*words, env={"PYTHONPATH": broken_edition["PYTHONPATH"]})
    assert done.returncode == 4, done.stderr
    [record] = records(tmp_path)
    assert f"sample {broken_edition['empty']}: text is empty" in record.findings[0].message


def test_a_test_set_of_which_nothing_can_be_decoded_is_a_failure(
    tmp_path: Path, broken_edition: dict[str, str]
) -> None:
    words = fake_words(tmp_path, task="automatic-speech-recognition", samples=3)
    done = wattstar_command(*words, env={"PYTHONPATH": broken_edition["PYTHONPATH"]})
    assert done.returncode == 4, done.stderr
    [record] = records(tmp_path)
    assert record.status is Status.FAILED
    assert record.failure is not None
    assert record.failure.reason == "samples"
    assert "None of the 3 samples could be decoded" in record.failure.message


@pytest.mark.parametrize(
    ("task", "control", "said"),
    [
        ("text-classification", "steps=4", "text-classification has no control 'steps' that could be set."),
        ("text-classification", "stepz=4", "text-classification has no control 'stepz' that could be set."),
        ("text-generation", "new_tokens=many", "new_tokens: "),
        ("text-generation", "new_tokens=0", "new_tokens is 0; it must be at least 1, and finite."),
        ("text-generation", "prompt_tokens=-1", "prompt_tokens is -1; it must be at least 1"),
        ("text-generation", "thinking=hard", "thinking is 'hard'."),
        ("automatic-speech-recognition", "audio_seconds=inf", "audio_seconds is inf; it must be at least 0.01"),
        ("text-generation", "new_tokens", "--control 'new_tokens' is not NAME=VALUE."),
    ],
)
def test_a_control_that_does_not_apply_or_is_out_of_range_is_refused(
    tmp_path: Path, task: str, control: str, said: str
) -> None:
    words = ["-t", task, "-m", "fake/model", "--weights", "random", "--meter", "fake", "--control", control]
    assert said in refused(tmp_path / "store", *words)


def test_controls_of_the_command_line_and_of_a_plan_reach_the_record(tmp_path: Path) -> None:
    words = fake_words(tmp_path / "a", task="text-generation")
    assert wattstar_command(*words, "--control", "new_tokens=3", "--control", "prompt_tokens=17").returncode == 0
    plan = tmp_path / "plan.toml"
    table = "controls = { new_tokens = 3, prompt_tokens = 17 }"
    plan.write_text(f'[[jobs]]\ntask = "text-generation"\nmodels = ["fake/model"]\n{table}\n')
    done = wattstar_command(*fake_words(tmp_path / "b", task=None), "--plan", plan)
    assert done.returncode == 0, done.stderr
    for store in ("a", "b"):
        [record] = records(tmp_path / store)
        assert (record.job.controls.new_tokens, record.job.controls.prompt_tokens) == (3, 17)
