"""Requests to the worker and its answers: starts it when it is needed, ends it when it does not listen any more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from slicer.i18n import tr as _

from ..engine.errors import PediatricAbdomenSegError, ResourceError
from ..engine.progress import OnProgress, ProgressEvent, ignore_progress
from ..engine.worker.client import error_from
from ..engine.worker.protocol import Cancel, CancelledEvent, Event, Failed, Progress, Request, Result
from .worker_life import READY, STARTING, STOPPED, CallLater, Cancellable, LifeEvents, Process, WorkerLife

CANCEL_LIMIT_S = 5.0  # from the message to the end of a worker that does not heed it


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
        on_state: receives "stopped", "starting" or "ready".
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
        self._life: WorkerLife | None = None
        self._pending: dict[str, _Pending] = {}
        self._cancel_timer: Cancellable | None = None
        self._count = 0

    @property
    def state(self) -> str:
        """ "stopped", "starting" or "ready"."""
        return STOPPED if self._life is None else self._life.state

    def start(self) -> None:
        """Start the worker unless it runs; a failure is told to whoever has asked something."""
        if self._life is not None:
            return
        try:
            process = self._process_factory()
        except PediatricAbdomenSegError as error:
            self._tell_all(error)
            return
        events = LifeEvents(self._take_ready, self._take_event, self._take_end, self._on_log)
        self._life = WorkerLife(process, self._call_later, events)
        self._on_state(STARTING)
        self._life.begin()

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
            request = replace(request, id=self._next_id())
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
        elif self._life is not None:
            self._life.send(Cancel(self._next_id(), request_id))
            self._stop_cancel_timer()
            self._cancel_timer = self._call_later(CANCEL_LIMIT_S, self._life.end)

    def stop(self) -> None:
        """End the worker now; waits a few seconds at most. Whoever waits for an answer is told."""
        self._stop_cancel_timer()
        life, self._life = self._life, None
        if life is not None:
            life.close()
            self._on_state(STOPPED)
        self._tell_all(ResourceError(_("The worker was stopped."), _("Start the run again.")))

    def _take_ready(self) -> None:
        self._on_state(READY)
        self._send_pending()

    def _take_event(self, event: Event) -> None:
        if isinstance(event, Failed) and event.id is None:  # it did not understand even whose request it was
            self._tell_all(error_from(event))
            return
        pending = self._pending.get(event.id)
        if pending is None:
            return  # the answer to a cancel
        if isinstance(event, Progress):
            if not pending.cancelled:
                pending.on_progress(ProgressEvent(event.stage, event.fraction, event.remaining_s))
            return
        del self._pending[event.id]
        if pending.cancelled and not any(other.cancelled for other in self._pending.values()):
            self._stop_cancel_timer()
        if pending.cancelled or isinstance(event, CancelledEvent):
            pending.on_cancelled()
        elif isinstance(event, Result):
            pending.on_result(event.result)
        else:
            pending.on_failed(error_from(event))

    def _take_end(self, error: PediatricAbdomenSegError | None) -> None:
        had_been_ready = any(pending.sent for pending in self._pending.values())
        self._stop_cancel_timer()
        self._life = None
        self._on_state(STOPPED)
        if error is None:  # ended because it did not heed a cancel: what waited behind that goes to a new worker
            ended = {key: pending for key, pending in self._pending.items() if pending.cancelled}
            for key in ended:
                del self._pending[key]
            for pending in self._pending.values():
                pending.sent = False
            if self._pending:
                self.start()
            _tell(ended)
        else:
            self._tell_all(error)
            if had_been_ready:
                self.start()  # warm again when the user presses the button once more

    def _send_pending(self) -> None:
        if self._life is not None and self._life.state == READY:
            for pending in list(self._pending.values()):
                if not pending.sent:
                    pending.sent = True
                    self._life.send(pending.request)

    def _tell_all(self, error: PediatricAbdomenSegError) -> None:
        waiting, self._pending = self._pending, {}
        _tell(waiting, error)

    def _next_id(self) -> str:
        self._count += 1
        return f"panel-{self._count}"

    def _stop_cancel_timer(self) -> None:
        timer, self._cancel_timer = self._cancel_timer, None
        if timer is not None:
            timer.cancel()


def _tell(requests: dict[str, _Pending], error: PediatricAbdomenSegError | None = None) -> None:
    """Tell those who asked how it ended; ``error`` may be None where all of them have cancelled."""
    for pending in requests.values():
        if pending.cancelled:
            pending.on_cancelled()
        else:
            pending.on_failed(error)
