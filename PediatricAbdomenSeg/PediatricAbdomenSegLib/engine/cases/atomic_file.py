"""Write a file completely or not at all."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import ResourceError, UsageError

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def replaced_when_complete(path: Path) -> Iterator[Path]:
    """Hand out a temporary path in the folder of ``path``; on success it becomes ``path``, on failure it is removed.

    The temporary name keeps every suffix of ``path``, because image libraries choose the format by it, and it starts
    with a dot, so that nobody picks it up half-written. Missing folders are made.

    Raises:
        UsageError: ``path`` is a folder.
        ResourceError: the folder cannot be made or written to, or the disk is full.
    """
    path = Path(path)
    if path.is_dir():
        raise UsageError(f"{path} is a folder.", "Give the name of a file, for example one in that folder.")
    temporary = path.with_name(f".{secrets.token_hex(4)}-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Image libraries report a folder that cannot be written to, or a full disk, in words of their own or not at
        # all. Touching the file ourselves gives the operating system's reason.
        temporary.touch()
        yield temporary
        with temporary.open("r+b") as written:
            os.fsync(written.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise as_resource_error(error, path) from error
    finally:
        with suppress(OSError):  # nothing is left to remove when the folder itself could not be made
            temporary.unlink(missing_ok=True)


def as_resource_error(error: OSError, path: Path) -> ResourceError:
    """The `ResourceError` that tells a user why ``path`` could not be written."""
    reason = error.strerror or type(error).__name__
    if error.errno in _NO_SPACE:
        return ResourceError(
            f"No space left to write {path}: {reason}.", "Free space on the disk or choose another output folder."
        )
    return ResourceError(f"{path} cannot be written: {reason}.", "Choose an output folder that you may write to.")
