"""Output that nobody reads to its end, as in ``pedseg models list | head -1``."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from PediatricAbdomenSegLib.engine.cli.__main__ import main

LIBRARY = Path(__file__).resolve().parents[3] / "PediatricAbdomenSeg"


@pytest.fixture
def closed_pipe() -> int:
    """The end for writing of a pipe whose other end is closed."""
    reading, writing = os.pipe()
    os.close(reading)
    yield writing
    os.close(writing)


def pedseg(*arguments: str, **streams) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PYTHONPATH": str(LIBRARY)}
    command = [sys.executable, "-m", "PediatricAbdomenSegLib.engine.cli.__main__", *arguments]
    return subprocess.run(command, env=environment, check=False, **streams)


@pytest.mark.parametrize("arguments", [["models", "list"], ["--help"]])
def test_a_reader_that_has_gone_ends_the_command_quietly(closed_pipe, a_model, arguments):
    done = pedseg(*arguments, stdout=closed_pipe, stderr=subprocess.PIPE)
    assert (done.returncode, done.stderr.decode()) == (0, "")


def test_a_message_that_nobody_reads_is_no_traceback_either(closed_pipe, a_model):
    done = pedseg("models", "show", "nobody", stdout=subprocess.PIPE, stderr=closed_pipe)
    assert (done.returncode, done.stdout) == (0, b"")


def test_a_stream_without_a_file_behind_it_is_no_problem(a_model, monkeypatch):
    class Unread(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

        def flush(self) -> None:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stdout", Unread())
    assert main(["models", "list"]) == 0
