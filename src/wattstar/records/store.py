"""A folder of immutable records. Many processes may add at once; a kill at any moment leaves nothing half-written.

::

    STORE/records/<id>.json               one record; id = sha256 of its bytes
    STORE/timelines/<digest>.parquet      what the meters said
    STORE/marks/<digest>.parquet          when what happened
    STORE/states/<digest>.parquet     what devices said beside energy
    STORE/samples/<digest>.parquet        one row per sample
    STORE/jobs/<job>-<random>-<process>/  a job in flight: its journal; stays behind when its process was killed

Read it with anything: ``duckdb -c "select * from 'STORE/records/*.json'"``.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from wattstar.errors import StoreUnusable, UnknownName, VerificationFailed
from wattstar.records.codec import canonical, decode, digest, parsed, record
from wattstar.types import Job, Pass, Record

TABLES = ("timelines", "marks", "states", "samples")
CLOCK_SECONDS = 1.0
"""How far the clock of processes and that of files may be apart."""


@dataclass(frozen=True)
class Entry:
    """One file of the store: a record, or what is wrong with it."""

    id: str
    record: Record | None
    problem: str | None = None


@dataclass(frozen=True)
class InFlight:
    """A job without a record: running now, or what a killed process left."""

    job: Job
    passes: tuple[Pass, ...]
    running: bool
    folder: Path


class Store:
    """The folder; made when something is first written."""

    def __init__(self, folder: Path) -> None:
        """Name the folder; nothing is read or written."""
        self.folder = folder

    def add(self, record: Record) -> str:
        """Write the record and return its id; the same record twice is one file."""
        data = canonical(record)
        self._write("records", digest(data) + ".json", data)
        return digest(data)

    def add_table(self, kind: str, data: bytes) -> str:
        """Write a Parquet file of one of ``TABLES`` and return its digest."""
        self._write(kind, digest(data) + ".parquet", data)
        return digest(data)

    def table(self, kind: str, name: str) -> bytes:
        """The bytes of a Parquet file; ``VerificationFailed`` if they are not those that were written."""
        file = self.folder / kind / f"{name}.parquet"
        try:
            data = file.read_bytes()
        except OSError as error:
            raise VerificationFailed(f"{file} cannot be read: {error.strerror}.") from error
        if digest(data) != name:
            raise VerificationFailed(f"{file} was changed after it was written.")
        return data

    def entries(self) -> Iterator[Entry]:
        """Everything in the store, oldest first; damaged files are said, not dropped."""
        found = [_entry(file) for file in self._files("*.json")]
        yield from sorted(found, key=lambda entry: (entry.record.started if entry.record else "", entry.id))

    def records(self) -> Iterator[tuple[str, Record]]:
        """The undamaged records, oldest first."""
        return ((entry.id, entry.record) for entry in self.entries() if entry.record is not None)

    def files(self) -> list[Path]:
        """The records' files, damaged ones too, by name."""
        return self._files("*.json")

    def file(self, start: str) -> Path:
        """The one record's file whose id starts so, damaged or not; ``UnknownName`` where there is none, or several."""
        files = self._files(f"{start}*.json") if start.isalnum() else []
        if not files:
            raise UnknownName(f"There is no record {start!r} in {self.folder}.", ["wattstar list"])
        if len(files) > 1:
            raise UnknownName(f"{len(files)} records start with {start!r}.", ["give more of the id: wattstar list"])
        return files[0]

    def find(self, start: str) -> tuple[str, Record]:
        """The one record whose id starts so."""
        entry = _entry(self.file(start))
        if entry.record is None:
            raise VerificationFailed(f"Record {entry.id[:12]} cannot be used: {entry.problem}")
        return entry.id, entry.record

    def in_flight(self) -> Iterator[InFlight]:
        """Jobs that have a journal and no record."""
        for folder in sorted((self.folder / "jobs").glob("*-*")):
            found = _in_flight(folder)
            if found is not None:
                yield found

    def job_folder(self, name: str) -> Path:
        """A new scratch folder for one attempt; ``clear`` it when the attempt has its record."""
        jobs = self.folder / "jobs"
        with disk(self.folder):
            jobs.mkdir(parents=True, exist_ok=True)
            # Not by process number alone: in a container every run has the same, and a killed one left its folder.
            return Path(tempfile.mkdtemp(prefix=f"{name[:16]}-", suffix=f"-{os.getpid()}", dir=jobs))

    def clear(self, folder: Path) -> None:
        """Remove the scratch folder of an attempt."""
        shutil.rmtree(folder, ignore_errors=True)

    def _files(self, pattern: str) -> list[Path]:
        if self.folder.exists() and not self.folder.is_dir():
            raise StoreUnusable(f"The store {self.folder} is not a folder.", ["name another folder with --out"])
        return sorted((self.folder / "records").glob(pattern))

    def _write(self, kind: str, name: str, data: bytes) -> None:
        """Complete in a temporary file, on the disk, then renamed: other readers see all or nothing."""
        target = self.folder / kind / name
        with disk(self.folder):
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.exists() and target.read_bytes() == data:
                return
            handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".writing-")
            with ExitStack() as unless_renamed:
                unless_renamed.callback(os.unlink, temporary)
                with os.fdopen(handle, "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                os.chmod(temporary, 0o644)
                os.replace(temporary, target)
                unless_renamed.pop_all()
            _sync(target.parent)


def append(file: Path, line: str) -> None:
    """Add one line to a journal, on the disk before this returns."""
    with disk(file.parent), file.open("a", encoding="utf-8") as journal:
        journal.write(line + "\n")
        journal.flush()
        os.fsync(journal.fileno())


@contextmanager
def disk(folder: Path) -> Iterator[None]:
    """Errors of the file system become ``StoreUnusable``, with the cure."""
    try:
        yield
    except OSError as error:
        cure = {
            errno.ENOSPC: "free some space, or write elsewhere with --out",
            errno.EDQUOT: "free some space, or write elsewhere with --out",
        }.get(error.errno or 0, "write elsewhere with --out, or make the folder writable")
        raise StoreUnusable(f"The store {folder} cannot be written: {error.strerror}.", [cure]) from error


def _sync(folder: Path) -> None:
    """Make a rename survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _entry(file: Path) -> Entry:
    try:
        data = file.read_bytes()
        if digest(data) != file.stem:
            return Entry(file.stem, None, "its bytes are not those that were written")
        return Entry(file.stem, record(parsed(data)))
    except (OSError, ValueError, VerificationFailed) as error:
        return Entry(file.stem, None, str(error))


def _in_flight(folder: Path) -> InFlight | None:
    try:
        job = decode(Job, parsed((folder / "job.json").read_bytes()))
    except (OSError, ValueError, VerificationFailed):
        return None
    return InFlight(job, tuple(journal_passes(folder)), _is_running(folder), folder)


def _is_running(folder: Path) -> bool:
    """Whether the process that made the folder lives: one of that number, and no younger than its first file."""
    try:
        process = psutil.Process(int(folder.name.rpartition("-")[2]))
        return process.create_time() <= (folder / "job.json").stat().st_mtime + CLOCK_SECONDS
    except (psutil.Error, OSError, ValueError):
        return False


def journal_passes(folder: Path) -> Iterator[Pass]:
    """The finished passes of a journal, up to a line that a kill tore or that is none of ours."""
    file = folder / "journal.jsonl"
    if not file.exists():
        return
    for line in file.read_text(encoding="utf-8").splitlines():
        try:
            counted = decode(Pass, parsed(line))
        except (ValueError, VerificationFailed):
            return
        yield counted
