"""SHA-256 of files, in chunks, remembered within the process for as long as the file stays as it is."""

from __future__ import annotations

import hashlib
from pathlib import Path

from .progress import Check, never_stop

_CHUNK_BYTES = 1 << 20
_REMEMBERED_FILES = 256
_known: dict[tuple[str, int, int, int], str] = {}


def sha256_of_file(path: Path, check: Check = never_stop) -> str:
    """Lower-case SHA-256 of a file's contents.

    A second call for a file of unchanged size, modification and change time returns the first call's result, so that
    a warm worker does not hash its weights again for each patient.

    Args:
        check: called between chunks.

    Raises:
        OSError: the file is missing or unreadable.
    """
    resolved = Path(path).resolve(strict=True)
    stat = resolved.stat()
    key = (str(resolved), stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
    if key not in _known:
        digest = hashlib.sha256()
        with open(resolved, "rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                check()
                digest.update(chunk)
        _known[key] = digest.hexdigest()
        while len(_known) > _REMEMBERED_FILES:
            del _known[next(iter(_known))]
    return _known[key]
