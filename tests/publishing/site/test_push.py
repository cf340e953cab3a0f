"""What the one who puts a leaderboard on the Hub is promised; the Hub is one on this machine's loopback."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulators.hub import TOKEN, Hub, Repository, serving
from tests.support import command, wattstar_command
from wattstar.cli.leaderboard.build import write

SITE = {
    "README.md": b"---\nsdk: static\n---\n",
    "index.html": b"<!doctype html>",
    "data/index.json": b"{}",
    "models/x[1]/index.html": b"a model",
}


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serving({}) as running:
        yield running


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "dist"
    write(SITE, folder)
    return folder


def push(hub: Hub, site: Path, *words: str, token: str = TOKEN) -> subprocess.CompletedProcess[str]:
    settings = {
        "HF_ENDPOINT": hub.endpoint,
        "HF_HUB_OFFLINE": "0",
        "HF_HOME": str(site.parent / "hf"),
        "HF_TOKEN": token,
    }
    return wattstar_command("leaderboard", "push", "us/board", site, *words, env=settings, timeout=120)


def content(hub: Hub) -> dict[str, bytes]:
    return {name: data for name, data in hub.spaces["us/board"].files.items() if not name.startswith(".")}


def test_a_push_makes_a_static_space_of_what_was_built_and_of_nothing_else(hub: Hub, site: Path) -> None:
    (site / "secrets.txt").write_text("mine")
    (site / "models" / "notes [1].md").write_text("mine too")
    done = push(hub, site, "--create")
    assert done.returncode == 0, done.stderr
    assert content(hub) == SITE
    assert (hub.spaces["us/board"].sdk, hub.spaces["us/board"].private) == ("static", False)
    assert done.stdout.endswith(f"{hub.endpoint}/spaces/us/board\n")
    assert {line.split()[1].split("?")[0] for line in hub.asked if "telemetry" in line} == set()


def test_a_later_push_removes_what_an_earlier_one_left_and_nothing_else(hub: Hub, site: Path) -> None:
    assert push(hub, site, "--create").returncode == 0
    theirs = hub.spaces["us/board"]
    hub.spaces["us/board"] = theirs.moved({**theirs.files, "CNAME": b"theirs"})
    write({**SITE, "models/x[1]/index.html": b"changed", "new.json": b"1"} | {}, site)
    write({name: data for name, data in SITE.items() if not name.startswith("data/")} | {"new.json": b"1"}, site)
    done = push(hub, site)
    assert done.returncode == 0, done.stderr
    left = {name: data for name, data in SITE.items() if not name.startswith("data/")}
    assert content(hub) == {**left, "new.json": b"1", "CNAME": b"theirs"}


def test_a_space_of_something_else_is_not_overwritten(hub: Hub, site: Path) -> None:
    hub.spaces["us/board"] = Repository({"app.py": b"import gradio", "README.md": b"theirs"})
    done = push(hub, site, "--create")
    assert done.returncode == 2
    assert "holds something else: app.py" in done.stderr
    assert content(hub) == {"app.py": b"import gradio", "README.md": b"theirs"}


@pytest.mark.parametrize(
    ("words", "token", "code", "said"),
    [
        ((), TOKEN, 2, "--create"),
        (("--create",), "", 3, "hf auth login"),
        (("--private",), TOKEN, 2, "--create"),
    ],
)
def test_what_cannot_go_is_said_with_its_cure(
    hub: Hub, site: Path, words: tuple[str, ...], token: str, code: int, said: str
) -> None:
    done = push(hub, site, *words, token=token)
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr
    assert hub.spaces == {}


def test_a_dry_run_lists_every_file_with_its_size_and_asks_the_hub_for_nothing(hub: Hub, site: Path) -> None:
    done = push(hub, site, "--dry-run", "--format", "json")
    assert done.returncode == 0, done.stderr
    listed = {row["file"]: row["bytes"] for row in json.loads(done.stdout)["files"]}
    assert {name: len(data) for name, data in SITE.items()}.items() <= listed.items()
    assert json.loads(done.stdout)["bytes"] == sum(listed.values())
    assert hub.asked == []
    human = command("leaderboard", "push", "us/board", site, "--dry-run").stdout
    assert "Nothing was sent" in human
    assert "models/" in human


def test_no_leaderboard_no_push(tmp_path: Path, site: Path) -> None:
    done = command("leaderboard", "push", "us/board", tmp_path, "--dry-run")
    assert done.returncode == 2
    assert "→ wattstar leaderboard build STORE" in done.stderr
    (site / "data" / "index.json").unlink()
    assert "is not there any more" in command("leaderboard", "push", "us/board", site, "--dry-run").stderr
    write({"index.html": b""}, site)
    assert "without --single-file" in command("leaderboard", "push", "us/board", site, "--dry-run").stderr


def test_a_hub_that_cannot_be_reached_is_said(site: Path) -> None:
    done = command("leaderboard", "push", "us/board", site)
    assert done.returncode == 3
    assert "unset HF_HUB_OFFLINE" in done.stderr
