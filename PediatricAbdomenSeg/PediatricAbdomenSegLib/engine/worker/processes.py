"""Processes across platforms: our own streams, the parent that may die, a tree that must be killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import BinaryIO

PARENT_POLL_S = 1.0


def claim_standard_streams() -> tuple[BinaryIO, BinaryIO]:
    """Take stdin and stdout away from everybody else in this process and its children.

    File descriptor 1 becomes a copy of stderr, so that a library's stray print (from C as well) lands in the log
    instead of between two protocol lines; descriptor 0 becomes the null device, so that no child swallows requests.

    Returns:
        The real stdin and stdout as binary streams, stdout unbuffered.
    """
    sys.stdout.flush()
    requests = os.fdopen(os.dup(0), "rb")
    events = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    sys.stdout = sys.stderr
    return requests, events


def watch_parent(on_death: Callable[[], None], poll_s: float = PARENT_POLL_S) -> None:
    """Call ``on_death`` on a daemon thread once the process that started this one has ended.

    A closed stdin usually tells first; this also holds where a sibling process still keeps the pipe open. Polling is
    used instead of Linux' PR_SET_PDEATHSIG because that fires already when the *thread* that started us ends.
    """
    has_ended = _windows_end_check(os.getppid()) if os.name == "nt" else _posix_parent_check()

    def watch() -> None:
        while not has_ended():
            time.sleep(poll_s)
        on_death()

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()


def _posix_parent_check() -> Callable[[], bool]:
    parent = os.getppid()
    return lambda: os.getppid() != parent  # an orphan is given to init or the nearest subreaper


def _windows_end_check(pid: int) -> Callable[[], bool]:
    """A function that tells whether the process has ended; the handle inside keeps its id from being reused."""
    import ctypes

    synchronize, wait_object_0 = 0x00100000, 0  # the right to wait for a process; "it has ended"
    kernel32 = ctypes.windll.kernel32
    kernel32.OpenProcess.restype = ctypes.c_void_p
    kernel32.WaitForSingleObject.argtypes = (ctypes.c_void_p, ctypes.c_uint32)
    handle = kernel32.OpenProcess(synchronize, False, pid)
    return lambda: not handle or kernel32.WaitForSingleObject(handle, 0) == wait_object_0


def start_in_own_group(command: list[str], environment: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
    """Start a process with piped streams at the head of a group of its own, so that `kill_tree` reaches all of it."""
    if os.name == "nt":
        group = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    else:
        group = {"start_new_session": True}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env=environment, **group)


def lead_own_group() -> None:
    """Put this process at the head of a group of its own, unless it is there already.

    For a worker whose parent cannot do it: Qt's QProcess starts children in the parent's own group, and killing that
    would end Slicer itself. Windows needs none: there the tree is found by the processes' parents.
    """
    if os.name != "nt" and os.getpgrp() != os.getpid():
        os.setsid()


def kill_tree(process: subprocess.Popen[bytes]) -> None:
    """Kill a process started by `start_in_own_group` with everything it started, and reap it."""
    if os.name != "nt" or process.poll() is None:
        kill_tree_of(process.pid)
    process.kill()
    process.wait()


def kill_tree_of(pid: int) -> None:
    """Kill everything a process started, and the process; harmless when nothing of it is left.

    On POSIX the process must head a group of its own (`start_in_own_group`, `lead_own_group`); what it started is
    reached even after its own end, because an id is not given away while a group bears it. A process that has not
    come that far is left to the caller, who holds its handle. On Windows it must still run.

    Raises:
        ValueError: ``pid`` is not positive; to the system 0 means the caller's own group.
    """
    if pid <= 0:
        raise ValueError(f"{pid} is no process id")
    if os.name == "nt":
        command = ["taskkill", "/T", "/F", "/PID", str(pid)]
        subprocess.run(command, capture_output=True, check=False, creationflags=subprocess.CREATE_NO_WINDOW)
        return
    # ended already: no such group, or, as macOS says of zombies, no permission
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
