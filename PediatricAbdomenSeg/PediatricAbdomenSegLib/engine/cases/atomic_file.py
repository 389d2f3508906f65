"""Write a file completely or not at all."""

from __future__ import annotations

import errno
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import ResourceError, UsageError
from ..writer_mark import MARK, is_left_over, new_mark

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_TEMPORARY = re.compile(rf"\.{MARK.pattern}-.*", re.DOTALL)
_NAME_KEPT = 40  # characters at the end: suffixes stay, and a name of the longest length there is finds room
# Windows refuses what another program has open: access denied, sharing violation, lock violation.
_MAYBE_IN_USE, _IN_USE = {5, 32, 33}, {32, 33}
_TOO_LONG = 206
_PAUSES_S = (0.05, 0.1, 0.2, 0.4, 0.8)  # virus scanners and indexers let go of a new file within about a second


@contextmanager
def replaced_when_complete(path: Path) -> Iterator[Path]:
    """Hand out a temporary path in the folder of ``path``; on success it becomes ``path``, on failure it is removed.

    The temporary name keeps every suffix of ``path``, because image libraries choose the format by it, and it starts
    with a dot, so that nobody picks it up half-written. Missing folders are made. What processes of this machine that
    were killed have left in the folder is removed: it may be half a file of a patient's.

    Raises:
        UsageError: ``path`` is a folder.
        ResourceError: the folder cannot be made or written to, or the disk is full.
    """
    path = Path(path)
    if path.is_dir():
        raise UsageError(f"{path} is a folder.", "Give the name of a file, for example one in that folder.")
    temporary = path.with_name(f".{new_mark()}-{path.name[-_NAME_KEPT:]}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(path.parent)
        # Image libraries report a folder that cannot be written to, or a full disk, in words of their own or not at
        # all. Touching the file ourselves gives the operating system's reason.
        temporary.touch()
        yield temporary
        with temporary.open("r+b") as written:
            os.fsync(written.fileno())
        move_patiently(temporary, path)
    except OSError as error:
        raise as_resource_error(error, path) from error
    finally:
        with suppress(OSError):  # nothing is left to remove when the folder itself could not be made
            temporary.unlink(missing_ok=True)


def move_patiently(
    source: Path,
    target: Path,
    replace: Callable[[Path, Path], None] = os.replace,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """`os.replace`, tried again for about a second where Windows says that another program has one of the two open.

    Args:
        replace, sleep: handed in by tests.

    Raises:
        OSError: as the last attempt says.
    """
    for pause_s in _PAUSES_S:
        try:
            return replace(source, target)
        except OSError as error:
            if getattr(error, "winerror", None) not in _MAYBE_IN_USE:
                raise
        sleep(pause_s)
    return replace(source, target)


def as_resource_error(error: OSError, path: Path) -> ResourceError:
    """The `ResourceError` that tells a user why ``path`` could not be written."""
    while error.errno is None and isinstance(error.__cause__, OSError):  # pydicom wraps it in one that says nothing
        error = error.__cause__
    reason = error.strerror or type(error).__name__
    windows_code = getattr(error, "winerror", None)
    if error.errno in _NO_SPACE:
        return ResourceError(
            f"No space left to write {path}: {reason}.", "Free space on the disk or choose another output folder."
        )
    hint = "Choose an output folder that you may write to."
    if windows_code in _IN_USE:
        hint = "Another program has it open: close that, and try again."
    elif windows_code in _MAYBE_IN_USE:
        hint = "Close other programs that have it open, or choose an output folder that you may write to."
    elif error.errno == errno.ENAMETOOLONG or windows_code == _TOO_LONG:
        hint = "Choose an output folder with a shorter path."
    return ResourceError(f"{path} cannot be written: {reason}.", hint)


def _remove_leftovers(folder: Path) -> None:
    with suppress(OSError), os.scandir(folder) as entries:  # a folder to write to need not be one to list
        for entry in entries:
            mark = _TEMPORARY.fullmatch(entry.name)
            if mark is not None and is_left_over(mark):
                with suppress(OSError):  # another process may be doing the same
                    os.unlink(entry.path)
