"""Faults of peers' code, after which a figure cannot be had again, which wattstar must not have.

Peers: OB is huggingface/optimum-benchmark ``b263af46``, AES huggingface/AIEnergyScore ``a5b9a04``, AEB
neuralwatt/ai_energy_benchmarks ``abddff4``. Guarded elsewhere, by a test that the fault would break:

- models and data without a revision (AES' Dockerfile): ``test_hub: a_branch_is_pinned_to_its_commit…``,
  ``test_building: built_again_on_another_machine_the_digests_are_the_same``, ``test_failures:
  samples_that_are_not_those_of_the_plan_are_refused``
- commands that always fail (AES summarize_gpu_wh.py:31, 52, 84): ``test_start_up:
  every_command_of_the_help_is_there_and_says_what_it_does``, ``test_reading_back:
  the_data_of_every_command_parses_and_nothing_else_is_on_standard_output``
- a number of samples of -1: ``test_bad_input: a_value_that_makes_no_sense_is_refused_by_its_name``
- code of strangers run by default (AEB trust_remote_code=True): ``test_transformers:
  code_in_a_repository_is_not_run_without_a_yes``
- a time-out that is named and not there (AES batch_runner.py:187-225): ``test_failures:
  a_worker_that_fails_is_said_with_its_reason_and_cure`` (hang)
- AMD and others refused: ``test_amd``, ``test_apple``, ``test_jetson``
- results overwritten a task: ``test_reading_back:
  a_job_is_known_by_everything_that_makes_a_difference``, ``test_statistics:
  a_model_that_is_measured_again_keeps_its_older_figure``

Not expressed, because wattstar has no such part: an HTTP client of served models (AEB vllm.py:31: ``rstrip("/v1")``;
streaming that generates twice), Docker scripts that delete containers, a carbon intensity with a hard-coded country.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support import command, fake_words, wattstar_command
from wattstar import models
from wattstar.cli import COMMANDS
from wattstar.errors import ModelUnavailable, UsageError
from wattstar.measuring.plan import plan
from wattstar.types import Request, Weights

ASKED = ["-t", "text-generation", "-m", "fake/model", "--weights", "random", "--meter", "fake", "--format", "json"]


@pytest.mark.parametrize("word", ["False", "false", "0", "no", "off"])
def test_false_as_text_is_not_true(word: str) -> None:
    """OB's overrides stay text: ``reasoning=False`` reasons (hub_utils, energy_star/config.py)."""
    [cell] = json.loads(command("plan", *ASKED, "--control", f"stops_early={word}").stdout)
    assert cell["job"]["controls"]["stops_early"] is False


@pytest.mark.parametrize("word", ["maybe", "", "None", "2"])
def test_what_is_neither_true_nor_false_is_refused(word: str) -> None:
    done = command("plan", *ASKED, "--control", f"stops_early={word}")
    assert done.returncode == 2 or json.loads(done.stdout)[0]["refused"]["exit_code"] == 2


@pytest.mark.parametrize("name", ["trust_remote_code", "require_measured", "optional", "quick"])
def test_false_as_text_in_a_plan_file_or_a_program_is_not_true(tmp_path: Path, name: str) -> None:
    """The code of a stranger would be run: ``trust_remote_code = "False"``."""
    file = tmp_path / "plan.toml"
    table = 'task = "text-generation"\nmodels = ["fake/model"]\nweights = "random"\nmeters = ["fake"]\n'
    file.write_text(f'[[jobs]]\n{table}{name} = "False"\n')
    [cell] = json.loads(command("plan", "--plan", file, "--format", "json").stdout)
    assert cell["refused"] is None
    assert cell["job"]["model"]["trust_remote_code"] is False
    words: dict[str, object] = {name: "False"}
    request = Request("text-generation", ("fake/model",), weights=Weights.RANDOM, meters=("fake",), **words)  # type: ignore[arg-type]
    [planned] = plan([request])
    assert isinstance(planned.refused, UsageError)
    assert f"{name} is 'False'" in planned.refused.message


@pytest.mark.parametrize("text", ["__import__('os').system('touch ran')", "[].append(1)", "10**9", "0x10"])
def test_nothing_that_is_typed_is_evaluated(tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """AES calls ``eval`` on cells of a table (hub_utils)."""
    monkeypatch.chdir(tmp_path)
    for words in (("--control", f"new_tokens={text}"), ("--batch-size", text), ("--samples", text)):
        done = command("plan", *ASKED, *words)
        assert done.returncode == 2 or json.loads(done.stdout)[0]["refused"]["exit_code"] == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("dtype", ["auto", "torch.float16", "half precision", ""])
def test_a_dtype_nobody_knows_is_refused_before_anything_is_loaded(tmp_path: Path, dtype: str) -> None:
    """OB asks torch for its attribute ``auto`` (backends/pytorch/backend.py:288-289), in its flagship's file."""
    words = ("-t", "text-classification", "-m", "google/bert_uncased_L-2_H-128_A-2", "--weights", "random",
             "--dtype", dtype, "--meter", "estimate", "-o", tmp_path / "store")  # fmt: skip
    done = command("run", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert dtype in done.stderr
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("device", ["cuda:0", "cuda", "gpu", "cuda:", "cuda:-1", "CUDA:0", "0"])
def test_a_device_that_is_not_here_is_refused_with_the_cure(tmp_path: Path, device: str) -> None:
    """``device: cuda:0`` is an IndexError in OB (backends/config.py:97-98)."""
    words = ("-t", "text-classification", "-m", "fake/model", "--weights", "random", "--device", device)
    done = command("run", *words, "-o", tmp_path / "store")
    assert done.returncode in (2, 3), done.stderr
    assert "→ " in done.stderr
    assert not (tmp_path / "store").exists()


def test_a_model_that_was_changed_after_the_plan_is_not_measured(tmp_path: Path) -> None:
    """AES takes whatever a branch shows at the moment, and so would a plan that runs for a night."""
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    asked = Request("text-classification", (str(tmp_path),), device="cpu")
    model = models.resolve(asked, str(tmp_path))
    assert models.files(model) == tmp_path
    (tmp_path / "model.safetensors").write_bytes(b"Weights")
    for use in (models.files, models.weights_digest):
        with pytest.raises(ModelUnavailable, match="not those that were planned with"):
            use(model)
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    assert models.files(model) == tmp_path
    (tmp_path / "modeling.py").write_text("print('new code')")
    with pytest.raises(ModelUnavailable, match="changed, added or removed"):
        models.files(model)


def test_a_token_is_written_nowhere(tmp_path: Path) -> None:
    """AES passes the Hub's token on the command line of docker (run_docker.sh:133-135)."""
    secret = {"HF_TOKEN": "hf_a-secret-of-mine", "HUGGING_FACE_HUB_TOKEN": "hf_a-secret-of-mine"}
    done = wattstar_command(*fake_words(tmp_path, "--passes", 1), env=secret)
    assert done.returncode == 0, done.stderr
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert files
    assert not any(b"a-secret-of-mine" in file.read_bytes() for file in files)
    assert "a-secret-of-mine" not in done.stdout + done.stderr


ROOT = Path(__file__).parents[2]
PAGES: Mapping[str, Path] = {file.name: file for file in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))}


GROUPS = {
    "testset": ("build", "show", "verify", "push"),
    "edition": ("list", "show", "diff", "build"),
    "leaderboard": ("build", "serve", "push"),
    "label": ("draw", "verify"),
}


@pytest.mark.parametrize("page", PAGES)
def test_the_documentation_names_no_command_that_is_not_there(page: str) -> None:
    """AES' README names files that are missing, and its page calls programs that it does not use."""
    text = PAGES[page].read_text(encoding="utf-8")
    code = re.findall(r"```.*?```|`[^`\n]+`", text, re.DOTALL)
    lines = [line.strip(" $`") for part in code for line in part.splitlines()]
    named = {match[1] for line in lines if (match := re.match(r"(?:\S*bin/)?wattstar ([a-z]+)\b", line))}
    assert named <= set(COMMANDS)
    options = {match for line in lines if "wattstar " in line for match in re.findall(r"(?<=\s)--[a-z][a-z-]+", line)}
    known = {word for name in COMMANDS for word in re.findall(r"--[a-z][a-z-]+", command(name, "--help").stdout)}
    known |= {word for group, names in GROUPS.items() for name in names
              for word in re.findall(r"--[a-z][a-z-]+", command(group, name, "--help").stdout)}  # fmt: skip
    assert options <= known
