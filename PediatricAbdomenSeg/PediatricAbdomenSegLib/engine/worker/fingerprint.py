"""Whether a folder already holds the result of just this run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..models.checksums import sha256_of_file
from .result_folder import RESULT_NAME


def input_sha256(path: Path, leave_out: Path | None = None) -> str:
    """SHA-256 of an input's content: of a file, or of all files below a folder whatever their names.

    A path that does not exist gets the hash of nothing: reading it is what reports that.

    Args:
        leave_out: a folder below ``path`` that does not count, because results are written there.

    Raises:
        OSError: a file cannot be read.
    """
    path = Path(path)
    files = [each for each in path.rglob("*") if each.is_file()] if path.is_dir() else [path] * path.exists()
    if leave_out is not None:
        files = [each for each in files if Path(leave_out).resolve() not in each.resolve().parents]
    return hashlib.sha256("\n".join(sorted(sha256_of_file(file) for file in files)).encode()).hexdigest()


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
