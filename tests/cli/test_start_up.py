"""Starting is cheap, and the parent of a run stays light: heavy packages are imported where they are needed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import wattstar
from tests.support import PACKAGE, command, fake_words, wattstar_command
from wattstar import errors
from wattstar.types import Weights

HEAVY = ("torch", "numpy", "pyarrow", "pydantic", "rich", "transformers", "huggingface_hub")
MAIN = "from wattstar.cli import main; main(prog_name='wattstar')"


def imported(text: str, *words: str) -> set[str]:
    """Top-level packages that a process of these words imports."""
    done = subprocess.run(
        [sys.executable, "-P", "-X", "importtime", "-c", text, *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    names = re.findall(r"^import time:[^|]*\|[^|]*\|\s*(\S+)$", done.stderr, flags=re.MULTILINE)
    assert "wattstar" in names
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["run", "--help"], ["list", "--help"]])
def test_help_loads_nothing_heavy(words: list[str]) -> None:
    heavy = set(HEAVY) if words[0].startswith("-") else {"torch", "numpy", "pyarrow", "transformers"}
    assert imported(MAIN, *words).isdisjoint(heavy)


def test_importing_wattstar_loads_nothing_heavy() -> None:
    assert imported("import wattstar").isdisjoint({*HEAVY, "click", "psutil"})


@pytest.mark.parametrize("verb", ["tasks", "backends", "meters"])
def test_listing_loads_no_package_of_a_plug_in(verb: str) -> None:
    assert imported(MAIN, verb, "--format", "json").isdisjoint({"torch", "numpy", "pyarrow", "transformers"})


def test_the_parent_of_a_run_never_imports_what_serves_models(tmp_path: Path) -> None:
    loaded = imported(MAIN, *fake_words(tmp_path, task="image-classification"))
    assert loaded.isdisjoint({"torch", "transformers", "PIL", "scipy"})


def test_the_public_names_are_at_most_a_dozen_and_all_there() -> None:
    assert len(wattstar.__all__) <= 12
    for name in wattstar.__all__:
        assert getattr(wattstar, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        wattstar.nonsense  # noqa: B018


def test_the_public_names_are_enough_to_measure_and_rate(tmp_path: Path) -> None:
    request = wattstar.Request(
        "text-classification", ("fake/model",), weights=Weights.RANDOM, meters=("fake",), samples=2
    )
    [cell] = wattstar.plan([request])
    store = wattstar.Store(tmp_path)
    record = wattstar.run(cell.job, wattstar.Circumstances(store))
    [(population, members)] = wattstar.populations(store.records())
    [rating] = wattstar.rate(population, members)
    assert rating.wh_per_1000.mid == record.figures[0].wh_per_1000.mid == pytest.approx(6 / 3.6)


def test_every_command_of_the_help_is_there_and_says_what_it_does() -> None:
    helped = wattstar_command("--help")
    assert helped.returncode == 0
    assert helped.stderr == ""
    files = {file.stem for file in (PACKAGE / "cli").iterdir()}
    commands = re.findall(r"^  (\w+)  +\S", helped.stdout.partition("Commands:")[2], flags=re.MULTILINE)
    assert len(commands) >= 9
    assert set(commands) <= files
    for name in commands:
        done = command(name, "--help")
        assert done.returncode == 0
        assert f"wattstar {name}" in done.stdout


def test_the_help_names_every_exit_code_of_an_error() -> None:
    kinds = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.WattstarError)
    ]
    codes = {kind.exit_code for kind in kinds}
    shown = wattstar_command("--help").stdout.partition("Exit codes:")[2]
    assert {int(code) for code in re.findall(r"\d+", shown)} == codes | {0}


def test_an_unknown_command_is_a_usage_error() -> None:
    done = wattstar_command("measure")
    assert done.returncode == 2
    assert "measure" in done.stderr


def test_the_installed_command_is_the_same() -> None:
    script = Path(sys.executable).parent / "wattstar"
    if not script.exists():
        pytest.skip("wattstar is on the path, not installed")
    done = subprocess.run([script, "--version"], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip().endswith(wattstar.__version__)
