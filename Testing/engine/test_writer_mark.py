"""Marks of the processes that write temporary files."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys

import pytest

from PediatricAbdomenSegLib.engine import writer_mark
from PediatricAbdomenSegLib.engine.writer_mark import MARK, is_alive, is_left_over, new_mark


class Kernel32:
    """What Windows answers about one process.

    Args:
        handle: of the process, None where it cannot be opened.
        wait: what waiting for it says; 0 means that it has ended.
    """

    def __init__(self, handle: int | None, wait: int = 258) -> None:
        self.closed: list[int] = []
        self.OpenProcess = _function(lambda rights, inherit, pid: handle)
        self.WaitForSingleObject = _function(lambda handle, milliseconds: wait)
        self.CloseHandle = _function(self.closed.append)


def _function(call):
    def function(*arguments):
        return call(*arguments)

    return function


def ended_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_mark_names_this_machine_and_process_and_is_no_leftover_while_it_runs():
    mark = MARK.fullmatch(new_mark())
    assert int(mark["pid"]) == os.getpid() and not is_left_over(mark) and new_mark() != new_mark()


def test_a_mark_of_a_process_that_has_ended_is_a_leftover_on_its_own_machine_only():
    mark = new_mark().replace(f"-{os.getpid()}-", f"-{ended_process()}-")
    machine = MARK.fullmatch(mark)["machine"]
    other = f"{(int(machine, 16) + 1) % 2**32:08x}"
    assert is_left_over(MARK.fullmatch(mark))
    assert not is_left_over(MARK.fullmatch(mark.replace(machine, other, 1)))


def test_a_number_that_no_process_can_have_is_no_process():
    assert not is_alive(9_999_999_999)


@pytest.mark.parametrize(
    ("kernel32", "last_error", "alive"),
    [
        (Kernel32(None), 87, False),  # invalid parameter: there is no such process
        (Kernel32(None), 5, True),  # access denied: another user's on a terminal server
        (Kernel32(40), 0, True),
        (Kernel32(40, wait=0), 0, False),
    ],
)
def test_windows_answers_are_understood(monkeypatch, kernel32, last_error, alive):
    monkeypatch.setattr(ctypes, "WinDLL", lambda name, use_last_error: kernel32, raising=False)
    monkeypatch.setattr(ctypes, "get_last_error", lambda: last_error, raising=False)
    assert writer_mark._is_alive_on_windows(1234) is alive
    assert kernel32.closed == ([40] if kernel32.OpenProcess(0, False, 0) else [])
