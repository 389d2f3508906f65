"""SHA-256 of files, in chunks, remembered within the process for as long as the file stays as it is."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

_CHUNK_BYTES = 1 << 20


def sha256_of_file(path: Path) -> str:
    """Lower-case SHA-256 of a file's contents.

    A second call for a file of unchanged size, modification and change time returns the first call's result, so that
    a warm worker does not hash its weights again for each patient.

    Raises:
        OSError: the file is missing or unreadable.
    """
    resolved = Path(path).resolve(strict=True)
    stat = resolved.stat()
    return _sha256(str(resolved), stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)


@lru_cache(maxsize=256)
def _sha256(path: str, size: int, modified_ns: int, changed_ns: int) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
