"""Signals while a command runs, in a process of its own because pytest has handlers too."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys

import pytest

needs_fork = pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork here")

CANCELLED_BY_SIGTERM = """
import os, signal
from PediatricAbdomenSegLib.engine.cli.cancel_signals import cancel_by_signal
with cancel_by_signal() as token:
    os.kill(os.getpid(), signal.SIGTERM)
    print(token.is_cancelled)
"""

FORKED_POOL = """
import multiprocessing, os, signal
from PediatricAbdomenSegLib.engine.cli.cancel_signals import cancel_by_signal
with cancel_by_signal() as token:
    with multiprocessing.get_context("fork").Pool(2) as pool:
        quotients = pool.starmap(divmod, [(7, 2)] * 4)
    print(quotients == [(3, 1)] * 4 and not token.is_cancelled)
"""

FORKED_CHILD = """
import os, signal, time
from PediatricAbdomenSegLib.engine.cli.cancel_signals import cancel_by_signal
with cancel_by_signal():
    child = os.fork()
    if child == 0:
        time.sleep(50)
        os._exit(0)
    os.kill(child, signal.SIGTERM)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def _output_of(program: str) -> str:
    path = os.pathsep.join(entry for entry in sys.path if entry)
    run = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return run.stdout.strip()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process instead of sending it SIGTERM")
def test_sigterm_sets_the_token():
    assert _output_of(CANCELLED_BY_SIGTERM) == "True"


@needs_fork
def test_a_process_pool_that_a_library_forks_ends_as_its_owner_wishes():
    assert _output_of(FORKED_POOL) == "True"


@needs_fork
def test_a_forked_process_dies_of_sigterm_and_does_not_wait_for_a_token():
    assert _output_of(FORKED_CHILD) == str(-signal.SIGTERM)
