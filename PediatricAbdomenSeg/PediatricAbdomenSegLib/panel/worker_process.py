"""The worker as Qt's QProcess: starts it outside Slicer's own Python environment and kills it with all it started."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..engine.worker.client import worker_command, worker_environment
from ..engine.worker.processes import kill_tree_of
from .toolkit import qt, startup_environment
from .worker_end import ProcessEnd

KILL_WAIT_S = 2.0  # for the system to take away a process that was killed


def outside_slicer(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment for an interpreter that is not Slicer's.

    PYTHONHOME of Slicer kills any other interpreter at its start (Slicer issue 6106), and SSL_CERT_FILE names a
    bundle of certificates that lacks those of the hospital.
    """
    return {
        name: value
        for name, value in environment.items()
        if not name.upper().startswith("PYTHON") and name.upper() != "SSL_CERT_FILE"
    }


def slicer_worker_process(python: str, parent: Any = None) -> QtProcess:
    """The worker of this extension, not started yet, run by another interpreter.

    Isolated (``-I``), so that neither the user's site-packages nor the current folder get between; by path, so that
    the interpreter needs the worker's packages but not this extension.
    """
    environment = worker_environment(outside_slicer(startup_environment()))
    return QtProcess([python, "-I", *worker_command(python)[1:]], environment, parent)


class QtProcess:
    """A `worker_life.Process` on Qt's event loop.

    Args:
        command: program and arguments.
        environment: all of it; nothing is inherited.
        parent: Qt object that owns the process; without one it dies with this object.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], parent: Any = None) -> None:
        self.program = command[0]
        self._arguments = list(command[1:])
        self._pid = 0
        self._ended: Any | None = None
        variables = qt.QProcessEnvironment()
        for name, value in environment.items():
            variables.insert(name, value)
        self._process = qt.QProcess(parent)
        self._process.setProcessEnvironment(variables)

    def start(
        self, on_output: Callable[[bytes], None], on_log: Callable[[bytes], None], on_end: Callable[[ProcessEnd], None]
    ) -> None:
        """Start it; the callbacks come from the event loop, ``on_end`` once and last."""
        self._on_output, self._on_log, self._on_end = on_output, on_log, on_end
        process = self._process
        process.connect("started()", self._take_started)
        process.connect("readyReadStandardOutput()", self._take_output)
        process.connect("readyReadStandardError()", self._take_log)
        process.connect("finished(int,QProcess::ExitStatus)", self._take_end)
        process.connect("errorOccurred(QProcess::ProcessError)", self._take_error)
        process.start(self.program, self._arguments)

    def write(self, data: bytes) -> None:
        """Send bytes to its stdin; to a process that has ended they are lost."""
        if self._is_running():
            self._process.write(data)

    def terminate(self) -> None:
        """Ask it to end: SIGTERM; on Windows a message that a program without a window does not hear."""
        if self._is_running():
            self._process.terminate()

    def kill_tree(self) -> None:
        """Kill it and everything it started."""
        if self._pid > 0:
            kill_tree_of(self._pid)
        if self._is_running():
            self._process.kill()

    def close(self, limit_s: float) -> None:
        """Close its stdin, which ends a worker, wait that long and kill what is left. Blocks."""
        if self._is_running():
            self._process.closeWriteChannel()
            if not self._process.waitForFinished(int(limit_s * 1000)):
                self.kill_tree()
                if self._is_running():
                    self._process.waitForFinished(int(KILL_WAIT_S * 1000))
        self.kill_tree()

    def _is_running(self) -> bool:
        return self._process is not None and self._process.state() != qt.QProcess.NotRunning

    def _take_started(self) -> None:
        self._pid = int(self._process.processId())

    def _take_output(self) -> None:
        self._on_output(self._process.readAllStandardOutput().data())

    def _take_log(self) -> None:
        self._on_log(self._process.readAllStandardError().data())

    def _take_end(self, code: int, status: int) -> None:
        self._take_output()
        self._take_log()
        self._leave(ProcessEnd(True, status == qt.QProcess.CrashExit, code))

    def _take_error(self, error: int) -> None:
        if error == qt.QProcess.FailedToStart:  # every other error is followed by finished()
            self._leave(ProcessEnd(False, False, 0, self._process.errorString()))

    def _leave(self, end: ProcessEnd) -> None:
        # The last reference to an object without parent would delete it here, inside its own signal: Qt does it later.
        self._ended, self._process = self._process, None
        pid, self._pid = self._pid, 0
        self._ended.deleteLater()
        if pid > 0 and os.name != "nt":  # what it left behind; Windows finds no tree of a dead process, and ids recur
            kill_tree_of(pid)
        self._on_end(end)
