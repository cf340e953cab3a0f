"""What is shown while models are measured."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from tests.support import environment

ROOT = Path(__file__).parents[2]
SCRIPT = """
from tests.support import fake_job
from wattstar.cli.progress import shown
from wattstar.measuring.observer import Progress
job = fake_job(id="a-publisher/" + "a-very-long-name-" * 8)
with shown([job]) as show:
    show.watch(Progress(job, "pass", 1))
"""


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_a_long_name_leaves_the_times_whole_and_is_cut_itself(columns: int) -> None:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    clean = environment({"TERM": "xterm"})
    for name in ("COLUMNS", "NO_COLOR"):
        clean.pop(name, None)
    subprocess.run([sys.executable, "-c", SCRIPT], stderr=theirs, env=clean, cwd=ROOT, check=True, timeout=60)
    os.close(theirs)
    drawn = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", read(ours))
    line = next(line for line in re.split(r"[\r\n]+", drawn) if "pass" in line)
    assert len(line.rstrip()) <= columns
    assert re.search(r"━ 0:00:0\d -:--:-- left 1/1 pa", line)
    if columns > 60:
        assert "left 1/1 pass 2 of 4" in line
        assert line.rstrip().endswith("…")


def read(terminal: int) -> str:
    """All that was written to it."""
    said = b""
    try:
        while piece := os.read(terminal, 65536):
            said += piece
    except OSError:  # how Linux says that nobody writes any more
        pass
    os.close(terminal)
    return said.decode()
