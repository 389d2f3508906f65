"""The serve loop of the worker: requests in, events out, one job after another, cancel at any time.

A thread reads requests so that ``cancel``, ``hello`` and ``shutdown`` are answered while a job runs; the calling
thread runs the jobs. Streams, handlers and clock are handed in. Nothing here knows what a job does.
"""

from __future__ import annotations

import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

from ..errors import Cancelled, PediatricAbdomenSegError, ResourceError
from ..progress import CancelToken, OnProgress, ProgressEvent
from ..runtime.packages import package_not_installed
from .protocol import (
    MAX_LINE_BYTES,
    Cancel,
    CancelledEvent,
    Event,
    Failed,
    Hello,
    Progress,
    ProtocolError,
    Ready,
    Request,
    Result,
    Shutdown,
    decode_request,
    encode,
    failed,
)

Handler = Callable[[Any, OnProgress, CancelToken], dict[str, Any]]
PROGRESS_INTERVAL_S = 0.1  # more than a person can follow, little enough not to flood the pipe


class EventStream:
    """Writes events as lines, from any thread; goes silent once the other side is gone."""

    def __init__(self, stdout: BinaryIO) -> None:
        self._stdout = stdout
        self._lock = threading.Lock()
        self._gone = False

    def send(self, event: Event) -> None:
        """Write one event. A broken pipe is no error: there is nobody left to tell."""
        line = encode(event)
        with self._lock:
            if self._gone:
                return
            try:
                self._stdout.write(line)
                self._stdout.flush()
            except (OSError, ValueError):  # ValueError: the stream object was closed
                self._gone = True


class Server:
    """Serves requests from one stream until it closes, a `Shutdown` comes or `stop` is called.

    Args:
        stdin: binary stream of request lines.
        stdout: binary stream for event lines; nothing else may write to it.
        handlers: per request type what runs it and returns the result's content.
        ready: the event sent first, and the answer to `Hello`.
        on_hangup: called on the reader's thread when the stream closes, after every job was asked to stop.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        stdin: BinaryIO,
        stdout: BinaryIO,
        handlers: Mapping[type, Handler],
        ready: Ready,
        on_hangup: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stdin = stdin
        self._events = EventStream(stdout)
        self._handlers = handlers
        self._ready = ready
        self._on_hangup = on_hangup
        self._clock = clock
        self._jobs: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self._tokens: dict[str, CancelToken] = {}  # of every request that runs or waits
        self._lock = threading.Lock()
        self._stopping = False

    def serve(self) -> None:
        """Run until the end; every request accepted has been answered when this returns."""
        self._events.send(self._ready)
        threading.Thread(target=self._read, name="worker-reader", daemon=True).start()
        shutdown: Shutdown | None = None
        while (request := self._jobs.get()) is not None:
            if isinstance(request, Shutdown):
                shutdown = request
                break
            self._run(request)
        if shutdown is not None:
            self._events.send(Result(shutdown.id))

    def stop(self) -> None:
        """Cancel what runs and waits and let `serve` return; callable from any thread and from signal handlers."""
        self._stopping = True
        for token in list(self._tokens.values()):
            token.cancel()
        self._jobs.put(None)

    def _read(self) -> None:
        while (line := read_line(self._stdin)) is not None:
            try:
                request = decode_request(line)
            except ProtocolError as error:
                self._events.send(failed(error.id, error))
                continue
            if self._accept(request):
                return
        self.stop()
        self._on_hangup()

    def _accept(self, request: Request) -> bool:
        """Answer what can be answered at once, queue the rest; True when nothing more is to be read."""
        if isinstance(request, Hello):
            ready = self._ready
            content = {
                "software_version": ready.software_version,
                "python_version": ready.python_version,
                "pid": ready.pid,
            }
            self._events.send(Result(request.id, content))
        elif isinstance(request, Cancel):
            with self._lock:
                token = self._tokens.get(request.target)
            if token is not None:
                token.cancel()
            self._events.send(Result(request.id, {"found": token is not None}))
        elif isinstance(request, Shutdown):
            with self._lock:
                for token in self._tokens.values():
                    token.cancel()
            self._jobs.put(request)
            return True
        elif type(request) not in self._handlers:
            self._events.send(Failed(request.id, "usage", f"This worker does not serve {request.type!r}.", "", 2))
        else:
            with self._lock:
                repeated = request.id in self._tokens
                if not repeated:
                    self._tokens[request.id] = CancelToken()
            if repeated:
                message = f"A request with the id {request.id!r} is still running or waiting."
                self._events.send(Failed(None, "usage", message, "Give every request an id of its own.", 2))
            else:
                self._jobs.put(request)
        return False

    def _run(self, request: Request) -> None:
        token = self._tokens[request.id]
        if self._stopping:
            token.cancel()
        event = self._outcome(request, token)
        with self._lock:
            del self._tokens[request.id]
        self._events.send(event)

    def _outcome(self, request: Request, token: CancelToken) -> Event:
        """Run the handler; whatever happens becomes the one final event of the request."""
        try:
            token.raise_if_cancelled()
            result = self._handlers[type(request)](request, self._progress_sender(request.id), token)
            event = Result(request.id, result)
            encode(event)  # a result that is no JSON must fail here, not when it is sent
            return event
        except Cancelled:
            return CancelledEvent(request.id)
        except PediatricAbdomenSegError as error:
            return failed(request.id, error)
        except MemoryError:
            hint = "Close other programs, use a machine with more memory or choose a low-resolution configuration."
            return failed(request.id, ResourceError("The memory of this machine is not enough.", hint))
        except (Exception, SystemExit) as error:  # a defect: it must not take the worker down with it
            log_defect(error)
            if missing := package_not_installed(error):
                return failed(request.id, missing)
            message = f"The software failed unexpectedly ({type(error).__name__})."
            return Failed(request.id, "internal", message, "The worker's log says where; please report it.", 1)

    def _progress_sender(self, request_id: str) -> OnProgress:
        last_stage, last_time = "", float("-inf")

        def send(event: ProgressEvent) -> None:
            nonlocal last_stage, last_time
            now = self._clock()
            if event.stage != last_stage or now - last_time >= PROGRESS_INTERVAL_S:
                last_stage, last_time = event.stage, now
                self._events.send(Progress(request_id, event.stage, event.fraction, event.remaining_s))

        return send


def read_line(stream: BinaryIO) -> bytes | None:
    """Next line that is not blank, None at the end; a line over the limit is cut one byte behind it."""
    try:
        while line := stream.readline(MAX_LINE_BYTES + 1):
            rest = line
            while rest and not rest.endswith(b"\n"):
                rest = stream.readline(MAX_LINE_BYTES + 1)
            if line.strip():
                return line
    except (OSError, ValueError):  # the pipe broke or was closed under us: the same as its end
        return None
    return None


def log_defect(error: BaseException) -> None:
    """Log where ``error`` was raised, without its text: that may hold a path with a patient's name."""
    frames = "".join(
        f"  {frame.name} ({frame.filename}:{frame.lineno})\n" for frame in traceback.extract_tb(error.__traceback__)
    )
    sys.stderr.write(f"worker: {type(error).__name__} raised in\n{frames}")
    sys.stderr.flush()
