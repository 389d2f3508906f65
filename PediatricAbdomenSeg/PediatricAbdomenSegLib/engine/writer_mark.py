"""Marks in the names of temporary files that say which process writes them, so that what a killed one left can go."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import secrets
import uuid
from functools import cache

MARK = re.compile(r"(?P<machine>[0-9a-f]{8})-(?P<pid>[1-9]\d{0,9})-[0-9a-f]{8}")


def new_mark() -> str:
    """A mark of this process, unlike any other; matches `MARK`."""
    return f"{_machine()}-{os.getpid()}-{secrets.token_hex(4)}"


def is_left_over(mark: re.Match[str]) -> bool:
    """Whether what bears this mark was written by a process of this machine that has ended.

    Of other machines, which may share the disk, nothing is known: theirs never is.
    """
    return mark["machine"] == _machine() and not is_alive(int(mark["pid"]))


def is_alive(pid: int) -> bool:
    """Whether a process of this machine with this id exists, whoever owns it."""
    if os.name == "nt":
        return _is_alive_on_windows(pid)
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):  # no such process, or a number that can be none
        return False
    except PermissionError:
        return True
    return True


def _is_alive_on_windows(pid: int) -> bool:
    import ctypes

    synchronize = 0x00100000  # the right to wait for a process
    wait_object_0, error_access_denied = 0, 5  # "it has ended"; it belongs to another user
    kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
    kernel32.OpenProcess.restype = ctypes.c_void_p
    kernel32.WaitForSingleObject.argtypes = (ctypes.c_void_p, ctypes.c_uint32)
    kernel32.CloseHandle.argtypes = (ctypes.c_void_p,)
    handle = kernel32.OpenProcess(synchronize, False, pid)
    if not handle:
        return ctypes.get_last_error() == error_access_denied  # another user's, as on a terminal server
    try:
        return kernel32.WaitForSingleObject(handle, 0) != wait_object_0
    finally:
        kernel32.CloseHandle(handle)


@cache
def _machine() -> str:
    """Of name and network card both: cloned computers share the one, containers the other."""
    return hashlib.blake2b(f"{platform.node()} {uuid.getnode():x}".encode(), digest_size=4).hexdigest()
