"""Requests to the worker and its answers: starts it when it is needed, ends it when it does not listen any more.

No Qt: process and timers are handed in. Callbacks are called on the thread that delivers the process's output.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

from ..engine.errors import PediatricAbdomenSegError, ResourceError
from ..engine.progress import OnProgress, ProgressEvent, ignore_progress
from ..engine.worker.client import error_from
from ..engine.worker.protocol import (
    MAX_LINE_BYTES,
    Cancel,
    CancelledEvent,
    Event,
    Failed,
    Progress,
    ProtocolError,
    Ready,
    Request,
    Result,
    Shutdown,
    decode_event,
    encode,
)
from .worker_end import ProcessEnd, crash_error, start_error

START_LIMIT_S = 120.0  # a cold start from a slow network disk
CANCEL_LIMIT_S = 5.0  # from the message to the terminate
TERMINATE_LIMIT_S = 3.0  # from the terminate to the kill
CLOSE_LIMIT_S = 3.0  # for a worker to end on its own when Slicer quits

STOPPED, STARTING, READY = "stopped", "starting", "ready"


class Process(Protocol):
    """A worker process as `worker_process.QtProcess` makes it; ``program`` is its interpreter."""

    program: str

    def start(
        self, on_output: Callable[[bytes], None], on_log: Callable[[bytes], None], on_end: Callable[[ProcessEnd], None]
    ) -> None: ...

    def write(self, data: bytes) -> None: ...

    def terminate(self) -> None: ...

    def kill_tree(self) -> None: ...

    def close(self, limit_s: float) -> None: ...


class Cancellable(Protocol):
    """What `CallLater` returns."""

    def cancel(self) -> None: ...


CallLater = Callable[[float, Callable[[], None]], Cancellable]


@dataclass
class _Pending:
    request: Request
    on_result: Callable[[dict[str, Any]], None]
    on_failed: Callable[[PediatricAbdomenSegError], None]
    on_progress: OnProgress
    on_cancelled: Callable[[], None]
    sent: bool = False
    cancelled: bool = False


class WorkerLink:
    """One worker at a time, started at the first request.

    Args:
        process_factory: makes a process that is not started yet; may raise `PediatricAbdomenSegError`, for example
            when no interpreter is known.
        call_later: as `toolkit.Timer`.
        on_state: receives `STOPPED`, `STARTING` or `READY`.
        on_log: receives each line of the worker's stderr.
    """

    def __init__(
        self,
        process_factory: Callable[[], Process],
        call_later: CallLater,
        on_state: Callable[[str], None] = lambda state: None,
        on_log: Callable[[str], None] = lambda line: None,
    ) -> None:
        self._process_factory = process_factory
        self._call_later = call_later
        self._on_state = on_state
        self._on_log = on_log
        self._process: Process | None = None
        self._pending: dict[str, _Pending] = {}
        self._timer: Cancellable | None = None
        self._output = self._errors = b""
        self._last_words: deque[str] = deque(maxlen=1)
        self._count = 0
        self._ended_on_purpose = False
        self.state = STOPPED

    def start(self) -> None:
        """Start the worker unless it runs; a failure is told to whoever has asked something."""
        if self._process is not None:
            return
        self._output = self._errors = b""
        self._last_words.clear()
        self._ended_on_purpose = False
        try:
            process = self._process_factory()
        except PediatricAbdomenSegError as error:
            self._fail_all(error)
            return
        self._process = process
        self._set_state(STARTING)
        self._timer = self._call_later(START_LIMIT_S, self._give_up_start)
        process.start(
            lambda data: self._process is process and self._read_output(data),
            lambda data: self._process is process and self._read_log(data),
            lambda end: self._process is process and self._read_end(end),
        )

    def ask(
        self,
        request: Request,
        on_result: Callable[[dict[str, Any]], None],
        on_failed: Callable[[PediatricAbdomenSegError], None],
        on_progress: OnProgress = ignore_progress,
        on_cancelled: Callable[[], None] = lambda: None,
    ) -> str:
        """Send a request as soon as the worker is ready; exactly one of result, failed or cancelled is called.

        Returns:
            The request's id; one is given where it is "".
        """
        if not request.id:
            self._count += 1
            request = replace(request, id=f"panel-{self._count}")
        self._pending[request.id] = _Pending(request, on_result, on_failed, on_progress, on_cancelled)
        self.start()
        self._send_pending()
        return request.id

    def cancel(self, request_id: str) -> None:
        """Stop a request: by a message, and if that does not help by ending the worker."""
        pending = self._pending.get(request_id)
        if pending is None or pending.cancelled:
            return
        pending.cancelled = True
        if not pending.sent:
            del self._pending[request_id]
            pending.on_cancelled()
            return
        self._count += 1
        self._write(Cancel(f"panel-{self._count}", request_id))
        self._restart_timer(CANCEL_LIMIT_S, self._terminate)

    def stop(self) -> None:
        """End the worker now; waits at most `CLOSE_LIMIT_S` and a moment. Whoever waits for an answer is told."""
        self._stop_timer()
        process, self._process = self._process, None
        if process is not None:
            process.write(encode(Shutdown("close")))
            process.close(CLOSE_LIMIT_S)
        self._set_state(STOPPED)
        self._fail_all(ResourceError("The worker was stopped.", ""))

    # From the process

    def _read_output(self, data: bytes) -> None:
        process = self._process
        *lines, self._output = (self._output + data).split(b"\n")
        if len(self._output) > MAX_LINE_BYTES:
            lines, self._output = [*lines, self._output], b""
        for line in lines:
            if self._process is not process:
                return  # a callback stopped it
            if line.strip():
                self._read_line(line)

    def _read_line(self, line: bytes) -> None:
        if self.state == STARTING and not line.lstrip().startswith(b"{"):
            self._on_log("The interpreter printed something before the worker began.")  # as some activation scripts do
            return
        try:
            event = decode_event(line)
        except ProtocolError as error:
            self._break_off(error)
            return
        self._take(event)

    def _take(self, event: Event) -> None:
        if isinstance(event, Ready):
            self._stop_timer()
            self._set_state(READY)
            self._send_pending()
            return
        if isinstance(event, Failed) and event.id is None:
            self._fail_all(error_from(event))
            return
        pending = self._pending.get(event.id or "")
        if pending is None:
            return  # the answer to a cancel, or to a request that was given up
        if isinstance(event, Progress):
            if not pending.cancelled:
                pending.on_progress(ProgressEvent(event.stage, event.fraction, event.remaining_s))
            return
        del self._pending[event.id]
        if pending.cancelled:
            if not any(other.cancelled for other in self._pending.values()):
                self._stop_timer()
            pending.on_cancelled()
        elif isinstance(event, Result):
            pending.on_result(event.result)
        elif isinstance(event, CancelledEvent):
            pending.on_cancelled()
        else:
            pending.on_failed(error_from(event))

    def _read_log(self, data: bytes) -> None:
        *lines, self._errors = (self._errors + data).split(b"\n")
        for line in lines:
            text = line.decode("utf-8", "replace").rstrip()
            if text:
                self._last_words.append(text)
                self._on_log(text)

    def _read_end(self, end: ProcessEnd) -> None:
        if self._errors:
            self._read_log(b"\n")
        program, was, on_purpose = self._process.program, self.state, self._ended_on_purpose
        waiting, self._pending = self._pending, {}
        self._process = None
        self._stop_timer()
        self._set_state(STOPPED)
        if on_purpose:  # what waited behind the request that had to be cut off is sent to a new worker
            for request_id, pending in waiting.items():
                if not pending.cancelled:
                    pending.sent = False
                    self._pending[request_id] = pending
            if self._pending:
                self.start()
            _tell_end({key: pending for key, pending in waiting.items() if pending.cancelled})
        elif was == STARTING:
            _tell_end(waiting, start_error(end, program, " ".join(self._last_words)))
        else:
            _tell_end(waiting, crash_error(end))
            if waiting:
                self.start()  # warm again when the user presses the button once more

    # To the process

    def _send_pending(self) -> None:
        if self.state == READY:
            for pending in list(self._pending.values()):
                if not pending.sent:
                    pending.sent = True
                    self._write(pending.request)

    def _write(self, request: Request) -> None:
        if self._process is not None:
            self._process.write(encode(request))

    def _terminate(self) -> None:
        self._ended_on_purpose = True
        if self._process is not None:
            self._restart_timer(TERMINATE_LIMIT_S, self._kill)
            self._process.terminate()

    def _kill(self) -> None:
        self._ended_on_purpose = True
        if self._process is not None:
            self._process.kill_tree()

    def _give_up_start(self) -> None:
        error = ResourceError(
            f"The worker of {self._process.program} did not become ready within {START_LIMIT_S:.0f} s.",
            "Try again; if it stays so, repair the interpreter on the Runtime page.",
        )
        self._break_off(error)

    def _break_off(self, error: PediatricAbdomenSegError) -> None:
        """The worker cannot be understood or does not come: kill it and say why."""
        process, self._process = self._process, None
        self._stop_timer()
        if process is not None:
            process.kill_tree()
        self._set_state(STOPPED)
        self._fail_all(error)

    def _fail_all(self, error: PediatricAbdomenSegError) -> None:
        waiting, self._pending = self._pending, {}
        _tell_end(waiting, error)

    def _restart_timer(self, seconds: float, call: Callable[[], None]) -> None:
        self._stop_timer()
        self._timer = self._call_later(seconds, call)

    def _stop_timer(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    def _set_state(self, state: str) -> None:
        if state != self.state:
            self.state = state
            self._on_state(state)


def _tell_end(requests: dict[str, _Pending], error: PediatricAbdomenSegError | None = None) -> None:
    """Tell those who asked; ``error`` may be None where all of them have cancelled."""
    for pending in requests.values():
        if pending.cancelled:
            pending.on_cancelled()
        else:
            pending.on_failed(error)
