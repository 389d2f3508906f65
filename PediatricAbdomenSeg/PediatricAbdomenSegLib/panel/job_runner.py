"""Runs jobs one after another through the worker and tells the panel how they go.

No Qt and no scene: process, timers and store are handed in, what happens is told by callbacks.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from ..engine.errors import PediatricAbdomenSegError, ResourceError
from ..engine.progress import OnProgress, ProgressEvent, ignore_progress
from ..engine.worker.protocol import Request
from .job_store import FINISHED, QUEUED, RUNNING, Job, JobStore
from .worker_life import READY, CallLater, Process
from .worker_link import WorkerLink

IDLE, STARTING, CANCELLING, FAILED = "idle", "starting", "cancelling", "failed"
LOG_LINES = 500


def _ignore(*_: Any) -> None:
    """The callback of a listener that does not care."""


@dataclass(frozen=True)
class RunnerEvents:
    """What a listener wants to hear.

    Attributes:
        on_state: the new state: "idle", "starting", "running", "cancelling" or "failed".
        on_progress: of the job that runs.
        on_result: the job is done; its `Job.result_folder` is complete, the second argument is result.json's content.
            Who has taken the result over calls `JobStore.discard`; until then it is offered at every start.
        on_failed: the job failed; its folder is gone.
        on_cancelled: the job was cancelled; its folder is gone.
        on_log: a line for the log.
    """

    on_state: Callable[[str], None] = _ignore
    on_progress: Callable[[Job, ProgressEvent], None] = _ignore
    on_result: Callable[[Job, dict[str, Any]], None] = _ignore
    on_failed: Callable[[Job, PediatricAbdomenSegError], None] = _ignore
    on_cancelled: Callable[[Job], None] = _ignore
    on_log: Callable[[str], None] = _ignore


class JobRunner:
    """A queue of jobs in front of one worker.

    Args:
        process_factory: see `WorkerLink`.
        store: where the jobs lie.
        call_later: as `toolkit.Timer`.
    """

    def __init__(self, process_factory: Callable[[], Process], store: JobStore, call_later: CallLater) -> None:
        self.store = store
        self.log: deque[str] = deque(maxlen=LOG_LINES)
        self.state = IDLE
        self.problem: PediatricAbdomenSegError | None = None
        self._listeners: list[RunnerEvents] = []
        self._waiting: deque[Job] = deque()
        self._current: Job | None = None
        self._closed = False
        self._link = WorkerLink(process_factory, call_later, self._take_link_state, self._note)

    @property
    def current(self) -> Job | None:
        """The job at work."""
        return self._current

    @property
    def waiting(self) -> tuple[Job, ...]:
        """Jobs behind it, in their order."""
        return tuple(self._waiting)

    def listen(self, events: RunnerEvents) -> Callable[[], None]:
        """Hear what happens; call what is returned to hear no more."""
        self._listeners.append(events)
        return lambda: self._listeners.remove(events) if events in self._listeners else None

    def submit(self, job: Job) -> None:
        """Run a job when those before it are through. Also for an interrupted one of an earlier session.

        Raises:
            ResourceError: its job.json cannot be written.
        """
        self.store.mark(job, QUEUED)
        self._waiting.append(job)
        self._note(f"{job.id}: queued")
        self._go_on()

    def cancel(self, job_id: str | None = None) -> None:
        """Cancel one job, by default the one at work; an id that is not known, or no job, is no error."""
        for job in [job for job in self._waiting if job.id == job_id]:
            self._waiting.remove(job)
            self._drop(job)
            self._tell(lambda listener, job=job: listener.on_cancelled(job))
        if self._current is not None and job_id in (None, self._current.id):
            self._set_state(CANCELLING)
            self._link.cancel(self._current.id)

    def ask(
        self,
        request: Request,
        on_result: Callable[[dict[str, Any]], None],
        on_failed: Callable[[PediatricAbdomenSegError], None],
        on_progress: OnProgress = ignore_progress,
        on_cancelled: Callable[[], None] = _ignore,
    ) -> str:
        """Send the worker a request that is no job, such as `Hardware` or `ExportRtstruct`; returns its id.

        It is answered after the job at work and changes no state.
        """
        return self._link.ask(request, on_result, on_failed, on_progress, on_cancelled)

    def restart_worker(self) -> None:
        """Use another interpreter from now on. Does nothing good to a job at work: ask first."""
        self._link.stop()

    def shutdown(self) -> None:
        """Slicer quits or the module is reloaded: end the worker and all it started; may be called again.

        Jobs that run or wait stay on disk and are offered at the next start.
        """
        if not self._closed:
            self._closed = True
            self._listeners.clear()
            self._waiting.clear()
            self._current = None
            self._link.stop()
            self.store.close()

    def _go_on(self) -> None:
        if self._current is not None or self._closed:
            return
        if not self._waiting:
            self._set_state(FAILED if self.problem is not None else IDLE)
            return
        job = self._current = self._waiting.popleft()
        self.problem = None
        try:
            self.store.mark(job, RUNNING)
        except ResourceError as error:
            self._take_failure(job, error)
            return
        self._set_state(RUNNING if self._link.state == READY else STARTING)
        self._note(f"{job.id}: sent to the worker")
        self._link.ask(
            job.request,
            lambda record: self._take_result(job, record),
            lambda error: self._take_failure(job, error),
            lambda event: self._tell(lambda listener: listener.on_progress(job, event)),
            lambda: self._take_cancelled(job),
        )

    def _take_result(self, job: Job, record: dict[str, Any]) -> None:
        if self._closed:
            return
        self._current = None
        self._note(f"{job.id}: finished")
        try:
            self.store.mark(job, FINISHED)
        except ResourceError as error:
            self._note(f"{job.id}: {type(error).__name__} while noting that it is finished")  # the result is there
        self._tell_and_go_on(lambda listener: listener.on_result(job, record))

    def _take_failure(self, job: Job, error: PediatricAbdomenSegError) -> None:
        if self._closed:
            return
        self._current = None
        self.problem = error
        self._note(f"{job.id}: failed ({error.kind})")  # not the message: it may name a file of the user's
        self._drop(job)
        self._tell_and_go_on(lambda listener: listener.on_failed(job, error))

    def _take_cancelled(self, job: Job) -> None:
        if self._closed:
            return
        self._current = None
        self._note(f"{job.id}: cancelled")
        self._drop(job)
        self._tell_and_go_on(lambda listener: listener.on_cancelled(job))

    def _drop(self, job: Job) -> None:
        try:
            self.store.discard(job)
        except ResourceError:
            self._note(f"{job.id}: its folder could not be removed")

    def _take_link_state(self, state: str) -> None:
        self._note(f"worker: {state}")
        if state == READY and self.state == STARTING:
            self._set_state(RUNNING)

    def _set_state(self, state: str) -> None:
        if state != self.state:
            self.state = state
            self._tell(lambda listener: listener.on_state(state))

    def _note(self, line: str) -> None:
        self.log.append(line)
        self._tell(lambda listener: listener.on_log(line))

    def _tell_and_go_on(self, call: Callable[[RunnerEvents], None]) -> None:
        try:
            self._tell(call)
        finally:  # a listener that raises must not stop the queue
            self._go_on()

    def _tell(self, call: Callable[[RunnerEvents], None]) -> None:
        with ExitStack() as stack:  # every listener hears it, also when one before has raised
            for listener in reversed(self._listeners):
                stack.callback(call, listener)
