"""The tools' own virtual environments, one per requirements file, and what each tool weighs."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from collections.abc import Iterable
from pathlib import Path

from benchmarks.meters.tools import TOOLS

HERE = Path(__file__).parent
NOT_WANTED = "amdsmi"
"""Comes with zeus; without AMD's driver its import fails and prints, and zeus with it."""
WEIGH = """
import json, sys
from importlib.metadata import PackageNotFoundError, distribution
from packaging.requirements import Requirement
def closure(name, extras, found):
    try: dist = distribution(name)
    except PackageNotFoundError: return found
    key = dist.metadata["Name"].lower()
    if key in found and not extras: return found
    found[key] = dist
    for text in dist.requires or []:
        need = Requirement(text)
        if need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in ["", *extras]):
            closure(need.name, sorted(need.extras), found)
    return found
def size(dist):
    files = [dist.locate_file(file) for file in dist.files or [] if not str(file).endswith(".pyc")]
    return sum(file.stat().st_size for file in files if file.is_file())
def weigh(name, extras):
    found = closure(name, extras, {})
    return {"version": distribution(name).version, "packages": len(found),
            "megabytes": round(sum(map(size, found.values())) / 1e6, 1)}
print(json.dumps({name: weigh(name, extras) for name, extras in json.loads(sys.argv[1]).items()}))
"""
"""Prints packages (the tool and all it needs) and megabytes without compiled Python files."""


def interpreters(folder: Path, tools: Iterable[str]) -> dict[str, Path]:
    """Each tool's interpreter; what is not there yet is installed below the folder."""
    files = {name: TOOLS[name].requirements for name in tools}
    built = {file: build(folder / Path(file).stem, HERE / file) for file in set(files.values()) if file}
    return {name: built[file] if file else own() for name, file in files.items()}


def build(folder: Path, requirements: Path) -> Path:
    """The interpreter of the environment for a requirements file; installs unless that is done."""
    python = folder / "bin" / "python"
    done = folder / "installed.txt"
    if done.exists() and done.read_text() == requirements.read_text():
        return python
    venv.create(folder, with_pip=True)
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--quiet"]
    subprocess.run([*pip, "install", "packaging", "-r", str(requirements)], check=True, timeout=3600)
    subprocess.run([*pip, "uninstall", "--yes", NOT_WANTED], check=True, timeout=60)
    done.write_text(requirements.read_text())
    return python


def weights(python: Path, names: dict[str, list[str]]) -> dict[str, dict[str, object]]:
    """Version, packages and megabytes of each distribution (→ its extras) in an environment."""
    command = [str(python), "-c", WEIGH, json.dumps(names)]
    result = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    found: dict[str, dict[str, object]] = json.loads(result.stdout)
    return found


def own() -> Path:
    """The interpreter that runs wattstar."""
    return Path(sys.executable)
