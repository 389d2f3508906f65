"""A file lock that tells whether the Slicer that made a job still runs; the system lets go of it even at a crash."""

from __future__ import annotations

import os
import secrets
import time
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

_SUFFIX = ".lock"
_OLD_S = 86_400.0  # a lock file younger than this may just be being made


class SessionLock:
    """A lock of this session's own, held until `release` or the end of the process.

    Args:
        folder: where the lock files of all sessions lie; made if needed.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        _remove_old(folder)
        self.token = secrets.token_hex(6)
        self._path = folder / f"{self.token}{_SUFFIX}"
        self._file = self._path.open("a+b")
        # A disk without locks (some network disks) only means that a second Slicer cannot see this one is alive.
        with suppress(OSError):
            _lock(self._file)

    def release(self) -> None:
        """Let go; may be called again."""
        self._file.close()
        with suppress(OSError):  # a virus scanner may hold it; an unlocked file means the same as none
            self._path.unlink(missing_ok=True)


def is_alive(folder: Path, token: str) -> bool:
    """Whether the session with this token holds its lock in ``folder``."""
    try:
        file = (folder / f"{token}{_SUFFIX}").open("r+b")
    except OSError:
        return False
    with file:
        try:
            _lock(file)
        except (BlockingIOError, PermissionError):  # what POSIX and Windows say of a lock that is held
            return True
        except OSError:
            return False
    return False


def _remove_old(folder: Path) -> None:
    """Remove what sessions that were killed have left; a missing file means the same as an unlocked one."""
    for path in folder.glob(f"*{_SUFFIX}"):
        with suppress(OSError):  # another session may be doing the same
            if time.time() - path.stat().st_mtime > _OLD_S and not is_alive(folder, path.stem):
                path.unlink()


def _lock(file: BinaryIO) -> None:
    if os.name == "nt":
        import msvcrt

        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
