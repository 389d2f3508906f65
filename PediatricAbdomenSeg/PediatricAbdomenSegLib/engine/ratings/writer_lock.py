"""Only one program at a time appends to a file of scores, and a second one is told which one does.

The lock is the operating system's own, on the file itself: it ends with the process however that ends. Beside the file
lies a note of who holds it. On network disks without locks the note alone has to do.
"""

from __future__ import annotations

import errno
import json
import os
import platform
from contextlib import suppress
from pathlib import Path

from ..cases.atomic_file import as_resource_error
from ..errors import ResourceError
from .record import utc_now

# Windows forbids others to read a locked range: lock a byte that no file of scores will ever have.
_FAR_AWAY = 1 << 30
_HELD = {errno.EACCES, errno.EAGAIN, errno.EWOULDBLOCK, getattr(errno, "EDEADLOCK", errno.EDEADLK)}


def lock_for_writing(descriptor: int, path: Path) -> None:
    """Lock an open file until it is closed; pair with `forget_holder`.

    Args:
        descriptor: of ``path``, open for reading and writing.

    Raises:
        ResourceError: another program, or another part of this one, has it locked. The message names it.
    """
    try:
        _lock(descriptor)
    except OSError as error:
        if error.errno in _HELD:
            raise _held(path) from error
        # The disk has no locks: the note counts as long as the process it names is there.
        if _process_may_live(_holder(path)):
            raise _held(path) from error
        _note_holder(path)
        return
    with suppress(ResourceError):  # a full disk: the lock holds without the note
        _note_holder(path)


def forget_holder(path: Path) -> None:
    """Remove the note; the lock itself ends when the file is closed."""
    with suppress(OSError):  # a note that stays behind does no harm
        note_path(path).unlink(missing_ok=True)


def note_path(path: Path) -> Path:
    """Where the note on the holder of ``path`` lies."""
    return path.with_name(f"{path.name}.writer")


def _note_holder(path: Path) -> None:
    note = {"process": os.getpid(), "computer": platform.node(), "since": utc_now()}
    try:
        note_path(path).write_text(json.dumps(note), encoding="utf-8")
    except OSError as error:
        raise as_resource_error(error, note_path(path)) from error


def _holder(path: Path) -> dict[str, object]:
    """The note, {} when there is none or it cannot be read."""
    try:
        note = json.loads(note_path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}


def _held(path: Path) -> ResourceError:
    holder = _holder(path)
    who = "another program"
    if holder:
        who = f"process {holder.get('process')} on {holder.get('computer')} since {holder.get('since')}"
    return ResourceError(
        f"The scores in {path.name} are being written by {who}.",
        "Close the other window or program that scores this study for this rater, then open it again. "
        f"If there is none any more, delete {note_path(path).name} in {path.parent}.",
    )


def _process_may_live(holder: dict[str, object]) -> bool:
    process = holder.get("process")
    if not isinstance(process, int) or process <= 0:
        return False
    if holder.get("computer") != platform.node() or os.name == "nt":  # nobody to ask without side effects
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it is another user's
        return True
    return True


def _lock(descriptor: int) -> None:
    if os.name == "nt":
        import msvcrt

        os.lseek(descriptor, _FAR_AWAY, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
