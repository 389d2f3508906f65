"""Whether a folder already holds the result of just this run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..cases.dicom_file import is_dicom_file
from ..checksums import sha256_of_file
from ..progress import Check, never_stop
from .result_folder import RESULT_FILES, RESULT_NAME

_DETACHED_HEADERS = (".mhd", ".nhdr")


def input_sha256(path: Path, output: Path | None = None, check: Check = never_stop) -> str:
    """SHA-256 of an input's content: of a file, or of all files below a folder whatever their names.

    What is read along with a file counts too: the other slices beside a DICOM file, the voxels beside a detached
    header. A path that does not exist gets the hash of nothing: reading it is what reports that.

    Args:
        output: folder of the results, which do not count where they lie among the input.
        check: called between pieces of the files.

    Raises:
        OSError: a file cannot be read.
    """
    path = Path(path)
    files = [each for each in path.rglob("*") if each.is_file()] if path.is_dir() else _with_companions(path)
    if output is not None:
        folder, results = (path if path.is_dir() else path.parent).resolve(), Path(output).resolve()
        files = [each for each in files if each == path or not _is_result(each.resolve(), results, folder)]
    return hashlib.sha256("\n".join(sorted(sha256_of_file(file, check) for file in files)).encode()).hexdigest()


def _is_result(file: Path, results: Path, folder: Path) -> bool:
    """Whether a file of the input's folder is a result; where they share a folder only the name can tell."""
    if results == folder:
        return file.parent == folder and file.name in RESULT_FILES
    return folder in results.parents and results in file.parents  # a folder above the input holds the input as well


def _with_companions(path: Path) -> list[Path]:
    if not path.exists():
        return []
    if path.suffix.lower() in _DETACHED_HEADERS:
        return [each for each in path.parent.iterdir() if each.stem.partition(".")[0] == path.stem and each.is_file()]
    if is_dicom_file(path):  # the file itself once more: it says which of the folder's series is meant
        return [path, *(each for each in path.parent.rglob("*") if each.is_file())]
    return [path]


def finished_record(output: Path, request: Mapping[str, Any]) -> dict[str, Any] | None:
    """The record in ``output`` if it is of the same ``request`` and all its files are intact, else None."""
    try:
        record = json.loads((Path(output) / RESULT_NAME).read_text(encoding="utf-8"))
        if record["request"] != request or not record["files"]:
            return None
        intact = all(sha256_of_file(Path(output) / name) == digest for name, digest in record["files"].items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # absent, cut short or not ours: run again
        return None
    return record if intact else None
