"""A small synchronous client of the worker: start it, ask, cancel, close; used by ``pedseg demo`` and tests."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import Cancelled, InputError, ModelError, PediatricAbdomenSegError, ResourceError, UsageError
from ..progress import CancelToken, OnProgress, ProgressEvent, ignore_progress
from .processes import kill_tree, start_in_own_group
from .protocol import (
    Cancel,
    CancelledEvent,
    Event,
    Failed,
    Ready,
    Request,
    Result,
    Shutdown,
    decode_event,
    encode,
)

START_LIMIT_S = 120.0  # a cold start from a slow network disk
CANCEL_LIMIT_S = 10.0  # a worker that does not stop within this is killed
CLOSE_LIMIT_S = 5.0
POLL_S = 0.1
_ERRORS = {kind.kind: kind for kind in (UsageError, InputError, ModelError, ResourceError, Cancelled)}


def worker_command(python: str = sys.executable) -> list[str]:
    """The command that starts the worker of this checkout or installation with an interpreter.

    By path, so that the interpreter needs the worker's dependencies but not this package.
    """
    return [python, "-u", "-X", "utf8", str(Path(__file__).with_name("__main__.py"))]


def worker_environment(base: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment for a worker: idle OpenMP threads sleep, and freed memory is kept for the next patient.

    Measured: spinning threads cost five to ten times the time under load; without glibc returning large blocks to
    the system 35 % less CPU time for 0.7 GB more memory.
    """
    environment = dict(base)
    environment.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if sys.platform == "linux":
        environment.setdefault("MALLOC_MMAP_MAX_", "0")
        environment.setdefault("MALLOC_TRIM_THRESHOLD_", "2000000000")
    return environment


class WorkerClient:
    """A running worker; a context manager that ends it, and everything it started, on the way out.

    Args:
        command: how to start it; None for this interpreter.
        environment: None for `worker_environment`.

    Raises:
        ResourceError: it cannot be started or does not report ready.
        ProtocolError: it speaks another protocol version.
    """

    def __init__(self, command: Sequence[str] | None = None, environment: Mapping[str, str] | None = None) -> None:
        try:
            self.process = start_in_own_group(
                list(command or worker_command()), dict(environment or worker_environment())
            )
        except OSError as error:
            raise ResourceError(f"The worker cannot be started: {error.strerror}.", "Check the interpreter.") from error
        self.log: deque[str] = deque(maxlen=200)
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._count = 0
        threading.Thread(target=self._read_events, daemon=True).start()
        self._log_reader = threading.Thread(target=self._read_log, daemon=True)
        self._log_reader.start()
        try:
            self.ready = self._wait_for_ready()
        except BaseException:
            kill_tree(self.process)
            raise

    def __enter__(self) -> WorkerClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def request(
        self,
        request: Request,
        on_progress: OnProgress = ignore_progress,
        cancel: CancelToken | None = None,
        cancel_limit_s: float = CANCEL_LIMIT_S,
    ) -> dict[str, Any]:
        """Send a request and wait for its end; its ``id`` may be left ``""`` to get the next free one.

        Args:
            cancel_limit_s: a worker that has not stopped this long after the token was set is killed.

        Raises:
            PediatricAbdomenSegError: of the kind the worker reported.
            Cancelled: the token was set; a worker that does not stop in time is killed.
            ResourceError: the worker died.
        """
        request = self.send(request)
        stop_limit: float | None = None  # when a cancelled worker is killed
        while True:
            event = self._next_event(POLL_S)
            if isinstance(event, Failed) and event.id is None:  # the worker could not make out whose line it was
                raise error_from(event)
            if event is not None and getattr(event, "id", None) == request.id:
                if isinstance(event, Result):
                    return event.result
                if isinstance(event, Failed):
                    raise error_from(event)
                if isinstance(event, CancelledEvent):
                    raise Cancelled()
                on_progress(ProgressEvent(event.stage, event.fraction, event.remaining_s))
            if cancel is not None and cancel.is_cancelled:
                if stop_limit is None:
                    self.send(Cancel("", request.id))
                    stop_limit = time.monotonic() + cancel_limit_s
                elif time.monotonic() > stop_limit:
                    kill_tree(self.process)
                    raise Cancelled()

    def send(self, request: Request) -> Request:
        """Send a request without waiting; returned with the id it was sent under."""
        if not request.id:
            self._count += 1
            request = replace(request, id=f"request-{self._count}")
        try:
            self.process.stdin.write(encode(request))
            self.process.stdin.flush()
        except OSError as error:
            raise self._death() from error
        return request

    def close(self) -> None:
        """End the worker: ask, then close its stdin, then kill the whole tree. May be called again."""
        if self.process.poll() is None:
            try:
                self.process.stdin.write(encode(Shutdown("close")))
                self.process.stdin.close()
                self.process.wait(CLOSE_LIMIT_S)
            except (OSError, ValueError, subprocess.TimeoutExpired):
                pass  # it is killed next
        kill_tree(self.process)

    def _wait_for_ready(self) -> Ready:
        event = self._next_event(START_LIMIT_S)
        if isinstance(event, Ready):
            return event
        raise ResourceError(
            "The worker did not report ready.", "Its last words: " + (" ".join(list(self.log)[-3:]) or "none") + "."
        )

    def _next_event(self, timeout_s: float) -> Event | None:
        try:
            line = self._lines.get(timeout=timeout_s)
        except queue.Empty:
            return None
        if line is None:
            self._lines.put(None)  # whoever asks next hears it too
            raise self._death()
        return decode_event(line)

    def _read_events(self) -> None:
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def _read_log(self) -> None:
        for line in self.process.stderr:
            self.log.append(line.decode("utf-8", "replace").rstrip())

    def _death(self) -> ResourceError:
        code = self.process.wait()
        what = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
        self._log_reader.join(1.0)
        words = " ".join(list(self.log)[-3:])
        return ResourceError(
            f"The worker {what} before it answered.",
            "Most often this is too little memory; close other programs and try again."
            + (f" Its last words: {words}" if words else ""),
        )


def error_from(event: Failed) -> PediatricAbdomenSegError:
    """The error that a `Failed` event reports, of the class its kind names."""
    if event.kind in _ERRORS:
        return _ERRORS[event.kind](event.message, event.hint)
    error = PediatricAbdomenSegError(event.message, event.hint)
    error.kind = event.kind
    return error
