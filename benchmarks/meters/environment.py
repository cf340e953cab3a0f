"""The tools' own virtual environment, and what each of them weighs."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).parent
REQUIREMENTS = HERE / "requirements.txt"
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


def build(folder: Path) -> Path:
    """The environment's interpreter; installs the tools unless they are there."""
    python = folder / "bin" / "python"
    done = folder / "installed.txt"
    if done.exists() and done.read_text() == REQUIREMENTS.read_text():
        return python
    venv.create(folder, with_pip=True)
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--quiet"]
    subprocess.run([*pip, "install", "packaging", "-r", str(REQUIREMENTS)], check=True, timeout=900)
    subprocess.run([*pip, "uninstall", "--yes", NOT_WANTED], check=True, timeout=60)
    done.write_text(REQUIREMENTS.read_text())
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
