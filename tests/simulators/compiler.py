"""Builds the simulators' C libraries at test time, once per source text."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

SOURCES = Path(__file__).parent
NO_COMPILER = "there is no C compiler (cc, gcc or clang) to build the simulated sensor with"


def compiler() -> str | None:
    """The C compiler's path: that of ``$CC``, else the first of the usual names."""
    return next(filter(None, map(shutil.which, (os.environ.get("CC") or "cc", "gcc", "clang"))), None)


def shared_object(source: str, name: str) -> Path:
    """The shared library built from ``source``, with ``name`` as its file name and soname; ``RuntimeError``."""
    cc = compiler()
    if cc is None:
        raise RuntimeError(NO_COMPILER)
    flags = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror=implicit", "-shared", "-fPIC", f"-Wl,-soname,{name}"]
    texts = [file.read_bytes() for file in (SOURCES / source, *sorted(SOURCES.glob("*.h")))]
    key = hashlib.sha256(b"\0".join([*texts, cc.encode(), *(flag.encode() for flag in flags)])).hexdigest()[:16]
    target = _cache() / key / name
    if not target.exists():
        target.parent.mkdir(exist_ok=True)
        built = target.with_name(f"{name}.{os.getpid()}")
        command = [cc, *flags, "-o", str(built), str(SOURCES / source), "-lm", "-ldl", "-lpthread"]
        result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        if result.returncode:
            raise RuntimeError(f"{source} does not compile:\n{result.stderr}")
        built.replace(target)
    return target


def _cache() -> Path:
    """A temporary folder that belongs to this user alone."""
    folder = Path(tempfile.gettempdir()) / f"wattstar-simulators-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise RuntimeError(f"{folder} belongs to somebody else.")
    return folder
