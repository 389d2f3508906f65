"""Files of scores: append-only JSON lines, one file per rater and machine, that survive a kill at any moment.

A score counts as saved once its whole line, with the line end, has been flushed to the disk. What a killed program left
behind after the last line end was never confirmed; the next one to open the file closes that line and notes below it
how many bytes are a remnant. Nothing is ever taken out of a file that was confirmed, and lines and members this version
does not know stay as they are.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import uuid
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..cases.atomic_file import as_resource_error
from ..errors import InputError, PediatricAbdomenSegError, ResourceError
from .raters import check_spelling
from .record import RatingRecord, record_from_json, record_to_line, utc_now
from .study import Study
from .writer_lock import forget_holder, lock_for_writing

RATINGS_FOLDER = "ratings"
SUFFIX = ".jsonl"
_TORN = "torn_bytes"
_HINT = (
    "Free space on that disk, or get the right to write into the folder. Or score in a copy of it on another disk: "
    "`pedseg ratings merge` brings the scores together."
)


@dataclass(frozen=True)
class RatingFile:
    """What a file of scores holds.

    Attributes:
        path: of the file.
        records: in the order they were written, superseded ones included.
        problems: one sentence for each line that cannot be read, naming file and line. Remnants of a killed program are
            none: they were never confirmed.
    """

    path: Path
    records: tuple[RatingRecord, ...]
    problems: tuple[str, ...] = ()


class RatingStore:
    """A file of scores open for appending; close it, or use it in a ``with`` statement.

    Args:
        path: of the file; made with its folder when it is not there.
        study_id: the only study whose scores may be in it.

    Attributes:
        problems: see `RatingFile.problems`.

    Raises:
        ResourceError: the file is being written by another program, or cannot be written.
        InputError: the file holds scores of another study.
    """

    def __init__(self, path: Path, study_id: str) -> None:
        self.path = Path(path)
        self.study_id = study_id
        self._descriptor = _open(self.path)
        try:
            lock_for_writing(self._descriptor, self.path)
        except BaseException:
            os.close(self._descriptor)
            raise
        try:
            _close_torn_line(self._descriptor, self.path)
            content = read_rating_file(self.path)
            check_one_study((content,), study_id)
            self._records = {record.id: record for record in content.records}
            self.problems = content.problems
            self._confirmed_bytes = os.fstat(self._descriptor).st_size
            self._doubtful = False
        except BaseException:
            self.close()
            raise

    @property
    def records(self) -> tuple[RatingRecord, ...]:
        """All records of the file so far, in the order they were written."""
        return tuple(self._records.values())

    def append(self, *records: RatingRecord) -> None:
        """Add records; when this returns they are on the disk. Those whose id is there already are left out.

        Raises:
            ResourceError: the disk is full, read-only or gone: none of them was saved, and the file is as before.
            InputError: a record is of another study.
        """
        fresh = [record for record in records if record.id not in self._records]
        for record in fresh:
            if record.study_id != self.study_id:
                raise InputError(
                    f"The score belongs to the study {record.study_id}, the file to {self.study_id}.",
                    "Open the study the score was made in.",
                )
        lines = b"".join(map(record_to_line, fresh))
        try:
            self._take_back()
            self._doubtful = True  # whatever interrupts the next lines: what they leave is no confirmed score
            _write(self._descriptor, lines)
            os.fsync(self._descriptor)
            if not os.path.samestat(os.fstat(self._descriptor), os.stat(self.path)):
                raise ResourceError(f"{self.path.name} was replaced by another program.", "Open the study again.")
        except OSError as error:
            with suppress(OSError):  # tried again before the next score, and at the next opening at the latest
                self._take_back()
            raise ResourceError(f"The score was not saved: {_not_writable(error, self.path).message}", _HINT) from error
        self._doubtful = False
        self._confirmed_bytes += len(lines)
        self._records.update((record.id, record) for record in fresh)

    def close(self) -> None:
        """Let go of the file; may be called again."""
        if self._descriptor < 0:
            return
        forget_holder(self.path)
        os.close(self._descriptor)
        self._descriptor = -1

    def __enter__(self) -> RatingStore:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _take_back(self) -> None:
        """Cut off what a failed or interrupted `append` of ours has left."""
        if self._doubtful:
            os.ftruncate(self._descriptor, self._confirmed_bytes)
            self._doubtful = False


def machine_token() -> str:
    """A few characters that stand for this computer and show neither its name nor its address."""
    node = uuid.getnode()
    if node >> 40 & 1:  # no network card: the number is made up anew by every process
        node = 0
    return hashlib.sha256(f"{platform.node()}|{node}".encode()).hexdigest()[:8]


def rating_path(study_folder: Path, rater: str, machine: str) -> Path:
    """The file a rater's scores go to on one machine.

    Args:
        rater: token of the rater, see `raters.rater_token`.
        machine: token of the machine, see `machine_token`.
    """
    return Path(study_folder) / RATINGS_FOLDER / f"{rater}-{machine}{SUFFIX}"


def read_rating_file(path: Path) -> RatingFile:
    """Read a file of scores, also while another program appends to it.

    Raises:
        ResourceError: the file cannot be read.
    """
    path = Path(path)
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise ResourceError(
            f"{path} cannot be read: {error.strerror}.", "Check the permissions of the file."
        ) from error
    records: dict[str, RatingRecord] = {}
    unreadable: list[str] = []
    refused: list[str] = []
    for number, line in enumerate(lines[:-1], start=1):  # after the last line end: not confirmed
        if not line.strip():
            continue
        where = f"{path.name}, line {number}"
        values = _object(line)
        if values is None:
            unreadable.append(f"{where} is damaged and was left out.")
        elif _TORN in values:
            del unreadable[-1:]
        else:
            try:
                record = record_from_json(values, where)
                records.setdefault(record.id, record)
            except PediatricAbdomenSegError as error:
                refused.append(error.message)
    return RatingFile(path, tuple(records.values()), (*unreadable, *refused))


def rating_files(folder: Path) -> tuple[Path, ...]:
    """The files of scores in a study folder (or in its folder ``ratings``), by name; () when there are none."""
    folder = Path(folder)
    below = folder / RATINGS_FOLDER
    return tuple(sorted((below if below.is_dir() else folder).glob(f"*{SUFFIX}")))


def read_ratings(folder: Path, study: Study) -> tuple[RatingFile, ...]:
    """Every file of scores of a study folder.

    Raises:
        ResourceError: a file cannot be read.
        InputError: scores of another study, or a rater in another spelling than in the study.
    """
    files = tuple(read_rating_file(path) for path in rating_files(folder))
    check_one_study(files, study.id)
    check_raters(files, study.raters)
    return files


def check_raters(files: Iterable[RatingFile], known: Iterable[str]) -> None:
    """Raise `InputError` when one rater has two spellings among the files and ``known``; both are named."""
    spellings = set(known)
    for file in files:
        for rater in sorted({record.rater for record in file.records}):
            check_spelling(rater, spellings, file.path.name)
            spellings.add(rater)


def check_one_study(files: Iterable[RatingFile], study_id: str) -> None:
    """Raise `InputError` that names both studies when a file has scores of another one."""
    for file in files:
        for record in file.records:
            if record.study_id != study_id:
                raise InputError(
                    f"{file.path.name} has scores of the study {record.study_id}, but this is the study {study_id}.",
                    "Scores of two studies cannot be mixed: keep each study's files in its own folder.",
                )


def _object(line: bytes) -> dict | None:
    try:
        values = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return values if isinstance(values, dict) else None


def _open(path: Path) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        is_new = not path.exists()
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o666)
    except OSError as error:
        raise _not_writable(error, path) from error
    if is_new and os.name != "nt":
        with suppress(OSError):  # some network disks cannot; the file's own content is synchronised in any case
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)  # else a power cut may forget that there is such a file
            finally:
                os.close(folder)
    return descriptor


def _close_torn_line(descriptor: int, path: Path) -> None:
    """End the line that a killed program left open, and note that it is no score unless it is a whole one."""
    try:
        content = path.read_bytes()
        remnant = content[content.rfind(b"\n") + 1 :]
        if not remnant:
            return
        ending = b"\n"
        if _object(remnant) is None:
            ending += json.dumps({_TORN: len(remnant), "repaired_at": utc_now()}).encode("ascii") + b"\n"
        _write(descriptor, ending)
        os.fsync(descriptor)
    except OSError as error:
        raise _not_writable(error, path) from error


def _not_writable(error: OSError, path: Path) -> ResourceError:
    return ResourceError(as_resource_error(error, path).message, _HINT)


def _write(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]
