"""The life of one worker process: start, ready, lines in and out, and an end that is sure to come.

No Qt: process and timers are handed in. Callbacks are called on the thread that delivers the process's output.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from slicer.i18n import tr as _

from ..engine.errors import PediatricAbdomenSegError, ResourceError
from ..engine.worker.protocol import (
    MAX_LINE_BYTES,
    Event,
    ProtocolError,
    Ready,
    Request,
    Shutdown,
    decode_event,
    encode,
)
from .worker_end import ProcessEnd, crash_error, start_error

START_LIMIT_S = 120.0  # a cold start from a slow network disk
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


@dataclass(frozen=True)
class LifeEvents:
    """What the owner of a worker hears.

    Attributes:
        on_ready: requests can be sent.
        on_event: what the worker says after that.
        on_end: it is gone, with the reason; None where the owner ended it with `WorkerLife.end`.
        on_log: a line of its stderr.
    """

    on_ready: Callable[[], None]
    on_event: Callable[[Event], None]
    on_end: Callable[[PediatricAbdomenSegError | None], None]
    on_log: Callable[[str], None]


class WorkerLife:
    """One worker process from its start to its end; a new object for every process.

    Args:
        process: not started yet.
        call_later: as `toolkit.Timer`.
        events: see there.
    """

    def __init__(self, process: Process, call_later: CallLater, events: LifeEvents) -> None:
        self.state = STARTING
        self._process = process
        self._call_later = call_later
        self._events = events
        self._output, self._errors = _Lines(), _Lines()
        self._unread: deque[bytes] = deque()
        self._last_words = ""
        self._ending = False
        self._timer: Cancellable | None = None

    def begin(self) -> None:
        """Start the process; what happens is told from now on."""
        self._timer = self._call_later(START_LIMIT_S, self._give_up_start)
        self._process.start(self._read_output, self._read_log, self._read_end)

    def send(self, request: Request) -> None:
        """Send a request to a worker that is ready."""
        if self.state != STOPPED:
            self._process.write(encode(request))

    def end(self) -> None:
        """Terminate it, and kill it with all it started if that does not help; ``on_end`` follows."""
        if self.state != STOPPED:
            self._ending = True
            self._restart_timer(TERMINATE_LIMIT_S, self._process.kill_tree)
            self._process.terminate()

    def close(self) -> None:
        """End it now and for good: ask, wait at most `CLOSE_LIMIT_S`, kill. Nothing is told any more."""
        if self.state != STOPPED:
            self.state = STOPPED
            self._stop_timer()
            self._process.write(encode(Shutdown("close")))
            self._process.close(CLOSE_LIMIT_S)

    def _read_output(self, data: bytes) -> None:
        # A queue, because what a line sets off may raise, or run a dialogue's event loop in which more lines come.
        self._unread.extend(self._output.feed(data))
        while self._unread and self.state != STOPPED:
            self._read_line(self._unread.popleft())

    def _read_line(self, line: bytes) -> None:
        if self.state == STARTING and not line.lstrip().startswith(b"{"):
            self._events.on_log("The interpreter printed something before the worker began.")  # an activation script
            return
        try:
            event = decode_event(line)
        except ProtocolError as error:
            self._give_up(error)
            return
        if isinstance(event, Ready):
            self._stop_timer()
            self.state = READY
            self._events.on_ready()
        else:
            self._events.on_event(event)

    def _read_log(self, data: bytes) -> None:
        for line in self._errors.feed(data):
            self._last_words = line.decode("utf-8", "replace").rstrip()
            self._events.on_log(self._last_words)

    def _read_end(self, end: ProcessEnd) -> None:
        if self.state == STOPPED:
            return
        self._read_log(b"\n")  # a last line may lack its end
        was, self.state = self.state, STOPPED
        self._stop_timer()
        if self._ending:
            self._events.on_end(None)
        elif was == STARTING:
            self._events.on_end(start_error(end, self._process.program, self._last_words))
        else:
            self._events.on_end(crash_error(end))

    def _give_up_start(self) -> None:
        self._give_up(
            ResourceError(
                _("The worker of {path} did not become ready within {seconds} s.").format(
                    path=self._process.program, seconds=f"{START_LIMIT_S:.0f}"
                ),
                _("Try again; if it stays so, repair the interpreter on the page Runtime."),
            )
        )

    def _give_up(self, error: PediatricAbdomenSegError) -> None:
        """It cannot be understood or does not come: kill it and say why."""
        self.state = STOPPED
        self._stop_timer()
        self._process.kill_tree()
        self._events.on_end(error)

    def _restart_timer(self, seconds: float, call: Callable[[], None]) -> None:
        self._stop_timer()
        self._timer = self._call_later(seconds, call)

    def _stop_timer(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()


class _Lines:
    """Lines out of pieces; blank ones are left out, and one that never ends is cut where no message may be longer."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > MAX_LINE_BYTES:
            lines.append(self._rest)
            self._rest = b""
        return [line for line in lines if line.strip()]
